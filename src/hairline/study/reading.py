"""The `study` node of an experiment file, read and checked; `design.py` says what its keys mean."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from hairline.study.design import FULL, SEED, Exclusion, Keep, Levels, Plan, Study, StudyError, crossed, strength


def read_study(node: Mapping[str, Any], *, groups: Mapping[str, Sequence[str]]) -> Study:
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
    found = strength(crossed(study), (*study.factors, SEED)) + 1
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
