"""The best checkpoint and early stopping in a cell that is trained, killed and resumed."""

import re
import shutil

import pandas as pd
import pytest
import torch
from cell_cases import manifest, only_folder, run, tables

from thinline.config.schema import ConfigError
from thinline.config.trained_run import trained_files
from thinline.pipeline.cell import steps_done
from thinline.pipeline.locate import locate
from thinline.runs import FINISHED, RunFolder
from thinline.system.signals import Killed
from thinline.training.settings import BEST, LAST

LONG = (
    *("budget.steps=12", "seed=4", "optimiser.learning_rate=0.002", "trainer.precision=fp32"),
    "checkpoint.monitor=val/f1/curve_1",
)
"""Four validations; the F1 of curve_1 rises to the second one and falls then."""


def validations(folder):
    """The monitored values by step."""
    lines = RunFolder.open(folder).history()
    return {line.step: line.metrics["val/f1/curve_1"] for line in lines if "val/f1/curve_1" in line.metrics}


def weights(path):
    return torch.load(path, weights_only=True)["state_dict"]


def test_the_best_checkpoint_is_that_of_the_largest_value(tiny):
    ended = run(tiny(*LONG))
    values = validations(ended.folder)
    assert list(values) == [3, 6, 9, 12]
    assert max(values, key=values.get) == 6, values  # else the test shows nothing
    saved = torch.load(ended.folder / "checkpoints" / BEST, weights_only=True)
    assert saved["global_step"] == 6
    assert steps_done(ended.folder / "checkpoints" / LAST) == 12
    # the test reads the last one, as in a run that keeps no other
    plain = run(tiny(*(text for text in LONG if "monitor" not in text)))
    assert plain.folder != ended.folder
    for old, new in zip(tables(plain), tables(ended), strict=True):
        pd.testing.assert_frame_equal(old, new, check_exact=True)
    assert not (plain.folder / "checkpoints" / BEST).exists()
    shorter = weights(ended.folder / "checkpoints" / BEST)
    assert any(
        not torch.equal(tensor, shorter[name]) for name, tensor in weights(ended.folder / "checkpoints" / LAST).items()
    )


def test_a_run_that_is_tested_with_the_best_has_its_numbers_and_is_opened_with_it(tiny, tmp_path):
    ended = run(tiny(*LONG, "checkpoint.test=best"))
    values = validations(ended.folder)
    rows = tables(ended)[0].set_index(["split", "measure", "class"])["value"]
    assert rows["val", "f1", "curve_1"] == pytest.approx(values[6], abs=1e-6)
    assert values[6] > values[9] + 1e-3
    assert trained_files(ended.name, tmp_path / "store").checkpoint.name == BEST
    assert manifest(ended).cell.factors["checkpoint"] == "monitor=val/f1/curve_1,patience=None,test=best"


def test_a_run_that_stops_early_and_is_killed_twice_ends_as_undisturbed(tiny, tmp_path, monkeypatch, capsys):
    """Killed before the validation that stops it, and before its results are written."""
    cell = (*LONG, "checkpoint.patience=1", "checkpoint.test=best")
    undisturbed = run(tiny(*cell))
    assert steps_done(undisturbed.folder / "checkpoints" / LAST) == 9
    text = capsys.readouterr().out
    assert re.search(
        r"stopped at step 9 of 12 \(checkpoint.patience\); best val/f1/curve_1 0.04\d at step 6, kept", text
    )
    assert RunFolder.open(undisturbed.folder).history()[-1].step == 9
    kept, history = tables(undisturbed), validations(undisturbed.folder)
    shutil.rmtree(undisturbed.folder)
    log = RunFolder.log

    def killed_at_step_9(self, step, metrics):
        if step == 9 and "val/f1/curve_1" in metrics:
            raise Killed(15)
        return log(self, step, metrics)

    for name, how in (("log", killed_at_step_9), ("write_results", lambda *_: (_ for _ in ()).throw(Killed(2)))):
        with monkeypatch.context() as patch:
            patch.setattr(RunFolder, name, how)
            with pytest.raises(Killed):
                run(tiny(*cell))
    assert steps_done(only_folder(tmp_path / "store").checkpoints / LAST) == 9
    resumed = run(tiny(*cell))
    assert (manifest(resumed).status, manifest(resumed).attempts) == (FINISHED, 3)
    assert steps_done(resumed.folder / "checkpoints" / LAST) == 9
    assert validations(resumed.folder) == history
    for old, new in zip(kept, tables(resumed), strict=True):
        pd.testing.assert_frame_equal(old, new, check_exact=True)


def test_defaults_leave_the_name_of_a_run_and_every_rule_changes_it(tiny):
    names = [
        locate(*tiny(*cell)).folder.name
        for cell in (
            (),
            ("checkpoint.test=last", "checkpoint.patience=null"),
            ("checkpoint.monitor=val/f1/curve_1",),
            ("checkpoint.monitor=val/f1/curve_1", "checkpoint.patience=2"),
        )
    ]
    assert names[0] == names[1]
    assert len(set(names)) == 3
    with pytest.raises(ConfigError, match="needs a metric of validation"):
        tiny("checkpoint.patience=2")
