"""From the `study` node of an experiment file to the cells it asks for, in the order in which they run.

Conventions
-----------
A *cell* is one level for each factor and a seed, as `{"loss": "dice", "class_weight": "none", "seed": "0"}`. A factor
is a group of conf/ or a dotted key of one (`class_weight.value`). The keys of a node:

    name, question, budget, expected, command, claims   for people
    primary     measures the study is judged by, declared before it runs
    seeds       common random numbers: cells of one seed share initialisation, order of images and test sheets
    factors     {factor: levels}, crossed with each other and the seeds
    also        more such mappings, each crossed by itself: cells outside the product
    exclude     [{cells: {factor: level}, because: text}], left out wherever all named levels meet
    plans       {name: {levels, keep, resolution}}: smaller studies in this one; `plan` picks one, `full` is all

The order is seed by seed, so that an interrupted study is balanced as far as it got.

Fractions
---------
A plan may restrict `levels` of factors, and `keep` only the cells whose level numbers (counted from 0 in the order
given) add up, times the factors in `of`, to 0 modulo `modulus`. Of such a plan the *resolution* must be declared and
is checked: it is R when every combination of the levels of any R - 1 factors, seeds among them, occurs equally often,
and not so for R of them (an orthogonal array of strength R - 1). At III main effects are clear of each other, at IV of
two-way interactions, at V two-way interactions of each other.

References
----------
Box and Hunter, "The 2^(k-p) fractional factorial designs", Technometrics 1961.
Hedayat, Sloane and Stufken, "Orthogonal Arrays", Springer 1999, sections 1.2 and 11.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import combinations, product
from typing import Any, Final

SEED: Final = "seed"
FULL: Final = "full"
Cell = dict[str, str]
Levels = Mapping[str, tuple[str, ...]]


class StudyError(ValueError):
    """A study that cannot be what was meant."""


@dataclass(frozen=True)
class Exclusion:
    """Levels that must not meet, and why."""

    cells: Mapping[str, str]
    because: str

    def hits(self, cell: Mapping[str, str]) -> bool:
        """Whether all named levels meet in `cell`."""
        return all(cell.get(factor) == level for factor, level in self.cells.items())


@dataclass(frozen=True)
class Keep:
    """Cells whose level numbers times `of` add up to 0 modulo `modulus`."""

    modulus: int
    of: Mapping[str, int]


@dataclass(frozen=True)
class Plan:
    """A smaller study within one: fewer `levels`, a fraction of the product, and its declared `resolution`."""

    levels: Levels
    keep: tuple[Keep, ...]
    resolution: int | None


@dataclass(frozen=True)
class Study:
    """What an experiment file declares; see the module for the keys."""

    name: str
    question: str
    primary: tuple[str, ...]
    seeds: tuple[str, ...]
    factors: Levels
    also: tuple[Levels, ...] = ()
    exclude: tuple[Exclusion, ...] = ()
    plans: Mapping[str, Plan] | None = None
    plan: str = FULL
    budget: str = ""
    expected: str = ""
    command: str = ""
    claims: tuple[str, ...] = ()

    @staticmethod
    def read(node: Mapping[str, Any], *, groups: Mapping[str, Sequence[str]]) -> Study:
        """The study of a plain `node`; `groups` holds the options of each group of conf/.

        Raises `StudyError` for an unknown key, factor or level, a factor without levels, no seeds, and plans that are
        not what they declare.
        """
        known = {field.name for field in fields(Study)}
        _demand_known(node, known, where="study")
        lacking = [key for key in ("name", "question", "primary", "seeds", "factors") if not node.get(key)]
        if lacking:
            raise StudyError(
                f"study {node.get('name', '')!r} must have {', '.join(lacking)}, got none; see conf/experiment"
            )
        also = tuple(_levels(block, "study.also", groups) for block in node.get("also") or ())
        study = Study(
            name=str(node["name"]),
            question=str(node["question"]).strip(),
            primary=_texts(node["primary"]),
            seeds=_distinct(node["seeds"], "study.seeds"),
            factors=_levels(node["factors"], "study.factors", groups),
            also=also,
            exclude=tuple(_exclusion(it) for it in node.get("exclude") or ()),
            plans={str(name): _plan(it, str(name)) for name, it in (node.get("plans") or {}).items()},
            plan=str(node.get("plan", FULL)),
            claims=_texts(node.get("claims") or ()),
            **{key: str(node.get(key, "")).strip() for key in ("budget", "expected", "command")},
        )
        _demand_plan(study)
        return study

    @property
    def names(self) -> tuple[str, ...]:
        """All factors, in the order in which they are declared; the seed last."""
        told = dict.fromkeys(name for block in (self.factors, *self.also) for name in block)
        return (*told, SEED)


def expand(study: Study) -> list[Cell]:
    """The cells of a study, seed by seed.

    Raises `StudyError` for a cell that comes twice, an exclusion that hits nothing, and one that leaves nothing.
    """
    crossed = _crossed(study)
    cells = [cell for seed in study.seeds for cell in crossed if cell[SEED] == seed]
    for rule in study.exclude:
        if not any(rule.hits(cell) for cell in _crossed(study, everything=True)):
            raise StudyError(
                f"study {study.name!r} excludes {dict(rule.cells)}, which no cell has; mend or drop the rule"
            )
    cells = [cell for cell in cells if not any(rule.hits(cell) for rule in study.exclude)]
    twice = [dict(key) for key, count in Counter(tuple(sorted(cell.items())) for cell in cells).items() if count > 1]
    if twice:
        raise StudyError(
            f"study {study.name!r} must have each cell once, got {len(twice)} twice, as {twice[0]}; see `also`"
        )
    if not cells:
        raise StudyError(f"study {study.name!r} has no cells left, all are excluded")
    return cells


def select(cells: Iterable[Cell], wanted: Mapping[str, Sequence[str]]) -> list[Cell]:
    """The cells with one of the `wanted` levels of each factor named. Raises `StudyError` for a level no cell has."""
    cells = list(cells)
    for factor, levels in wanted.items():
        there = list(dict.fromkeys(cell[factor] for cell in cells if factor in cell))
        strange = [level for level in levels if level not in there]
        if strange:
            raise StudyError(f"{factor}={','.join(strange)} is no level of this study, which has {', '.join(there)}")
    return [cell for cell in cells if all(cell.get(factor) in levels for factor, levels in wanted.items())]


def strength(cells: Sequence[Cell], factors: Sequence[str]) -> int:
    """The largest t for which every combination of levels of any t factors occurs equally often; 0 for none."""
    counts = [len({cell[name] for cell in cells}) for name in factors]
    for size in range(1, len(factors) + 1):
        for chosen in combinations(range(len(factors)), size):
            seen = Counter(tuple(cell[factors[place]] for place in chosen) for cell in cells)
            possible = 1
            for place in chosen:
                possible *= counts[place]
            if len(seen) < possible or len(set(seen.values())) > 1:
                return size - 1
    return len(factors)


def _crossed(study: Study, *, everything: bool = False) -> list[Cell]:
    """All cells of the chosen plan before exclusions; `also` belongs to the full plan."""
    plan = None if everything or study.plan == FULL else (study.plans or {})[study.plan]
    factors = dict(study.factors) | dict(plan.levels if plan else {}) | {SEED: study.seeds}
    cells = [dict(zip(factors, levels, strict=True)) for levels in product(*factors.values())]
    if plan:
        numbers = {name: {level: place for place, level in enumerate(levels)} for name, levels in factors.items()}
        return [cell for cell in cells if all(_kept(cell, rule, numbers) for rule in plan.keep)]
    for block in study.also:
        own = dict(block) | {SEED: study.seeds}
        cells += [dict(zip(own, levels, strict=True)) for levels in product(*own.values())]
    return cells


def _kept(cell: Cell, rule: Keep, numbers: Mapping[str, Mapping[str, int]]) -> bool:
    total = sum(weight * numbers[name][cell[name]] for name, weight in rule.of.items())
    return total % rule.modulus == 0


def _demand_plan(study: Study) -> None:
    plans = study.plans or {}
    if study.plan != FULL and study.plan not in plans:
        raise StudyError(f"study.plan must be one of {', '.join((FULL, *plans))}, got {study.plan!r}")
    for name, plan in plans.items():
        strange = [factor for factor in plan.levels if factor not in study.factors]
        strange += [factor for rule in plan.keep for factor in rule.of if factor not in (*study.factors, SEED)]
        if strange:
            raise StudyError(f"study.plans.{name} names {', '.join(strange)}, expected factors of the study or `seed`")
    if study.plan == FULL or not plans[study.plan].keep:
        return
    declared = plans[study.plan].resolution
    found = strength(_crossed(study), (*study.factors, SEED)) + 1
    if found != declared:
        raise StudyError(
            f"study.plans.{study.plan} declares resolution {declared}, but its cells have {found}; mend `keep`"
        )


def _levels(node: Mapping[str, Any], where: str, groups: Mapping[str, Sequence[str]]) -> Levels:
    found = {str(name): _distinct(levels, f"{where}.{name}") for name, levels in node.items()}
    for name, levels in found.items():
        if name == SEED:
            raise StudyError(f"{where} must not name the seed; `seeds` does")
        _demand_known({name.partition(".")[0]: None}, set(groups), where=where)
        if name in groups:
            _demand_known(dict.fromkeys(levels), set(groups[name]), where=f"{where}.{name}")
    return found


def _plan(node: Mapping[str, Any], name: str) -> Plan:
    _demand_known(node, {"levels", "keep", "resolution"}, where=f"study.plans.{name}")
    levels = {str(factor): _distinct(it, f"plans.{name}.{factor}") for factor, it in (node.get("levels") or {}).items()}
    keep = tuple(
        Keep(int(it["modulus"]), {str(k): int(v) for k, v in it["of"].items()}) for it in node.get("keep") or ()
    )
    return Plan(levels, keep, node.get("resolution"))


def _exclusion(node: Mapping[str, Any]) -> Exclusion:
    if set(node) != {"cells", "because"} or not node["cells"] or not node["because"]:
        raise StudyError(
            f"study.exclude needs `cells` and `because`, got {dict(node)}; a gap without a reason is a hole"
        )
    return Exclusion({str(key): str(value) for key, value in node["cells"].items()}, str(node["because"]))


def _distinct(levels: Any, where: str) -> tuple[str, ...]:
    found = _texts(levels)
    if not found or len(set(found)) < len(found):
        raise StudyError(f"{where} must be a list of different levels, got {list(found)}")
    return found


def _texts(values: Any) -> tuple[str, ...]:
    return (values,) if isinstance(values, str) else tuple(str(value) for value in values)


def _demand_known(found: Mapping[str, Any], known: set[str], *, where: str) -> None:
    for key in found:
        if key not in known:
            close = difflib.get_close_matches(str(key), sorted(known), n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise StudyError(f"{where} must name one of {', '.join(sorted(known))}, got {key!r}{hint}")
