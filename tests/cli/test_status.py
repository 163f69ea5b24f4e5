"""The list of runs: the latest first, one line each at 80 columns."""

import argparse
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console
from run_cases import begun, cell, finished

from thinline.cli.status import run

HOUR = timedelta(hours=1)


@pytest.fixture
def store(tmp_path):
    """Three runs: finished three hours ago, failed a minute ago, and killed two days ago with 30 levels of a name."""
    now = datetime.now(UTC)
    long = "effective_number(beta=0.9999)"
    failed = begun(tmp_path, cell("lovasz", 1, class_weight=long))
    failed.finish("FAILED", ValueError("the weight cannot act\non this head, " + "and why is a long story " * 5))
    failed.unlock()
    killed = begun(tmp_path, cell("tversky", 2, class_weight=long))
    killed.unlock()
    done = finished(tmp_path, cell("dice", 0, class_weight="none"), value=0.125)
    for folder, ended in ((done, now - 3 * HOUR), (failed, now - timedelta(seconds=61)), (killed, now - 48 * HOUR)):
        manifest = folder.manifest()
        texts = [moment.isoformat("T", "seconds") for moment in (ended - HOUR, ended)]
        if folder is killed:
            texts = [texts[1], None]
        text = replace(manifest, started=texts[0], finished=texts[1]).to_json()
        (folder.path / "manifest.json").write_text(text)
    return tmp_path


def printed(store, *, width=80, terminal=True):
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=terminal, color_system=None, markup=False, highlight=False)
    assert run(argparse.Namespace(store=store), console) == 0
    return out.getvalue()


@pytest.mark.parametrize("width", [80, 120])
def test_the_latest_run_is_first_and_every_run_is_a_line_that_fits(store, width):
    text = printed(store, width=width)
    lines = [line.split() for line in text.splitlines() if " ago " in line]
    assert [line[1:5] for line in lines] == [
        ["1", "min", "ago", "FAILED"],
        ["3", "h", "ago", "FINISHED"],
        ["2", "d", "ago", "KILLED"],
    ]
    assert max(len(line.rstrip()) for line in text.splitlines()) <= width
    names = [path.name for path in (store / "runs").iterdir()]
    assert sorted(line[0] for line in lines) == sorted(name.rpartition("-")[2] for name in names)


def test_the_iou_of_each_curve_is_printed_with_the_levels_that_differ(store):
    text = printed(store, width=120)
    heads = " ".join(text.split("──")[0].split())
    assert heads == "IoU IoU id age state curve_1 curve_2 levels"
    (line,) = [line.split() for line in text.splitlines() if "FINISHED" in line]
    assert line[5:] == [".125", "-", "dice/none/s0"]  # the second curve is not on the test sheets
    (failed,) = [line.split() for line in text.splitlines() if "FAILED" in line]
    assert failed[5:8] == ["-", "-", "lovasz/effective_number(beta=0.9999)/s1"]
    assert failed[8] == "ValueError:"


def test_piped_output_has_whole_names_and_errors(store):
    text = printed(store, terminal=False)
    assert all(path.name in text for path in (store / "runs").iterdir())
    assert "ValueError: the weight cannot act on this head, " + "and why is a long story " * 4 in text


def test_a_lost_table_is_no_error(store):
    for path in store.glob("runs/*/per_class.parquet"):
        path.unlink()
    assert "FINISHED" in printed(store)
