"""The blocks of the README against numbers computed by hand."""

from dataclasses import replace
from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest
from claim_cases import RECALL, SMALL, claim_node, claims_of, shift
from scipy import optimize, stats
from study_cases import LOSSES, THREE, planted

from thinline.metrics.number_format import number
from thinline.study.claims.remedies import families_of
from thinline.study.claims.verdicts import table, verdicts_of
from thinline.study.design.results import Results
from thinline.study.design.study import StudyError
from thinline.study.publish.readme_tables import (
    domain_block,
    frontier_block,
    published_folders,
    replaced,
    smallest_block,
    studies_block,
    study_row,
    verdict_block,
)
from thinline.study.stats.effects import effects


@pytest.fixture(scope="module")
def results():
    drawn = planted(sheets=4)
    return Results(drawn.study, drawn.cells, drawn.rows, drawn.sheets, ("x (not run)",), {"hours of training": "3.0"})


def test_a_line_of_the_board_is_the_mean_over_seeds_with_half_its_interval(results):
    lines = frontier_block(results, effects(results).cells).splitlines()
    assert len(lines) == 2 + 12 + 1
    (line,) = [line for line in lines if "| measured/dice/fresh |" in line]
    assert line.startswith("| A+B+C |")
    cells = results.cells[results.cells["condition"] == "measured/dice/fresh"]["run"]
    rows = results.rows[results.rows["run"].isin(cells) & (results.rows["split"] == "test")]
    result = [text.strip() for text in line.strip("|").split("|")][2:]
    columns = product(("curve_1", "curve_2"), ("iou", "precision", "recall"))
    for text, (name, measure) in zip(result, columns, strict=True):
        values = rows[(rows["measure"] == measure) & (rows["class"] == name)]["value"]
        half = stats.sem(values) * stats.t(4).ppf(0.975)
        assert text == f"{values.mean():.3f} ±{half:.3f}".replace("0.", ".")


def test_conditions_come_by_how_many_families_moved(results):
    labels = [line.split("|")[2].strip() for line in frontier_block(results, effects(results).cells).splitlines()[2:-1]]
    counts = [len(families_of(results.conditions)[label]) for label in labels]
    assert counts == sorted(counts)
    assert labels[0] == "none/soft_ce/scarce"


def test_one_seed_has_no_interval(results):
    cells = results.cells[results.cells["seed"] == 0]
    rows, sheets = (part[part["run"].isin(cells["run"])] for part in (results.rows, results.sheets))
    one = Results(results.study, cells, rows, sheets)
    assert "±" not in frontier_block(one, effects(one).cells)
    assert "smallest" not in frontier_block(one, effects(one).cells)


VERDICTS = pd.DataFrame(
    {
        "claim": ["a", "b", "c", "d"],
        "statement": ["copies help", "weights raise recall", "pens lift IoU", "sheets help"],
        "sourced_numbers": [np.nan, "recall .96 (binary stack)", np.nan, np.nan],
        "verdict": ["refuted", "supported", "untestable", "supported"],
        "study": ["data_mix", "three_family", "", "data_mix"],
        "sentence": [
            *("Refuted over 5 seeds: no", "Supported over 5 seeds: recall +.03 [.02, .04]"),
            *("Untestable: no cells.", "Supported: yes"),
        ],
        "holm": ["undecided", "supported", "", "supported"],
        "holding": [1, 4, np.nan, 2],
        "findings": [4, 4, np.nan, 2],
        "power": [0.5, 0.823, np.nan, np.nan],
        "caution": [np.nan, "Of another run.", np.nan, np.nan],
    }
).astype({"holding": "Int64", "findings": "Int64"})


def test_each_verdict_has_its_table_with_a_line_a_claim_and_the_others_are_counted():
    heads = [
        "| claim of the source | its numbers | measured here, 95 % | findings that hold | with Holm | power | study |",
        "|---|---|---|---|---|---|---|",
    ]
    first = (
        "| weights raise recall | recall .96 (binary stack) | over 5 seeds: recall +.03 [.02, .04] *Caution:* Of "
        "another run. | 4 of 4 | the same | .82 | three_family |"
    )
    assert verdict_block(VERDICTS).splitlines() == [
        *("**Supported: 2**", "", *heads),
        first,
        "| sheets help |  | yes | 2 of 2 | the same | - | data_mix |",
        *("", "**Refuted: 1**", "", *heads),
        "| copies help |  | over 5 seeds: no | 1 of 4 | undecided | .50 | data_mix |",
        *("", "**Not tested: 1** claims and numbers; verdicts.csv of a study says why."),
    ]


def test_a_verdict_that_names_a_factor_has_its_table_and_is_counted(results):
    sentence = "Depends on loss over 5 seeds: +.1, but 0"
    one = VERDICTS.iloc[:1].assign(verdict="depends on loss", holm="depends on loss", sentence=sentence)
    assert verdict_block(one).splitlines()[0] == "**Depends on another factor: 1**"
    assert f"| copies help |  | {sentence} | 1 of 4 | the same |" in verdict_block(one)
    assert "| 1 depend on a factor |" in study_row(results, one, "planted")


