"""All figures: drawn or a reason why not, the same bytes again, at the page's width, whatever the reader's style."""

import importlib.util
import io
import re
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest
from figure_cases import FAMILIES, PENS, SWEEP, small, tables, with_rows
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from thinline.study.design.study import StudyError
from thinline.study.figures.all import all_figures
from thinline.study.figures.cells import heat_map
from thinline.study.figures.effects import forest, variance_shares
from thinline.study.figures.labels import spread
from thinline.study.figures.style import DPI, WIDTH_IN, few_colours, png, style, words
from thinline.study.figures.tables import ends_of, short_labels, varied

CROSSINGS = {
    ("test", f"{name}"): lambda cell, curve, seed: 0.5
    for name in ("crossing_inside_iou", "crossing_outside_iou", "viterbi_swaps", "edge_follower_swaps")
}


def size(content):
    """Width and height of a PNG."""
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    return int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")


PAINTED = ("variance", "sheets")
"""The figures of the test that are turned into pixels, which takes most of the time."""


@pytest.fixture(scope="module")
def drawn():
    results = with_rows(small(), CROSSINGS)
    widths = []

    def paint(figure):
        widths.append(round(figure.get_figwidth() * figure.dpi))
        return png(figure) if len(widths) > 9 else b""

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("thinline.study.figures.all.png", paint)
        pictures, reasons = all_figures(results, tables(results), pictures={0: np.full((300, 900, 3), 200, np.uint8)})
    return pictures, reasons, widths


def test_every_figure_is_drawn_or_says_why_not(drawn):
    pictures, reasons, _ = drawn
    assert list(pictures) == [
        *("frontier", "decision_matrix", "forest", "interactions_iou", "interactions_recall", "heat_map"),
        *("crossings", "rank_stability", "tau", "variance", "sheets"),
    ]
    assert reasons == {
        "tuning": "the study chooses no level on validation",
        "weight_sweep": "the study does not sweep the weight of a curve",
        "resolution": "the study has one resolution",
        "specification": "the study families declares no main contrast",
    }


def test_pictures_are_png_of_the_pages_width_with_title_and_alternative_text(drawn):
    pictures, _, widths = drawn
    assert widths == [900 if name == "sheets" else WIDTH_IN * DPI for name in pictures]
    for name, picture in pictures.items():
        assert picture.title
        assert picture.title in picture.alt
        assert "\n" not in picture.title + picture.alt
        if name in PAINTED:
            assert size(picture.png)[0] == (900 if name == "sheets" else 1350)
            assert 200 < size(picture.png)[1] < 2400
            assert not re.search(r"tEXt(Software|Creation)", picture.png.decode("latin-1"))


@pytest.fixture
def unpainted(monkeypatch):
    """Figures that are drawn, but not turned into pixels, which takes most of the time."""
    monkeypatch.setattr("thinline.study.figures.all.png", lambda figure: b"")


@pytest.mark.usefixtures("unpainted")
def test_a_study_has_the_figures_of_its_measures_and_a_reason_for_the_others():
    results = small(SWEEP)
    effects = tables(results)
    of_conditions = replace(effects, tau=effects.tau.assign(factor="condition"))
    pictures, reasons = all_figures(results, of_conditions)
    assert pictures["tau"].title.startswith("Do measures agree which condition is better?")
    assert {"weight_sweep", "interactions_f1", "interactions_tuned_f1"} <= set(pictures)
    assert "decision_matrix" in reasons
    assert "no run of this study has test/crossing_inside_iou" in reasons["crossings"]
    assert "has no picture of a test sheet" in reasons["sheets"]
    assert not set(pictures) & set(reasons)


@pytest.mark.usefixtures("unpainted")
def test_without_effects_the_figures_that_need_them_say_so():
    results = small(PENS)
    full = tables(results)
    empty = type(full)(*(getattr(full, name).iloc[:0] for name in full.__dataclass_fields__))
    pictures, reasons = all_figures(results, empty)
    assert {"forest", "rank_stability", "tau", "variance"} <= set(reasons)
    assert {"frontier", "decision_matrix", "heat_map", "resolution"} <= set(pictures)


def test_equal_figures_are_equal_bytes_whatever_the_users_style():
    table = tables(small()).variance
    first = png(variance_shares(table))
    with mpl.rc_context({"font.size": 20, "axes.facecolor": "red", "savefig.dpi": 30, "figure.dpi": 30}):
        assert png(variance_shares(table)) == first
    assert png(variance_shares(table.assign(share=0.5))) != first


def test_a_png_has_few_colours_and_they_are_near_those_that_were_drawn():
    results = small(PENS)
    heat, again = (
        heat_map(results, tables(results).cells) for _ in range(2)
    )  # drawn twice, a figure is laid out twice
    few, drawn = png(again), io.BytesIO()
    with style():
        heat.savefig(drawn, format="png", dpi=heat.dpi)
    with Image.open(io.BytesIO(few)) as image, Image.open(drawn) as whole:
        assert image.mode == "P"
        off = np.abs(np.asarray(image.convert("RGB"), float) - np.asarray(whole.convert("RGB"), float)).max(axis=2)
    assert len(few) < 0.6 * len(drawn.getvalue())
    assert off.mean() < 1
    assert (off > 24).mean() < 0.001


def test_without_matplotlib_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(StudyError, match=r'pip install "thinline\[report\]"'):
        forest(tables(small()).contrasts)


@given(st.lists(st.floats(0, 1), max_size=8), st.floats(0.01, 0.3))
def test_labels_keep_their_order_and_distance(heights, gap):
    actual = spread(np.array(heights), gap)
    order = np.argsort(heights, kind="stable")
    assert (np.diff(actual[order]) >= gap - 1e-9).all()
    if (np.diff(np.sort(heights)) >= gap).all():
        assert actual == pytest.approx(np.array(heights))
    assert actual.sum() == pytest.approx(sum(heights))


def test_labels_drop_what_does_not_vary_and_what_is_not_there():
    assert short_labels(small(SWEEP))["fixed/42/softmax/soft_ce"] == "fixed/42/softmax"
    assert short_labels(small(SWEEP))["tuned_threshold/softmax/soft_ce"] == "tuned_threshold/softmax"
    assert list(varied(small(SWEEP))) == ["class_weight.value", "head"]
    assert varied(small())["loss"] == FAMILIES.factors["loss"]  # dice_ce is outside of the grid


def test_ends_of_a_long_list():
    assert ends_of(list("abcdef"), 4) == (list("abef"), "Shown: the first 2 and the last 2 of 6. ")
    assert ends_of(list("abcd"), 4) == (list("abcd"), "")


def test_a_name_without_words_of_its_own_loses_its_underscores():
    assert words("class_weight") == "class weight"
    assert words("class_weight.value") == "weight of a curve"


def test_a_rare_colour_survives_the_reduction_to_few():
    """A missed pixel is its colour: a median cut alone would give it the colour of its many neighbours."""
    smooth = np.linspace(0, 255, 300 * 300 * 3).reshape(300, 300, 3).astype(np.uint8)
    smooth[..., 1] = np.linspace(0, 255, 300).astype(np.uint8)[:, None]
    smooth[150, 100:103] = 213, 94, 0
    few = Image.open(io.BytesIO(few_colours(Image.fromarray(smooth))))
    assert len(few.getcolors()) <= 256
    assert np.abs(np.asarray(few.convert("RGB"))[150, 100:103].astype(int) - (213, 94, 0)).max() <= 32
