"""Rates of judged sheets: counts added first, divided once; the names under which every run reports them.

    nsd_T tol_precision_T tol_recall_T tol_f1_T     T of 1px 2px 3px .25mm .5mm 1mm                      surfaces.py
    boundary_iou hd95_px hd95_mm                                                                         surfaces.py
    cldice_0px cldice_T breaks                                                                        centrelines.py
    fp_REASON fn_REASON                             shares of false alarms and of misses                  error_types.py
    crossing_ZONE_RATE slope_ZONE_RATE distance_ZONE_RATE                                                  zones.py
    WAY_RATE                                        WAY of sheet_scores.py                          curves/compare.py
    WAY_swaps WAY_swapped_mm WAY_swapped
    identity_swaps.py
    WAY_on_lap
    lap_accuracy.py

Measures that are no counts, as percentiles, are means over the sheets where they are defined: of hd95, and of the
percentiles of compare.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from operator import add
from typing import Any

import numpy as np

from thinline.curves.compare import curve_rates
from thinline.metrics.structure.centrelines import centreline_rates
from thinline.metrics.structure.error_types import anatomy_rates
from thinline.metrics.structure.identity_swaps import swap_rates
from thinline.metrics.structure.lap_accuracy import lap_rates
from thinline.metrics.structure.sheet_scores import SheetScores, tolerances
from thinline.metrics.structure.surfaces import surface_rates
from thinline.metrics.structure.zones import APART_MM, CROSSINGS, SLOPES, place_rates
from thinline.vocabulary import Float64

_KEPT = {
    "budget_identity": ("mae_track", "mae_mm"),
    "viterbi_values": ("mae_track", "mae_mm", "rmse_track", "p95_track", "max_track", "r2"),
}
"""Of ways whose other rates would say what those of another way say."""
ZONES = {
    "crossing": CROSSINGS,
    "slope": SLOPES,
    "distance": (*(f"{limit:g}mm" for limit in APART_MM), "beyond"),
}


def rates_of_sheets(judged: Sequence[SheetScores], *, px_per_mm: float) -> dict[str, Float64]:
    """Every measure of the module of one or more sheets, float64 [K] each."""
    rates = _of_masks(judged, px_per_mm)
    rates |= anatomy_rates(_total(sheet.anatomy for sheet in judged))
    for name, values in place_rates(_total(sheet.places for sheet in judged)).items():
        division, rate = name.split("_")
        rates |= {f"{division}_{zone}_{rate}": values[:, z] for z, zone in enumerate(ZONES[division])}
    return rates | _of_curves(judged, px_per_mm)


def _total(parts: Iterable[Any]) -> Any:
    return reduce(add, parts)


def _of_masks(judged: Sequence[SheetScores], px_per_mm: float) -> dict[str, Float64]:
    """Outlines and centrelines."""
    ends = list(tolerances(px_per_mm))
    return _side_by_side(
        [_of_mask(judged, k, ends) | {"hd95_mm": _hd95(judged, k) / px_per_mm} for k in range(len(judged[0].support))]
    )


def _of_mask(judged: Sequence[SheetScores], k: int, ends: Sequence[str]) -> dict[str, float]:
    found = surface_rates(_total(sheet.surfaces[k].counts for sheet in judged))
    rates = {"boundary_iou": float(found.pop("boundary_iou")), "hd95_px": _hd95(judged, k)}
    for name, values in found.items():
        rates |= {f"{name}_{end}": value for end, value in zip(ends, values.tolist(), strict=True)}
    lines = centreline_rates(_total(sheet.centrelines[k] for sheet in judged))
    rates |= {f"cldice_{end}": v for end, v in zip(["0px", *ends], lines["cldice"].tolist(), strict=True)}
    return rates | {"breaks": float(lines["breaks"])}


def _hd95(judged: Sequence[SheetScores], k: int) -> float:
    known = [sheet.surfaces[k].hd95 for sheet in judged if not np.isnan(sheet.surfaces[k].hd95)]
    return float(np.mean(known)) if known else np.nan


def _of_curves(judged: Sequence[SheetScores], px_per_mm: float) -> dict[str, Float64]:
    """Of those sheets whose courses are known."""
    traced = [sheet for sheet in judged if sheet.curves]
    if not traced:
        return {}
    rates: dict[str, Float64] = {}
    for way in traced[0].curves:
        found = [
            curve_rates([sheet.curves[way][k] for sheet in traced], px_per_mm=px_per_mm)
            for k in range(len(traced[0].support))
        ]
        kept = _side_by_side(found)
        rates |= {f"{way}_{name}": kept[name] for name in _KEPT.get(way, kept)}
    for way in traced[0].swaps:
        found_swaps = swap_rates(_total(sheet.swaps[way] for sheet in traced), px_per_mm=px_per_mm)
        rates |= {f"{way}_{name}": values for name, values in found_swaps.items()}
    for way in traced[0].laps:
        rates |= {f"{way}_{name}": values for name, values in lap_rates(_total(s.laps[way] for s in traced)).items()}
    return rates


def _side_by_side(of_classes: Sequence[Mapping[str, float]]) -> dict[str, Float64]:
    return {name: np.array([rates[name] for rates in of_classes], np.float64) for name in of_classes[0]}
