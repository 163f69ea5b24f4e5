"""A report in a real browser: its controls show what was measured, by mouse and keyboard, in dark mode and on a phone.

No page may load anything from the network or write to the console.
"""

import re
import shutil
from dataclasses import dataclass, field, replace
from io import BytesIO
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from figure_cases import SWEEP
from playwright.sync_api import Browser, Page, sync_playwright
from report_cases import BOARD, PENS, VERDICTS, Tables, small, tables, wide

from thinline.metrics.number_format import interval, number
from thinline.study.figures.style import Picture
from thinline.study.report.page import render_report

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")

USABLE = {"recall": 0.5, "precision": 0.5, "iou": 0.5}


@dataclass(frozen=True)
class Case:
    """A report on disk and the tables that it was made from."""

    path: Path
    effects: Tables

    def value(self, measure: str, name: str, condition: str) -> tuple[float, float, float]:
        """Mean and interval as the tables have them."""
        split, _, measure = measure.partition("/")
        cells = self.effects.cells
        chosen = cells[(cells["split"] == split) & (cells["measure"] == measure) & (cells["class"] == name)]
        row = chosen.set_index("condition").loc[condition]
        return row["mean"], row["low"], row["high"]


def png() -> bytes:
    from PIL import Image

    out = BytesIO()
    Image.new("RGB", (1350, 600), "white").save(out, format="png")
    return out.getvalue()


def report(folder: Path, results, effects=None) -> Case:
    effects = effects or tables(results)
    pictures = {name: Picture(png(), f"The {name}", f"A white page for the {name}") for name in ("frontier", "forest")}
    path = folder / f"{results.study.name}.html"
    page = render_report(results, effects, VERDICTS, pictures, usable=USABLE, sources={"001": "A field guide"})
    path.write_bytes(page)
    (folder / "figures").mkdir(exist_ok=True)
    for name, picture in pictures.items():
        (folder / "figures" / f"{name}.png").write_bytes(picture.png)
    return Case(path, effects)


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("reports")


@pytest.fixture(scope="module")
def board(folder) -> Case:
    return report(folder, replace(small(), left_out=("none/dice/fresh/s7 (not run)",)))


@pytest.fixture(scope="module")
def sweep(folder) -> Case:
    return report(folder, small(SWEEP))


@pytest.fixture(scope="module")
def long(folder) -> Case:
    return report(folder, small(wide(10, 6)))


@dataclass
class Tab:
    """A page of the browser, kept for all tests of the same options: a new one costs half a second."""

    page: Page
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    @classmethod
    def opened(cls, browser: Browser, **options) -> "Tab":
        context = browser.new_context(**({"reduced_motion": "reduce", "accept_downloads": True} | options))
        tab = cls(context.new_page())
        tab.page.set_default_timeout(5000)
        tab.page.on("console", lambda message: tab.said.append(message.text))
        tab.page.on("pageerror", lambda error: tab.said.append(str(error)))
        tab.page.on("request", lambda request: tab.asked.append(request.url))
        return tab


@pytest.fixture(scope="module")
def tabs() -> dict[str, Tab]:
    """The tabs by their options."""
    return {}


@pytest.fixture
def visit(browser: Browser, tabs: dict[str, Tab]):
    """`visit(case, ...)`: the report, loaded anew; at the end of the test it must have kept silent."""
    used = []

    def opened(case: Case, **options) -> Page:
        key = repr(sorted(options.items()))
        tab = tabs[key] = tabs.get(key) or Tab.opened(browser, **options)
        used.append(tab)
        tab.page.emulate_media(media="null")
        tab.page.mouse.move(0, 0)
        tab.page.goto("about:blank")
        tab.said.clear()
        tab.asked.clear()
        tab.page.goto(case.path.as_uri())
        return tab.page

    yield opened
    assert used
    for tab in used:
        assert tab.said == []
        assert tab.asked
        assert [url for url in tab.asked if not re.match(r"file:.*(\.html|/figures/\w+\.png)$", url)] == []


def switch(page: Page, letter: str, on: bool) -> None:
    button = page.locator(f"[data-family={letter}] button")
    if (button.get_attribute("aria-pressed") == "true") != on:
        button.click()


