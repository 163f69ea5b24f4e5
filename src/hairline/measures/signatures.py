"""Names and signatures of the pixel rates, readable without torch: rows of two signatures are never one column."""

from __future__ import annotations

from typing import Final

from hairline.vocabulary import IGNORE

RATES: Final = ("iou", "precision", "recall", "f1", "area_ratio", "support")
"""Names of the rates, in the order of the list in pixels.py."""

_VERSION: Final = 1  # raise when a definition there changes: rows of different signatures cannot be averaged


def signature(measure: str) -> str:
    """What could change the value of `measure`, as `iou|absent:nan|ignore:255|v:1`; `ValueError` for unknown names."""
    if measure not in RATES:
        raise ValueError(f"no pixel measure is called {measure!r}; expected one of {', '.join(RATES)}")
    return f"{measure}|absent:nan|ignore:{IGNORE}|v:{_VERSION}"


def signatures() -> tuple[str, ...]:
    """Those of all rates, as a run is marked with."""
    return tuple(signature(name) for name in RATES)
