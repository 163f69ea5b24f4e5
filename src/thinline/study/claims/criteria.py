"""The small language in which a claim says what tests it: a node of claims.yaml -> comparisons, or questions on stacks.

Kinds
-----
A measure is `split/name`, as `test/iou`, `tuned/f1`, `oracle_jitter/nsd_1px`. Levels are `{factor: level or levels}`:
the mean over all conditions of the grid that have one of them. Every kind may have `classes` (all curves without) and,
but for the last three, `margin` (that of the measure without), `where` (levels that all its terms share) and `outside`
(true: conditions beside the grid count as well). `measure` may be a list, of which all must be as expected.

    difference    measure, plus, minus, expect        levels `plus` less levels `minus`
    interaction   measure, of, expect                 of: two {plus, minus}; the first difference, at plus less at minus
                                                      of the second
    order         measure, factor, levels             each level less the one before it: up, unless `expect` says other
    trend         measure, factor, levels, expect     least-squares slope for a tenfold level; levels are numbers
    within        plus, minus, expect                 two measures of the same cells, or classes: {measure, class}
    contrast      measure, terms, expect              any sum of {times, where}
    level         measure, expect, bound              the value itself: at_least or at_most
    clears        thresholds, short, stack            no condition with so many families moved as `short` lists reaches
                                                      all thresholds; with `stack` (true), a stack of all does
    best          measure                             the best stack of all families above the best other condition
    beside        measure, pick                       no test: what stands beside a number of the source. `pick: stack`
                                                      takes the stack with the best weakest IoU, else `where`

`expect` is one of expectations.py, families those of families.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log10
from typing import Any, Final

import numpy as np

from thinline.metrics.catalogue import signature
from thinline.study.claims.comparisons import COUNTED, Comparison
from thinline.study.claims.contrast_terms import Term, Where, words_of
from thinline.study.claims.expectations import BOUNDS, EXPECTED, Expectation
from thinline.study.claims.question_types import Beside, Best, Clears
from thinline.study.claims.yaml_checks import NodeError, check_keys, listed, number, one_of, truth

Groups = Mapping[str, Sequence[str]]
_MEASURE: Final = re.compile(r"(val|test|tuned|oracle_exact|oracle_jitter|oracle_shift|oracle_thick)/([\w.]+)")
_OTHERS: Final = ("threshold", "claimed_twice", "claimed_none", *COUNTED)
_SHARED: Final = {"kind", "where", "classes", "margin", "outside"}


Criterion = Comparison | Clears | Best | Beside


@dataclass(frozen=True)
class Language:
    """What criteria may name: the options of each group of conf/, and the margin of each measure."""

    groups: Groups
    margins: Mapping[str, float]


def read_criterion(node: Any, language: Language) -> tuple[Criterion, ...]:
    """The criteria of a node, several for an order. Raises `NodeError`: what, expected, got, next step."""
    if not isinstance(node, Mapping):
        raise NodeError(f"a test must be a mapping with `kind`, got {node!r}; criteria.py lists the kinds")
    kind = one_of(node.get("kind"), tuple(_KINDS), "kind")
    needed, allowed, read = _KINDS[kind]
    check_keys(node, needed=needed | {"kind"}, allowed=allowed | _SHARED, where=kind)
    names = node.get("measure")
    each = [{**node, "measure": name} for name in names] if isinstance(names, list) else [node]
    return tuple(criterion for one in each for criterion in read(one, language))


def _difference(node: Mapping[str, Any], language: Language) -> tuple[Criterion, ...]:
    plus, minus = (levels(node[key], language) for key in ("plus", "minus"))
    return (_summed(node, language, f"{words_of(plus)} less {words_of(minus)}", [(1.0, plus), (-1.0, minus)]),)


def _interaction(node: Mapping[str, Any], language: Language) -> tuple[Criterion, ...]:
    pairs = listed(node["of"], "of")
    if len(pairs) != 2:
        raise NodeError(f"`of` must hold two differences {{plus, minus}}, got {len(pairs)}; three-way ones: contrast")
    for pair in pairs:
        check_keys(pair, needed={"plus", "minus"}, allowed=set(), where="of")
    (a, b), (c, d) = ([levels(pair[key], language) for key in ("plus", "minus")] for pair in pairs)
    terms = [(1.0, {**a, **c}), (-1.0, {**b, **c}), (-1.0, {**a, **d}), (1.0, {**b, **d})]
    text = f"({words_of(a)} less {words_of(b)}) at {words_of(c)} less the same at {words_of(d)}"
    return (_summed(node, language, text, terms),)


def _order(node: Mapping[str, Any], language: Language) -> tuple[Criterion, ...]:
    steps = _steps(node, language)
    return tuple(
        _summed(
            {"expect": "up", **node},
            language,
            f"{words_of(higher)} less {words_of(lower)}",
            [(1.0, higher), (-1.0, lower)],
        )
        for lower, higher in pairwise(steps)
    )


def _trend(node: Mapping[str, Any], language: Language) -> tuple[Criterion, ...]:
    steps = _steps(node, language)
    names = [str(level) for level in node["levels"]]
    try:
        x = np.array([log10(float(name)) for name in names])
    except ValueError:
        raise NodeError(f"`levels` of a trend must be numbers above 0, got {', '.join(names)}; see order") from None
    away = x - x.mean()
    text = f"slope for a tenfold {node['factor']} from {names[0]} to {names[-1]}"
    terms = list(zip((away / (away**2).sum()).tolist(), steps, strict=True))
    return (_summed(node, language, text, terms),)


def _steps(node: Mapping[str, Any], language: Language) -> list[Where]:
    found = [levels({str(node["factor"]): level}, language) for level in listed(node["levels"], "levels")]
    if len(found) < 2:
        raise NodeError(f"`levels` must be two or more, got {len(found)}; one level has no order")
    return found


def _within(node: Mapping[str, Any], language: Language) -> tuple[Criterion, ...]:
    where, outside = levels(node.get("where") or {}, language), truth(node.get("outside", False), "outside")
    terms, told = [], []
    for key, times in (("plus", 1.0), ("minus", -1.0)):
        part = node[key] if isinstance(node[key], Mapping) else {"measure": node[key]}
        check_keys(part, needed={"measure"}, allowed={"class", "where"}, where=key)
        own = {**where, **levels(part.get("where") or {}, language)}
        of = [str(it) for it in _texts(part.get("class") or "")]
        terms += [Term(measure(part["measure"]), own, times / len(of), name, outside) for name in of]
        told.append(" ".join([str(part["measure"]), *(f"of {'|'.join(of)}" for _ in of[:1] if of[0])]))
        told[-1] += f" at {words_of(levels(part['where'], language))}" if part.get("where") else ""
    expected = _expected(node, language, terms[0].measure)
    text = f"{told[0]} less {told[1]}{_shared(where)}"
    return (Comparison(text, tuple(terms), expected, _classes(node)),)


def _contrast(node: Mapping[str, Any], language: Language) -> tuple[Criterion, ...]:
    terms = []
    for part in listed(node["terms"], "terms"):
        check_keys(part, needed={"times", "where"}, allowed=set(), where="terms")
        terms.append((number(part["times"], "times"), levels(part["where"], language)))
    text = " ".join(f"{times:+g} ({words_of(where)})" for times, where in terms)
    return (_summed(node, language, text, terms),)


def _level(node: Mapping[str, Any], language: Language) -> tuple[Criterion, ...]:
    kind = one_of(node["expect"], BOUNDS, "expect")
    bounded = {**node, "expect": kind, "margin": number(node["bound"], "bound")}
    shared = levels(node.get("where") or {}, language)
    return (_summed({**bounded, "where": {}}, language, f"mean of {words_of(shared)}", [(1.0, shared)]),)


def _clears(node: Mapping[str, Any], language: Language) -> tuple[Criterion, ...]:
    told = node["thresholds"]
    if not isinstance(told, Mapping) or not told:
        raise NodeError(f"`thresholds` must be a mapping of measure to number, got {told!r}")
    thresholds = {measure(name): number(value, "thresholds") for name, value in told.items()}
    short = tuple(int(number(count, "short")) for count in listed(node["short"], "short"))
    return (Clears(thresholds, short, truth(node.get("stack", True), "stack"), _classes(node)),)


def _best(node: Mapping[str, Any], language: Language) -> tuple[Criterion, ...]:
    name = measure(node["measure"])
    return (Best(name, _expected({"expect": "up", **node}, language, name), _classes(node)),)


def _beside(node: Mapping[str, Any], language: Language) -> tuple[Criterion, ...]:
    stack = "pick" in node and one_of(node["pick"], ("stack",), "pick") == "stack"
    return (Beside(measure(node["measure"]), levels(node.get("where") or {}, language), stack, _classes(node)),)


_Read = Callable[[Mapping[str, Any], Language], tuple[Criterion, ...]]
_KINDS: Final[Mapping[str, tuple[set[str], set[str], _Read]]] = {
    "difference": ({"measure", "plus", "minus", "expect"}, set(), _difference),
    "interaction": ({"measure", "of", "expect"}, set(), _interaction),
    "order": ({"measure", "factor", "levels"}, {"expect"}, _order),
    "trend": ({"measure", "factor", "levels", "expect"}, set(), _trend),
    "within": ({"plus", "minus", "expect"}, set(), _within),
    "contrast": ({"measure", "terms", "expect"}, set(), _contrast),
    "level": ({"measure", "expect", "bound"}, set(), _level),
    "clears": ({"thresholds", "short"}, {"stack"}, _clears),
    "best": ({"measure"}, {"expect"}, _best),
    "beside": ({"measure"}, {"pick"}, _beside),
}
"""Kind -> keys it needs, keys it may have beside those that all share, how it is read."""


def _summed(node: Mapping[str, Any], language: Language, text: str, terms: Sequence[tuple[float, Where]]) -> Comparison:
    """A comparison of one measure; the levels `where` of the node are those of all terms."""
    name = measure(node["measure"])
    shared = levels(node.get("where") or {}, language)
    outside = truth(node.get("outside", False), "outside")
    made = tuple(Term(name, {**shared, **where}, times, outside=outside) for times, where in terms)
    classes = _classes(node)
    if len(classes) == 1:
        made = tuple(Term(name, term.where, term.times, classes[0], outside) for term in made)
    return Comparison(f"{text}{_shared(shared)}", made, _expected(node, language, name), classes)


def _shared(where: Where) -> str:
    return f", at {words_of(where)}" if where else ""


def _expected(node: Mapping[str, Any], language: Language, name: str) -> Expectation:
    """What is expected, with the margin of the node or of its measure."""
    kind = one_of(node["expect"], EXPECTED, "expect")
    if "margin" in node:
        return Expectation(kind, number(node["margin"], "margin"))
    short = name.partition("/")[2]
    if short not in language.margins:
        known = ", ".join(sorted(language.margins)) or "none"
        raise NodeError(f"`margin` must be given: {short} is not among the margins declared ({known})")
    return Expectation(kind, language.margins[short])


def measure(told: Any) -> str:
    """A measure that runs have, `split/name`."""
    form = _MEASURE.fullmatch(str(told))
    if not form:
        raise NodeError(f"a measure must be `split/name` as test/iou, tuned/f1 or oracle_jitter/iou, got {told!r}")
    if form[2] not in _OTHERS:
        try:
            signature(form[2])
        except ValueError as error:
            raise NodeError(
                f"no such measure as {told!r}: {error}; metrics/structure/sheet_rates.py names them"
            ) from None
    return str(told)


def levels(node: Any, language: Language) -> Where:
    """`{factor: levels}` of conf/."""
    if not isinstance(node, Mapping):
        raise NodeError(f"levels must be a mapping as {{loss: dice}}, got {node!r}")
    found = {str(factor): _texts(given) for factor, given in node.items()}
    for factor, given in found.items():
        one_of(factor.partition(".")[0], tuple(language.groups), f"factor {factor!r}: its group")
        if factor in language.groups:
            for level in given:
                one_of(level, tuple(language.groups[factor]), factor)
    return found


def _texts(given: Any) -> tuple[str, ...]:
    return tuple(str(it) for it in given) if isinstance(given, list | tuple) else (str(given),)


def _classes(node: Mapping[str, Any]) -> tuple[str, ...]:
    return _texts(node["classes"]) if node.get("classes") else ()
