"""All metrics beyond pixels on drawn archive sheets of 256x256 px with two curves, beside MONAI's and inference.

A prediction is the truth with a share of its ink lost, moved aside by a pixel or given to the other curve, and stray
dashes: about as good as a trained network. One thread each.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
import segmentation_models_pytorch as smp
import torch
from monai.metrics import compute_hausdorff_distance, compute_surface_dice
from turns import seconds_in_turns

from thinline.curves.compare import compare
from thinline.curves.trace import trace
from thinline.metrics.perturbed_truth import moved
from thinline.metrics.structure.centrelines import centrelines
from thinline.metrics.structure.distances import Pair
from thinline.metrics.structure.sheet_scores import CurveTruth, score_sheet
from thinline.metrics.structure.surfaces import surfaces
from thinline.metrics.structure.truth import Truth
from thinline.sheets import render, sample
from thinline.sheets.true_positions import true_laps, true_rows

SHEETS, SCALE, REPEATS = 8, 4.0, 7


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


def main() -> list[tuple[str, float, str]]:
    """Rows (name, peer's time over ours, comment)."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        cases = [case(number) for number in range(SHEETS)]
        return [_outlines(cases), _tracing(cases), *_share(cases)]
    finally:
        torch.set_num_threads(threads)


def _outlines(cases: list[Any]) -> tuple[str, float, str]:
    def ours() -> None:
        for predicted, _, truth, _ in cases:
            for k in (1, 2):
                pair = Pair(predicted == k, truth.labels == k)
                surfaces(pair)
                centrelines(pair)

    def peer() -> None:
        for predicted, _, truth, _ in cases:
            hot = [
                torch.from_numpy(ids[None] == np.arange(3)[:, None, None])[None].float()
                for ids in (predicted, truth.labels)
            ]
            compute_surface_dice(*hot, class_thresholds=[1.0, 1.0])
            compute_hausdorff_distance(*hot, percentile=95)

    our_s, peer_s = _seconds([ours, peer])
    comment = f"{our_s * 1e3:.2f} ms a sheet for NSD, HD95, clDice, breaks...; MONAI NSD and HD95 {peer_s * 1e3:.1f}"
    return "outlines and centrelines, both curves", peer_s / our_s, comment


def _tracing(cases: list[Any]) -> tuple[str, float, str]:
    def ours() -> None:
        for _, ink, _, courses in cases:
            curves = trace(ink, px_per_mm=SCALE, tracks=courses.tracks)
            for curve, true in zip(curves, courses.x_px, strict=True):
                compare(curve.x_px, true, track_px=100.0)

    (our_s,) = _seconds([ours])
    return "tracing and comparing two curves: of 200 a second", 1 / our_s / 200, f"{1 / our_s:.0f} sheets a second"


def _share(cases: list[Any]) -> list[tuple[str, float, str]]:
    network = smp.Unet("resnet18", encoder_weights=None, in_channels=1, classes=3).eval()
    images = torch.rand(SHEETS, 1, 256, 256)

    def known() -> None:
        for each in cases:
            score_sheet(*each)

    def fresh() -> None:
        for predicted, ink, truth, courses in cases:
            score_sheet(predicted, ink, Truth(truth.labels, truth.strokes, truth.layers, SCALE), courses)

    def infer() -> None:
        with torch.inference_mode():
            network(images)

    known_s, fresh_s, network_s = _seconds([known, fresh, infer])
    share = f"of an smp ResNet-18 U-Net's inference, {network_s * 1e3:.0f} ms a sheet, one thread"
    return [
        (
            f"inference over all metrics, {case}",
            network_s / own_s,
            f"{own_s * 1e3:.1f} ms: {own_s / network_s:.1%} {share}",
        )
        for case, own_s in (("truth known", known_s), ("first run", fresh_s))
    ]


def _seconds(jobs: list[Callable[[], object]]) -> list[float]:
    """Median seconds a sheet of each job, taken in turns."""
    return [median(times) / SHEETS for times in seconds_in_turns(jobs, repeats=REPEATS)]