def bars(page: Page, box: str) -> dict[str, str]:
    """The numbers beside each bar, by measure."""
    return page.eval_on_selector_all(
        f"{box} .bar",
        """rows => Object.fromEntries(rows.map((row) =>
          [row.dataset.key, row.querySelector(".numbers").textContent.trim().replace(/\\s+/g, " ")]))""",
    )


def written(value, digits: int = 3) -> str:
    return f"{number(value[0], digits)} {interval(value[1], value[2], digits)}"


@pytest.mark.parametrize("curve", ["curve_1", "curve_2"])
def test_toggles_move_the_marker_to_what_was_measured(visit, board, curve):
    page = visit(board)
    page.select_option("#board-class", curve)
    switch(page, "B", True)
    page.select_option("#board-B-on", "tversky")
    seen, answers = set(), set()
    for a, b, c in product((False, True), repeat=3):
        for letter, on in zip("ABC", (a, b, c), strict=True):
            switch(page, letter, on)
        label = "/".join((("none", "measured")[a], ("soft_ce", "tversky")[b], ("scarce", "fresh")[c]))
        values = {axis: board.value(f"test/{axis}", curve, label) for axis in ("recall", "precision", "iou")}
        assert bars(page, "#board-bars") == {f"test/{axis}": written(value) for axis, value in values.items()}
        marker = page.eval_on_selector("#board-marker", "node => ({ ...node.dataset })")
        assert (float(marker["recall"]), float(marker["precision"])) == (values["recall"][0], values["precision"][0])
        assert marker["condition"] == label
        drawn = drawn_at(page)
        assert drawn == pytest.approx((values["recall"][0], values["precision"][0]), abs=0.003)
        seen.add(drawn)
        answer = usable_area(board, curve, label)
        assert f"{curve.replace('_', ' ')} is {answer}" in page.inner_text("#board-status")
        answers.add(answer.partition(" ")[0])
    assert len(seen) == 8
    assert answers == ({"inside", "outside", "undecided"} if curve == "curve_1" else {"outside"})


def usable_area(board, curve: str, label: str) -> str:
    """Whether the interval of a condition lies inside or outside of the usable area, as a verdict says."""
    values = {axis: board.value(f"test/{axis}", curve, label) for axis in USABLE}
    if any(values[axis][2] < threshold for axis, threshold in USABLE.items()):
        return "outside"
    if all(values[axis][1] >= threshold for axis, threshold in USABLE.items()):
        return "inside"
    return "undecided"


READ_OFF = """() => {
  const frame = document.querySelector("#board-plane").getBoundingClientRect();
  const box = document.querySelector("#board-marker .diamond").getBoundingClientRect();
  const scale = frame.width / 460;
  const at = { x: (box.x + box.width / 2 - frame.x) / scale, y: (box.y + box.height / 2 - frame.y) / scale + 4.5 };
  const ticks = [...document.querySelectorAll("#board-plane > text:not(.faint)")]
    .filter((node) => /^[.\\d]+$/.test(node.textContent));
  return [["middle", "x"], ["end", "y"]].map(([anchor, axis]) => {
    const ends = ticks.filter((node) => node.getAttribute("text-anchor") === anchor)
      .map((node) => [Number(node.textContent), Number(node.getAttribute(axis))]).sort((a, b) => a[0] - b[0]);
    const [[low, from], [high, to]] = [ends[0], ends[ends.length - 1]];
    return low + ((high - low) * (at[axis] - from)) / (to - from);
  });
}"""


def drawn_at(page: Page) -> tuple[float, float]:
    """Recall and precision at the middle of the drawn marker, read off the ticks of the axes on the screen."""
    return tuple(page.evaluate(READ_OFF))


def test_a_condition_that_was_not_run_has_no_marker_and_no_bars(visit, board):
    page = visit(board)
    switch(page, "B", True)
    page.select_option("#board-B-on", "dice_ce")
    assert "Not run: none, dice_ce, scarce" in page.inner_text("#board-status")
    assert bars(page, "#board-bars") == dict.fromkeys(("test/recall", "test/precision", "test/iou"), "not run")
    assert not page.locator("#board-marker").is_visible()
    assert page.locator("#board-marker").get_attribute("data-recall") is None
    assert page.locator("#board-bars .fill").count() == 0
    switch(page, "A", True)  # this one was run, outside of the grid
    assert bars(page, "#board-bars")["test/iou"] == written(
        board.value("test/iou", "curve_1", "measured/dice_ce/scarce")
    )


