"""`thinline at-recall`: the rates of published runs at one recall, against their networks pixel by pixel."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from rich.console import Console
from scipy import stats
from tiny_study import CELLS, CONDITIONS, STUDY

import thinline.pipeline.recall_points
from thinline.cli.main import main
from thinline.config.schema import checked, compose_config
from thinline.data.batch import darkness_of
from thinline.data.cached_sheets import read as read_sheets
from thinline.metrics.thresholds import spread
from thinline.pipeline.finished_run import network_of, reopen
from thinline.pipeline.load import LoadedRun, load_run
from thinline.pipeline.sheets import plan_sheets, render_sheets
from thinline.runs import run_folders
from thinline.study.publish.folder import read_results, write_results
from thinline.sweep.study_results import declared

RUNS = CELLS


@pytest.fixture
def folder_of_study(published, tmp_path):
    """A copy of the published folder, which a test may write into."""
    copy = tmp_path / STUDY
    shutil.copytree(published, copy)
    return copy


def store_and_run(trained, folder_of_study, tmp_path):
    """A copy of the store, and the name of its first run."""
    store = shutil.copytree(trained, tmp_path / "store")
    return store, pd.read_parquet(folder_of_study / "results.parquet")["run"].iloc[0]


def at_recall(folder, store, cache, *more):
    default = [] if "--store" in more else ["--store", str(store)]
    return main(["at-recall", str(folder), *default, "--cache", str(cache), *more])


def test_every_published_run_has_its_rates_at_each_recall(folder_of_study, trained, cache, capsys):
    """The numbers of one run against its network, pixel by pixel."""
    assert at_recall(folder_of_study, trained, cache, "--recall", ".5", ".9") == 0
    text = capsys.readouterr().out
    assert f"{RUNS}/{RUNS}" in text
    assert "curve_2 at recall 0.9 on validation" in " ".join(text.split())
    table = pd.read_csv(folder_of_study / "at_recall.csv")
    assert len(table) == RUNS * 2 * 2
    assert main(["study", STUDY, "--out", str(folder_of_study), "--check"]) == 0, "it has a digest"
    run = table["run"].iloc[0]
    for row in table[table["run"] == run].to_dict("records"):
        val, test = (predicted(trained / "runs" / run, cache, split) for split in ("val", "test"))
        label = 1 + ("curve_1", "curve_2").index(row["class"])
        edge = round(float(spread(torch.tensor(row["threshold"]))) * 4096) / 4096
        assert rates(val, label, edge)[0] >= row["asked"]
        assert rates(val, label, edge + 1 / 4096)[0] < row["asked"], "the highest edge that reaches it"
        recall, precision = rates(test, label, edge)
        assert row["recall"] == pytest.approx(recall)
        assert row["precision"] == pytest.approx(precision, nan_ok=True)
        assert row["iou"] == pytest.approx(1 / (1 / precision + 1 / recall - 1))
        assert row["f1"] == pytest.approx(2 / (1 / precision + 1 / recall))


def predicted(folder, cache, split):
    """Spread probabilities [N,3,H,W] and labels [N,H,W] of a split."""
    config = OmegaConf.load(folder / "config.yaml")
    config.paths.cache = str(cache)
    conf = checked(config)
    sheets = getattr(render_sheets(plan_sheets(conf), conf, console=Console(quiet=True)), split)
    network = load_run(str(folder), folder.parents[1], device="cpu").network
    darkness = 1 - torch.from_numpy(np.array(sheets.images)).float() / 255
    with torch.inference_mode():
        probabilities = network(darkness[:, None]).softmax(1)
    return spread(probabilities), torch.from_numpy(np.array(sheets.labels))


def rates(split, label, threshold):
    """Recall and precision of one class where its probability is at least `threshold`."""
    probabilities, labels = split
    valid = labels != 255
    positive, true = (probabilities[:, label] >= threshold)[valid], (labels == label)[valid]
    hits = float((positive & true).sum())
    return hits / float(true.sum()), hits / max(float(positive.sum()), 1e-300)


def test_the_scores_of_a_run_are_computed_once(folder_of_study, trained, cache, monkeypatch):
    assert at_recall(folder_of_study, trained, cache) == 0
    first = (folder_of_study / "at_recall.csv").read_bytes()
    monkeypatch.setattr(thinline.pipeline.recall_points, "_counted", lambda *_, **__: pytest.fail("computed again"))
    assert at_recall(folder_of_study, trained, cache) == 0
    assert (folder_of_study / "at_recall.csv").read_bytes() == first


def test_no_training_sheet_is_drawn_for_the_scores_of_a_run(trained, tmp_path):
    """They are most of a run's sheets: those of one run at the budget `gpu` take 4 GB."""
    folder = next(folder for folder in run_folders(trained) if folder.finished)
    run = reopen(folder, network_of(folder, device="cpu"), cache=tmp_path / "cache", console=Console(quiet=True))
    config = OmegaConf.load(folder.config_path)
    counts = config.budget.counts
    assert (len(run.val), len(run.test)) == (counts.val, counts.test)
    drawn = [len(read_sheets(path)) for path in (tmp_path / "cache").glob("*.sheets")]
    assert sorted(drawn) == sorted([counts.val, counts.test])


