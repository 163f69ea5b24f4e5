"""Misspelled groups, options and keys of a command line, refused with the nearest name before anything is written.

Hydra reports a misspelled name only when it composes a job. In a sweep the store and the parent run in MLflow exist by
then. Hydra also advises to append the misspelled key. This module looks the names up in the files of conf/ first. It
composes a configuration only for a key that is in none of these files, for example a key that an option inherits from
another option.

Not checked: keys of Hydra itself, deleted keys (`~key`), and keys that are added to a group (`+loss.new=1`).
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from hydra._internal.utils import get_args_parser
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import OmegaConf

from thinline.config.schema import CONF, compose_config

HYDRA: Final = "hydra"
_EXPERIMENT: Final = "experiment"
_STUDY: Final = "study"
"""The branch whose keys the file of an experiment declares."""
_LISTED: Final = 25


@dataclass(frozen=True)
class Names:
    """The names that a command line may use: the options of each group, and config.yaml as plain values."""

    groups: dict[str, list[str]]
    config: dict[str, Any]
    folders: tuple[Path, ...]

    @classmethod
    def of(cls, folders: Sequence[Path]) -> Names:
        """The names in `folders`: conf/, and the folder of `--config-dir` if there is one."""
        options: dict[str, set[str]] = {}
        for group in (group for folder in folders for group in folder.glob("*/") if group.name != HYDRA):
            names = {path.relative_to(group).with_suffix("").as_posix() for path in group.rglob("*.yaml")}
            options.setdefault(group.name, set()).update(names)
        groups = {name: sorted(options[name]) for name in sorted(options) if options[name]}
        return cls(groups, _plain(CONF / "config.yaml"), tuple(folders))

    @property
    def top(self) -> list[str]:
        """The names that may come before the first dot."""
        return sorted({*self.groups, *self.config} - {"defaults", HYDRA})

    def default(self, group: str) -> str | None:
        """The option of `group` in the defaults of config.yaml, or None."""
        chosen = [entry[group] for entry in self.config["defaults"] if isinstance(entry, dict) and group in entry]
        return chosen[0] if chosen else None

    def file_of(self, group: str, option: str) -> dict[str, Any]:
        """The content of the file of an option, empty where there is none."""
        paths = [folder / group / f"{option}.yaml" for folder in self.folders]
        return next((_plain(path) for path in paths if path.is_file()), {})


def typo_in(arguments: Sequence[str]) -> str | None:
    """A sentence on the first misspelled name in the arguments of `train`, with the nearest name, or None.

    Hydra itself reports arguments that it cannot parse. Configurations other than conf/ (`--config-path`,
    `--config-name`, `hydra.searchpath`) are not checked.
    """
    given = get_args_parser().parse_known_args(arguments)[0]
    if given.config_path or given.config_name or any("hydra.searchpath" in text for text in given.overrides):
        return None
    try:
        overrides = OverridesParser.create().parse_overrides(given.overrides)
    except HydraException:
        return None
    overrides = [override for override in overrides if _looked_at(override)]
    names = Names.of([CONF, *([Path(given.config_dir)] if given.config_dir else [])])
    sentences = (_typo(override, overrides, names) for override in overrides)
    return next((sentence for sentence in sentences if sentence is not None), None)


def refuse_typos(arguments: Sequence[str]) -> None:
    """Print the sentence of `typo_in` on the error stream and exit with code 1, where there is one."""
    sentence = typo_in(arguments)
    if sentence is not None:
        print(f"error: {sentence}", file=sys.stderr)
        sys.exit(1)


def _looked_at(override: Override) -> bool:
    key = override.key_or_group
    return not override.is_delete() and override.package is None and "/" not in key and key.split(".")[0] != HYDRA


def _typo(override: Override, overrides: Sequence[Override], names: Names) -> str | None:
    key, top = override.key_or_group, override.key_or_group.partition(".")[0]
    if top in names.groups and key == top:
        return _wrong_option(override, names)
    if top not in names.top:
        return _unknown_name(override, names)
    if key == top or override.is_add() or override.is_force_add():
        return None
    options = _chosen(top, overrides, names)
    lacking = [option for option in options if not _has(names.file_of(top, option), key.partition(".")[2])]
    if top not in (*names.groups, _STUDY) and not _has(names.config, key):
        lacking = [""]
    for option in lacking:
        composed = _composed(f"{top}={option}" if option else "", names)
        if not _has(composed, key):
            return _unknown_key(override, composed, f"{top}={option}" if option else top)
    return None


def _wrong_option(override: Override, names: Names) -> str | None:
    """The sentence on an option that its group does not have."""
    group = override.key_or_group
    options = names.groups[group]
    for value in _values(override):
        if value not in options and "$" not in value and value != "null":
            near = _near(value, options)
            hint = f"did you mean {_added(group)}={near}?" if near else f"options: {', '.join(options)}"
            return f"{group}={value}: expected an option of {group}, got {value}; {hint}"
    return None


def _unknown_name(override: Override, names: Names) -> str:
    """The sentence on a name that is neither a group nor a key."""
    key = override.key_or_group
    first, dot, rest = key.partition(".")
    near = _near(first, names.top)
    if near is None and not dot:  # model=unet
        near = next((group for group, options in names.groups.items() if _value_text(override) in options), None)
    if near is None:
        leaves = _leaves(_composed("", names))
        same = _near(first, [leaf.rpartition(".")[2] for leaf in leaves])
        near = next((leaf for leaf in leaves if leaf.rpartition(".")[2] == same), None)
    keys = [name for name in names.top if name not in names.groups]
    hint = f"groups: {', '.join(names.groups)}; keys: {', '.join(keys)}"
    if near:
        hint = f"did you mean {_added(near)}{dot}{rest}={_value_text(override)}?"
    return f"{override.input_line}: expected a group or a key of the configuration, got {key}; {hint}"


def _unknown_key(override: Override, composed: dict[str, Any], branch: str) -> str:
    """The sentence on a key that a branch of the configuration does not have."""
    top, _, rest = override.key_or_group.partition(".")
    inside = [leaf.partition(".")[2] for leaf in _leaves({top: composed.get(top, {})})]
    inside = [leaf for leaf in inside if leaf and not leaf.endswith("_target_")]
    near = _near(rest, inside) or next((leaf for leaf in inside if leaf.rpartition(".")[2] == rest), None)
    more = f" and {len(inside) - _LISTED} more" if len(inside) > _LISTED else ""
    hint = f"keys: {', '.join(inside[:_LISTED])}{more}"
    if near:
        hint = f"did you mean {top}.{near}={_value_text(override)}?"
    return f"{override.input_line}: expected a key of {branch}, got {rest}; {hint}"


def _added(name: str) -> str:
    """The name as it is typed: `+experiment` is added, every other group has a default."""
    return f"+{name}" if name == _EXPERIMENT else name


def _value_text(override: Override) -> str:
    """The value, or the sweep, as it was typed."""
    return str(override.input_line).partition("=")[2]


def _near(name: str, names: Sequence[str]) -> str | None:
    """The name that was probably meant: the one with these initials (`lr` of `learning_rate`), or the nearest."""
    initials = {"".join(word[0] for word in each.split("_") if word): each for each in names if "_" in each}
    if name in initials:
        return initials[name]
    close = get_close_matches(name, names, n=1, cutoff=0.6)
    return close[0] if close else None


def _values(override: Override) -> Iterable[str]:
    """The option that an override names, or those that it sweeps."""
    if override.is_sweep_override():
        listed = override.is_choice_sweep() or override.is_range_sweep()
        return [str(value) for value in override.sweep_string_iterator()] if listed else []
    return [override.get_value_element_as_str()]


def _chosen(group: str, overrides: Sequence[Override], names: Names) -> list[str]:
    """The options of `group` on the command line, or else its default option.

    Empty if `group` is no config group, and with `+experiment`, because an experiment may choose any option.
    """
    if group not in names.groups or any(override.key_or_group == _EXPERIMENT for override in overrides):
        return []
    given = [value for override in overrides if override.key_or_group == group for value in _values(override)]
    default = names.default(group)
    return given or ([default] if default else [])


def _has(tree: dict[str, Any], key: str) -> bool:
    """Whether `tree` has the dotted `key`; inside a list every key is taken to exist."""
    node: Any = tree
    for part in key.split("."):
        if not isinstance(node, dict):
            return isinstance(node, list)
        if part not in node:
            return False
        node = node[part]
    return True


def _leaves(tree: dict[str, Any], path: str = "") -> list[str]:
    """The dotted keys of all leaves."""
    leaves: list[str] = []
    for key, value in tree.items():
        leaves += _leaves(value, f"{path}{key}.") if isinstance(value, dict) and value else [f"{path}{key}"]
    return leaves


def _composed(option: str, names: Names) -> dict[str, Any]:
    """The configuration with `option`, as plain values."""
    own = [f"hydra.searchpath=[{','.join(f'file://{folder.absolute()}' for folder in names.folders[1:])}]"]
    config = compose_config([*(own if len(names.folders) > 1 else []), *([option] if option else [])])
    plain: dict[str, Any] = OmegaConf.to_container(config)  # type: ignore[assignment]
    return plain


def _plain(path: Path) -> dict[str, Any]:
    """The content of a YAML file."""
    content = OmegaConf.to_container(OmegaConf.load(path))
    return {str(key): value for key, value in content.items()} if isinstance(content, dict) else {}
