"""The level of every factor of a run: the option of the group, and in brackets the changes to the option's file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import PurePath
from typing import Final

from hydra.errors import HydraException

from thinline.config.schema import CONF, FACTORS, NOT_IDENTITY, Conf, checked, compose_config

_leaves: Final[dict[str, dict[str, str]]] = {}
"""The leaves of the file of each option that was composed, by `group=option`."""


def levels(choices: Mapping[str, str], conf: Conf, *, leave_out: Sequence[str] = ()) -> dict[str, str]:
    """The level of every factor, and the seed: `{"loss": "dice", "class_weight": "fixed(value=10)", "seed": "0"}`.

    The brackets have every key whose value differs from that in the file of the option, in alphabetical order, and
    `~key` for a deleted key. A path that is not part of the run identity is cut to its last part. So runs that
    differ inside a group have different levels in tables, and an override that repeats the value of the file changes
    nothing. `leave_out` has dotted keys to ignore. An option that is not in `conf/` has no brackets.

    With a data set the brackets of `data_mix` have what differs from its file, and the level of the data set has its
    variants: `{"data_mix": "folder", ..., "data_set": "topomortar(labels=noisy)"}`.
    """
    options = tuple(f"{name}={choices[name]}" for name in FACTORS if (CONF / name / f"{choices[name]}.yaml").exists())
    plain, actual = _of_files(options), _flat(asdict(conf))
    more = {}
    if conf.data_set is not None:
        more["data_set"], of_mix = _data_set(choices, conf.data_set)
        plain = {key: value for key, value in plain.items() if not (of_mix and key.startswith("data_mix."))} | of_mix
        if not of_mix:
            options = tuple(option for option in options if not option.startswith("data_mix="))
    named = {}
    for name in FACTORS:
        keys = sorted(key for key in plain | actual if key.startswith(f"{name}.") and not within(key, leave_out))
        changed = [_change(key, actual) for key in keys if actual.get(key) != plain.get(key)]
        in_conf = f"{name}={choices[name]}" in options
        named[name] = f"{choices[name]}({','.join(changed)})" if changed and in_conf else choices[name]
    fold = {} if conf.fold is None else {"fold": str(conf.fold)}
    return named | {"seed": str(conf.seed)} | more | fold


def _data_set(choices: Mapping[str, str], branch: Mapping[str, object]) -> tuple[str, dict[str, str]]:
    """The level of a data set, and the leaves that its file sets in `data_mix` and for the classes of the head.

    There are no leaves for a file of `--config-dir` outside a job of Hydra, which knows this folder.
    """
    name, variants = str(choices.get("data_set") or branch["name"]), branch.get("variants")
    chosen = [f"{key}={branch[key]}" for key in sorted(variants)] if isinstance(variants, Mapping) else []
    overrides = (f"data_mix={choices['data_mix']}", f"data_set={name}", *(f"data_set.{each}" for each in chosen))
    key = " ".join(overrides)
    if key not in _leaves:
        try:
            flat = _flat(asdict(checked(compose_config(overrides))))
        except HydraException:
            flat = {}
        _leaves[key] = {leaf: value for leaf, value in flat.items() if leaf.startswith(("data_mix.", "head.classes"))}
    return f"{name}({','.join(chosen)})" if chosen else name, _leaves[key]


def within(key: str, names: Sequence[str]) -> bool:
    """Whether a dotted key is one of `names`, or lies in a branch that is."""
    return any(key == name or key.startswith(f"{name}.") for name in names)


def _of_files(options: tuple[str, ...]) -> dict[str, str]:
    """The leaves of the files of `options` (`loss=dice`).

    Composing takes a tenth of a second. No file of a factor reads another factor, so a sweep of many combinations is
    composed only as often as it has an option that no combination before has.
    """
    if any(option not in _leaves for option in options):
        flat = _flat(asdict(checked(compose_config(options))))
        for option in options:
            branch = f"{option.partition('=')[0]}."
            _leaves[option] = {key: value for key, value in flat.items() if key.startswith(branch)}
    return {key: value for option in options for key, value in _leaves[option].items()}


def _flat(branch: Mapping[str, object], path: str = "") -> dict[str, str]:
    """Leaves as text by dotted key."""
    flat: dict[str, str] = {}
    for key, value in branch.items():
        flat |= _flat(value, f"{path}{key}.") if isinstance(value, Mapping) else {f"{path}{key}": _text(value)}
    return flat


def _text(value: object) -> str:
    """A leaf as in YAML. 10.0 and 10 have the same text, because they give the same run."""
    if isinstance(value, list | tuple):
        return "[" + ",".join(_text(item) for item in value) + "]"
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _change(key: str, leaves: Mapping[str, str]) -> str:
    """`value=10` of `class_weight.value`."""
    name = key.partition(".")[2]
    if key not in leaves:
        return f"~{name}"
    return f"{name}={PurePath(leaves[key]).name if within(key, NOT_IDENTITY) else leaves[key]}"
