"""A study as declared in an experiment file, and its cells in the order in which they run.

Conventions
-----------
A *cell* is one level for each factor and a seed, as `{"loss": "dice", "class_weight": "none", "seed": "0"}`. A factor
is a group of conf/ or a dotted key of one (`class_weight.value`). The keys of the `study` node:

    name, question, budget, expected, command, claims   documentation; budget is the option that the cells run with
    domain       the kind of image; the claims are compared across kinds
    answer       id of the claim whose verdict the report quotes first
    main        {plus, minus}: levels of the contrast that the specification curve shows under every analysis
    primary     measures that the study tests, declared before it runs
    seeds       common random numbers: cells of one seed share initialisation, order of images and test sheets
    factors     {factor: levels}, crossed with each other and the seeds
    also        more such mappings, each crossed by itself: cells outside of the product
    exclude     [{cells: {factor: level}, because: text}]: a cell with all named levels is left out
    plans       {name: {levels, keep, resolution}}: smaller studies; `plan` selects one, `full` is everything
    tuning      {factor, by, seeds, default}: one level of `factor` is chosen for each combination of the others; see
                tuning.py

Cells run seed by seed, so that an interrupted study is balanced as far as it got.

Fractions
---------
A plan may restrict `levels` of factors, and `keep` only the cells whose level numbers (counted from 0 in the order
given), times the weights in `of`, sum to 0 modulo `modulus`. The *resolution* of such a plan must be declared and is
checked: it is R if every combination of the levels of any R - 1 factors, seeds among them, occurs equally often, and
not so for R of them (an orthogonal array of strength R - 1). At III main effects are clear of each other, at IV of
two-way interactions, at V two-way interactions of each other. The resolution is that of the plan before exclusions,
which remove single cells; the plan of a sweep lists them with their reasons.

References
----------
Box and Hunter, "The 2^(k-p) fractional factorial designs", Technometrics 1961.
Hedayat, Sloane and Stufken, "Orthogonal Arrays", Springer 1999, sections 1.2 and 11.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from math import prod
from typing import Final

SEED: Final = "seed"
FULL: Final = "full"
DRAWN: Final = "drawn sheets"
Cell = dict[str, str]
Levels = Mapping[str, tuple[str, ...]]


class StudyError(ValueError):
    """A study, its runs or its claims are not as they must be: what, expected, got, next step."""


@dataclass(frozen=True)
class Exclusion:
    """Levels that must not be combined, and why."""

    cells: Mapping[str, str]
    because: str

    def hits(self, cell: Mapping[str, str]) -> bool:
        """Whether `cell` has all named levels."""
        return all(cell.get(factor) == level for factor, level in self.cells.items())


@dataclass(frozen=True)
class Keep:
    """Cells whose level numbers times the weights `of` sum to 0 modulo `modulus`."""

    modulus: int
    of: Mapping[str, int]


@dataclass(frozen=True)
class Plan:
    """A smaller study: fewer `levels`, a fraction of the product, and its declared `resolution`."""

    levels: Levels
    keep: tuple[Keep, ...]
    resolution: int | None


@dataclass(frozen=True)
class Tuning:
    """How levels of `factor` are chosen: by the measure `by` on `seeds`; `default` are the levels without a choice.

    `default` is {factor of the study: {its level: level of `factor`}}, for example {optimiser: {muon: 0.005}}.
    """

    factor: str
    by: str
    seeds: tuple[str, ...]
    default: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Study:
    """The declaration of an experiment file; see the module for the keys."""

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
    domain: str = DRAWN
    answer: str = ""
    main: tuple[Levels, Levels] | None = None
    tuning: Tuning | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """All factors in the order declared, then the seed."""
        return (*dict.fromkeys(name for block in (self.factors, *self.also) for name in block), SEED)


def expand(study: Study) -> list[Cell]:
    """The cells of a study, seed by seed.

    Raises `StudyError` for a duplicate cell, for conditions with one name, an exclusion that matches no cell, and
    exclusions that leave none.
    """
    every, planned = crossed(study, everything=True), crossed(study)
    for rule in study.exclude:
        if not any(rule.hits(cell) for cell in every):
            raise StudyError(
                f"study {study.name!r} excludes {dict(rule.cells)}, which no cell has; correct or delete the rule"
            )
    cells = [cell for seed in study.seeds for cell in planned if cell[SEED] == seed]
    cells = [cell for cell in cells if not any(rule.hits(cell) for rule in study.exclude)]
    twice = [dict(key) for key, count in Counter(tuple(sorted(cell.items())) for cell in cells).items() if count > 1]
    if twice:
        raise StudyError(
            f"study {study.name!r} must have each cell once, got {len(twice)} twice, as {twice[0]}; see `also`"
        )
    if not cells:
        raise StudyError(f"study {study.name!r} has no cells left, all are excluded; delete a rule of `exclude`")
    _check_names(study, cells)
    return cells


def _check_names(study: Study, cells: Sequence[Cell]) -> None:
    """Raise `StudyError` where two conditions have the same levels, of different factors, and so one name."""
    named: dict[str, Cell] = {}
    for cell in cells:
        condition = {name: cell[name] for name in study.names if name != SEED and name in cell}
        name = "/".join(condition.values())
        other = named.setdefault(name, condition)
        if other != condition:
            raise StudyError(
                f"study {study.name!r} must have a name of its own for every condition, got {name!r} for {dict(other)} "
                f"and {condition}; name the same factors in both blocks"
            )


def select(cells: Iterable[Cell], wanted: Mapping[str, Sequence[str]]) -> list[Cell]:
    """The cells with one of the `wanted` levels of each factor. Raises `StudyError` for a level that no cell has."""
    cells = list(cells)
    for factor, levels in wanted.items():
        known = list(dict.fromkeys(cell[factor] for cell in cells if factor in cell))
        unknown = [level for level in levels if level not in known]
        if unknown:
            raise StudyError(f"{factor}={','.join(unknown)} is no level of this study, which has {', '.join(known)}")
    return [cell for cell in cells if all(cell.get(factor) in levels for factor, levels in wanted.items())]


def strength(cells: Sequence[Cell], factors: Sequence[str]) -> int:
    """The largest t for which every combination of levels of any t factors occurs equally often; 0 for none."""
    levels = {name: len({cell[name] for cell in cells}) for name in factors}
    for size in range(1, len(factors) + 1):
        for chosen in combinations(factors, size):
            counts = Counter(tuple(cell[name] for name in chosen) for cell in cells)
            possible = prod(levels[name] for name in chosen)
            if len(counts) < possible or len(set(counts.values())) > 1:
                return size - 1
    return len(factors)


def crossed(study: Study, *, everything: bool = False) -> list[Cell]:
    """All cells of the selected plan, or of `everything`, before exclusions; `also` belongs to the full plan."""
    plan = None if everything or study.plan == FULL else (study.plans or {})[study.plan]
    factors = dict(study.factors) | dict(plan.levels if plan else {}) | {SEED: study.seeds}
    cells = [dict(zip(factors, levels, strict=True)) for levels in product(*factors.values())]
    if plan:
        numbers = {name: {level: number for number, level in enumerate(levels)} for name, levels in factors.items()}
        return [cell for cell in cells if all(_kept(cell, rule, numbers) for rule in plan.keep)]
    for block in study.also:
        own = dict(block) | {SEED: study.seeds}
        cells += [dict(zip(own, levels, strict=True)) for levels in product(*own.values())]
    return cells


def _kept(cell: Cell, rule: Keep, numbers: Mapping[str, Mapping[str, int]]) -> bool:
    total = sum(weight * numbers[name][cell[name]] for name, weight in rule.of.items())
    return total % rule.modulus == 0
