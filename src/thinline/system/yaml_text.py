"""Read and write YAML for people: numbers in tens, `NO` and dates as texts, no key twice.

PyYAML reads YAML 1.1, where `0150` is 104, `1:30` is 90, `NO` is false, `1e3` is a text, and of two equal keys the last
one counts without a word. Here scalars are those of the core schema of YAML 1.2 (chapter 10.3), without `0o7` and
`0x1F`, and a key that is given twice is an error.
"""

from __future__ import annotations

import re
from typing import Any, Final

import yaml
from typing_extensions import override

_SCALARS: Final = (
    ("null", r"~|null|Null|NULL|", "~nN"),
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    (
        "float",
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        "-+.0123456789",
    ),
    ("merge", "<<", "<"),
)


class _Loader(yaml.SafeLoader):
    """SafeLoader with the scalars above, without equal keys."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - as PyYAML has it

    @override
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"the key {key.value!r} a second time; keep one", key.start_mark
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


class _Dumper(yaml.SafeDumper):
    """SafeDumper that quotes a text which either version of YAML takes for something else."""


for _name, _pattern, _first in _SCALARS:
    _letters = [*_first, ""] if _name == "null" else list(_first)
    for _own in (_Loader, _Dumper):
        _own.add_implicit_resolver(f"tag:yaml.org,2002:{_name}", re.compile(f"^(?:{_pattern})$"), _letters)
_Loader.add_constructor("tag:yaml.org,2002:int", lambda _, node: int(node.value))


def read_yaml(text: str) -> Any:
    """The value of a YAML text. Raises yaml.YAMLError for what is no YAML, and for a mapping with a key twice."""
    return yaml.load(text, Loader=_Loader)


def yaml_line(value: Any) -> str:
    """A plain value as YAML on one line, which PyYAML and `read_yaml` read alike; keys stay in their order."""
    text: str = yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, default_flow_style=True, allow_unicode=True, width=10**9
    )
    return text.removesuffix("\n").removesuffix("\n...")
