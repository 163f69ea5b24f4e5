"""Published numbers are those of the results they came from, in README.md, docs/ and experiments/."""

import hashlib
import json
import re
from pathlib import Path

import pandas as pd
import pytest
from scipy import stats

from thinline.cli.publish import pages
from thinline.config.schema import CONF
from thinline.metrics.catalogue import PERTURBED_TRUTH
from thinline.study.publish.folder import check_unedited, read_results
from thinline.study.publish.readme_tables import published_folders
from thinline.sweep.study_results import declared
from thinline.sweep.tables import COLUMNS, LINE_COLUMNS

ROOT = Path(CONF).parent
README = (ROOT / "README.md").read_text()
FINDINGS = (ROOT / "docs/explanation/findings.md").read_text()
OUTPUTS = [README, (ROOT / "docs/getting-started/first-sweep.md").read_text()]
"""Pages with tables of `make train`: the first has a part of them."""
RESULTS = pd.read_csv(ROOT / "experiments/first_sweep/results.csv")
BESIDE = pd.read_csv(ROOT / "experiments/perturbed_truth.csv").query("budget == 'laptop' and resolution == 'pen1'")
LINES = [column for column in LINE_COLUMNS if column != ("test", "viterbi_mae_track")]
"""The runs of the first sweep are older than the error with gaps."""


def published(page):
    """(class, columns, cell, numbers) of every line of the tables of a page."""
    block = page.split("<!-- output -->")[1].split("<!-- /output -->")[0]
    name, columns = "", COLUMNS
    for line in block.splitlines():
        if match := re.match(r" +(\w+)(:| as a line)", line):
            name, columns = match[1], COLUMNS if match[2] == ":" else LINES
        elif match := re.match(r" +\*? +(\w+|truth.*?\w) +((?:(?:\d*\.\d+|\d+|-) *){7,8})$", line):
            yield name, columns, match[1], match[2].split()


def test_there_is_a_line_for_every_class_and_loss_and_for_every_perturbed_truth_of_a_curve():
    part, whole = OUTPUTS
    assert len(list(published(whole))) == 2 * 2 * (3 + len(PERTURBED_TRUTH)) + 3
    assert len(list(published(part))) == 2 * (3 + 1)
    lines = set(whole.splitlines())
    assert all(line in lines for line in part.split("<!-- output -->")[1].split("<!-- /output -->")[0].splitlines())


@pytest.mark.parametrize(("name", "columns", "cell", "numbers"), [line for page in OUTPUTS for line in published(page)])
def test_every_number_of_the_readme_is_in_the_results(name, columns, cell, numbers):
    perturbed = {label: split for split, label in PERTURBED_TRUTH.items()}
    rows = RESULTS[RESULTS["loss"] == (cell if cell not in perturbed else "dice")]
    rows = pd.concat([rows, BESIDE[BESIDE["seed"] == 0]])
    rows = rows[rows["class"] == name]
    values = rows.set_index(["split", "measure"])["value"]
    for (split, measure), printed in zip(columns, numbers, strict=True):
        there = perturbed.get(cell, split) if split == "test" else split
        if cell in perturbed and split != "test":
            assert printed == "-"
        else:
            digits = len(printed.partition(".")[2])
            assert printed == f"{values[there, measure]:.{digits}f}".removeprefix("0" if digits else "")
            assert digits >= 3 or measure in ("breaks", "viterbi_swaps")


def test_the_readme_has_at_most_150_lines_and_12_kb():
    assert len(README.splitlines()) <= 150
    assert len(README.encode()) <= 12_000


def test_every_number_of_the_findings_is_in_a_study():
    """Numbers of three digits, on the page of a study or in the table of the three families."""
    findings = README.split("## Findings")[1].split("## Your own images")[0]
    studies = [(path / "README.md").read_text() for path in published_folders(ROOT / "experiments")]
    known = set(re.findall(r"\.\d{3}\b", "\n".join([FINDINGS, *studies])))
    numbers = re.findall(r"\.\d{3}\b", findings)
    assert len(numbers) > 30
    assert set(numbers) <= known