def test_toggles_work_by_keyboard(visit, board):
    page = visit(board)
    page.locator("[data-family=A] button").focus()
    page.keyboard.press("Space")
    assert page.locator("#board-marker").get_attribute("data-condition") == "measured/soft_ce/scarce"
    page.keyboard.press("Enter")
    assert page.locator("#board-marker").get_attribute("data-condition") == "none/soft_ce/scarce"


def test_the_usable_area_is_where_iou_reaches_the_threshold(visit, board):
    """Its corners, read off the drawing: at precision 1 recall is the threshold, at recall 1 precision is."""
    page = visit(board)
    plane = page.locator("#board-plane")
    low, left, top, size = (float(plane.get_attribute(f"data-{name}")) for name in ("low", "left", "top", "size"))
    numbers = re.findall(r"[\d.]+", plane.locator(".usable").get_attribute("d"))
    points = np.array(numbers, float).reshape(-1, 2)
    recall = low + (points[:, 0] - left) / size * (1 - low)
    precision = 1 - (points[:, 1] - top) / size * (1 - low)
    edge = slice(2, -1)
    iou = 1 / (1 / recall[edge] + 1 / precision[edge] - 1)
    assert np.allclose(iou, USABLE["iou"], atol=0.002)
    assert (recall[-1], precision[-1]) == pytest.approx((1, 1), abs=1e-3)


def test_a_study_without_families_has_selects_only(visit, folder):
    case = report(folder, small(PENS))
    page = visit(case)
    assert page.locator("[data-family]").count() == 0
    page.select_option("#board-other-1", "pen2")
    assert bars(page, "#board-bars")["test/recall"] == written(case.value("test/recall", "curve_1", "pen2"))


def test_a_condition_without_a_value_of_the_curve_says_so(visit, tmp_path):
    """A head for any curve has run; it was shown as not run, over 0 seeds."""
    results = small(PENS)
    effects = tables(results)
    lacking = (effects.cells["class"] == "curve_1") & (effects.cells["condition"] == "pen2")
    page = visit(report(tmp_path, results, replace(effects, cells=effects.cells[~lacking])))
    page.select_option("#board-other-1", "pen2")
    assert set(bars(page, "#board-bars").values()) == {"no value"}
    status = page.inner_text("#board-status")
    assert status.startswith(f"pen2, {len(results.seeds)} seeds. Usable area: curve 2 is")
    assert status.endswith("It has no value of curve 1.")
    page.select_option("#board-class", "curve_2")
    assert "no value of" not in page.inner_text("#board-status")


def labels(page: Page, view: str = "conditions") -> list[str]:
    return [row.get_attribute("data-label") for row in page.locator(f"[data-view={view}] tbody tr").all()]


def head(page: Page, column: str, view: str = "conditions"):
    """The head of a column, as `IoU curve 1`."""
    measure, _, name = column.partition(" curve")
    buttons = page.locator(f"[data-view={view}] th[data-class] button")
    return buttons.filter(has_text=re.compile(rf"^\s*curve{name}\s*, {re.escape(measure)}\s*$"))


@pytest.mark.parametrize(
    ("column", "measure", "curve", "lower"),
    [
        ("tuned F1 curve 2", "tuned/f1", "curve_2", False),
        ("MAE, bridged [tracks] curve 1", "test/viterbi_bridged_mae_track", "curve_1", True),
    ],
)
def test_a_column_head_sorts_the_rows_and_reverses_them(visit, board, column, measure, curve, lower):
    page = visit(board)
    declared = labels(page)
    value = {label: board.value(measure, curve, label)[0] for label in declared}
    button = head(page, column)
    assert button.count() == 1
    button.click()
    best_first = sorted(declared, key=value.get, reverse=not lower)
    assert labels(page) == best_first
    cell = button.locator("xpath=..")
    assert cell.get_attribute("aria-sort") == ("ascending" if lower else "descending")
    assert page.locator("[data-view=conditions] [aria-sort]").count() == 1
    places = page.locator("[data-view=conditions] tbody .place").all_inner_texts()
    assert places == [str(n + 1) for n in range(len(declared))]
    button.focus()
    page.keyboard.press("Enter")
    assert labels(page) == best_first[::-1]
    assert cell.get_attribute("aria-sort") == ("descending" if lower else "ascending")
    assert page.locator("[data-view=conditions] tbody .place").first.inner_text() == str(len(declared))
    page.keyboard.press("Space")
    assert labels(page) == best_first
    page.locator("[data-view=conditions] [data-declared]").click()
    assert labels(page) == declared
    assert page.locator("[data-view=conditions] [aria-sort]").count() == 0


