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
two-way interactions, at V two-way interactions of each other. It is that of the plan before exclusions, which thin it
where they hit; the plan of a sweep lists them with their reasons.

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
from typing import Final

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

    @property
    def names(self) -> tuple[str, ...]:
        """All factors, in the order in which they are declared; the seed last."""
        told = dict.fromkeys(name for block in (self.factors, *self.also) for name in block)
        return (*told, SEED)


def expand(study: Study) -> list[Cell]:
    """The cells of a study, seed by seed.

    Raises `StudyError` for a cell that comes twice, an exclusion that hits nothing, and one that leaves nothing.
    """
    everything = crossed(study)
    cells = [cell for seed in study.seeds for cell in everything if cell[SEED] == seed]
    for rule in study.exclude:
        if not any(rule.hits(cell) for cell in crossed(study, everything=True)):
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


def crossed(study: Study, *, everything: bool = False) -> list[Cell]:
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
