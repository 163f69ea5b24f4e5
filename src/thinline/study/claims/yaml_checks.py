"""Parts of a file for people, checked as they are read: keys, choices, lists, numbers; see claims.py."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from typing import Any

from thinline.study.design.study import StudyError


class NodeError(StudyError):
    """A part of a file that is not what it must be: what, expected, got, next step. Whoever reads it says where."""


def check_keys(node: Any, *, needed: set[str], allowed: set[str], where: str) -> None:
    """Raises `NodeError` unless `node` is a mapping with all keys `needed` and none but `allowed` beside them."""
    if not isinstance(node, Mapping):
        raise NodeError(f"{where} must be a mapping of keys and values, got {node!r}")
    lacking = sorted(needed - set(node))
    if lacking:
        raise NodeError(f"{where} must have {', '.join(sorted(needed))}, lacking {', '.join(lacking)}; add them")
    for key in node:
        if key not in needed | allowed:
            one_of(key, sorted(needed | allowed), f"a key of {where}")


def one_of(told: Any, known: Sequence[str], what: str) -> str:
    """`told`, which is one of `known`. Raises `NodeError` naming the nearest."""
    text = str(told)
    if text not in known:
        close = difflib.get_close_matches(text, known, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else "; mend the name"
        raise NodeError(f"{what} must be one of {', '.join(known)}, got {told!r}{hint}")
    return text


def listed(node: Any, what: str) -> Sequence[Any]:
    """`node`, which is a list."""
    if not isinstance(node, list | tuple):
        raise NodeError(f"`{what}` must be a list, got {node!r}; write it with `-` or in brackets")
    return node


def number(told: Any, what: str) -> float:
    """`told`, which is a finite number."""
    if isinstance(told, bool) or not isinstance(told, int | float) or not math.isfinite(told):
        raise NodeError(f"`{what}` must be a number, got {told!r}")
    return float(told)


def truth(told: Any, what: str) -> bool:
    """`told`, which is true or false."""
    if not isinstance(told, bool):
        raise NodeError(f"`{what}` must be true or false, got {told!r}")
    return told


def text(told: Any, what: str) -> str:
    """`told`, which is a text with something in it, without line breaks."""
    if not isinstance(told, str) or not told.strip():
        raise NodeError(f"`{what}` must be a text, got {told!r}")
    return " ".join(told.split())
