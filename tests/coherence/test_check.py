"""Coherence against integer counts, a grid of operating points, numbers of the source, and our published tables."""

import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thinline.coherence.check import check, conflicts_of, mean_of_classes
from thinline.coherence.operating_points import TABLE, feasible, spans
from thinline.coherence.rounding import ReportedError, reported
from thinline.config.schema import CONF

ROOT = Path(CONF).parent
COUNTS = st.integers(0, 3000)


def numbers(**texts):
    return [reported(name, text) for name, text in texts.items()]


def check_table(rows):
    """(row number, conflict) of every conflict of a table of printed cells; an empty or NaN cell is no score."""
    for number, row in enumerate(rows):
        scores = [reported(name, row[name]) for name in TABLE if row.get(name, "") not in ("", "nan")]
        if not feasible(scores):
            yield from ((number, conflict) for conflict in conflicts_of(scores))


def answer(inverse=False, **texts):
    return check(numbers(**texts), inverse=inverse)


def implied(answer, *kept):
    """The implied values of the account of exactly the scores `kept`, by name."""
    (account,) = (each for each in answer.accounts if {score.name for score in each.kept} == set(kept))
    return {each.name: each for each in account.implied}


def rates(tp, fp, fn):
    """Reference from integer counts."""
    return {
        "precision": Fraction(tp, tp + fp),
        "recall": Fraction(tp, tp + fn),
        "f1": Fraction(2 * tp, 2 * tp + fp + fn),
        "iou": Fraction(tp, tp + fp + fn),
        "area_ratio": Fraction(tp + fp, tp + fn),
    }


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("41 %", ".405", ".415"),
        (".41", ".405", ".415"),
        ("0.410", ".4095", ".4105"),
        ("2.33%", ".02325", ".02335"),
        (".41+-.02", ".39", ".43"),
        (".41 ± 2%", ".39", ".43"),
        ("<.02", "0", ".02"),
        (">.98", ".98", "1"),
        (".999", ".9985", ".9995"),
        (".00", "0", ".005"),
        ("1.0", ".95", "1"),
        ("5e-2", ".045", ".055"),
    ],
)
def test_the_interval_of_a_printed_number(text, low, high):
    score = reported("iou", text)
    assert (score.low, score.high) == (Fraction(low), Fraction(high))


def test_whole_rates_are_exact_and_doubles_are_not():
    assert (reported("recall", "1").low, reported("recall", "0").high) == (1, 0)
    assert reported("f1", "0.6780221997981837").high - Fraction("0.6780221997981837") == Fraction(1, 10**12)
    assert reported("class_weight", "42").low == Fraction("41.5")
    assert reported("iou", ".41", plus_minus=".02").low == Fraction(".39")
    assert reported("iou", ".41+-.03", plus_minus=".02").low == Fraction(".38")


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("iou", "41", "write a share as .41 or with its sign, 41%"),
        ("iou", "1.01", "0..1"),
        ("iou", "-.1", "negative"),
        ("iou", "nan", "finite"),
        ("iou", "inf", "finite"),
        ("iou", "four", "finite"),
        ("iou", "", "type it as printed"),
        ("iou", ".41+-", "finite"),
        ("prevalence", "0", "above 0 and below 1"),
        ("prevalence", "1", "above 0 and below 1"),
        ("class_weight", "0", "above 0"),
        ("accuracy", ".9", "must be one of precision"),
    ],
)
def test_invalid_numbers_are_refused(name, text, words):
    with pytest.raises(ReportedError, match=re.escape(words)):
        reported(name, text)


@settings(max_examples=50)
@given(tp=st.integers(1, 3000), fp=COUNTS, fn=COUNTS, digits=st.integers(1, 5), names=st.sets(st.sampled_from(TABLE)))
def test_rounded_rates_of_any_counts_are_coherent(tp, fp, fn, digits, names):
    exact = rates(tp, fp, fn)
    row = {name: f"{float(exact[name]):.{digits}f}" for name in names}
    assert not list(check_table([row]))


@settings(max_examples=25)
@given(tp=st.integers(50, 3000), fp=COUNTS, fn=COUNTS, name=st.sampled_from(TABLE), up=st.booleans())
def test_a_number_moved_beyond_its_rounding_is_in_a_conflict(tp, fp, fn, name, up):
    """The four others fix the operating point to within their rounding, at most 1e-6 here."""
    exact = {key: round(float(value), 9) for key, value in rates(tp, fp, fn).items()}
    moved = exact | {name: exact[name] + (1e-3 if up else -1e-3)}
    if not all(0 <= moved[key] <= 1 for key in TABLE if key != "area_ratio"):
        return
    conflicts = check_table([{key: f"{value:.9f}" for key, value in moved.items()}])
    assert any(name in {score.name for score in conflict} for _, conflict in conflicts)


