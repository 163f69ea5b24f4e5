"""Rates of scored sheets under the names that every run reports: counts are added over sheets and divided once.

    nsd_T tol_precision_T tol_recall_T tol_f1_T     T of 1px 2px 3px 0.25mm 0.5mm 1mm                   surfaces.py
    boundary_iou hd95_px hd95_mm                                                                        surfaces.py
    cldice_0px cldice_T breaks                                                                       centrelines.py
    betti0_error betti1_error fragmenting betti0_error_filled betti0_error_random                       topology.py
    junction_f1_3px                                                                                    junctions.py
    ece brier                                       of probabilities                              ../calibration.py
    fp_CAUSE fn_CAUSE                               shares of false positives and of misses          error_types.py
    crossing_ZONE_RATE slope_ZONE_RATE distance_ZONE_RATE                                                  zones.py
    METHOD_RATE                                     METHOD of sheet_scores.py                     curves/compare.py
    METHOD_swaps METHOD_swapped_mm METHOD_swapped                                                 identity_swaps.py
    METHOD_on_lap                                                                                  wrap_accuracy.py
    NAME                                            of `metrics` in the configuration                     ../own.py

Percentiles are no counts: hd95 and the percentiles of compare.py are means over the sheets where they are defined.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from operator import add
from typing import TypeVar

import numpy as np

from thinline.curves.compare import curve_rates
from thinline.metrics.absent import Counts
from thinline.metrics.calibration import calibration_rates
from thinline.metrics.own import own_rates
from thinline.metrics.structure.centrelines import centreline_rates
from thinline.metrics.structure.error_types import error_type_rates
from thinline.metrics.structure.identity_swaps import swap_rates
from thinline.metrics.structure.junctions import TOLERANCE_PX, junction_f1
from thinline.metrics.structure.sheet_scores import SheetScores, tolerances
from thinline.metrics.structure.surfaces import surface_rates
from thinline.metrics.structure.topology import topology_rates
from thinline.metrics.structure.wrap_accuracy import wrap_rates
from thinline.metrics.structure.zones import ZONES, zone_rates
from thinline.vocabulary import Float64

C = TypeVar("C", bound=Counts)

_REPORTED = {
    "budget_identity": ("mae_track", "mae_mm"),
    "viterbi_values": ("mae_track", "mae_mm", "rmse_track", "p95_track", "max_track", "r2"),
}
"""Methods whose other rates would repeat those of another method."""


def rates_of_sheets(scores: Sequence[SheetScores], *, px_per_mm: float) -> dict[str, Float64]:
    """Every metric of the module over one or more sheets, float64 [K] each."""
    suffixes = list(tolerances(px_per_mm))
    rates = _by_name(_of_mask(scores, k, suffixes, px_per_mm) for k in range(len(scores[0].support)))
    rates |= error_type_rates(_total(sheet.errors for sheet in scores))
    for name, values in zone_rates(_total(sheet.zones for sheet in scores)).items():
        division, rate = name.split("_")
        rates |= {f"{division}_{zone}_{rate}": values[:, z] for z, zone in enumerate(ZONES[division])}
    rates |= {name: np.array(values, np.float64) for name, values in own_rates([each.own for each in scores]).items()}
    return rates | _of_curves([sheet for sheet in scores if sheet.curves], px_per_mm)


def _total(counts: Iterable[C]) -> C:
    return reduce(add, counts)


def _of_mask(scores: Sequence[SheetScores], k: int, suffixes: Sequence[str], px_per_mm: float) -> dict[str, float]:
    """Surface, centreline and topology rates of curve k, and the calibration where all sheets have probabilities."""
    by_tolerance = surface_rates(_total(sheet.surfaces[k].counts for sheet in scores))
    defined = [sheet.surfaces[k].hd95 for sheet in scores if not np.isnan(sheet.surfaces[k].hd95)]
    hd95 = float(np.mean(defined)) if defined else np.nan
    rates = {"boundary_iou": float(by_tolerance.pop("boundary_iou")), "hd95_px": hd95}
    for name, values in by_tolerance.items():
        rates |= {f"{name}_{suffix}": value for suffix, value in zip(suffixes, values.tolist(), strict=True)}
    lines = centreline_rates(_total(sheet.centrelines[k] for sheet in scores))
    rates |= {f"cldice_{suffix}": v for suffix, v in zip(["0px", *suffixes], lines["cldice"].tolist(), strict=True)}
    rates |= {"breaks": float(lines["breaks"]), "hd95_mm": hd95 / px_per_mm}
    rates |= topology_rates(_total(sheet.topology[k] for sheet in scores))
    rates[f"junction_f1_{TOLERANCE_PX:g}px"] = junction_f1(_total(sheet.junctions[k] for sheet in scores))
    if all(sheet.calibration for sheet in scores):
        rates |= calibration_rates(_total(sheet.calibration[k] for sheet in scores))
    return rates


def _of_curves(scores: Sequence[SheetScores], px_per_mm: float) -> dict[str, Float64]:
    """Rates of the traced curves; none without a sheet on which curves were traced."""
    rates: dict[str, Float64] = {}
    if not scores:
        return rates
    for method, curves in scores[0].curves.items():
        errors = ([sheet.curves[method][k] for sheet in scores] for k in range(len(curves)))
        of_method = _by_name(curve_rates(each, px_per_mm=px_per_mm) for each in errors)
        rates |= {f"{method}_{name}": of_method[name] for name in _REPORTED.get(method, of_method)}
    for method in scores[0].swaps:
        swaps = swap_rates(_total(sheet.swaps[method] for sheet in scores), px_per_mm=px_per_mm)
        rates |= {f"{method}_{name}": values for name, values in swaps.items()}
    for method in scores[0].wraps:
        wraps = wrap_rates(_total(sheet.wraps[method] for sheet in scores))
        rates |= {f"{method}_{name}": values for name, values in wraps.items()}
    return rates


def _by_name(of_classes: Iterable[Mapping[str, float]]) -> dict[str, Float64]:
    """Rates of each class as one array for each name."""
    rows = list(of_classes)
    return {name: np.array([rates[name] for rates in rows], np.float64) for name in rows[0]}
