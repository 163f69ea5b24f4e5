"""Errors of traced curves on drawn sheets: none for a network that knows the ink, one track for a blind one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from thinline.cli.network import curve_errors as module
from thinline.cli.network.curve_errors import curve_errors, differ, section
from thinline.sheets import render, sample
from thinline.sheets.ink_and_centre import ink_and_centre
from thinline.sheets.spec import PenSpec, SkewSpec


@dataclass
class Knowing:
    """Stands for a loaded run: it returns the true ink and centre lines of the sheets in their order."""

    blind: bool = False
    px_per_mm: float = 5.0
    seen: int = 0

    @property
    def reader(self) -> Knowing:
        return self

    def probabilities(self, image: np.ndarray) -> np.ndarray:
        spec = module.replace(sample("field", module.FIRST_SEED + self.seen, size_mm=(48.0, 48.0)), skew=SkewSpec())
        sheet = render(spec, px_per_mm=self.px_per_mm)
        assert np.array_equal(sheet.image, image)
        self.seen += 1
        planes = ink_and_centre(sheet).strokes.astype(np.float32)
        return planes * (not self.blind)


def test_the_truth_has_a_small_error_and_intervals_that_hold_it() -> None:
    errors = curve_errors(Knowing(), sheets=24, size_mm=48.0)  # type: ignore[arg-type]
    assert sum(each.curves for each in errors.values()) >= 8
    for each in errors.values():
        for middle, low, high in (each.error, each.found, each.coverage):
            assert low - 1e-12 <= middle <= high + 1e-12
    assert errors["pens differ"].found[0] < 0.02
    assert errors["pens differ"].coverage[0] > 0.8


def test_what_is_not_found_has_the_error_of_one_track() -> None:
    errors = curve_errors(Knowing(blind=True), sheets=3, size_mm=48.0)  # type: ignore[arg-type]
    for each in errors.values():
        assert each.error == (1.0, 1.0, 1.0)
        assert each.coverage[0] == 0
        assert np.isnan(each.found).all()


@pytest.mark.parametrize(
    ("pens", "expected"),
    [
        ([PenSpec(1.0, 1.0, 0.0, ())], True),
        ([PenSpec(1.0, 1.0, 0.0, ()), PenSpec(1.1, 1.0, 0.0, ())], False),
        ([PenSpec(1.0, 1.0, 0.0, ()), PenSpec(1.3, 1.0, 0.0, ())], True),
        ([PenSpec(1.0, 1.0, 0.0, ()), PenSpec(1.0, 1.0, 0.0, (2.0, 1.0))], True),
        ([PenSpec(1.0, 1.0, 0.0, ()), PenSpec(1.3, 1.0, 0.0, ()), PenSpec(1.3, 1.0, 0.0, ())], False),
    ],
)
def test_pens_differ_by_width_or_dashes(pens: list[PenSpec], expected: bool) -> None:
    assert differ(pens) is expected


def test_the_section_of_the_card_has_a_row_for_each_group() -> None:
    errors = curve_errors(Knowing(), sheets=4, size_mm=48.0)  # type: ignore[arg-type]
    text = section(errors)
    for name, each in errors.items():
        assert f"| {name} | {each.sheets} | {each.curves} | {each.error[0]:.4f} [" in text
