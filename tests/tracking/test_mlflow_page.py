"""The page of MLflow on a finished study, as a user sees it in a real browser.

With THINLINE_PICTURES=<folder> it leaves pictures for the README there, of the published numbers of the study where
there are any; else the numbers are drawn here.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mlflow.tracking import MlflowClient
from run_cases import EXPERIMENT, copied
from scipy import stats

from thinline import runs as stored_runs
from thinline.config.schema import CONF
from thinline.pipeline.mlflow_run_names import cell_name, comparison, parent_name, parent_tags
from thinline.runs import CLASS_COLUMNS, FINISHED, Cell, Origin, RunFolder, cell_digest, cell_slug
from thinline.study.design.study import SEED, expand
from thinline.study.publish.folder import RESULTS
from thinline.sweep.conditions import conditions_of
from thinline.sweep.study_results import declared
from thinline.tracking.attach import attach
from thinline.tracking.download import fetch
from thinline.tracking.tracker import Tracker
from thinline.tracking.views import LOCAL_PAGE

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
if CHROMIUM is None:
    pytest.skip("needs chromium, google-chrome or chromium-browser on the PATH", allow_module_level=True)

from playwright.sync_api import BrowserContext, Locator, Page, expect, sync_playwright  # noqa: E402 - brings no browser

STUDY = declared("three_family")
FACTORS = tuple(name for name in STUDY.names if name != SEED)
CLASSES = ("background", "curve_1", "curve_2")
OTHERS = {"head": "softmax", "resolution": "pen1", "network": "unet_slim", "budget": "laptop", "optimiser": "muon"}
PUBLISHED = CONF.parent / "experiments" / STUDY.name / RESULTS
PICTURES = os.environ.get("THINLINE_PICTURES")
PATIENCE_MS = 30_000


@dataclass(frozen=True)
class Shown:
    """A study in a store: the server's address, the parent's id, the links that the sweep prints, and name, levels and
    best-first value of each cell."""

    root: Path
    url: str
    parent: str
    links: tuple[str, str]
    cells: pd.DataFrame


def drawn(cell: dict[str, str]) -> dict[str, float]:
    """Numbers of a cell, another for every cell."""
    rng = np.random.default_rng([sum(map(ord, f"{name}{level}")) for name, level in cell.items()])
    measures = ("test/iou", "test/precision", "test/recall", "test/f1", "val/iou", "oracle_jitter/iou")
    return {f"{measure}/{name}": float(rng.uniform(0.3, 0.9)) for measure in measures for name in CLASSES}


def numbers() -> list[tuple[dict[str, str], dict[str, float]]]:
    """Two losses and two seeds of the cells of the study, as many as fit the page, and what was measured of them.

    Where no pictures are asked for, each loss has one data mix.
    """
    cells = [cell for cell in expand(STUDY) if cell[SEED] in STUDY.seeds[:2] and cell["loss"] in ("soft_ce", "dice")]
    if PICTURES is None or not PUBLISHED.exists():
        pairs = {("soft_ce", "scarce"), ("dice", "fresh")}
        return [(cell, drawn(cell)) for cell in cells if (cell["loss"], cell["data_mix"]) in pairs]
    table = pd.read_parquet(PUBLISHED).astype({SEED: str})
    table = table[table["sheet"].isna()]
    table["name"] = table["split"] + "/" + table["measure"] + "/" + table["class"]
    actual = table.groupby([*FACTORS, SEED])
    return [(cell, dict(actual.get_group(tuple(cell.values()))[["name", "value"]].to_numpy())) for cell in cells]


def run(root: Path, tracker: Tracker, parent: str, cell: dict[str, str], metrics: dict[str, float]) -> tuple[str, str]:
    """A finished run of a cell, in a run folder, without training; its names in MLflow and on the disk."""
    levels = {"loss": cell["loss"], "class_weight": cell["class_weight"], "data_mix": cell["data_mix"]} | OTHERS
    result = levels | {SEED: cell[SEED]}
    folder = RunFolder(root, cell_slug(result), cell_digest(result))
    assert folder.try_lock()
    folder.begin(
        Cell(levels, int(cell[SEED]), {"loss": {"name": cell["loss"]}}, "d1"), Origin(None, None, {}), study=STUDY.name
    )
    folder.write_config(f"loss: {cell['loss']}\n")
    name = cell_name(result, STUDY.names)
    assert name is not None
    steps = [(step, {"train/loss": 1 / (1 + step), "data/unique": 6.0}) for step in range(0, 100, 20)]
    tracker.start(folder, parent_id=parent, name=name)
    for step, line in [*steps, (100, metrics)]:
        tracker.log(folder.log(step, line))
    rows = [(*name.split("/"), value, 10, "v:1") for name, value in metrics.items()]
    table = pd.DataFrame(rows, columns=list(CLASS_COLUMNS))
    folder.write_results(table, table.assign(sheet=0))
    folder.finish(FINISHED)
    assert tracker.finish(FINISHED)
    folder.unlock()
    return name, folder.name


def swept(root: Path) -> tuple[str, tuple[str, str], pd.DataFrame]:
    """A store with the study in it; the parent's id, the links to the sweep, and the cells, best first."""
    uri = f"sqlite:///{root}/mlflow.db"
    tracker = Tracker(uri, EXPERIMENT, root)
    tracker.initialise()
    overrides = [f"+experiment={STUDY.name}"]
    cells = numbers()
    tags = parent_tags(STUDY, overrides, len(cells))
    compared = comparison(STUDY, STUDY.names, CLASSES)
    parent = tracker.open_parent(parent_name(STUDY, overrides), tags, compared)
    rows = []
    for cell, metrics in cells:
        name, folder = run(root, tracker, parent, cell, metrics)
        rows.append({"name": name, "folder": folder, **cell, "iou": metrics["test/iou/curve_1"]})
    folders = [row["folder"] for row in rows]
    conditions = conditions_of(root, folders, varied=STUDY.names, measures=compared.measures)
    links = tracker.close_parent(parent, FINISHED, cells=folders, conditions=conditions)
    assert links is not None
    report = root / "report.html"
    report.write_text("<p>a report</p>")
    assert attach(uri, STUDY.name, [report], root=root, experiment=EXPERIMENT) == parent
    return parent, links, pd.DataFrame(rows).sort_values("iou", ascending=False, ignore_index=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def server(root: Path) -> Iterator[str]:
    """The server on the store, its address once it answers: what `mlflow ui` starts, without the process around it."""
    url, port = "http://127.0.0.1:{}", free_port()
    command = [sys.executable, "-m", "uvicorn", "mlflow.server.fastapi_app:app", "--port", str(port)]
    options = {"_MLFLOW_SERVER_FILE_STORE": f"sqlite:///{root}/mlflow.db", "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true"}
    options |= {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (root / "server.log").open("w") as log:
        process = subprocess.Popen(
            command, env=os.environ | options, cwd=root, stdout=log, stderr=log, start_new_session=True
        )
        try:
            _wait(f"{url.format(port)}/health", process, root / "server.log")
            yield url.format(port)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until and process.poll() is None:
        with suppress(OSError), urllib.request.urlopen(url, timeout=5) as answer:
            if answer.status == 200:
                return
        time.sleep(0.2)
    raise AssertionError(f"expected MLflow to answer at {url}, got:\n{log.read_text()[-2000:]}")


@contextmanager
def opened(context: BrowserContext, url: str) -> Iterator[Page]:
    """A page for which MLflow has stored nothing in the browser; its scripts are in the cache after the first page."""
    page = context.new_page()
    page.goto(url)
    yield page
    page.evaluate("localStorage.clear()")
    for tab in context.pages:
        tab.close()


def picture(page: Page, name: str) -> None:
    if PICTURES:
        page.mouse.move(0, 0)
        page.screenshot(path=Path(PICTURES) / name)


def close_assistant(page: Page) -> None:
    """The panel that MLflow opens beside its page."""
    panel = page.get_by_text("MLflow Assistant").locator("xpath=ancestor::div[.//button][1]")
    with suppress(AssertionError):
        expect(panel).to_be_visible(timeout=2000)
        panel.get_by_role("button").last.click()


def names(page: Page) -> Locator:
    """The names of runs in the table, from above."""
    return page.locator("[col-id='attributes.`Run Name`'] a")


def sees_parent_and_children(page: Page, shown: Shown) -> None:
    expect(names(page)).to_have_text([STUDY.name])
    page.locator("[col-id='attributes.`Run Name`'] button").first.click()
    conditions = {name.rpartition("-s")[0] for name in shown.cells["name"]}
    expect(names(page)).to_have_count(1 + len(conditions) + len(shown.cells))
    assert set(names(page).all_inner_texts()) == {STUDY.name, *conditions, *shown.cells["name"]}
    assert {"soft_ce-none-scarce-s0", "dice-measured-fresh-s1"} <= set(shown.cells["name"])


def chooses_factors_as_columns(page: Page) -> None:
    page.get_by_role("button", name="Columns").click()
    for name in FACTORS:
        page.get_by_placeholder("Search columns").fill(name)
        line = page.locator("[class*='tree-treenode']").filter(has_text=re.compile(rf"^\s*{name}\s*$"))
        line.first.locator("[class*='tree-checkbox']").first.click()
        expect(page.locator(f"[role=columnheader][col-id='params.`{name}`']")).to_be_visible()
    page.keyboard.press("Escape")
    levels = page.locator("[role=gridcell][col-id='params.`class_weight`']").all_inner_texts()
    assert {"none", "measured"} <= set(levels)


def shows_charts(page: Page) -> None:
    page.locator("label", has=page.locator("input[value=CHART]")).click()


def sees_charts_by_split_and_measure(page: Page) -> None:
    shows_charts(page)
    for group in ("test/iou", "test/precision", "test/recall"):
        expect(page.get_by_text(group, exact=True).first).to_be_attached()
    page.get_by_placeholder("Search metric charts").fill("test/precision/curve_1")
    expect(page.get_by_text("test/precision/curve_1", exact=True)).to_have_count(1)
    expect(page.get_by_text("test/recall", exact=True)).to_have_count(0)


def opens_view(page: Page, name: str) -> None:
    page.get_by_test_id("saved-views-trigger").click()
    page.get_by_role("menu").get_by_text(f"{STUDY.name}: {name}", exact=True).click()
    expect(page.get_by_text("viewing a shared view")).to_be_visible()


def follows_link(page: Page, name: str) -> Page:
    """The view that the description of the experiment leads to, in a new tab."""
    with page.context.expect_page() as opened_tab:
        page.get_by_role("link", name=f"{STUDY.name}: {name}").click()
    expect(opened_tab.value.get_by_text("viewing a shared view")).to_be_visible()
    return opened_tab.value


def column(page: Page, name: str) -> list[str]:
    """A column from above; the page keeps its rows in another order."""
    cells = page.locator(f"[role=gridcell][col-id='{name}']")
    pairs: list[tuple[int, str]] = cells.evaluate_all(
        "cells => cells.map(cell =>"
        " [Number(cell.closest('[row-index]').getAttribute('row-index')), cell.innerText.trim()])"
    )
    return [text.splitlines()[-1] for _, text in sorted(pairs)]  # a name stands below its colour


def sees_cells_best_first(page: Page, shown: Shown) -> None:
    expect(names(page)).to_have_count(len(shown.cells))
    assert column(page, "attributes.`Run Name`") == list(shown.cells["name"])
    for name in (*FACTORS, SEED):
        expect(page.locator(f"[role=gridcell][col-id='params.`{name}`']")).to_have_count(len(shown.cells))
        assert column(page, f"params.`{name}`") == list(shown.cells[name])
    result = [float(text) for text in column(page, "metrics.`test/iou/curve_1`")]
    np.testing.assert_allclose(result, shown.cells["iou"], rtol=1e-12)


def sees_means_over_seeds(page: Page, shown: Shown) -> None:
    means = shown.cells.groupby(list(FACTORS))["iou"].mean()
    expect(page.get_by_text("Group: ")).to_have_count(len(means))
    result = [text for text in column(page, "metrics.`test/iou/curve_1`") if text.endswith("(average)")]
    np.testing.assert_allclose(sorted(float(text.split()[0]) for text in result), sorted(means), rtol=1e-12)
    shows_charts(page)
    first = page.get_by_text(re.compile(r"^test/|^val/")).first
    expect(first).to_have_text(re.compile("^test/iou"))


def served(shown: Shown, link: str) -> str:
    """A link of a sweep, at the port of this server."""
    assert link.startswith(LOCAL_PAGE)
    return shown.url + link.removeprefix(LOCAL_PAGE)


def sees_in_the_window(page: Page, *columns: str) -> None:
    """The heads of these columns are in sight without scrolling."""
    for name in columns:
        box = page.locator(f"[role=columnheader][col-id='{name}']").bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= page.viewport_size["width"]


def sees_conditions_with_intervals(page: Page, shown: Shown) -> None:
    """One row for each configuration: mean, deviation and Student's interval over its seeds, computed here by scipy."""
    groups = [group["iou"].to_numpy() for _, group in shown.cells.groupby(list(FACTORS))]
    expect(names(page)).to_have_count(len(groups))
    ends = [stats.t.interval(0.95, len(iou) - 1, iou.mean(), stats.sem(iou)) for iou in groups]
    rows = [(iou.mean(), iou.std(ddof=1), *end) for iou, end in zip(groups, ends, strict=True)]
    rows.sort(reverse=True)
    texts = column(page, "tags.`IoU curve_1`")
    numbers = [[float(text) for text in re.findall(r"-?\d*\.\d+", line)] for line in texts]
    np.testing.assert_allclose(numbers, rows, atol=0.00051)
    sees_in_the_window(page, "tags.`IoU curve_1`", "tags.`IoU curve_2`")


def opens_the_metrics_of_the_best_cell(page: Page, shown: Shown) -> None:
    """The page of a run says what it is; its metrics open with the IoU of each curve."""
    names(page).first.click()
    expect(page.get_by_text("IoU on the test images: curve_1")).to_be_visible()
    page.get_by_role("tab", name="Model metrics").click()
    sections = page.get_by_text(re.compile(r"^(data|oracle_jitter|test|train|tuned|val)(/\w+)?( \(\d+\))?$"))
    expect(sections.first).to_have_text(re.compile(r"^test/iou"))
    expect(page.get_by_text("curve_1", exact=True).first).to_be_visible()


def sees_the_parent(page: Page) -> None:
    expect(page.get_by_text(STUDY.question[:40])).to_be_visible()
    page.get_by_role("tab", name="Artifacts").click()
    page.get_by_text("report", exact=True).click()
    expect(page.get_by_text("report.html", exact=True).first).to_be_visible()


def test_a_finished_study_on_the_page_of_mlflow(prepared: Path, tmp_path: Path) -> None:
    root = copied(prepared, tmp_path / "mlruns").root
    parent, links, ranked = swept(root)
    with server(root) as url, sync_playwright() as playwright:
        shown = Shown(root, url, parent, links, ranked)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        user = browser.new_context(viewport={"width": 1440, "height": 900})
        user.set_default_timeout(PATIENCE_MS)
        experiment = MlflowClient(f"sqlite:///{root}/mlflow.db").get_experiment_by_name(EXPERIMENT)
        runs = f"{url}/#/experiments/{experiment.experiment_id}/runs"
        with opened(user, f"{runs}?workflowType=machine_learning") as page:
            close_assistant(page)
            sees_parent_and_children(page, shown)
            chooses_factors_as_columns(page)
            sees_charts_by_split_and_measure(page)
            cells = follows_link(page, "cells")
            sees_cells_best_first(cells, shown)
            picture(cells, "mlflow.png")
            opens_view(cells, "mean over seeds")
            sees_means_over_seeds(cells, shown)
        with opened(user, served(shown, links[0])) as page:
            close_assistant(page)
            sees_cells_best_first(page, shown)
            sees_in_the_window(page, "metrics.`test/iou/curve_1`", "metrics.`test/iou/curve_2`")
            opens_the_metrics_of_the_best_cell(page, shown)
        with opened(user, served(shown, links[1])) as page:
            close_assistant(page)
            sees_conditions_with_intervals(page, shown)
            picture(page, "mlflow_conditions.png")
        with opened(user, f"{runs}/{parent}?workflowType=machine_learning") as page:
            sees_the_parent(page)
        browser.close()
        fetch(url, STUDY.name, tmp_path / "fetched", experiment=EXPERIMENT)
    pd.testing.assert_frame_equal(stored_runs.read(tmp_path / "fetched"), stored_runs.read(root), check_exact=True)