GRID = np.linspace(0.005, 1, 400)
P, R = np.meshgrid(GRID, GRID)
POINTS = {
    "precision": P,
    "recall": R,
    "f1": 2 * P * R / (P + R),
    "iou": P * R / (P + R - P * R),
    "area_ratio": R / P,
}


def on_the_grid(scores, slack):
    """Whether a point of the grid lies inside all intervals after widening them by `slack`."""
    inside = np.ones_like(P, dtype=bool)
    for score in scores:
        if score.name in POINTS:
            extra = slack * (np.maximum(1, POINTS[score.name] / P) if score.name == "area_ratio" else 1)
            inside &= (POINTS[score.name] >= float(score.low) - extra) & (
                POINTS[score.name] <= float(score.high) + extra
            )
        elif score.name == "prevalence":
            inside &= float(score.low) * (1 + R * (1 - P) / P) <= 1 + slack / P**2
    return bool(inside.any())


@settings(max_examples=60)
@given(
    texts=st.fixed_dictionaries(
        {},
        optional={name: st.integers(1, 9).map(lambda n: f".{n}") for name in ("precision", "recall", "f1", "iou")}
        | {"area_ratio": st.integers(2, 30).map(lambda n: f"{n / 10:.1f}")}
        | {"prevalence": st.integers(1, 9).map(lambda n: f".{n}")},
    )
)
def test_feasible_against_a_grid_of_operating_points(texts):
    """A point of the grid proves feasibility; no point within the slack, which is as wide as the grid, disproves it."""
    scores = numbers(**texts)
    if on_the_grid(scores, 0.0):
        assert feasible(scores)
    if not on_the_grid(scores, 0.005):
        assert not feasible(scores)


@settings(max_examples=60)
@given(precision=st.integers(1, 99), recall=st.integers(1, 99), name=st.sampled_from(["f1", "iou", "area_ratio"]))
def test_implied_range_against_a_grid_inside_the_rounding(precision, recall, name):
    scores = numbers(precision=f"{precision / 100:.2f}", recall=f"{recall / 100:.2f}")
    p, r = np.meshgrid(*(np.linspace(float(score.low), float(score.high), 11) for score in scores))
    expected = {"f1": 2 * p * r / (p + r), "iou": p * r / (p + r - p * r), "area_ratio": r / p}[name]
    assert implied(check(scores), "precision", "recall")[name].range == pytest.approx((expected.min(), expected.max()))


def test_precision_and_iou_of_the_source_imply_another_f1():
    """FIELD_NOTES 2: P .41 and IoU .26 imply R .415 and F1 .413; .37 is reported."""
    result = answer(precision=".41", iou=".26", f1=".37")
    assert [{score.label for score in conflict} for conflict in result.conflicts] == [{"F1 .37", "IoU .26"}]
    forced = implied(result, "precision", "iou")
    assert forced["recall"].exact[0] == pytest.approx(1 / (1 + 1 / 0.26 - 1 / 0.41))
    assert round(forced["recall"].exact[0], 3) == 0.415
    assert round(forced["f1"].exact[0], 3) == 0.413
    assert round(forced["f1"].off, 3) == 0.043
    assert forced["f1"].beyond == pytest.approx(2 * 0.255 / 1.255 - 0.375)  # the smallest F1 that rounding allows
    assert implied(result, "precision", "f1")["iou"].exact[0] == pytest.approx(0.37 / (2 - 0.37))


def test_f1_and_recall_of_the_source_are_coherent_and_force_a_precision():
    result = answer(f1=".37", recall=".96")
    assert result.coherent
    assert round(implied(result, "f1", "recall")["precision"].exact[0], 3) == 0.229


def test_the_peaks_of_the_source_are_not_one_run_and_one_is_a_mean_with_background():
    result = answer(f1=".55", iou=".51")
    assert not result.coherent
    assert round(implied(result, "iou")["f1"].exact[0], 3) == 0.675
    assert round(implied(result, "f1")["iou"].exact[0], 3) == 0.379
    classes = [reported("f1", text) for text in (".97", ".37", ".32")]
    sentence = mean_of_classes(reported("f1", ".55"), classes)
    assert "(0.553)" in sentence
    assert "of the others alone it is 0.345" in sentence
    assert mean_of_classes(reported("f1", ".57"), classes) == ""
    assert mean_of_classes(reported("f1", ".55"), []) == ""


@pytest.mark.parametrize(
    ("inverse", "weight", "share"), [(False, "42", 0.0233), (True, "42", 0.0238), (False, "49", 0.02)]
)
def test_a_weight_is_a_prevalence_by_either_reading(inverse, weight, share):
    prevalence = implied(answer(inverse, class_weight=weight, f1=".5"), "class_weight")["prevalence"].exact
    assert prevalence == pytest.approx((share, share), abs=5e-5)