def test_the_board_ends_with_the_smallest_difference_of_two_rows(results):
    """By hand: every pair of conditions, paired by seed, 80 % power of a two-sided test at .05 with four degrees."""
    *_, last = frontier_block(results, effects(results).cells).splitlines()
    rows = results.rows[(results.rows["split"] == "test") & (results.rows["measure"] == "iou")]
    wide = (
        rows[rows["class"] == "curve_1"]
        .merge(results.cells, on="run")
        .pivot(index="seed", columns="condition", values="value")
    )
    errors = [(wide[a] - wide[b]).sem() for a, b in combinations(wide.columns, 2)]
    critical = stats.t.ppf(0.975, 4)
    shift = optimize.brentq(lambda nc: stats.nct.sf(critical, 4, nc) - 0.8, 0, 20)
    assert last.startswith("| | *smallest difference of two rows that these seeds can tell* | ")
    assert last.split("|")[3].strip() == number(np.median(errors) * shift, 3)
    assert f"IoU {last.split('|')[3].strip()} / {last.split('|')[6].strip()}" in smallest_block(results)


def test_vertical_bars_in_a_text_do_not_end_a_table_cell():
    """Levels are joined by `|`, which ends a cell in Markdown."""
    sentence = "test/iou, loss=dice|tversky less loss=soft_ce: +.03 [.02, .04]"
    block = verdict_block(VERDICTS.assign(sentence=sentence))
    (line,) = [line for line in block.splitlines() if "weights raise recall" in line]
    assert r"loss=dice\|tversky" in line
    assert line.replace(r"\|", "").count("|") == block.splitlines()[2].count("|")


def test_the_row_of_a_study_counts_cells_seeds_and_verdicts(results):
    row = study_row(results, VERDICTS, "planted")
    assert "60 cells, 5 seeds; 1 left out | 2 supported, 1 refuted | 3.0 |" in row
    block = studies_block([row], ["five_losses"])
    assert block.endswith("Without results: five_losses.")


def test_blocks_are_replaced_between_their_marks_alone():
    text = "a\n<!-- one -->\nold\n<!-- /one -->\nb\n"
    assert replaced(text, {"one": r"new \1"}, where="x") == "a\n<!-- one -->\nnew \\1\n<!-- /one -->\nb\n"
    with pytest.raises(StudyError, match=r"x: expected one block <!-- two -->"):
        replaced(text, {"two": ""}, where="x")
    with pytest.raises(StudyError, match="expected one block"):
        replaced(text + text, {"one": ""}, where="x")


def test_only_folders_with_results_are_published(tmp_path):
    for name in ("b", "a", "c"):
        (tmp_path / name).mkdir()
    for name in ("b", "a"):
        (tmp_path / name / "results.parquet").write_bytes(b"")
    assert [path.name for path in published_folders(tmp_path)] == ["a", "b"]


def test_claims_are_compared_across_kinds_of_image(tmp_path):
    """The claim holds on drawn sheets and is refuted on photographs; a claim of one kind alone has no line."""
    both = claim_node(test=[{"studies": ["one", "two"], "all": [RECALL | {"expect": "up"}]}])
    alone = claim_node(id="alone", statement="Alone.", test=[{"studies": ["one"], "all": [RECALL | {"expect": "up"}]}])
    claims = claims_of(tmp_path, both, alone)
    results = {
        name: planted(replace(LOSSES, name=name), effect=shift(effect, loss="dice"), **SMALL)
        for name, effect in (("one", 0.1), ("two", -0.1))
    }
    tables = {name: table(verdicts_of(claims, own, draws=0)) for name, own in results.items()}
    title, _, line = domain_block(claims, tables, {"one": "drawn sheets", "two": "photographs"}).splitlines()
    assert title == "| claim of the source | drawn sheets | photographs |"
    statement, drawn, photographs = [text.strip() for text in line.strip("|").split("|")]
    assert statement == claims[0].statement
    assert drawn.startswith("**supported**: recall of curve_")
    assert photographs.startswith("**refuted**: recall of curve_")
    row = tables["two"].iloc[0]
    numbers = f"{row['effect']:.3f} [{row['low']:.3f}, {row['high']:.3f}] (two)"
    assert photographs.endswith(numbers.replace("0.", "."))
    same = dict.fromkeys(tables, "drawn sheets")
    assert domain_block(claims, tables, same) == "No claim was tested on more than one kind of image."


def test_a_claim_that_depends_on_a_factor_has_a_value_of_both_sides(tmp_path):
    claims = claims_of(tmp_path, claim_node(test=[{"studies": ["one", "two"], "all": [RECALL | {"expect": "up"}]}]))
    studies = {"one": replace(LOSSES, name="one"), "two": replace(THREE, name="two")}
    effects_of = {"one": shift(0.1, loss="dice"), "two": shift(0.1, loss="dice", class_weight="measured")}
    results = {name: planted(study, effect=effects_of[name], **SMALL) for name, study in studies.items()}
    tables = {name: table(verdicts_of(claims, own, draws=0)) for name, own in results.items()}
    (row,) = tables["two"].to_dict("records")
    assert row["verdict"] == "depends on class_weight"
    line = domain_block(claims, tables, {"one": "drawn sheets", "two": "photographs"}).splitlines()[-1]
    drawn, photographs = [text.strip() for text in line.strip("|").split("|")][1:]
    assert "class_weight=none" in photographs.partition(", but ")[0]
    assert photographs.partition(", but ")[2] == f"{row['other']} (two)"
    value, _, levels = row["other"].partition(" at ")
    assert float(value.split()[0]) == pytest.approx(0.1, abs=0.05)
    assert "class_weight=measured" in levels
    assert ", but " not in drawn
