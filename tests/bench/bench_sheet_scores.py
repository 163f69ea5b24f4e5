"""All metrics beyond pixels on drawn archive sheets of 256x256 px with two curves, beside inference.

A prediction is the truth with a share of its ink lost, moved aside by a pixel or given to the other curve, and stray
dashes: about as good as a trained network.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

import numpy as np
from rows import Row, compared, limited
from turns import Comparison, Turn, compare, compare_limit, compare_pairs

from thinline.curves.compare import compare as compare_curves
from thinline.curves.trace import trace
from thinline.metrics.perturbed_truth import moved
from thinline.metrics.structure.sheet_scores import CurveTruth, score_sheet
from thinline.metrics.structure.truth import Truth
from thinline.sheets import render, sample
from thinline.sheets.true_positions import true_laps, true_rows

SHEETS, INFERRED, SCALE = 8, 2, 4.0
TEST_SHEETS = 64
"""Of the laptop budget."""

BUDGET_S = 60
"""A new process takes some four seconds."""


def case(number: int) -> tuple[Any, ...]:
    """(predicted labels, ink, truth, courses) of a sheet."""
    spec = sample("archive", number)
    sheet = render(spec, px_per_mm=SCALE)
    rng = np.random.default_rng(number)
    predicted = moved(sheet.labels, rng.integers(-1, 2, len(sheet.labels)) * (rng.random(len(sheet.labels)) < 0.2))
    predicted[rng.random(predicted.shape) < 0.1] = 0
    other = np.repeat(rng.random(len(predicted) // 8) < 0.05, 8)[:, None] & (predicted > 0)
    predicted = np.where(other, 3 - predicted, predicted).astype(np.uint8)
    predicted[np.repeat(np.repeat(rng.random((64, 64)) < 0.003, 4, 0), 4, 1)] = 2
    ink = np.clip(
        (predicted == np.arange(1, 3)[:, None, None]) - 0.05 + rng.normal(0, 0.01, (2, *predicted.shape)), 0, 1
    )
    edges = [[spec.tracks[curve.track].left_mm, spec.tracks[curve.track].right_mm] for curve in spec.curves]
    x_px = true_rows(spec, px_per_mm=SCALE)
    courses = CurveTruth(x_px, np.array(edges) * SCALE - 0.5, true_laps(spec, px_per_mm=SCALE))
    return predicted, ink.astype(np.float32), Truth(sheet.labels, sheet.strokes, sheet.layers, SCALE), courses


def main() -> Iterator[Row]:
    """Rows: 200 sheets a second over the time of tracing, and the time of inference over that of all metrics."""
    cases = [case(number) for number in range(SHEETS)]
    yield _tracing(cases)
    yield from _shares(cases)
    yield _fresh_process()


def _tracing(cases: list[Any]) -> Row:
    def ours() -> None:
        for _, ink, _, courses in cases:
            curves = trace(ink, px_per_mm=SCALE, tracks=courses.tracks)
            for curve, true in zip(curves, courses.x_px, strict=True):
                compare_curves(curve.x_px, true, track_px=100.0)

    comparison = compare_limit(ours, SHEETS / 200)
    name = "tracing and comparing two curves: of 200 a second"
    return limited(name, comparison, f"{SHEETS / comparison.seconds[0]:.0f} sheets a second")


def _shares(cases: list[Any]) -> Iterator[Row]:
    infer = _inference()

    def known() -> None:
        for each in cases:
            score_sheet(*each)

    def fresh() -> None:
        score_fresh(cases)

    for condition, job in (("truth known", known), ("first run", fresh)):
        comparison = compare(job, infer, units=(SHEETS, INFERRED))
        yield compared(f"inference over all metrics, {condition}", comparison, _share(comparison))


def _fresh_process() -> Row:
    """All metrics of the test sheets of a run in a new process, whose first call loads the compiled kernels."""
    infer = _inference()
    first: list[float] = []

    def ours() -> Turn:
        command = [sys.executable, __file__]
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        first.append(float(printed[0]))
        return Turn(float(printed[1]) / TEST_SHEETS)

    def peer() -> Turn:
        began = time.perf_counter()
        infer()
        return Turn((time.perf_counter() - began) / INFERRED)

    def pair(ours_first: bool) -> tuple[Turn, Turn]:
        if ours_first:
            return ours(), peer()
        network = peer()
        return ours(), network

    infer()
    comparison = compare_pairs(pair, budget_s=BUDGET_S)
    comment = f"{_share(comparison)}; the first call {median(first) * 1e3:.0f} ms"
    return compared(f"inference over all metrics, {TEST_SHEETS} sheets of a new process", comparison, comment)


def score_fresh(cases: list[Any]) -> None:
    """Score sheets whose truth has not been used before."""
    for predicted, ink, truth, courses in cases:
        score_sheet(predicted, ink, Truth(truth.labels, truth.strokes, truth.layers, SCALE), courses)


def _inference() -> Callable[[], object]:
    """Inference of a ResNet-18 U-Net on `INFERRED` sheets."""
    import segmentation_models_pytorch as smp
    import torch

    network = smp.Unet("resnet18", encoder_weights=None, in_channels=1, classes=3).eval()
    images = torch.rand(INFERRED, 1, 256, 256)

    def infer() -> None:
        with torch.inference_mode():
            network(images)

    return infer


def _share(comparison: Comparison) -> str:
    own_ms, network_ms = (seconds * 1e3 for seconds in comparison.seconds)
    share = f"{own_ms:.1f} ms a sheet: {1 / comparison.ratio:.1%} of an smp ResNet-18 U-Net's inference"
    return f"{share}, {network_ms:.0f} ms a sheet"


if __name__ == "__main__":  # the new process: seconds of the first sheet, and of all
    cases = [case(number) for number in range(TEST_SHEETS)]
    began = time.perf_counter()
    score_fresh(cases[:1])
    first_s = time.perf_counter() - began
    score_fresh(cases[1:])
    print(first_s, time.perf_counter() - began)
