"""The model card of a network that comes with the package, generated from its run and its test sheets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any, Final

import cv2
import numpy as np
from omegaconf import DictConfig, OmegaConf

from thinline.cli.network.curve_errors import MeanError, curve_errors, section
from thinline.config.schema import CONF, FACTORS, NOT_IDENTITY, compose_config
from thinline.config.shipped import WEIGHTS
from thinline.data.cached_sheets import CachedSheets
from thinline.metrics.absent import f_of
from thinline.metrics.structure.transfer_scores import ink_counts
from thinline.pipeline.load import LoadedRun
from thinline.runs import Manifest
from thinline.runs.identity import flatten
from thinline.sheets import PEN_MM
from thinline.vocabulary import IGNORE, Bool, Float64, Int64

NEAR_PX: Final = 2.0
"""Distance at which a predicted centre line counts as right."""


@dataclass(frozen=True)
class CardScores:
    """Rates on the test sheets by name, and the IoU of the ink of each sheet, NaN where neither side has ink.

    `curves` are the errors of traced curves, of a network that finds centre lines.
    """

    rates: dict[str, float]
    iou_of_sheets: Float64
    curves: Mapping[str, MeanError]


def scores_on(run: LoadedRun, sheets: CachedSheets) -> CardScores:
    """The scores of a network on `sheets`: counts are added over the sheets and divided once."""
    counts, ious, near = [], [], np.zeros(4, np.int64)
    for index in range(len(sheets)):
        prediction = run.predict(np.array(sheets.images[index]), factor=1)
        true = np.array(sheets.labels[index])
        mask = (prediction.labels > 0) & (true != IGNORE)
        counts.append(ink_counts(mask, (true > 0) & (true != IGNORE)))
        ious.append(counts[-1].rates()["iou"])
        if prediction.centre is not None:
            near += _near(prediction.centre > 0.5, (np.array(sheets.strokes[index]) & 2) > 0)
    rates = {f"ink, {name}": value for name, value in reduce(add, counts).rates().items()}
    if near.any():
        predicted, right, lines, found = (float(count) for count in near)
        precision, recall = right / max(predicted, 1), found / max(lines, 1)
        rates |= {
            f"centre lines, precision within {NEAR_PX:g} px": precision,
            f"centre lines, recall within {NEAR_PX:g} px": recall,
            f"centre lines, F1 within {NEAR_PX:g} px": float(f_of(np.array(precision), np.array(recall))),
        }
    return CardScores(rates, np.array(ious), curve_errors(run) if run.head.unscored else {})


def _near(predicted: Bool, true: Bool) -> Int64:
    """Predicted pixels, those near a true one, true pixels, those near a predicted one, int64 [4]."""
    return np.array(
        [
            np.count_nonzero(predicted),
            np.count_nonzero(predicted & _within(true)),
            np.count_nonzero(true),
            np.count_nonzero(true & _within(predicted)),
        ]
    )


def _within(line: Bool) -> Bool:
    """The pixels within NEAR_PX of `line`."""
    if not line.any():
        return np.zeros_like(line)
    away = cv2.distanceTransform((~line).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(away <= NEAR_PX + 1e-3, np.bool_)


def command_of(name: str, config: DictConfig, factors: Mapping[str, str]) -> str:
    """The command that trains a network of `config` again: its experiment, and the options and keys that differ.

    `factors` has the level of each factor, as `unet_slim(widths=[4,8])`.
    """
    first = [f"+experiment={name}"] if (CONF / "experiment" / f"{name}.yaml").is_file() else []
    base = compose_config(first)
    for group in FACTORS:
        option = factors.get(group, "").partition("(")[0]
        if not (CONF / group / f"{option}.yaml").is_file():
            continue  # one of another folder: its keys are listed
        with_option = compose_config([*first, f"{group}={option}"])
        if with_option[group] != base[group]:
            first, base = [*first, f"{group}={option}"], with_option
    plain = flatten(_plain(base))
    differing = [
        f"'{key}={value}'" if set("[]{} ") & set(value) else f"{key}={value}"
        for key, value in flatten(_plain(config)).items()
        if plain.get(key) != value and not key.startswith((*NOT_IDENTITY, "shipped"))
    ]
    return " ".join(["python train.py", *first, *differing])


def _plain(config: DictConfig) -> dict[str, Any]:
    plain: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
    return plain


def card_of(name: str, config: DictConfig, manifest: Manifest, *, facts: Mapping[str, str], scores: CardScores) -> str:
    """The text of card.md."""
    budget, thresholds = config.budget, OmegaConf.select(config, "shipped.thresholds") or {}
    counts = {row["split"]: row["profile"] for row in manifest.cell.datasets}
    trained = ", ".join(
        f"{split} {row['num_rows']:,} sheets" + (f" ({', '.join(row['families'])})" if "families" in row else "")
        for split, row in counts.items()
    )
    scale = float(config.resolution.px_per_mm)
    low, middle, high = np.nanquantile(scores.iou_of_sheets, (0.1, 0.5, 0.9))
    rows = "\n".join(f"| {key.replace('_', ' ')} | {value:.3f} |" for key, value in scores.rates.items())
    commit = f"{manifest.origin.git_commit}{' with uncommitted changes' if manifest.origin.git_dirty else ''}"
    found = " and ".join(config.classes[1:])
    crop = " x ".join(str(round(side * scale * PEN_MM)) for side in budget.tile_px)
    decided = ", ".join(f"{key} {value:.4g}" for key, value in thresholds.items()) or "one half"
    return f"""# {name}

A network of `thinline` that finds {found} in grey images of well logs. `thinline ship` wrote
this card; do not edit it.

- **Input and output**: grey images, dark ink on bright paper, read at {scale:g} px/mm; probabilities of the head
  `{config.head._target_}` for each pixel.
- **Data**: {trained}, drawn by this package; no real scan.
- **Training**: {budget.steps:,} steps of {budget.batch_size} crops of {crop} px, seed {config.seed}.
- **Thresholds**: {decided}, chosen on the validation sheets.
- **Network**: `{config.network._target_}`, {facts["parameters"]} parameters, {facts["bytes"]} bytes, matrices at half
  precision.
- **sha256 of {WEIGHTS}**: `{facts["sha256"]}`
- **Run**: {config.shipped.run}, commit {commit}, finished {manifest.finished}.

## Scores on its test sheets

Sheets that no other split has, read by the packed weights. Counts are added over the sheets and divided once. IoU of
the ink of a sheet: 10 % of the sheets are below {low:.3f}, half are below {middle:.3f}, 90 % are below {high:.3f}.

| measure | value |
|---|---|
{rows}

{section(scores.curves) if scores.curves else ""}
## Limits

The sheets are drawn, so these scores are not those of real scans. The network was not tried on photographs, on bright
ink on dark paper, on colours that differ only in hue, or on pages that are turned or upside down. It names no curve.
A page has to be read near {scale:g} px/mm; `thinline digitise` and `thinline predict` choose the scale, or take it.

## Train it again

    {command_of(name, config, manifest.cell.factors)}
    thinline ship RUN src/thinline/shipped/{name}

The result is the same up to rounding, which depends on the processor and the number of threads.
"""
