"""The tables at the end of a run and a sweep."""

import io
import re

import pandas as pd
import pytest
from rich.console import Console
from scipy import optimize, stats

from thinline.metrics.catalogue import PERTURBED_TRUTH
from thinline.sweep.tables import COLUMNS, LINE_COLUMNS, cell_labels, class_tables, show


def rows(*cells, seed=0):
    """Rows of runs given as (name, loss, weight, {class: iou})."""
    return pd.DataFrame(
        [
            {"run": run, "seed": seed, "loss": loss, "head": "softmax", "class_weight": weight, "split": "test"}
            | {"measure": measure, "class": name, "value": value, "support": 9, "signature": "s"}
            for run, loss, weight, scores in cells
            for name, iou in scores.items()
            for measure, value in (("iou", iou), ("support", 1234.0))
        ]
    )


def printed(table, width=100):
    console = Console(width=width, file=io.StringIO(), record=True)
    console.print(table)
    return console.export_text()


def shown(scored, *, width=100):
    """The text of the tables of runs."""
    console = Console(width=width, file=io.StringIO(), record=True)
    show(console, scored, order=sorted(set(scored["run"])), commands=[])
    return console.export_text()


TWO = rows(
    ("r1", "dice", "none", {"background": 0.99, "curve_1": 0.3, "curve_2": 0.25}),
    ("r2", "tversky", "none", {"background": 0.98, "curve_1": 0.4, "curve_2": float("nan")}),
)


def test_a_cell_is_named_by_what_varies():
    assert cell_labels(TWO) == {"r1": "dice", "r2": "tversky"}
    assert cell_labels(rows(("r1", "dice", "none", {"curve_1": 0.5}))) == {"r1": "dice/softmax"}


def test_cells_of_one_option_are_named_by_what_was_changed():
    two = rows(("r1", "dice", "fixed(value=5)", {"curve_1": 0.5}), ("r2", "dice", "fixed", {"curve_1": 0.4}))
    assert cell_labels(two) == {"r1": "fixed(value=5)", "r2": "fixed"}


def test_a_run_that_does_not_name_the_neutral_level_of_a_key_has_it_in_its_label() -> None:
    pooled = rows(("r2", "dice", "none", {"curve_1": 0.5})).assign(pooling="scnp")
    both = pd.concat([rows(("r1", "dice", "none", {"curve_1": 0.5})), pooled], ignore_index=True)
    assert cell_labels(both) == {"r1": "none", "r2": "scnp"}


def test_each_class_has_its_own_table_and_its_own_best():
    """Over two seeds tversky leads on the first curve and dice on the background; on the second, dice is alone."""
    same = TWO.assign(seed=1, run=TWO["run"] + "s1")
    again = same.assign(value=TWO["value"].where(TWO["measure"] != "iou", TWO["value"] / 2))
    tables = class_tables(pd.concat([TWO, again]), order=["r1", "r2", "r1s1", "r2s1"])
    first, second, last = (printed(table) for table in tables)
    assert first.startswith("curve_1")
    assert second.startswith("curve_2")
    assert last.startswith("background")
    starred = [[line.split()[1] for line in text.splitlines() if "*" in line] for text in (first, second, last)]
    assert starred == [[], [], []]  # halved with the seed, the lead differs by half of itself
    tables = class_tables(pd.concat([TWO, same]), order=["r1", "r2", "r1s1", "r2s1"])
    starred = [[line.split()[1] for line in printed(table).splitlines() if "*" in line] for table in tables]
    assert starred == [["tversky"], [], ["dice"]]
    assert "1,234 true pixels" in " ".join(first.split())


def test_one_seed_has_no_star_and_says_why():
    text = shown(TWO, width=80)
    assert "*" not in text
    assert "no star: several seeds are needed to compare, e.g. seed=0,1,2" in text
    assert "star" not in shown(TWO[TWO["run"] == "r1"])  # a single run has nothing to compare


def test_a_class_without_a_score_is_a_dash():
    second = printed(class_tables(TWO, order=["r1", "r2"])[1])
    (line,) = [line for line in second.splitlines() if "tversky" in line]
    assert "nan" not in line
    assert "-" in line


def filled(table):
    """The rows of `table`, with 0.5 for every other measure of the table of pixels."""
    one = table[table["measure"] == "iou"]
    more = [one.assign(split=split, measure=name, value=0.5) for split, name in COLUMNS if (split, name) != COLUMNS[0]]
    return pd.concat([table, *more])


