"""What the source texts claim and count, read from `experiments/claims.yaml` and checked.

The file
--------
    margins   [{measures, margin, because}]: the smallest effect that counts, by measure, declared before the runs
    claims    a list of:

    id          short name
    source      one of SOURCES, the texts that the project starts from
    statement   in our words
    run         the run of the source that it came from, or `none, argued`
    standing    sourced (measured or counted by its authors) or illustrative (argued, or drawn to make a point)
    numbers     [{measure, class, printed, value}]: numbers of the source as it prints them; `value` where that is words
    test        [{studies, all}]: the criteria (criteria.py) that a study must all meet, in the order of preference of
                studies; none with `untestable`, which says why
    declared    under which words files of conf/experiment announce it; `against` those that announce its contrary
    caution     what does not fit together, or what a verdict here does not say

Numbers of the source are kept with the run they came from. They are never part of an estimate: where a bound of a
criterion is one of them, its statement says so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from thinline.study.claims.criteria import Criterion, Groups, Language, read_criterion
from thinline.study.claims.question_types import Beside
from thinline.study.claims.yaml_checks import NodeError, check_keys, listed, number, one_of, text
from thinline.study.design.study import StudyError

CLAIMS: Final = "claims.yaml"
SOURCES: Final = {
    "000_badef26fdf6581e4.txt": "the note on overlap of thin curves",
    "001_e399620bec03148d.txt": "the field guide to imbalance",
    "002_ad04127950089372.txt": "the note on binary and multiclass masks",
    "003_3df263de0ed4899e.txt": "the note on the shape of the target",
    "004_7b45228e30c13677.txt": "the primer on labelling pixels",
}
"""The texts that the project starts from, and what they are called where there is no room for their names."""

STANDINGS: Final = ("sourced", "illustrative")
_NEEDED: Final = {"id", "source", "statement", "run", "standing"}
_ALLOWED: Final = {"numbers", "test", "untestable", "declared", "against", "caution"}
_DIGITS: Final = re.compile(r"(\d[\d,]*(?:\.\d+)?|\.\d+)\s*(%|percent)?")


@dataclass(frozen=True)
class Number:
    """A number of the source: what it is of, as it is `printed`, and its value; shares as fractions."""

    measure: str
    of: str
    printed: str
    value: float


@dataclass(frozen=True)
class Claim:
    """One claim; see the module. `tests` holds the criteria of each study that can test it, preferred ones first."""

    id: str
    source: str
    statement: str
    run: str
    standing: str
    numbers: tuple[Number, ...]
    tests: Mapping[str, tuple[Criterion, ...]]
    untestable: str
    declared: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    caution: str = ""

    @property
    def studies(self) -> tuple[str, ...]:
        """The studies that can test it, in the order of preference."""
        return tuple(self.tests)

    @property
    def judged(self) -> bool:
        """Whether anything is expected; else it is a number that ours are shown beside."""
        return any(not isinstance(it, Beside) for its in self.tests.values() for it in its)

    @property
    def sourced_numbers(self) -> str:
        """The numbers of the source with their run, as `recall .96 of curve_1 (binary stack)`."""
        told = "; ".join(" ".join([it.measure, it.printed, *([f"of {it.of}"] if it.of else [])]) for it in self.numbers)
        return f"{told} ({self.run})" if told else ""


def read_claims(path: Path, *, groups: Groups) -> tuple[Claim, ...]:
    """The claims of a file; `groups` holds the options of each group of conf/.

    Raises `StudyError` naming the claim: for a file that is none, an id that comes twice, a source that is none of
    SOURCES, and whatever criteria.py refuses.
    """
    try:
        node = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise StudyError(f"{path}: expected claims as YAML, got {error}; restore the file (git checkout)") from error
    try:
        check_keys(node, needed={"margins", "claims"}, allowed=set(), where=path.name)
        language = Language(groups, _margins(node["margins"]))
        nodes = listed(node["claims"], "claims")
    except NodeError as error:
        raise StudyError(f"{path}: {error}") from error
    claims = tuple(_named(it, place, language, path) for place, it in enumerate(nodes))
    _check_distinct([claim.id for claim in claims], path)
    return claims


def _named(node: Any, place: int, language: Language, path: Path) -> Claim:
    """A claim; what is wrong with it is said with its id."""
    name = node.get("id") if isinstance(node, Mapping) else None
    try:
        return _claim(node, language)
    except NodeError as error:
        raise StudyError(f"{path}: claim {name or f'number {place + 1}'!r}: {error}") from error


def _claim(node: Any, language: Language) -> Claim:
    check_keys(node, needed=_NEEDED, allowed=_ALLOWED, where="a claim")
    tests = _tests(listed(node.get("test") or (), "test"), language)
    if bool(tests) == bool(node.get("untestable")):
        raise NodeError("expected `test` or `untestable` with a reason, got both or neither; leave one")
    return Claim(
        id=text(node["id"], "id"),
        source=one_of(node["source"], tuple(SOURCES), "source"),
        statement=text(node["statement"], "statement"),
        run=text(node["run"], "run"),
        standing=one_of(node["standing"], STANDINGS, "standing"),
        numbers=tuple(_number(it) for it in listed(node.get("numbers") or (), "numbers")),
        tests=tests,
        untestable=text(node["untestable"], "untestable") if not tests else "",
        declared=tuple(text(it, "declared") for it in listed(node.get("declared") or (), "declared")),
        against=tuple(text(it, "against") for it in listed(node.get("against") or (), "against")),
        caution=text(node["caution"], "caution") if node.get("caution") else "",
    )


def _tests(nodes: Sequence[Any], language: Language) -> dict[str, tuple[Criterion, ...]]:
    """Criteria by study."""
    tests: dict[str, tuple[Criterion, ...]] = {}
    for node in nodes:
        check_keys(node, needed={"studies", "all"}, allowed=set(), where="test")
        criteria = tuple(it for part in listed(node["all"], "all") for it in read_criterion(part, language))
        studies = [text(it, "studies") for it in listed(node["studies"], "studies")]
        twice = [study for study in studies if study in tests]
        if twice or not studies or not criteria:
            raise NodeError(
                f"each study must have its criteria once, got {', '.join(twice) or 'none'} twice or without; put them "
                "in one `all`"
            )
        tests |= dict.fromkeys(studies, criteria)
    return tests


def _number(node: Any) -> Number:
    check_keys(node, needed={"measure", "printed"}, allowed={"class", "value"}, where="numbers")
    printed = text(node["printed"], "printed")
    if "value" in node:
        value = number(node["value"], "value")
    elif form := _DIGITS.search(printed):
        value = float(form[1].replace(",", "")) / (100 if form[2] else 1)
    else:
        raise NodeError(f"`value` must say what {printed!r} is, got none; numbers in words need it")
    return Number(text(node["measure"], "measure"), str(node.get("class", "")), printed, value)


def _margins(nodes: Any) -> dict[str, float]:
    margins: dict[str, float] = {}
    for node in listed(nodes, "margins"):
        check_keys(node, needed={"measures", "margin", "because"}, allowed=set(), where="margins")
        text(node["because"], "because")
        names = [str(name) for name in listed(node["measures"], "measures")]
        margins |= dict.fromkeys(names, number(node["margin"], "margin"))
    return margins


def _check_distinct(names: Sequence[str], path: Path) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise StudyError(f"{path}: expected claims with ids of their own, got {', '.join(twice)} twice; rename one")