def test_stored_scores_of_other_weights_are_computed_again(folder_of_study, trained, cache, tmp_path, monkeypatch):
    assert at_recall(folder_of_study, trained, cache) == 0
    store, run = store_and_run(trained, folder_of_study, tmp_path)
    checkpoint = store / "runs" / run / "checkpoints" / "last.ckpt"
    content = torch.load(checkpoint, weights_only=False)
    name = next(name for name in content["state_dict"] if name.endswith("bias"))
    content["state_dict"][name] += 0.5
    torch.save(content, checkpoint)
    count = thinline.pipeline.recall_points._counted
    computed = []

    def recorded(reopened, **options):
        computed.append(reopened.network.name.partition("@")[0])
        return count(reopened, **options)

    monkeypatch.setattr(thinline.pipeline.recall_points, "_counted", recorded)
    assert at_recall(folder_of_study, store, cache) == 0
    assert computed == [run]


def test_a_repeated_recall_has_one_row(folder_of_study, trained, cache):
    assert at_recall(folder_of_study, trained, cache, "--recall", ".9", ".9") == 0
    assert len(pd.read_csv(folder_of_study / "at_recall.csv")) == RUNS * 2


def test_conditions_are_compared_by_seed(folder_of_study, trained, cache, capsys):
    """Each difference as scipy's paired t test has it."""
    assert at_recall(folder_of_study, trained, cache, "--recall", ".9", "--against", "fresh/dice") == 0
    text = capsys.readouterr().out
    table = pd.read_csv(folder_of_study / "at_recall.csv")
    for of in ("curve_1", "curve_2"):
        wide = table[table["class"] == of].pivot(index="seed", columns="condition", values="iou")
        assert len(wide.columns) == len(CONDITIONS["data_mix"]) * len(CONDITIONS["loss"])
        for label in wide.columns:
            low, high = stats.ttest_rel(wide[label], wide["fresh/dice"]).confidence_interval()
            mean = (wide[label] - wide["fresh/dice"]).mean()
            if label != "fresh/dice":
                assert f"{printed(mean, '+')} [{printed(low)}, {printed(high)}]" in text
    assert "smallest difference of two rows in IoU that these seeds can tell: ." in " ".join(text.split())


def printed(value, sign=""):
    """Three decimals without a zero before the point and without the sign of a zero."""
    return ".000" if abs(value) < 0.0005 else f"{value:{sign}.3f}".replace("0.", ".")


def test_an_edited_table_is_found_and_replaced(folder_of_study, trained, cache, capsys):
    assert at_recall(folder_of_study, trained, cache) == 0
    table = folder_of_study / "at_recall.csv"
    first = table.read_bytes()
    table.write_bytes(first + b"\n")
    assert main(["study", STUDY, "--out", str(folder_of_study), "--check"]) == 1
    assert "at_recall.csv: at-recall" in " ".join(capsys.readouterr().out.split())
    assert at_recall(folder_of_study, trained, cache) == 0
    assert table.read_bytes() == first
    assert main(["study", STUDY, "--out", str(folder_of_study), "--check"]) == 0


