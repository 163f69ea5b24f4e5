"""The content of a report, read without a browser; test_report_page.py opens it in one."""

import base64
import hashlib
import importlib.util
import itertools
import json
import re
import time
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from figure_cases import SWEEP
from report_cases import BOARD, PENS, VERDICTS, small, tables, wide
from study_cases import THREE, planted

from thinline.metrics.number_format import probability
from thinline.study.design.study import Exclusion, StudyError
from thinline.study.figures.style import Picture
from thinline.study.report.board import board
from thinline.study.report.data import TABLES, as_json, report_data
from thinline.study.report.page import alone, in_script, render_report
from thinline.study.report.tables import effects as effect_rows
from thinline.study.report.tables import measures_of
from thinline.study.stats.detectable import smallest_of

USABLE = {"recall": 0.5, "precision": 0.5, "iou": 0.5}
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\rIHDR" + (640).to_bytes(4, "big") + (480).to_bytes(4, "big") + b"rest"


class Reader(HTMLParser):
    """Elements of a page as (tag, attributes), text outside of scripts, and the text of every script."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.elements, self.text, self.scripts, self._inside = [], "", [], ""
        self.feed(page.decode())

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._inside = tag if tag in ("script", "style") else self._inside
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag):
        self._inside = "" if tag == self._inside else self._inside

    def handle_data(self, data):
        if self._inside == "script":
            self.scripts[-1] += data
        elif not self._inside:
            self.text += data

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def results():
    made_by = {"commits": "46bc6ae0d5ff", "analysed on": "an old laptop, 2 cores"}
    return replace(small(), left_out=("none/dice/fresh/s7 (FAILED: a loss of nan)",), made_by=made_by)


@pytest.fixture(scope="module")
def effects(results):
    return tables(results)


PICTURE = Picture(PNG, "Frontier", 'A plane of "recall" & precision')
PICTURES = {"frontier": PICTURE, "heat_map": PICTURE, "forest": PICTURE}


@pytest.fixture(scope="module")
def html(results, effects):
    return render_report(results, effects, VERDICTS, PICTURES)


@pytest.fixture(scope="module")
def page(html):
    return Reader(html)


@pytest.fixture(scope="module")
def data(results, effects):
    return report_data(results, effects, VERDICTS, {}, usable=USABLE, sources={})


def test_a_page_refers_only_to_files_of_its_folder(page):
    names = ("src", "href", "srcset", "action", "data")
    links = [attributes[name] for _, attributes in page.elements for name in names if name in attributes]
    assert len(links) > 10
    beside = {"figures/frontier.png", "figures/forest.png", *TABLES}
    assert {link for link in links if not link.startswith("#")} == beside
    assert page.all("link") == []
    assert page.all("iframe") == []
    result = "".join(page.scripts) + page.rawdata
    assert "@import" not in result
    assert "url(" not in result
    assert "fetch(" not in result
    assert set(re.findall(r"https?://[^\s\"']*", result)) <= {"http://www.w3.org/2000/svg"}


def test_the_policy_allows_only_the_script_of_the_page(page):
    (policy,) = [meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    digest = base64.b64encode(hashlib.sha256(page.scripts[1].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert "default-src 'none'; img-src 'self' file: data:;" in policy


def test_equal_studies_are_equal_bytes(results, effects, html):
    assert render_report(results, effects, VERDICTS, PICTURES) == html


def test_what_was_run_and_what_was_not_is_in_the_page(page):
    text = " ".join(page.text.split())
    for result in (
        "42 cells, each a training run",
        "14 conditions, 12 of them the grid",
        "3 seeds each: 0, 1, 2",
        "4 unseen test sheets a seed",
        "soft_ce, dice, tversky, dice_ce",
        "1 declared cell is missing from these numbers",
        "none/dice/fresh/s7 (FAILED: a loss of nan)",
        "46bc6ae0d5ff",
        "an old laptop, 2 cores",
        "Paired by seed.",
        "python train.py -m +experiment=three_moves",
    ):
        assert result in text, result


def test_values_are_those_of_the_cells(effects, data):
    assert len(effects.cells) == 9 * 2 * 14
    for row in effects.cells.itertuples(index=False):
        split, measure, name, condition, *value = row
        assert data["values"][name][f"{split}/{measure}"][condition] == value


def test_the_script_block_holds_the_data(page, data):
    result = json.loads(page.scripts[0])
    assert result["values"] == data["values"]
    assert result["board"] == data["board"]


def test_no_text_ends_the_script_block_or_becomes_markup():
    evil = "</script><img src=x onerror=alert(1)>"
    study = replace(BOARD, question=evil, factors=dict(BOARD.factors) | {"loss": (evil, "dice", "soft_ce")})
    actual = replace(small(study), left_out=(evil,), made_by={evil: evil})
    verdicts = VERDICTS.assign(statement=evil, sentence=evil, source=evil)
    pictures = {"one": Picture(PNG, evil, evil)}
    page = Reader(render_report(actual, tables(actual), verdicts, pictures, sources={evil: evil}))
    assert len(page.scripts) == 2
    assert evil not in page.scripts[0]
    assert [image for image in page.all("img") if image["src"] == "x"] == []
    assert page.text.count(evil) > 10
    assert json.loads(page.scripts[0])["board"]["conditions"][0]["settings"]["loss"] == evil


def test_in_script_has_no_nan():
    assert json.loads(in_script(as_json({"a": [np.nan, np.float64(2), np.int64(3), np.bool_(True), pd.NA, "<"]}))) == {
        "a": [None, 2.0, 3, True, None, "<"]
    }
    with pytest.raises(ValueError, match="not JSON compliant"):
        in_script({"a": np.nan})


def test_one_seed_has_no_interval_and_nothing_left_out_is_stated():
    actual = small(replace(BOARD, seeds=("0",)))
    page = Reader(render_report(actual, tables(actual), VERDICTS, {}))
    assert "One seed. There are no intervals" in " ".join(page.text.split())
    assert "Nothing: every declared cell is in these numbers." in page.text
    values = json.loads(page.scripts[0])["values"]["curve_1"]["test/iou"]
    assert {(low, high, seeds) for _, low, high, seeds in values.values()} == {(None, None, 1)}


def test_constant_measures_have_no_best_and_no_shade():
    actual = small(seed_sd=0, cell_sd=0, sheet_sd=0)
    known = tables(actual)
    known = replace(known, cells=known.cells.assign(mean=0.5, low=0.5, high=0.5))
    result = report_data(actual, known, VERDICTS, {}, usable=USABLE, sources={})
    cells = [cell for row in result["matrix"]["views"][0]["rows"] for cell in row["cells"]]
    assert {(cell["best"], cell["shade"], cell["text"]) for cell in cells} == {(False, 0, ".500"), (False, 0, ".5000")}


def test_the_best_value_is_the_smallest_where_less_is_better(effects, data):
    columns, rows = data["matrix"]["columns"], data["matrix"]["views"][0]["rows"]
    assert [column["lower"] for column in columns] == ["mae" in column["key"] for column in columns]
    for number, column in enumerate(columns):
        split, measure, name = column["key"].split("/")
        known = effects.cells.query(f"split == '{split}' and measure == '{measure}' and `class` == '{name}'")
        means = known.set_index("condition")["mean"]
        best = means.idxmin() if column["lower"] else means.idxmax()
        assert [row["label"] for row in rows if row["cells"][number]["best"]] == [best]
        assert next(row for row in rows if row["label"] == best)["cells"][number]["shade"] == 4


def test_the_error_with_gaps_is_beside_the_bridged_one():
    actual = small(others=("viterbi_mae_track", "viterbi_bridged_mae_track"))
    columns = report_data(actual, tables(actual), VERDICTS, {}, usable=USABLE, sources={})["matrix"]["columns"]
    names = [column["measure"] for column in columns if column["class"] == "curve_1"]
    assert names[-2:] == ["MAE, with gaps [tracks]", "MAE, bridged [tracks]"]


def test_levels_are_means_over_the_grid(results, data):
    """Against the tables of whole splits: a mean over conditions, then over seeds."""
    assert [view["key"] for view in data["matrix"]["views"]] == ["conditions", "class_weight", "loss", "data_mix"]
    cells = results.cells.merge(results.rows, on="run").query("grid")
    for view in data["matrix"]["views"][1:]:
        for column, number in (("test/iou/curve_1", 0), ("test/iou/curve_2", 1), ("tuned/f1/curve_1", 8)):
            split, measure, name = column.split("/")
            assert data["matrix"]["columns"][number]["key"] == column
            part = cells[(cells["split"] == split) & (cells["measure"] == measure) & (cells["class"] == name)]
            expected = part.groupby(view["key"])["value"].mean()
            actual = {row["label"]: row["cells"][number]["value"] for row in view["rows"]}
            assert actual == pytest.approx(expected.to_dict(), abs=1e-12)
            assert {row["cells"][number]["rank"] for row in view["rows"]} <= {"rank 1.5 (1 to 2)", ""}


def test_a_measure_without_a_value_is_an_empty_cell(results, effects):
    cut = effects.cells.query("not (measure == 'iou' and condition == 'none/dice/fresh')")
    result = report_data(results, replace(effects, cells=cut), VERDICTS, {}, usable=USABLE, sources={})
    row = next(row for row in result["matrix"]["views"][0]["rows"] if row["label"] == "none/dice/fresh")
    assert [(cell["value"], cell["text"]) for cell in row["cells"][:2]] == [(None, "-")] * 2
    assert row["cells"][2]["value"] is not None


def test_effects_are_of_order_one_and_two(effects, data, page):
    assert {row["order"] for row in data["effects"]} == {1, 2}
    assert data["higher_orders"] == (effects.contrasts["order"] == 3).sum() > 0
    assert f"({data['higher_orders']} of higher order are in the tables of the study)" in page.text
    first = data["effects"][0]
    known = effects.contrasts.query("measure == 'iou' and `class` == 'curve_1' and order == 1").iloc[0]
    assert (first["value"], first["low"], first["high"]) == (known["effect"], known["low"], known["high"])
    assert [row["p_holm"] == "-" for row in data["effects"]] == [not row["primary"] for row in data["effects"]]
    for row in data["effects"]:
        assert abs(row["low"]) <= row["reach"]
        assert abs(row["high"]) <= row["reach"]


def test_a_main_effect_has_the_probability_that_its_first_level_is_better(results, effects):
    """From the pair in either order of its levels; only a probability of exactly 1 is written as 1."""
    keys = ["split", "measure", "class", "factor", "level_a", "level_b"]
    mains = effects.contrasts[effects.contrasts["order"] == 1]
    one_order = effects.pairs[effects.pairs["level_a"] < effects.pairs["level_b"]]
    certain = one_order.assign(p_better=np.where(np.arange(len(one_order)) % 2, 1.0, 0.9999))
    for pairs in (effects.pairs, one_order, certain):
        rows = effect_rows(effects.contrasts, pairs, measures_of(effects.cells), results.classes)
        known = {tuple(row): p for *row, p in pairs[[*keys, "p_better"]].itertuples(index=False)}
        assert {row["better"] for row in rows if row["order"] == 2} == {""}
        of_levels = [row for row in rows if row["order"] == 1]
        assert len(of_levels) == len(mains)
        for row in of_levels:
            key, (first, second) = (*row["measure"].split("/"), row["class"], row["term"]), row["contrast"].split(" - ")
            p = known[*key, first, second] if (*key, first, second) in known else 1 - known[*key, second, first]
            assert row["better"] == probability(p)
            assert (row["better"] == "1.000") == (p == 1)


def test_dots_are_filled_where_a_difference_holds_after_holms_correction(effects, page, data):
    """As in the forest; an interval that leaves out 0 is not enough."""
    marks = [mark["class"] for mark in page.all("i") if mark.get("class", "").startswith("interval")]
    marks = marks[-len(data["effects"]) :]  # the first are those of the first screen
    assert marks == ["interval clear" if row["differs"] else "interval" for row in data["effects"]]
    assert len(set(marks)) == 2
    known = effects.contrasts.set_index(["split", "measure", "class", "order", "term", "contrast"])["p_holm"]
    for row in data["effects"]:
        key = (*row["measure"].split("/"), row["class"], row["order"], row["term"], row["contrast"])
        assert row["differs"] == (known[key] < 0.05)
    assert any(not row["differs"] and (row["low"] > 0 or row["high"] < 0) for row in data["effects"])


def test_a_level_that_alone_has_a_class_keeps_its_mean():
    """The binary head knows one class of its own: in the view of heads both rows have numbers."""
    study = replace(PENS, factors={"head": ("softmax", "binary"), "loss": ("dice", "soft_ce")})
    actual = small(study)
    head = actual.rows["run"].map(actual.cells.set_index("run")["head"])
    of_sheet = actual.sheets["run"].map(actual.cells.set_index("run")["head"])
    binary = {"curve_1": "curve"}
    tables_of = [
        pd.concat(
            [rows[own != "binary"], rows[(own == "binary") & (rows["class"] == "curve_1")].replace({"class": binary})]
        )
        for rows, own in ((actual.rows, head), (actual.sheets, of_sheet))
    ]
    actual = replace(actual, rows=tables_of[0], sheets=tables_of[1])
    result = report_data(actual, tables(actual), VERDICTS, {}, usable=USABLE, sources={})
    columns = [column["key"] for column in result["matrix"]["columns"]]
    view = next(view for view in result["matrix"]["views"] if view["key"] == "head")
    rows = {row["label"]: dict(zip(columns, row["cells"], strict=True)) for row in view["rows"]}
    whole = actual.rows.query("split == 'test' and measure == 'iou'").merge(actual.cells, on="run")
    means = whole.groupby(["head", "class"])["value"].mean()
    for level, name in (("softmax", "curve_1"), ("softmax", "curve_2"), ("binary", "curve")):
        assert rows[level][f"test/iou/{name}"]["value"] == pytest.approx(means[level, name])
    assert rows["binary"]["test/iou/curve_2"]["value"] is None


def test_levels_are_compared_over_the_same_conditions_where_the_grid_has_holes():
    """Weighted Dice never ran: the mean of Dice has no weighted condition, so that of soft_ce must have none."""
    hole = Exclusion({"loss": "dice", "class_weight": "measured"}, "planted")
    actual = small(replace(BOARD, also=(), exclude=(hole,)))
    result = report_data(actual, tables(actual), VERDICTS, {}, usable=USABLE, sources={})
    view = next(view for view in result["matrix"]["views"] if view["key"] == "loss")
    cells = actual.cells.merge(actual.rows, on="run").query(
        "split == 'test' and measure == 'iou' and `class` == 'curve_1'"
    )
    expected = cells.query("class_weight == 'none'").groupby("loss")["value"].mean()
    assert {row["label"]: row["cells"][0]["value"] for row in view["rows"]} == pytest.approx(expected.to_dict())


def test_notes_on_a_verdict_are_below_its_sentence(results, effects):
    result = VERDICTS.assign(elsewhere="data_mix: refuted", caution="")
    page = Reader(render_report(results, effects, result, {}, sources={"001": "A field guide"}))
    assert page.text.count("Elsewhere: data_mix: refuted") == 4
    assert "Caution:" not in page.text
    assert page.text.count("sourced, A field guide") == 2


def test_a_verdict_that_names_a_factor_has_its_findings_correction_and_power(results, effects):
    own = {"verdict": "depends on class_weight", "holm": "undecided", "holding": 3, "findings": 8, "power": 0.123}
    result = VERDICTS.iloc[:1].assign(**own, assumed="test/iou +.02", averaged="+.05, averaged over loss", caution="")
    page = Reader(render_report(results, effects, result, {}))
    assert "3 of 8 hold; with Holm undecided; power .12 at true test/iou +.02" in page.text
    assert "1 that depend on a factor" in page.text
    assert report_data(results, effects, result, {}, usable=USABLE, sources={})["verdict_counts"]["depends"] == 1


def test_the_matrix_ends_with_the_smallest_difference_of_two_rows(data, html, results):
    """Beside the intervals of rows, which are mostly sheets."""
    columns = [(column["key"].split("/")[1], column["class"]) for column in data["matrix"]["columns"]]
    expected = [smallest_of(results, *column) for column in columns[:2]]
    assert data["matrix"]["smallest"][:2] == [f"{value:.3f}"[1:] for value in expected]
    assert "smallest difference of two rows that these seeds can tell" in Reader(html).text


def test_a_page_without_its_folder_has_the_figures_in_it(html, tmp_path):
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "frontier.png").write_bytes(PNG)
    (tmp_path / "report.html").write_bytes(html)
    sources = [image["src"] for image in Reader(alone(tmp_path / "report.html")).all("img")]
    assert base64.b64decode(sources[0].removeprefix("data:image/png;base64,")) == PNG
    assert sources[1] == "figures/forest.png", "there is no such file"


def test_verdicts_are_counted_and_have_no_number_where_there_is_none(data):
    assert data["verdict_counts"] == {"supported": 1, "refuted": 1, "depends": 0, "undecided": 1, "untestable": 1}
    rows = {row["claim"]: row for row in data["verdicts"]}
    result = [rows["recall-up"][name] for name in ("effect", "span", "seeds", "sourced_numbers")]
    assert result == ["+.100", "[+.080, +.120]", "3 seeds", "recall .96, .97"]
    assert [rows["stack-stops"][name] for name in ("effect", "span", "seeds", "study")] == ["-", "", "", ""]


def test_a_study_that_tests_no_claim_says_so_in_place_of_a_table(results, effects):
    page = Reader(render_report(results, effects, VERDICTS.assign(verdict="untestable"), {}))
    assert "tests no claim of the source texts. Why, for each of the 4 claims, is in verdicts.csv" in page.text
    assert not [table for table in page.all("table") if table.get("id") == "verdict-table"]
    assert "4 untestable" not in page.text


def test_unknown_verdicts_and_effects_of_another_study_are_refused(results, effects):
    with pytest.raises(StudyError, match="got 'proven'"):
        render_report(results, effects, VERDICTS.assign(verdict="proven"), {})
    with pytest.raises(StudyError, match="lacking sentence"):
        render_report(results, effects, VERDICTS.drop(columns="sentence"), {})
    with pytest.raises(StudyError, match=r"conditions of study 'two_pens', got measured/dice/fresh.*other results"):
        render_report(small(PENS), effects, VERDICTS, {})


def test_without_jinja_the_extra_is_named(results, effects, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(StudyError, match=r"thinline\[report\]"):
        render_report(results, effects, VERDICTS, {})


def test_figures_have_alternative_texts_and_those_that_are_tables_are_left_out(page):
    images = page.all("img")
    assert [image["src"] for image in images] == ["figures/frontier.png", "figures/forest.png"]
    result = {(image["alt"], image["width"], image["height"]) for image in images}
    assert result == {('A plane of "recall" & precision', "640", "480")}


def test_a_study_without_effects_says_so(results, effects):
    bare = replace(effects, contrasts=effects.contrasts.iloc[:0], ranks=effects.ranks.iloc[:0], notes=())
    page = Reader(render_report(results, bare, VERDICTS.iloc[:0], {}))
    assert "The study has no effects" in page.text
    assert "This study tests no claim of the source texts." in page.text
    assert "effect-table" not in page.rawdata.partition("<main")[2].partition("<script")[0]


def test_families_have_the_levels_that_were_run(results):
    result = board(results)
    actual = {family["letter"]: (family["off"], family["on"]) for family in result["families"]}
    assert actual == {
        "A": (["none"], ["measured"]),
        "B": (["soft_ce"], ["dice", "tversky", "dice_ce"]),
        "C": (["scarce"], ["fresh"]),
    }
    assert result["others"] == []
    assert len(result["conditions"]) == 14
    moves = {condition["label"]: condition["moves"] for condition in result["conditions"]}
    assert moves["none/soft_ce/scarce"] == "base"
    assert moves["measured/dice_ce/fresh"] == "A+B+C"


def test_factors_that_are_no_family_are_settings():
    result = board(small(PENS))
    assert result["families"] == []
    (setting,) = result["others"]
    assert (setting["factor"], setting["levels"]) == ("resolution", ["pen1", "pen2"])


def test_a_dotted_factor_is_part_of_its_group():
    result = board(small(SWEEP))
    (family,) = result["families"]
    assert family["off"] == ["fixed, value 1", "tuned_threshold"]
    assert family["on"] == ["fixed, value 10", "fixed, value 42", "fixed, value 5"]
    assert [setting["factor"] for setting in result["others"]] == ["head"]


def test_headings_are_in_order_and_links_and_labels_have_targets(page):
    levels = [int(name[1]) for name, _ in page.elements if re.fullmatch(r"h[1-6]", name)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {link["href"][1:] for link in page.all("a") if link["href"][0] == "#"} <= set(ids)
    assert {label["for"] for label in page.all("label")} <= set(ids)
    assert page.all("html") == [{"lang": "en", "class": "no-js"}]
    assert len(page.all("main")) == 1


def test_a_study_of_240_conditions_has_a_small_page():
    study = wide(24, 10)
    actual = planted(study, sheets=1, others=())
    cells = pd.DataFrame(
        [("test", m, c, label, 0.5, 0.4, 0.6, 2) for m in ("iou", "recall", "precision", "f1") for c in actual.classes
         for label in actual.conditions.index],
        columns=["split", "measure", "class", "condition", "mean", "low", "high", "seeds"],
    )  # fmt: skip
    known = replace(tables(small(replace(BOARD, seeds=("0", "1")))), cells=cells)
    began = time.process_time()
    page = render_report(actual, known, VERDICTS, {})
    assert time.process_time() - began < 6
    assert len(page) < 2e6


def test_a_study_of_60_cells_is_written_in_three_seconds():
    actual = planted(THREE, sheets=64)
    known = tables(small(replace(THREE, name="planted")))
    began = time.process_time()
    render_report(actual, known, VERDICTS, {})
    assert time.process_time() - began < 3