def seeds(*scores, weight="none"):
    return pd.concat(
        [rows((f"r{weight}{k}", "dice", weight, {"curve_1": iou}), seed=k) for k, iou in enumerate(scores)]
    )


def test_runs_that_differ_in_their_seed_alone_are_one_line():
    scored = pd.concat([seeds(0.1, 0.2, 0.6), seeds(0.3, 0.4, weight="measured")])
    order = [f"rnone{k}" for k in range(3)] + [f"rmeasured{k}" for k in range(2)]
    (text,) = (printed(table) for table in class_tables(scored, order=order, width=100))
    lines = [line.split() for line in text.splitlines()]
    assert ["none", ".300", ".265", "3"] in lines  # statistics.stdev of the three
    assert ["*", "measured", ".350", ".071", "2"] in lines
    assert "mean over seeds" in text


def test_the_caption_has_the_smallest_difference_of_two_lines():
    """Three shared seeds, differences of .1, .2 and .3: an error of .0577, times the noncentrality of two degrees."""
    scored = pd.concat([seeds(0.1, 0.2, 0.3), seeds(0.2, 0.4, 0.6, 0.9, weight="measured")])
    order = [f"rnone{k}" for k in range(3)] + [f"rmeasured{k}" for k in range(4)]
    (text,) = (printed(table, 100) for table in class_tables(scored, order=order, width=100))
    critical = stats.t.ppf(0.975, 2)
    shift = optimize.brentq(lambda nc: stats.nct.sf(critical, 2, nc) - 0.8, 0, 30)
    words = f"smallest difference of two lines that these seeds can tell: IoU {0.1 / 3**0.5 * shift:.3f}"
    assert words.replace("0.", ".") in " ".join(text.split())


def test_columns_without_a_number_are_left_out_but_for_the_first():
    scored = with_lines(rows(("r1", "dice", "none", {"curve_1": float("nan")})))
    scored.loc[scored["split"] == "oracle_jitter", "value"] = float("nan")
    pixels, line = (printed(table, 120) for table in class_tables(scored, order=["r1"], width=120))
    assert re.search(r"^ +cell +IoU *$", pixels, re.MULTILINE)
    assert ["dice/softmax", "-"] in [text.split() for text in pixels.splitlines()]
    assert re.search(r"^ +cell +NSD 1 px +MAE, bridged +breaks *$", line, re.MULTILINE)


def test_a_mean_over_something_undefined_is_undefined():
    (text,) = (printed(table) for table in class_tables(seeds(0.5, float("nan")), order=["rnone0", "rnone1"]))
    (line,) = [line.split() for line in text.splitlines() if line.strip().startswith("dice")]
    assert line[1] == "-"


@pytest.mark.parametrize(
    ("width", "head", "shown"), [(60, "threshold", False), (80, "area ratio", False), (110, "area ratio", True)]
)
def test_long_names_are_not_folded_while_heads_can_be_broken_and_columns_left_out(width, head, shown):
    long = "effective_number(beta=0.9)"
    two = filled(rows(("r1", "dice", "none", {"curve_1": 0.5}), ("r2", "dice", long, {"curve_1": 0.4})))
    text = printed(class_tables(two, order=["r1", "r2"], width=width)[0], width)
    assert long in text
    assert max(map(len, map(str.rstrip, text.splitlines()))) <= width
    assert (head in text) == shown
    assert ("threshold" in text) == (width > 60)


def test_show_ends_with_the_commands():
    console = Console(width=100, file=io.StringIO(), record=True)
    show(console, TWO, order=["r1", "r2"], commands=["first command", "second command"])
    assert [line.strip() for line in console.export_text().splitlines()][-2:] == ["first command", "second command"]


def with_lines(table):
    """The rows of `table`, and for each run scores of its line and of the perturbed truth."""
    base = {"seed": 0, "loss": "dice", "head": "softmax", "class_weight": "none", "class": "curve_1", "support": 9}
    more = [
        base | {"run": run, "split": split, "measure": measure, "value": value, "signature": "s"}
        for run in table["run"].unique()
        for split, measure, value in (
            ("test", "nsd_1px", 0.8),
            ("test", "viterbi_bridged_mae_track", 0.01234),
            ("test", "breaks", 7.0),
            ("test", "boundary_iou", 0.5),
            ("oracle_jitter", "iou", 0.2),
            ("oracle_jitter", "nsd_1px", 1.0),
        )
    ]
    return pd.concat([table, pd.DataFrame(more)])


