"""Check a node of a YAML file against a pydantic model, and state each problem as a sentence.

A model derives from `Node`. Its types are strict: "3" is no whole number, true is no number, NaN and infinity are
refused, and every key must be one of the model. Declare a list as `Items[T]`: it is read into a tuple.

A sentence names the path of the key, what was expected, what was there, and the next step:

    data_mix.archive.repeat: expected true or false, got 'yes'; see conf/data_mix

A validator of a model raises ValueError with its own text, `expected ..., got ...; next step`; the path is added.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Strict, ValidationError, model_validator
from pydantic_core import ErrorDetails

T = TypeVar("T")
Items = Annotated[tuple[T, ...], Strict(False)]
"""A list or a tuple of T; T itself stays strict."""

_IN_OUR_WORDS: Final = {
    "Input should be ": "expected ",
    "a valid integer": "a whole number",
    "a valid number": "a number",
    "a valid boolean": "true or false",
    "a valid string": "a text",
    "a valid dictionary": "a mapping of keys and values",
    "a valid tuple": "a list",
    "String should ": "expected a text that should ",
    "Tuple should have ": "expected a list with ",
    " after validation": "",
}


class Node(BaseModel):
    """A mapping with exactly the keys of the model; keys with a default may be left out. Immutable."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, allow_inf_nan=False, arbitrary_types_allowed=True
    )

    @model_validator(mode="before")
    @classmethod
    def _check_keys(cls, node: Any) -> Any:
        """The node as a dict; ValueError names all keys that are missing and all that are unknown."""
        if isinstance(node, cls):
            return node
        if not isinstance(node, Mapping):
            raise ValueError(f"expected a mapping of keys and values, got {node!r}")
        fields = {field.alias or name: field for name, field in cls.model_fields.items()}
        wrong = [f"no {name!r}" for name, field in fields.items() if field.is_required() and name not in node]
        wrong += [f"the unknown {key!r}{did_you_mean(key, fields)}" for key in node if key not in fields]
        if wrong:
            raise ValueError(f"expected the keys {', '.join(fields)}, got {', '.join(wrong)}")
        return dict(node)

    @classmethod
    def read(
        cls,
        node: Any,
        *,
        where: str,
        advice: str = "",
        error: type[ValueError] = ValueError,
        context: Mapping[str, Any] | None = None,
    ) -> Self:
        """The checked model of `node`; `where` is the path of the node.

        Raises `error` with one line for each problem; `advice` is the next step where a problem names none of its own.
        Validators of the model read `context` from their `info`.
        """
        try:
            return cls.model_validate(node, context=context)
        except ValidationError as failure:
            raise error(sentences(failure, where=where, advice=advice)) from failure


def sentences(failure: ValidationError, *, where: str, advice: str = "") -> str:
    """One line for each problem of `failure`: path, expected, got, next step."""
    return "\n".join(_sentence(problem, where, advice) for problem in failure.errors(include_url=False))


def _sentence(problem: ErrorDetails, where: str, advice: str) -> str:
    path = where + "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in problem["loc"])
    if problem["type"] == "value_error":
        text = str(problem["ctx"]["error"])
    else:
        text = problem["msg"]
        for theirs, ours in _IN_OUR_WORDS.items():
            text = text.replace(theirs, ours)
        text += f", got {problem['input']!r}"
    if problem["type"] == "literal_error":
        text += did_you_mean(problem["input"], re.findall(r"'([^']*)'", problem["ctx"]["expected"]))
    prefix = path.lstrip(".")
    return (f"{prefix}: " if prefix else "") + text + (f"; {advice}" if advice and "; " not in text else "")


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """`; did you mean 'x'?` with the name of `known` nearest to `name`; empty where none is near."""
    close = difflib.get_close_matches(str(name), list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
