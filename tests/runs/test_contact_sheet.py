"""The page with the pictures of a run: order, F1, legend."""

import re

import pandas as pd

from thinline.metrics.overlay import MEANINGS, curve_colour
from thinline.runs.contact_sheet import contact_sheet


def page(shown, classes=("background", "curve_1", "<b>")):
    f1 = {7: (0.25, 0.5), 2: (0.5, 0.6), 9: (0.8, 0.9), 4: (0.9, 0.95)}
    table = pd.DataFrame.from_dict(f1, orient="index", columns=list(classes[1:]))
    return contact_sheet("dice-s0-1a", table, shown, classes=classes)


def test_the_sheets_are_in_order_with_their_f1():
    text = page([7, 2, 9, 4])
    assert re.findall(r"<h2>(.*?)</h2>", text) == [
        "Worst: sheet 7, F1 .375",
        "Median: sheet 2, F1 .550",
        "Rank 3 of 4: sheet 9, F1 .850",
        "Best: sheet 4, F1 .925",
    ]
    assert re.findall(r'src="(.*?)"', text) == [f"overlays/test_{sheet:03d}.png" for sheet in (7, 2, 9, 4)]
    assert "curve_1 .250, &lt;b&gt; .500" in text
    assert "3 of 4 test sheets" in page([7, 2, 4])


def test_the_legend_has_the_colours_of_the_pictures():
    """And the page asks for nothing but its pictures; a name of a class is no markup."""
    text = page([7])
    shown = {name: colour for colour, name in re.findall(r"background: rgb(\(.*?\))\"></i>(.*?)<", text)}
    expected = {"curve_1": curve_colour(1), "&lt;b&gt;": curve_colour(2), **MEANINGS}
    assert shown == {name: str(colour).replace(" ", "") for name, colour in expected.items()}
    assert "<b>" not in text
    assert "http" not in text
    assert "<script" not in text