def test_the_weight_of_the_source_is_not_that_of_its_share():
    """Under 2 % is 49 or more, 3 % is 32.3; 42 is neither."""
    result = answer(class_weight="42", prevalence="<.02")
    assert implied(result, "prevalence")["class_weight"].exact == (49, np.inf)
    assert implied(result, "prevalence")["class_weight"].off == pytest.approx(7)
    result = answer(class_weight="42", prevalence="3%")
    assert implied(result, "prevalence")["class_weight"].exact[0] == pytest.approx(97 / 3)
    assert not result.coherent


def test_invalid_sets_of_numbers_are_refused():
    with pytest.raises(ValueError, match="iou twice"):
        check([reported("iou", ".4"), reported("iou", ".5")])
    with pytest.raises(ReportedError, match="1 / prevalence is 1 or more"):
        answer(inverse=True, class_weight=".5", f1=".5")
    assert answer(class_weight=".5", f1=".5").coherent


def test_a_conflict_is_a_smallest_set():
    result = answer(precision=".41", recall=".96", f1=".37", prevalence=".03")
    (conflict,) = result.conflicts
    assert {score.name for score in conflict} == {"precision", "recall", "f1"}
    pairs = [{score.name for score in account.kept} for account in result.accounts]
    assert all(pair in pairs for pair in ({"precision", "recall"}, {"precision", "f1"}, {"recall", "f1"}))


def test_false_positives_need_background():
    """If half of the sheet is true, a hundred times as many pixels cannot be predicted."""
    result = answer(precision=".01", recall="1", prevalence=".5")
    assert [len(conflict) for conflict in result.conflicts] == [3]
    rest = implied(result, "precision", "recall")["prevalence"]
    assert rest.exact == pytest.approx((0, 0.01))  # 99 false positives per true pixel
    assert rest.off == pytest.approx(0.49)
    assert answer(precision=".01", recall="1", prevalence=".009").coherent


def test_without_hits_only_zeros_fit():
    assert answer(precision="0", recall="0", f1="0", iou="0", area_ratio="1.2").coherent
    assert not answer(precision="0", recall=".5").coherent
    assert not answer(recall="0", iou=".26").coherent
    result = answer(recall="0", area_ratio="1.9", prevalence=".9")  # more predicted pixels than background
    assert not result.coherent
    assert implied(result, "recall", "area_ratio")["prevalence"].exact == pytest.approx((0, 1 / 2.9))
    bounded = spans([score.exact() for score in numbers(precision=".01", recall="1", prevalence="<.9")], inverse=False)
    assert bounded["class_weight"][0] == 99


def test_a_table_with_missing_cells():
    rows = [{"f1": ".37", "iou": "nan", "loss": "dice"}, {"f1": ".37", "iou": ".26"}, {"f1": "", "iou": ".26"}]
    ((row, conflict),) = check_table(rows)
    assert row == 1
    assert {score.label for score in conflict} == {"F1 .37", "IoU .26"}


def published():
    """Rows of the pixel tables of `make train`; their first columns are these."""
    page = (ROOT / "docs/getting-started/first-sweep.md").read_text()
    block = page.split("<!-- output -->")[1].split("<!-- /output -->")[0]
    names = ("iou", "precision", "recall", "f1", "area_ratio")
    for cells in re.findall(r"^ +(?:\* )? *\w+ +((?:\d?\.\d{3} *){7})$", block, re.MULTILINE):
        yield dict(zip(names, cells.split(), strict=False))


def test_the_tables_of_the_first_sweep_are_coherent():
    rows = list(published())
    assert len(rows) == 9
    assert all(set(row) == set(TABLE) for row in rows)
    assert not list(check_table(rows))
    spoilt = [row | {"f1": row["iou"]} for row in rows]
    assert {number for number, _ in check_table(spoilt)} == set(range(9))


FIRST = ROOT / "experiments/first_sweep/results.csv"
RESULTS = [FIRST, *sorted((ROOT / "experiments").glob("*/results.parquet"))]
assert len(RESULTS) > 1


def whole_splits(path):
    """The rates of the test split as they are written, to the last digit, and those of the perturbed truth."""
    if path == FIRST:
        return pd.read_csv(path, dtype=str)
    table = pd.read_parquet(path)
    table = table[table["sheet"].isna() & (table["split"] != "val") & table["measure"].isin(TABLE)]
    return table.assign(value=table["value"].map(repr))


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.parent.name)
def test_every_published_table_is_coherent(path):
    wide = whole_splits(path).pivot_table(
        index=["run", "split", "class"], columns="measure", values="value", aggfunc="first"
    )
    rows = wide[[name for name in TABLE if name in wide]].fillna("nan").to_dict("records")
    assert len(rows) > 5
    assert not list(check_table(rows))