def test_the_readme_counts_the_verdicts():
    counts = {
        verdict.lower(): number for verdict, number in re.findall(r"^\*\*([\w ]+): (\d+)\*\*", FINDINGS, re.MULTILINE)
    }
    assert set(counts) == {"supported", "refuted", "depends on another factor", "undecided", "not tested"}
    text = " ".join(README.split()).replace("depend on", "depends on")
    for verdict, number in counts.items():
        assert re.search(rf"\b{number} (are )?{verdict}\b", text), verdict


def test_the_generated_blocks_are_up_to_date():
    for path, text in pages(ROOT).items():
        assert path.read_text(encoding="utf-8") == text, f"{path}: python -m thinline publish writes it anew"


@pytest.mark.parametrize("folder", published_folders(ROOT / "experiments"), ids=lambda folder: folder.name)
def test_a_published_study_is_whole_and_as_it_was_written(folder):
    check_unedited(folder)
    results = read_results(folder, declared(folder.name))
    assert len(results.seeds) > 1
    rows = pd.concat([results.rows, results.beside])
    rows = rows[rows["class"] == "curve_1"]
    lacking = set(rows["run"]) - set(rows.loc[rows["split"] == "oracle_shift_normal", "run"])
    assert not lacking, "sheets that are not in perturbed_truth.csv: thinline publish --perturbed-truth"
    text = (folder / "README.md").read_text()
    for word in ("*Question.*", "*Predictions", "*Verdict.*", "python train.py"):
        assert word in text, word
    named = (
        "conditions.csv",
        "effects.csv",
        "verdicts.csv",
        "findings.csv",
        "environment.json",
        "report.html",
        "figures/frontier.png",
    )
    for name in named:
        assert (folder / name).exists(), name
    assert not (folder / "results.csv").exists(), "results.parquet is the only full table"
    assert (folder / "report.html").stat().st_size < 700_000, "a report that changes as a whole stays small"


@pytest.mark.parametrize(("study", "digest"), json.loads((ROOT / "experiments/predictions.json").read_text()).items())
def test_predictions_stay_as_they_were_written(study, digest):
    """Verdicts are written beneath them, and must not run into them: the digest is of the words, not of the lines."""
    text = (ROOT / "experiments" / study / "README.md").read_text()
    predictions = text.split("*Predictions", 1)[1].split("*What ran.*")[0]
    assert hashlib.sha256(" ".join(f"*Predictions{predictions}".split()).encode()).hexdigest() == digest


def test_at_least_one_study_is_published():
    assert published_folders(ROOT / "experiments")


def test_the_differences_at_each_level_are_those_of_the_results():
    """Recomputed with scipy from the pooled values of every cell."""
    folder = ROOT / "experiments" / "three_family"
    page = (folder / "README.md").read_text().split("## At each level of the other factors")[1].split("## ")[0]
    results = read_results(folder, declared("three_family"))
    whole = results.rows[results.rows["split"] == "test"].merge(results.cells[["run", "condition", "seed"]], on="run")
    lines = [line.split(" | ") for line in page.splitlines() if line.startswith("| ") and " less " in line]
    assert len(lines) == 20
    for difference, at, *cells in lines:
        plus, minus = difference.removeprefix("| ").split(" less ")
        factor = next(name for name, levels in results.factors.items() if plus in levels)
        others = [name for name in results.factors if name != factor]
        levels = dict(zip(others, at.split("/"), strict=True))
        conditions = ["/".join({**levels, factor: level}[name] for name in results.factors) for level in (plus, minus)]
        for measure, cell in zip(("precision", "recall", "iou"), cells, strict=True):
            texts = cell.removesuffix(" |").split(" / ")
            for curve, text in zip(("curve_1", "curve_2"), texts, strict=True):
                own = whole[(whole["measure"] == measure) & (whole["class"] == curve)]
                table = own.pivot_table(index="seed", columns="condition", values="value", observed=True)
                each = table[conditions[0]] - table[conditions[1]]
                low, high = stats.t.interval(0.95, len(each) - 1, each.mean(), stats.sem(each))
                numbers = [float(number) for number in re.findall(r"[-+]?\.\d+", text)]
                assert numbers == pytest.approx([each.mean(), low, high], abs=5.1e-4), (difference, at, measure, curve)
