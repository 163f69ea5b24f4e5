"""A published data set as one file, conf/data_set/NAME.yaml: `data_mix=folder data_set=NAME data_mix.root=DIR`.

The file sets the keys of `data_mix` and `classes` as its authors publish the images (`# @package _global_` is its first
line), and under `data_set` it names the data:

    name, source, licence, citation    texts, each required
    root_variable                      the variable of the environment that gives `data_mix.root`, or null
    variants                           options by key, as {labels: [accurate, noisy]}; each key stands beside them with
                                       its default: `labels: accurate`

Keys of the command line come after the file: `data_mix.piece_px=256`. The branch `data_set` itself changes no number
and is not part of the identity of a run; what it sets in `data_mix` is, as it always was.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import Field, field_validator

from thinline.data.folder.keys import FOLDER
from thinline.system.validation import Items, Node, did_you_mean

ADVICE: Final = "see conf/data_set/topomortar.yaml"


class DataSet(Node):
    """What a file of conf/data_set says of its data."""

    name: str
    source: str
    licence: str
    citation: str
    root_variable: str | None = None
    variants: dict[str, Items[str]] = Field(default_factory=dict)

    @field_validator("name", "source", "licence", "citation")
    @classmethod
    def _check_text(cls, text: str) -> str:
        if not text.strip():
            raise ValueError(f"expected a text, got {text!r}; write what the authors state, or that they state none")
        return text


def read_data_set(node: Mapping[str, Any]) -> DataSet:
    """The checked branch `data_set`. ValueError names a key that is missing or wrong, and an unknown variant."""
    variants = node.get("variants") or {}
    names = set(variants) if isinstance(variants, Mapping) else set()
    rest = {key: value for key, value in node.items() if key not in names}
    data_set = DataSet.read(rest, where="data_set", advice=ADVICE)
    for key, options in data_set.variants.items():
        value = node.get(key)
        if value not in options:
            hint = did_you_mean(value, options) or f"; say data_set.{key}={options[0]}"
            raise ValueError(f"data_set.{key}: expected one of {', '.join(options)}, got {value!r}{hint}")
    return data_set


def check_data_set(node: Mapping[str, Any], mix: object) -> None:
    """Refuse a wrong branch `data_set`, and one beside another `mix` than that of the user's own images. ValueError."""
    data_set = read_data_set(node)
    if mix != FOLDER:
        raise ValueError(f"data_set={data_set.name} needs data_mix={FOLDER}, got data_mix={mix}; add data_mix={FOLDER}")


def check_root(node: Mapping[str, Any], root: object) -> None:
    """Refuse a data set without its folder. ValueError says where its authors publish the images."""
    data_set = read_data_set(node)
    if root is None:
        variable = f", or set the variable {data_set.root_variable}" if data_set.root_variable else ""
        raise ValueError(
            f"data_mix.root: expected the folder of data_set={data_set.name}, got null; get the images from "
            f"{data_set.source} (licence: {data_set.licence}), then say data_mix.root=DIR{variable}"
        )
