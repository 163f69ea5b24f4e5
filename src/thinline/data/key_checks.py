"""Checks the keys of a composed node of conf/: exactly these, of these types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def checked_keys(
    conf: Mapping[str, Any], kinds: Mapping[str, type], where: str, *, optional: Sequence[str] = ()
) -> dict[str, Any]:
    """The values of exactly the keys of `kinds`, of these types; whole numbers pass as floats, None where optional."""
    if set(conf) != set(kinds):
        missing, unknown = sorted(set(kinds) - set(conf)), sorted(set(conf) - set(kinds))
        raise ValueError(
            f"{where}: expected the keys {sorted(kinds)}, got {missing=} and {unknown=}; see conf/data_mix"
        )
    values: dict[str, Any] = {}
    for key, kind in kinds.items():
        value = conf[key]
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        wrong = not isinstance(value, kind) or (kind is int and isinstance(value, bool))
        if wrong and not (value is None and key in optional):
            raise ValueError(f"{where}.{key}: expected {kind.__name__}, got {value!r}; see conf/data_mix")
        values[key] = value
    return values