def test_a_curve_has_a_table_of_its_line_and_perturbed_truth_below_the_cells():
    scored = with_lines(rows(("r1", "dice", "none", {"curve_1": 0.5})))
    pixels, line = (printed(table, 120) for table in class_tables(scored, order=["r1"], width=120))
    assert "curve_1 as a line" in line
    cells = [text.split() for text in line.splitlines()]
    assert ["dice/softmax", ".800", ".0123", "7"] in cells
    assert ["truth,", "jitter", "rows", "1.000", "-", "-"] in cells
    assert ["truth,", "jitter", "rows", ".200"] in [text.split() for text in pixels.splitlines()]
    assert "truth itself" not in line
    assert "jitter normal" not in line  # runs of earlier versions lack it


@pytest.mark.parametrize(("columns", "number"), [(COLUMNS, 0), (LINE_COLUMNS, 1)])
@pytest.mark.parametrize("seeds", [1, 2])
def test_every_number_of_every_row_fits_a_terminal_of_80_columns(columns, number, seeds):
    base = {"loss": "dice", "class": "curve_1", "support": 9, "signature": "s"}
    more = [
        base | {"run": f"r{seed}", "seed": seed, "split": split, "measure": measure, "value": 0.1234}
        for seed in range(seeds)
        for own, measure in {*COLUMNS, *LINE_COLUMNS}
        for split in (own, *(PERTURBED_TRUTH if own == "test" else ()))
    ]
    order = [f"r{seed}" for seed in range(seeds)]
    text = printed(class_tables(pd.DataFrame(more), order=order, width=80)[number], 80)
    lines = [line.rstrip() for line in text.splitlines()]
    assert max(map(len, lines)) <= 80
    for cell in ("dice", *PERTURBED_TRUTH.values()):
        (line,) = [line for line in lines if line.strip().startswith(cell + " ")]
        assert (
            len(line.removeprefix(line[: line.index(cell) + len(cell)]).split()) >= len(columns) - number or seeds == 2
        )
    assert number == 0 or "R2" not in text  # the column that a terminal of 80 columns lacks
    heads = " ".join(" ".join(lines[:6]).split())
    assert all(
        word in heads
        for word in (("MAE,", "right", "value", "error") if number and seeds == 1 else ("NSD" if number else "IoU",))
    )


def test_heads_are_the_labels_of_the_catalogue_in_one_line_where_they_fit():
    scored = with_lines(filled(rows(("r1", "dice", "none", {"curve_1": 0.5}))))
    there = set(scored["measure"])
    more = [scored[scored["measure"] == "breaks"].assign(measure=name) for _, name in LINE_COLUMNS if name not in there]
    scored = pd.concat([scored, *more])
    pixels, line = (printed(table, 150) for table in class_tables(scored, order=["r1"], width=150))
    heads = [" ".join(text.split()) for table in (pixels, line) for text in table.splitlines()]
    assert "cell IoU precision recall F1 area ratio tuned F1 threshold" in heads
    errors = "MAE, with gaps MAE, bridged MAE, right labels"
    assert f"cell NSD 1 px {errors} coverage swaps breaks value error R2, bridged" in heads


def test_a_note_says_that_boundary_iou_is_iou():
    same = with_lines(rows(("r1", "dice", "none", {"curve_1": 0.5})))
    assert "boundary IoU is IoU here" in shown(same)
    assert "boundary IoU is IoU here" not in shown(with_lines(rows(("r1", "dice", "none", {"curve_1": 0.4}))))
    absent = with_lines(rows(("r1", "dice", "none", {"curve_1": float("nan")}))).assign(**{"class": "curve_2"})
    absent.loc[absent["measure"] == "boundary_iou", "value"] = float("nan")
    assert "boundary IoU is IoU here" in shown(pd.concat([same, absent]))
    assert "boundary IoU is IoU here" not in shown(absent)


def test_perturbed_truth_of_different_sheets_is_not_averaged():
    scored = with_lines(rows(("r1", "dice", "none", {"curve_1": 0.5}), ("r2", "focal", "none", {"curve_1": 0.4})))
    assert all("jitter" in printed(table) for table in class_tables(scored, order=["r1", "r2"]))
    other = (scored["run"] == "r2") & (scored["split"] == "oracle_jitter")
    scored.loc[other, "value"] = 0.9
    assert not any("jitter" in printed(table) for table in class_tables(scored, order=["r1", "r2"]))
    scored.loc[scored["run"] == "r2", "seed"] = 1  # another seed has other sheets
    assert all("jitter" in printed(table) for table in class_tables(scored, order=["r1", "r2"]))
