"""Read the `study` node of an experiment file; study.py explains its keys."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, Strict, ValidationInfo

from thinline.study.design.study import (
    DRAWN,
    FULL,
    SEED,
    Exclusion,
    Keep,
    Levels,
    Plan,
    Study,
    StudyError,
    Tuning,
    crossed,
    strength,
)
from thinline.system.validation import Items, Node, did_you_mean

Groups = Mapping[str, Sequence[str]]


def check_known(name: str, known: Iterable[str], what: str) -> None:
    """Raises ValueError if `name` is not among the `known` names of `what`, as `a level of loss: one`."""
    if name not in known:
        raise ValueError(f"expected {what} of {', '.join(sorted(known))}, got {name!r}{did_you_mean(name, known)}")


def check_levels(levels: Levels, groups: Groups) -> None:
    """Raises ValueError unless factors are groups of conf/ with options of that group, or dotted keys of a group."""
    for factor, own in levels.items():
        check_known(factor.partition(".")[0], groups, "a group")
        for level in own if factor in groups else ():
            check_known(level, groups[factor], f"a level of {factor}: one")


def _different(levels: tuple[str, ...]) -> tuple[str, ...]:
    if not levels or len(set(levels)) < len(levels):
        raise ValueError(f"expected a list of different levels, got {list(levels)}")
    return levels


def _seeds(seeds: tuple[str, ...]) -> tuple[str, ...]:
    if odd := [seed for seed in seeds if not seed.isdecimal()]:
        raise ValueError(f"expected whole numbers, 0 or above, got {', '.join(odd)}")
    return seeds


def _measures(measures: tuple[str, ...]) -> tuple[str, ...]:
    if odd := [measure for measure in measures if not re.fullmatch(r"(val|test|tuned)/\w+", measure)]:
        raise ValueError(f"expected measures as test/iou or tuned/f1, got {', '.join(odd)}")
    return measures


def _factors(factors: Levels, info: ValidationInfo) -> Levels:
    if SEED in factors:
        raise ValueError("a factor must not name the seed, got seed; declare it as `seeds`")
    check_levels(factors, info.context or {})
    return factors


def _budget(name: str, info: ValidationInfo) -> str:
    groups: Groups = info.context or {}
    if "budget" in groups:
        check_known(name, groups["budget"], "one")
    return name


Text = Annotated[str, BeforeValidator(str), AfterValidator(str.strip)]
"""Also of a number: YAML reads the level `42` as one."""

Texts = Annotated[
    tuple[Text, ...], Strict(False), BeforeValidator(lambda node: (node,) if isinstance(node, str) else node)
]
Different = Annotated[Texts, AfterValidator(_different)]
Factors = Annotated[dict[str, Different], AfterValidator(_factors)]


class _Exclusion(Node):
    cells: dict[str, Text] = Field(min_length=1)
    because: str = Field(min_length=1)


class _Keep(Node):
    modulus: int = Field(ge=2)
    of: dict[str, int]


class _Plan(Node):
    levels: dict[str, Different] = Field(default_factory=dict)
    keep: Items[_Keep] = ()
    resolution: int | None = None


class _Main(Node):
    plus: dict[str, Different] = Field(min_length=1)
    minus: dict[str, Different] = Field(min_length=1)


class _Tuning(Node):
    factor: str
    by: str = Field(pattern=r"^val/\w+$")
    seeds: Annotated[Different, AfterValidator(_seeds)]
    default: dict[str, dict[str, Text]] = Field(min_length=1)


class _Study(Node):
    name: Text
    question: Text
    primary: Annotated[Texts, AfterValidator(_measures)]
    seeds: Annotated[Different, AfterValidator(_seeds)]
    factors: Factors
    also: Items[Factors] = ()
    exclude: Items[_Exclusion] = ()
    plans: dict[str, _Plan] = Field(default_factory=dict)
    plan: str = FULL
    budget: Annotated[str, AfterValidator(_budget)] = ""
    expected: Text = ""
    command: Text = ""
    claims: Texts = ()
    domain: Text = DRAWN
    answer: Text = ""
    main: _Main | None = None
    tuning: _Tuning | None = None


def read_study(node: Mapping[str, Any], *, groups: Groups) -> Study:
    """The study of a plain `node`; `groups` holds the options of each group of conf/.

    Raises `StudyError` for an unknown key, factor, level or budget, a missing, empty or malformed value, and plans that
    are not as declared.
    """
    if isinstance(node, Mapping):
        node = {key: value for key, value in node.items() if value}
    checked = _Study.read(node, where="study", advice="see conf/experiment", error=StudyError, context=groups)
    study = Study(
        **{
            **dict(checked),
            "exclude": tuple(Exclusion(**dict(rule)) for rule in checked.exclude),
            "plans": {name: _plan(plan) for name, plan in checked.plans.items()},
            "main": None if checked.main is None else (checked.main.plus, checked.main.minus),
            "tuning": None if checked.tuning is None else Tuning(**dict(checked.tuning)),
        }
    )
    _check_plans(study)
    _check_tuning(study)
    return study


def _plan(node: _Plan) -> Plan:
    return Plan(node.levels, tuple(Keep(**dict(rule)) for rule in node.keep), node.resolution)


def _check_plans(study: Study) -> None:
    plans = study.plans or {}
    if study.plan not in (FULL, *plans):
        raise StudyError(f"study.plan must be one of {', '.join((FULL, *plans))}, got {study.plan!r}")
    for name, plan in plans.items():
        named = [*plan.levels, *(factor for rule in plan.keep for factor in rule.of if factor != SEED)]
        if unknown := [factor for factor in named if factor not in study.factors]:
            raise StudyError(f"study.plans.{name} names {', '.join(unknown)}, expected factors of the study or `seed`")
        for factor, level in ((factor, level) for factor, levels in plan.levels.items() for level in levels):
            try:
                check_known(level, study.factors[factor], "one")
            except ValueError as error:
                raise StudyError(f"study.plans.{name}.levels.{factor}: {error}") from None
        if plan.keep:
            resolution = strength(crossed(replace(study, plan=name)), (*study.factors, SEED)) + 1
            if resolution != plan.resolution:
                raise StudyError(
                    f"study.plans.{name} declares resolution {plan.resolution}, but its cells have {resolution}; "
                    "correct `keep`"
                )


def _check_tuning(study: Study) -> None:
    """The tuned factor and its seeds are those of the study, and each cell has one default level."""
    tuning = study.tuning
    if tuning is None:
        return
    if tuning.factor not in study.factors:
        raise StudyError(f"study.tuning.factor must be one of {', '.join(study.factors)}, got {tuning.factor!r}")
    if unknown := [seed for seed in tuning.seeds if seed not in study.seeds]:
        raise StudyError(f"study.tuning.seeds must be seeds of the study, got {', '.join(unknown)}")
    for block in (study.factors, *study.also):
        for factor, levels in tuning.default.items():
            for level in block.get(factor, ()):
                if levels.get(level) not in block.get(tuning.factor, ()):
                    raise StudyError(
                        f"study.tuning.default.{factor}.{level} must be one of {', '.join(block[tuning.factor])}, got "
                        f"{levels.get(level)!r}"
                    )