def test_new_results_remove_the_table_of_the_old_ones(folder_of_study, trained, cache):
    assert at_recall(folder_of_study, trained, cache) == 0
    same = read_results(folder_of_study, declared(STUDY))
    write_results(folder_of_study, same)
    assert (folder_of_study / "at_recall.csv").exists()
    kept = same.cells["seed"] == same.cells["seed"].min()
    runs = set(same.cells.loc[kept, "run"])
    parts = {name: getattr(same, name)[getattr(same, name)["run"].isin(runs)] for name in ("cells", "rows", "sheets")}
    write_results(folder_of_study, replace(same, **parts))
    assert not (folder_of_study / "at_recall.csv").exists()
    assert "at_recall.csv" not in json.loads((folder_of_study / "digests.json").read_text())


def test_a_run_of_an_older_configuration_is_refused_by_name(folder_of_study, trained, cache, tmp_path, capsys):
    store, run = store_and_run(trained, folder_of_study, tmp_path)
    (store / "runs" / run / "scores.npz").unlink(missing_ok=True)
    path = store / "runs" / run / "config.yaml"
    config = OmegaConf.load(path)
    del config["overlays"]
    OmegaConf.save(config, path)
    assert at_recall(folder_of_study, store, cache) == 1
    text = " ".join(capsys.readouterr().out.split())
    assert run in text.replace(" ", "")
    assert "got an older one" in text


@pytest.mark.parametrize("head", ["softmax", "sigmoid_stack", "binary"])
def test_channels_of_every_head_are_counted_as_their_classes(head, cache):
    """A network that knows the truth has a precision of 1 at every recall."""
    conf = checked(compose_config(["budget=smoke", f"head={head}", f"paths.cache={cache}"]))
    test = render_sheets(plan_sheets(conf), conf, console=Console(quiet=True)).test
    one_head = instantiate(compose_config([f"head={head}"]).head)
    images = [darkness_of(torch.from_numpy(image.copy())).numpy().tobytes() for image in test.images]
    labels = dict(zip(images, test.labels, strict=True))
    drawn = torch.from_numpy(np.array(test.labels)).long()

    class Knowing(torch.nn.Module):
        def forward(self, image):
            truth = torch.from_numpy(labels[image[0, 0].numpy().tobytes()].copy()).long()[None]
            targets = one_head.truth(torch.where(truth == 255, 0, truth))
            ids = range(len(one_head.classes) - one_head.channels, len(one_head.classes))
            return torch.stack([torch.where(targets == label, 5.0, -5.0) for label in ids], dim=1)

    network = LoadedRun("known@0", Knowing(), one_head, 4.0, 64, True)
    counts = thinline.pipeline.recall_points._histogram(network, test, device="cpu")
    classes = one_head.classes[-one_head.channels :]
    scores = thinline.pipeline.recall_points.Scores(classes, counts, counts)
    for point in thinline.pipeline.recall_points.points(scores, 0.96):
        assert point.rates == {"recall": 1.0, "precision": 1.0, "iou": 1.0, "f1": 1.0}
        assert point.threshold == pytest.approx(0.9933 if head != "softmax" else 1.0, abs=0.001)
    curves = [name for name in classes if name != "background"]
    assert [point.of for point in thinline.pipeline.recall_points.points(scores, 0.5)] == curves
    valid = drawn != 255
    for channel, name in enumerate(classes):
        own = (drawn > 0) if name == "curve" else drawn == one_head.classes.index(name)
        assert int(counts[channel, 1].sum()) == int((own & valid).sum())


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--recall", "96"], "above 0 and at most 1, got 96"),
        (["--store", "nowhere"], f"lacking {RUNS}, as"),
        (["--against", "dice/nowhere"], "must be one of scarce/dice"),
    ],
)
def test_invalid_options_are_refused(folder_of_study, trained, cache, more, words, capsys):
    assert at_recall(folder_of_study, trained, cache, *more) == 1
    assert words in " ".join(capsys.readouterr().out.split())
    assert not (folder_of_study / "at_recall.csv").exists()


def test_sheets_that_are_drawn_otherwise_today_are_refused(folder_of_study, trained, cache, tmp_path, capsys):
    store, run = store_and_run(trained, folder_of_study, tmp_path)
    (store / "runs" / run / "scores.npz").unlink(missing_ok=True)
    manifest = store / "runs" / run / "manifest.json"
    content = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(content | {"dataset_digest": "0" * 16}))
    assert at_recall(folder_of_study, store, cache) == 1
    assert "drawn differently today" in " ".join(capsys.readouterr().out.split())