def test_ties_keep_their_order_and_missing_values_come_last(visit, folder):
    results = small(replace(BOARD, name="ties"))
    effects = tables(results)
    order = list(results.conditions.index)
    planted = dict(zip(order, [0.5, 0.7, np.nan, 0.5, 0.7, 0.5, 0.9, *[0.5] * 7], strict=True))
    cells = effects.cells.copy()
    chosen = (cells["split"] == "test") & (cells["measure"] == "iou") & (cells["class"] == "curve_1")
    cells.loc[chosen, "mean"] = cells.loc[chosen, "condition"].map(planted)
    page = visit(report(folder, results, replace(effects, cells=cells)))
    groups = [[label for label in order if planted[label] == value] for value in (0.9, 0.7, 0.5)]
    gone = [order[2]]
    head(page, "IoU curve 1").click()
    assert labels(page) == [*groups[0], *groups[1], *groups[2], *gone]
    places = page.locator("[data-view=conditions] tbody .place").all_inner_texts()
    assert places == ["1", "2", "2", *["4"] * 10, ""]
    head(page, "IoU curve 1").click()
    assert labels(page) == [*groups[2], *groups[1], *groups[0], *gone]


def test_rows_are_levels_and_columns_of_one_curve(visit, board):
    page = visit(board)
    page.select_option("#matrix-view", "loss")
    assert not page.locator("[data-view=conditions]").is_visible()
    assert labels(page, "loss") == ["soft_ce", "dice", "tversky"]
    head(page, "IoU curve 2", "loss").click()
    shown = page.locator("[data-view=loss] tbody tr td:nth-of-type(2)")
    values = [float(cell.get_attribute("data-value")) for cell in shown.all()]
    assert values == sorted(values, reverse=True)
    assert page.locator("[data-view=loss] td:visible").count() == 3 * 18
    page.select_option("#matrix-class", "curve_2")
    assert page.locator("[data-view=loss] td:visible").count() == 3 * 9
    visible = page.locator("[data-view=loss] td:visible").all()
    assert {cell.get_attribute("data-class") for cell in visible} == {"curve_2"}


def test_verdicts_are_filtered_and_have_a_text_and_a_symbol(visit, board):
    page = visit(board)
    rows = page.locator("#verdict-table tbody tr")
    assert rows.count() == 4
    tested = [row.get_attribute("data-verdict") for row in rows.filter(visible=True).all()]
    assert tested == ["supported", "refuted", "undecided"], "those that this study tests come first"
    page.get_by_role("button", name="all 4").click()
    for row in rows.all():
        assert row.locator(".verdict").inner_text().strip() == row.get_attribute("data-verdict")
        assert row.locator(".verdict svg use").get_attribute("href") == f"#icon-{row.get_attribute('data-verdict')}"
    for verdict in ("refuted", "untestable"):
        page.get_by_role("button", name=f"{verdict} 1").click()
        assert [row.get_attribute("data-verdict") for row in rows.filter(visible=True).all()] == [verdict]
        assert page.locator("[data-filter-for] [aria-pressed=true]").inner_text().strip() == f"{verdict} 1"
    page.get_by_role("button", name="all 4").click()
    assert page.locator("#verdict-table tbody tr:visible").count() == 4
    theirs = page.locator("#verdict-table tbody tr").first.locator(".theirs")
    assert "recall .96, .97" in theirs.inner_text()


