"""Roof: what a cell is called: the option of every group, and in brackets what differs from the option's own file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from pathlib import PurePath

from thinline.config.schema import CONF, FACTORS, NOT_IDENTITY, Conf, checked, compose_config


def levels(choices: Mapping[str, str], conf: Conf, *, leave_out: Sequence[str] = ()) -> dict[str, str]:
    """The level of every factor and the seed, as `{"loss": "dice", "class_weight": "fixed(value=10)", "seed": "0"}`.

    A level is the option that Hydra chose of the group and, in brackets, what differs from the option's own file:
    dotted keys in alphabetical order with their values, `~key` for one that was deleted; of a key that counts for no
    identity, which is a path, the last part alone. So cells that differ inside a group differ in their rows and tables,
    and an override that says what the file says changes nothing. `leave_out` are dotted keys not to be told. An option
    that is not in `conf/` has no file to compare with and is told by its name.
    """
    options = tuple(f"{name}={choices[name]}" for name in FACTORS if (CONF / name / f"{choices[name]}.yaml").exists())
    plain, given = _flat(asdict(_as_written(options))), _flat(asdict(conf))
    found = {}
    for name in FACTORS:
        branch = f"{name}."
        keys = sorted(key for key in plain | given if key.startswith(branch) and key not in leave_out)
        changed = [_told(key, given) for key in keys if given.get(key) != plain.get(key)]
        known = f"{name}={choices[name]}" in options
        found[name] = f"{choices[name]}({','.join(changed)})" if changed and known else choices[name]
    return found | {"seed": str(conf.seed)}


@lru_cache(maxsize=64)  # composing takes a twentieth of a second, and a sweep asks for few different ones
def _as_written(options: tuple[str, ...]) -> Conf:
    return checked(compose_config(options))


def _flat(branch: Mapping[str, object], path: str = "") -> dict[str, str]:
    """Leaves as text by dotted key."""
    flat: dict[str, str] = {}
    for key, value in branch.items():
        flat |= _flat(value, f"{path}{key}.") if isinstance(value, Mapping) else {f"{path}{key}": _text(value)}
    return flat


def _text(value: object) -> str:
    """A leaf as it stands in YAML; 10.0 and 10 are one cell, and so one text."""
    if isinstance(value, list | tuple):
        return "[" + ",".join(_text(item) for item in value) + "]"
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _told(key: str, given: Mapping[str, str]) -> str:
    """`value=10` of `class_weight.value`."""
    name = key.partition(".")[2]
    if key not in given:
        return f"~{name}"
    return f"{name}={PurePath(given[key]).name if key in NOT_IDENTITY else given[key]}"
