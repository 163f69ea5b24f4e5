"""Names and signatures of the measures, readable without torch: rows of two signatures are never one column.

Pixel rates have names of their own; every other measure belongs to the family whose beginning its name has. A family is
one specification (`metrics/structure/surfaces.py`, ...), and its version changes with it.
"""

from __future__ import annotations

from typing import Final

from thinline.vocabulary import IGNORE

RATES: Final = ("iou", "precision", "recall", "f1", "area_ratio", "support")
"""Names of the pixel rates, in the order of the list in pixels.py."""

_VERSION: Final = 1  # raise when a definition there changes: rows of different signatures cannot be averaged

_FAMILIES: Final = {
    "surfaces": (1, ("nsd_", "tol_", "boundary_iou", "hd95_")),
    "centrelines": (1, ("cldice_", "breaks")),
    "anatomy": (1, ("fp_", "fn_")),
    "places": (1, ("crossing_", "slope_", "distance_")),
    "curves": (1, ("viterbi_", "centroid_", "edge_follower_", "published_", "budget_")),
}
"""Version and beginnings of names. `curves` are traced and compared by `thinline.curves`, swaps and laps included, with
WRAP_MM of laps.py."""


def signature(measure: str) -> str:
    """What could change the value of `measure`, as `iou|absent:nan|ignore:255|v:1`; `ValueError` for unknown names."""
    if measure in RATES:
        return f"{measure}|absent:nan|ignore:{IGNORE}|v:{_VERSION}"
    for family, (version, beginnings) in _FAMILIES.items():
        if measure.startswith(beginnings):
            return f"{measure}|{family}|absent:nan|ignore:{IGNORE}|v:{version}"
    known = [*RATES, *(f"{start}..." for _, starts in _FAMILIES.values() for start in starts)]
    raise ValueError(f"no measure is called {measure!r}; expected one of {', '.join(known)}")


def signatures() -> tuple[str, ...]:
    """Those of all pixel rates and of the other families, as a run is marked with."""
    return (*(signature(name) for name in RATES), *(f"{name}|v:{version}" for name, (version, _) in _FAMILIES.items()))