def test_effects_are_filtered(visit, board):
    page = visit(board)
    shown = page.locator("#effect-table tbody tr:visible")
    assert page.input_value("#effect-measure") == "test/iou", "the first measure declared"
    assert shown.count() == 3 * 2 * 2
    page.select_option("#effect-order", "1")
    page.select_option("#effect-class", "curve_2")
    assert shown.count() == 3
    page.select_option("#effect-measure", "test/recall")
    first = " ".join(shown.first.inner_text().split())
    row = board.effects.contrasts.query("measure == 'recall' and `class` == 'curve_2' and order == 1").iloc[0]
    assert first.startswith("measured - none")
    assert f"{number(row['effect'], signed=True)} {interval(row['low'], row['high'], signed=True)}" in first


OVERLAPS = """() => {
  const boxes = [...document.querySelectorAll(".answer *")]
    .filter((node) => [...node.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()))
    .map((node) => [node, [...node.getClientRects()]]);
  const meet = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1;
  const overlaps = [];
  boxes.forEach(([a, of], n) => boxes.slice(n + 1).forEach(([b, others]) => {
    if (a.contains(b) || b.contains(a)) return;
    if (of.some((one) => others.some((other) => meet(one, other)))) overlaps.push([a.textContent, b.textContent]);
  }));
  return overlaps;
}"""


@pytest.mark.parametrize("viewport", [(1440, 900), (390, 844)], ids=["laptop", "phone"])
def test_the_first_screen_answers_the_question(visit, board, viewport):
    """The sentences are on it whole, the figure at least begins, no text covers another, the sections stay in reach."""
    page = visit(board, viewport=dict(zip(("width", "height"), viewport, strict=True)))
    ends = page.eval_on_selector_all(".sentences li", "rows => rows.map((node) => node.getBoundingClientRect().bottom)")
    assert len(ends) == 3
    assert max(ends) < viewport[1]
    chart = page.locator(".chart").bounding_box()
    assert chart["y"] < viewport[1]
    assert viewport[0] < 1000 or chart["y"] + chart["height"] < viewport[1]
    assert page.evaluate(OVERLAPS) == []
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    assert page.locator("nav").bounding_box()["y"] == 0


def test_a_long_table_is_cut_until_all_is_asked_for(visit, long):
    page = visit(long)
    shown = page.locator("[data-view=conditions] tbody tr:visible")
    assert shown.count() == 40
    head(page, "IoU curve 1").click()
    assert shown.count() == 40
    best = max(labels(page), key=lambda label: long.value("test/iou", "curve_1", label)[0])
    assert shown.first.get_attribute("data-label") == best
    button = page.locator("[data-view=conditions] + .more button, [data-view=conditions] .more button")
    assert button.inner_text() == "Show all 60 rows"
    button.click()
    assert shown.count() == 60
    assert not button.is_visible()


@pytest.mark.parametrize("study", ["board", "sweep"])
def test_a_phone_needs_no_horizontal_scrolling(visit, request, study):
    page = visit(request.getfixturevalue(study), viewport={"width": 360, "height": 740})
    assert page.evaluate("[document.documentElement.scrollWidth, innerWidth]") == [360, 360]
    for box in page.locator(".scroll:visible").all():
        assert box.get_attribute("tabindex") == "0"
        assert box.get_attribute("aria-label")
    small_text = page.evaluate("""() => [...document.querySelectorAll("main *, header *")].filter((node) =>
      node.checkVisibility() && [...node.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim())
      && parseFloat(getComputedStyle(node).fontSize) < 12 && !node.closest(".sr")).map((node) => node.outerHTML)""")
    assert small_text == []
    page.locator("[data-family=A] button").click()
    assert page.locator("[data-family=A] button").get_attribute("aria-pressed") == "true"


