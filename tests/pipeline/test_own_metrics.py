"""A metric of the user in a run: its values stand in the tables beside the others, in every split of the test."""

import sys

import numpy as np
import pandas as pd
import pytest
from cell_cases import manifest, only_folder, run, tables
from rich.console import Console

from thinline import runs
from thinline.metrics import catalogue
from thinline.metrics.own import OwnMetricError
from thinline.pipeline.locate import locate
from thinline.pipeline.train import check_parts
from thinline.runs import FAILED
from thinline.sweep.tables import class_tables

SOURCE = """
def iou(prediction, truth, class_id, *, scale=1):
    predicted, true = prediction == class_id, truth == class_id
    predicted = predicted & (truth != 255)
    return scale * (predicted & true).sum(), (predicted | true).sum()


def late(prediction, truth, class_id):
    return 1 if prediction.shape == (64, 64) else None


def fails(prediction, truth, class_id):
    raise RuntimeError("no")
"""
OWN = ("metrics.twice._target_=mine_measured.iou", "+metrics.twice.scale=2", "+metrics.twice.label=twice IoU")


@pytest.fixture
def own(tmp_path, tiny, monkeypatch):
    """`own(*overrides)`: a cell with the metrics of `SOURCE`."""
    (tmp_path / "mine_measured.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "mine_measured", raising=False)
    monkeypatch.setattr(catalogue, "_registered", {})
    return lambda *overrides: tiny(*(f"+{text}" if text.startswith("metrics") else text for text in overrides))


def test_values_of_an_own_metric_are_those_of_the_same_metric_of_the_catalogue(own, tmp_path, monkeypatch):
    ended = run(own(*OWN))
    for table in tables(ended):
        rows = table[(table["class"] != "background") & ~table["split"].isin(["val", "tuned"])]
        keys = ["split", "class", *(["sheet"] if "sheet" in rows else [])]
        twice, once = (rows[rows["measure"] == name].set_index(keys) for name in ("twice", "iou"))
        expected = (2 * once["value"]).sort_index()
        pd.testing.assert_series_equal(twice["value"].sort_index(), expected, check_exact=False, rtol=1e-12)
        assert (twice["support"].sort_index() == once["support"].sort_index()).all()
        assert twice["signature"].str.fullmatch(r"twice\|own:[0-9a-f]{10}\|absent:nan\|ignore:255").all()
        assert not twice.empty
    assert manifest(ended).cell.factors["metrics"] == "twice"
    assert manifest(ended).origin.own_code.keys() == {"mine_measured"}
    numbers = runs.RunFolder.open(ended.folder).history()[-1].metrics
    assert np.isfinite(numbers["test/twice/curve_1"])
    # another process only reads the store
    monkeypatch.setattr(catalogue, "_registered", {})
    rows = runs.read(tmp_path / "store")
    assert catalogue.metric("twice").label == "twice IoU"
    console = Console(width=100, record=True)
    for each in class_tables(rows, order=[ended.name], width=100):
        console.print(each)
    assert "curve_2 by own metrics" in console.export_text()


def test_source_and_options_of_an_own_metric_are_part_of_the_identity(own, tmp_path):
    def located(*overrides):
        return locate(*own(*overrides)).folder.name

    first = located(*OWN)
    assert first == located(*OWN) == located(*OWN[:2], "+metrics.twice.label=other")
    assert len({first, located(), located(OWN[0])}) == 3
    (tmp_path / "mine_measured.py").write_text(SOURCE + "\n# edited")
    assert located(*OWN) != first


def test_an_own_metric_that_fails_is_refused_before_anything_is_written(own, tmp_path):
    with pytest.raises(OwnMetricError, match=r"metric `bad` raised RuntimeError: no \(mine_measured.py, line 13\)"):
        check_parts(own("metrics.bad._target_=mine_measured.fails")[0])
    assert not (tmp_path / "store").exists()


def test_an_own_metric_that_fails_on_the_images_of_the_run_is_refused_before_training(own, tmp_path):
    with pytest.raises(OwnMetricError, match=r"metric `bad` must return a number, .* got None for class 1"):
        run(own("metrics.bad._target_=mine_measured.late"))
    folder = only_folder(tmp_path / "store")
    assert folder.manifest().status == FAILED
    assert not list(folder.checkpoints.iterdir())
