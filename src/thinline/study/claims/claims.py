"""The claims of the source texts, read from `experiments/claims.yaml` and checked by pydantic models.

The file
--------
    margins   [{measures, margin, because}]: the smallest effect that counts, by measure, declared before the runs
    claims    a list of:

    id          short name
    source      one of SOURCES, the texts that the project starts from
    statement   in our words
    run         the run of the source that it came from, or `none, argued`
    standing    sourced (measured or counted by its authors) or illustrative (argued, or an example)
    numbers     [{measure, class, printed, value}]: numbers of the source as printed; `value` if they are words
    test        [{studies, all}]: the criteria (criteria.py) that a study must all meet, preferred studies first;
                without `test`, `untestable` says why
    declared    the claims of conf/experiment that announce this one; `against`: those that announce its contrary
    caution     what does not fit together, or what a verdict here does not say

Numbers of the source are kept with their run. They are never part of an estimate; if a bound of a criterion is one of
them, its statement says so.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

import yaml
from pydantic import AfterValidator, Field, model_validator

from thinline.study.claims.criteria import Criterion, CriterionNode, criteria_of
from thinline.study.claims.nodes import Beside
from thinline.study.design.study import StudyError
from thinline.study.design.yaml import Groups
from thinline.system.validation import Items, Node
from thinline.system.yaml_text import read_yaml

CLAIMS: Final = "claims.yaml"
SOURCES: Final = {
    "000_badef26fdf6581e4.txt": "the note on overlap of thin curves",
    "001_e399620bec03148d.txt": "the field guide to imbalance",
    "002_ad04127950089372.txt": "the note on binary and multiclass masks",
    "003_3df263de0ed4899e.txt": "the note on the shape of the target",
    "004_7b45228e30c13677.txt": "the primer on labelling pixels",
}
"""The texts that the project starts from, with short names."""

_DIGITS: Final = re.compile(r"(\d[\d,]*(?:\.\d+)?|\.\d+)\s*(%|percent)?")


def _one_line(text: str) -> str:
    if not text.strip():
        raise ValueError(f"expected a text, got {text!r}")
    return " ".join(text.split())


def _source(name: str) -> str:
    if name not in SOURCES:
        raise ValueError(f"expected one of {', '.join(SOURCES)}, got {name!r}")
    return name


Text = Annotated[str, AfterValidator(_one_line)]


class Number(Node):
    """A number of the source: its subject, its text as `printed`, and its value; shares are fractions."""

    measure: Text
    of: str = Field(default="", alias="class")
    printed: Text
    value: float = float("nan")

    @model_validator(mode="before")
    @classmethod
    def _read_value(cls, node: Any) -> Any:
        """The node with the value of the digits printed, unless it has one."""
        if not isinstance(node, Mapping) or "value" in node or not isinstance(node.get("printed"), str):
            return node
        digits = _DIGITS.search(node["printed"])
        if not digits:
            raise ValueError(f"expected a `value` of {node['printed']!r}, got none; numbers in words need one")
        return {**node, "value": float(digits[1].replace(",", "")) / (100 if digits[2] else 1)}


class _Test(Node):
    studies: Items[Text] = Field(min_length=1)
    all: Items[CriterionNode] = Field(min_length=1)


class Claim(Node):
    """One claim; see the module."""

    id: Text
    source: Annotated[str, AfterValidator(_source)]
    statement: Text
    run: Text
    standing: Literal["sourced", "illustrative"]
    numbers: Items[Number] = ()
    test: Items[_Test] = ()
    untestable: Text | Literal[""] = ""
    declared: Items[Text] = ()
    against: Items[Text] = ()
    caution: Text | Literal[""] = ""

    @model_validator(mode="after")
    def _check_tests(self) -> Self:
        if bool(self.test) == bool(self.untestable):
            raise ValueError("expected `test` or `untestable` with a reason, got both or neither; keep one")
        if twice := _duplicates(study for test in self.test for study in test.studies):
            raise ValueError(f"expected each study once in `test`, got {twice} twice; put its criteria in one `all`")
        return self

    @cached_property
    def tests(self) -> Mapping[str, tuple[Criterion, ...]]:
        """The criteria of each study that can test the claim, preferred studies first."""
        return {study: criteria_of(test.all) for test in self.test for study in test.studies}

    @property
    def studies(self) -> tuple[str, ...]:
        """The studies that can test it, in the order of preference."""
        return tuple(self.tests)

    @property
    def tested(self) -> bool:
        """Whether anything is expected; otherwise the claim is a number with ours beside it."""
        return any(not isinstance(criterion, Beside) for criteria in self.tests.values() for criterion in criteria)

    @property
    def sourced_numbers(self) -> str:
        """The numbers of the source with their run, for example `recall .96 of curve_1 (binary stack)`."""
        numbers = [f"{each.measure} {each.printed}{f' of {each.of}' if each.of else ''}" for each in self.numbers]
        return f"{'; '.join(numbers)} ({self.run})" if numbers else ""


class _Margin(Node):
    measures: Items[str]
    margin: float
    because: Text


class _File(Node):
    margins: Items[_Margin]
    claims: Items[Any]


def read_claims(path: Path, *, groups: Groups) -> tuple[Claim, ...]:
    """The claims of a file; `groups` holds the options of each group of conf/.

    Raises `StudyError` naming the file, the claim and the key: for an unreadable file, a duplicate id, and whatever the
    models of this module and of criteria.py refuse.
    """
    try:
        node = read_yaml(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise StudyError(f"{path}: expected claims as YAML, got {error}; restore the file (git checkout)") from error
    try:
        file = _File.read(node, where="", advice="see claims.py")
        margins = {measure: margin.margin for margin in file.margins for measure in margin.measures}
        context = {"groups": groups, "margins": margins}
        claims = tuple(_claim(each, number, context) for number, each in enumerate(file.claims, start=1))
        if twice := _duplicates(claim.id for claim in claims):
            raise ValueError(f"expected claims with ids of their own, got {twice} twice; rename one")
    except ValueError as error:
        raise StudyError(f"{path}: {error}") from error
    return claims


def _claim(node: Any, number: int, context: Mapping[str, Any]) -> Claim:
    name = (node.get("id") if isinstance(node, Mapping) else None) or f"number {number}"
    return Claim.read(node, where=f"claim {name!r}", advice="see claims.py and criteria.py", context=context)


def _duplicates(names: Iterable[str]) -> str:
    return ", ".join(name for name, count in Counter(names).items() if count > 1)