CONTRAST = """() => {
  const parse = (text) => {
    const rgb = text.match(/[\\d.]+/g).map(Number);
    return rgb.length > 3 ? rgb : [...rgb, 1];
  };
  const linear = (share) => (share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4);
  const channel = (value) => linear(value / 255);
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const ground = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const color = parse(getComputedStyle(at).backgroundColor);
      if (color[3] > 0) return color;
    }
    return [255, 255, 255, 1];
  };
  const ratios = [];
  for (const node of document.querySelectorAll("body *")) {
    if (!node.checkVisibility() || node.closest("script, style, noscript, title")) continue;
    if (![...node.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim())) continue;
    const style = getComputedStyle(node);
    const ink = light(parse(node.closest("svg") ? style.fill : style.color));
    const paper = light(ground(node));
    ratios.push([(Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05), node.outerHTML.slice(0, 120)]);
  }
  return ratios;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_has_enough_contrast(visit, board, scheme):
    """WCAG 2.2, 1.4.3: 4.5 to 1 for text of any size, in every state of the board, on the shades of the matrix too."""
    page = visit(board, color_scheme=scheme)
    for letter in "AC":
        switch(page, letter, True)
    page.get_by_role("button", name="refuted 1").click()
    page.get_by_role("button", name="all 4").click()
    head(page, "recall curve 1").click()
    ratios = page.evaluate(CONTRAST)
    assert len(ratios) > 300
    assert [(ratio, text) for ratio, text in ratios if ratio < 4.5] == []
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", paper)[:3])) < 200) == (scheme == "dark")
    backing = page.locator(".backing").first.evaluate("node => getComputedStyle(node).backgroundColor")
    assert backing == "rgb(255, 255, 255)", "figures are drawn for white paper"


def test_every_control_is_reached_by_tab_and_shows_its_focus(visit, board):
    page = visit(board)
    expected = page.evaluate("""() => {
      const all = [...document.querySelectorAll("a[href], button, input, select, summary, [tabindex='0']")];
      window.wanted = all.filter((node) => node.checkVisibility());
      return window.wanted.length;
    }""")
    assert expected > 40
    reached, unseen = set(), []
    for _ in range(expected):
        page.keyboard.press("Tab")
        index, outline, hidden = page.evaluate("""() => {
          const node = document.activeElement;
          const style = getComputedStyle(node);
          const box = node.getBoundingClientRect();
          const outline = style.outlineStyle + parseFloat(style.outlineWidth);
          return [window.wanted.indexOf(node), outline, box.width === 0 || box.right < 0];
        }""")
        reached.add(index)
        if outline != "solid3" or hidden:
            unseen.append((index, outline))
    assert reached == set(range(expected))
    assert unseen == []


def test_every_control_and_image_has_a_name(visit, board):
    page = visit(board)
    page.evaluate("for (const image of document.images) image.loading = 'eager'")
    page.wait_for_function(
        "[...document.images].every((image) => image.alt && image.complete && image.naturalWidth === 1350)"
    )
    assert page.evaluate("document.images.length") == 2
    names = page.evaluate("""() => [...document.querySelectorAll("button, select, input, a, summary, [role=img]")]
      .map((node) => node.getAttribute("aria-label") || (node.labels && node.labels[0] && node.labels[0].textContent)
        || node.textContent || node.title).map((node) => node.trim())""")
    assert len(names) > 40
    assert all(names)
    assert page.title() == "three moves: report of a thinline study"
    for role in ("banner", "navigation", "main", "contentinfo"):
        assert page.get_by_role(role).count() == 1
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main", "the first link skips to the content"


def test_without_scripts_the_tables_and_figures_are_there(visit, board):
    page = visit(board, java_script_enabled=False)
    assert page.locator("noscript p").is_visible()
    assert page.locator("#verdict-table tbody tr:visible").count() == 4
    assert page.locator("[data-view]:visible").count() == 4
    assert page.locator("#effect-table tbody tr:visible").count() == len(
        board.effects.contrasts[board.effects.contrasts["order"] < 3]
    )
    assert page.locator("img:visible").count() == 2
    assert page.locator(".needs-js:visible").count() == 0


def test_print_has_all_rows_and_no_controls(visit, long):
    page = visit(long)
    page.emulate_media(media="print")
    assert page.locator("[data-view=conditions] tbody tr:visible").count() == 60
    assert page.locator("nav:visible, .more:visible, .buttons:visible").count() == 0


def test_the_marker_moves_at_once_where_the_user_wants_reduced_motion(visit, board):
    gliding = "getComputedStyle(document.querySelector('#board-marker')).transitionDuration"
    assert visit(board).evaluate(gliding) == "0s"
    assert visit(board, reduced_motion="no-preference").evaluate(gliding) == "0.3s"
