"""The page of speed ratios against a file written here; the published page against the published file."""

import json
import re

import pytest

from thinline.config.schema import CONF
from thinline.study.design.study import StudyError
from thinline.study.publish.speed_table import NOT_MEASURED, speed_block

ROOT = CONF.parent
PAGE = (ROOT / "docs/explanation/speed.md").read_text(encoding="utf-8")


def row(bench, name, threads, ratio, spread, comment="1 ms for 2"):
    return {
        "bench": bench,
        "name": name,
        "threads": threads,
        "ratio": ratio,
        "spread": spread,
        "comment": comment,
        "run": "1",
    }


RUNS = {
    "1": {"date": "2026-11-30T10:00:00+00:00", "machine": "A, x86-64-v4, 2 cores", "versions": {"torch": "2.15.0"}},
    "2": {"date": "2026-11-30T11:00:00+00:00", "machine": "A, x86-64-v4, 2 cores", "versions": {"torch": "2.15.0"}},
}


def block(tmp_path, *rows, runs=RUNS):
    path = tmp_path / "bench.json"
    path.write_text(json.dumps({"rows": rows, "runs": runs}))
    return speed_block(path)


def test_a_line_has_the_ratios_at_one_and_at_two_threads(tmp_path):
    rows = [
        row("losses", "dice, smp", 1, 6.244, 0.0149, "2 ms for 12"),
        row("losses", "focal | smp", 1, 0.953, 0.003),
        row("losses", "dice, smp", 2, 123.4, 0.05, "1 ms for 120"),
        row("study", "a process each", None, 12.345, None, "30 cells"),
        row("study", "pause", None, None, 0.14, "not held still: spread 14%"),
    ]
    assert block(tmp_path, *rows).splitlines() == [
        "## losses",
        "",
        "| compared | 1 thread | 2 threads |  |",
        "|---|---|---|---|",
        "| dice, smp | 6.24 ±1 % | 123 ±5 % | 2 ms for 12 |",
        r"| focal \| smp | .95 ±0 % | - | 1 ms for 2 |",
        "",
        "## study",
        "",
        "| compared | ratio |  |",
        "|---|---|---|",
        "| a process each | 12.3 (once) | 30 cells |",
        "| pause | not held still (±14 %) | not held still: spread 14% |",
        "",
        "## Machines",
        "",
        "- 2026-11-30: A, x86-64-v4, 2 cores; torch 2.15.0",
    ]


def test_no_file_and_no_rows_say_so(tmp_path):
    assert speed_block(tmp_path / "bench.json") == block(tmp_path, runs={}) == NOT_MEASURED


@pytest.mark.parametrize("text", ["{", "[]", '{"rows": [{"bench": "losses"}], "runs": {}}'])
def test_a_file_of_another_form_is_refused_by_its_name(tmp_path, text):
    (tmp_path / "bench.json").write_text(text)
    with pytest.raises(StudyError, match=r"bench\.json: expected rows and runs"):
        speed_block(tmp_path / "bench.json")


def test_every_ratio_of_the_page_is_in_the_file():
    """Read from the page line by line; tests/test_readme.py compares the block as a whole."""
    path = ROOT / "experiments/bench.json"
    published = PAGE.split("<!-- speed -->")[1].split("<!-- /speed -->")[0]
    ratios = re.findall(r"\| (\d*\.?\d+) (?:±|\(once)", published)
    assert len(ratios) > 20 or not path.exists()
    stored = [entry["ratio"] for entry in json.loads(path.read_text())["rows"]] if path.exists() else []
    for text in ratios:
        half = 0.5 * 10 ** -len(text.partition(".")[2]) + 1e-9
        assert any(ratio is not None and abs(ratio - float(text)) <= half for ratio in stored), text
