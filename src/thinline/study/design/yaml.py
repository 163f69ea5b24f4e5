"""The `study` node of an experiment file, read and checked; `study.py` says what its keys mean."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, Final

from thinline.study.design.study import FULL, SEED, Exclusion, Keep, Levels, Plan, Study, StudyError, crossed, strength

_MEASURE: Final = re.compile(r"(val|test|tuned)/\w+")


def read_study(node: Mapping[str, Any], *, groups: Mapping[str, Sequence[str]]) -> Study:
    """The study of a plain `node`; `groups` holds the options of each group of conf/.

    Raises `StudyError` for an unknown key, factor, level or budget, a factor without levels, seeds that are none, a
    part of another shape than it must have, and plans that are not what they declare.
    """
    _mapping(node, "study")
    known = {field.name for field in fields(Study)}
    _check_known(node, known, where="study")
    lacking = [key for key in ("name", "question", "primary", "seeds", "factors") if not node.get(key)]
    if lacking:
        raise StudyError(
            f"study {node.get('name', '')!r} must have {', '.join(lacking)}, got none; see conf/experiment"
        )
    also = tuple(_levels(block, "study.also", groups) for block in _list(node.get("also") or (), "study.also"))
    study = Study(
        name=str(node["name"]),
        question=str(node["question"]).strip(),
        primary=_texts(node["primary"], "study.primary"),
        seeds=_distinct(node["seeds"], "study.seeds"),
        factors=_levels(node["factors"], "study.factors", groups),
        also=also,
        exclude=tuple(_exclusion(it) for it in _list(node.get("exclude") or (), "study.exclude")),
        plans={
            str(name): _plan(it, str(name)) for name, it in _mapping(node.get("plans") or {}, "study.plans").items()
        },
        plan=str(node.get("plan", FULL)),
        claims=_texts(node.get("claims") or (), "study.claims"),
        **{key: str(node.get(key, "")).strip() for key in ("budget", "expected", "command")},
    )
    _check_meant(study, groups)
    _check_plans(study)
    return study


def _check_meant(study: Study, groups: Mapping[str, Sequence[str]]) -> None:
    """Seeds are whole numbers, measures have the form `split/measure`, and the budget is one of conf/."""
    odd = [seed for seed in study.seeds if not seed.isdecimal()]
    if odd:
        raise StudyError(f"study.seeds must be whole numbers, 0 or above, got {', '.join(odd)}")
    odd = [measure for measure in study.primary if not _MEASURE.fullmatch(measure)]
    if odd:
        raise StudyError(f"study.primary must name measures as test/iou or tuned/f1, got {', '.join(odd)}")
    if study.budget and "budget" in groups:
        _check_known({study.budget: None}, set(groups["budget"]), where="study.budget")


def _check_plans(study: Study) -> None:
    plans = study.plans or {}
    if study.plan != FULL and study.plan not in plans:
        raise StudyError(f"study.plan must be one of {', '.join((FULL, *plans))}, got {study.plan!r}")
    for name, plan in plans.items():
        strange = [factor for factor in plan.levels if factor not in study.factors]
        strange += [factor for rule in plan.keep for factor in rule.of if factor not in (*study.factors, SEED)]
        if strange:
            raise StudyError(f"study.plans.{name} names {', '.join(strange)}, expected factors of the study or `seed`")
        for factor, levels in plan.levels.items():
            _check_known(dict.fromkeys(levels), set(study.factors[factor]), where=f"study.plans.{name}.{factor}")
        _check_resolution(study, name, plan)


def _check_resolution(study: Study, name: str, plan: Plan) -> None:
    if not plan.keep:
        return
    found = strength(crossed(replace(study, plan=name)), (*study.factors, SEED)) + 1
    if found != plan.resolution:
        raise StudyError(
            f"study.plans.{name} declares resolution {plan.resolution}, but its cells have {found}; mend `keep`"
        )


def _levels(node: Mapping[str, Any], where: str, groups: Mapping[str, Sequence[str]]) -> Levels:
    found = {str(name): _distinct(levels, f"{where}.{name}") for name, levels in _mapping(node, where).items()}
    for name, levels in found.items():
        if name == SEED:
            raise StudyError(f"{where} must not name the seed; `seeds` does")
        _check_known({name.partition(".")[0]: None}, set(groups), where=where)
        if name in groups:
            _check_known(dict.fromkeys(levels), set(groups[name]), where=f"{where}.{name}")
    return found


def _plan(node: Mapping[str, Any], name: str) -> Plan:
    where = f"study.plans.{name}"
    _check_known(_mapping(node, where), {"levels", "keep", "resolution"}, where=where)
    given = _mapping(node.get("levels") or {}, f"{where}.levels")
    levels = {str(factor): _distinct(it, f"{where}.{factor}") for factor, it in given.items()}
    keep = tuple(_keep(it, f"{where}.keep") for it in _list(node.get("keep") or (), f"{where}.keep"))
    return Plan(levels, keep, node.get("resolution"))


def _keep(node: Any, where: str) -> Keep:
    told = _mapping(node, where)
    modulus, of = told.get("modulus"), told.get("of")
    if set(told) != {"modulus", "of"} or not isinstance(modulus, int) or modulus < 2 or not isinstance(of, Mapping):
        raise StudyError(f"{where} must hold rules as {{modulus: 2, of: {{loss: 1, head: 1}}}}, got {dict(told)}")
    return Keep(modulus, {str(factor): int(weight) for factor, weight in of.items()})


def _exclusion(node: Mapping[str, Any]) -> Exclusion:
    if set(_mapping(node, "study.exclude")) != {"cells", "because"} or not node["cells"] or not node["because"]:
        raise StudyError(
            f"study.exclude needs `cells` and `because`, got {dict(node)}; a gap without a reason is a hole"
        )
    return Exclusion({str(key): str(value) for key, value in node["cells"].items()}, str(node["because"]))


def _distinct(levels: Any, where: str) -> tuple[str, ...]:
    found = _texts(levels, where)
    if not found or len(set(found)) < len(found):
        raise StudyError(f"{where} must be a list of different levels, got {list(found)}")
    return found


def _texts(values: Any, where: str) -> tuple[str, ...]:
    return (values,) if isinstance(values, str) else tuple(str(value) for value in _list(values, where))


def _list(values: Any, where: str) -> Sequence[Any]:
    if not isinstance(values, list | tuple):
        raise StudyError(f"{where} must be a list, got {values!r}; write it with `-` or in brackets")
    return values


def _mapping(node: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(node, Mapping):
        raise StudyError(f"{where} must be a mapping of keys and values, got {node!r}; see conf/experiment")
    return node


def _check_known(found: Mapping[str, Any], known: set[str], *, where: str) -> None:
    for key in found:
        if key not in known:
            close = difflib.get_close_matches(str(key), sorted(known), n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise StudyError(f"{where} must name one of {', '.join(sorted(known))}, got {key!r}{hint}")
