"""Roof: what the page of MLflow shows of a sweep: the names of parent and cells, a description, and what to compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from thinline.config.schema import FACTORS
from thinline.runs import cell_slug
from thinline.study.design.study import SEED, Study

if TYPE_CHECKING:
    from thinline.tracking.views import Comparison

MEASURES: Final = ("test/iou", "test/precision", "test/recall")
"""What a sweep without a study is compared by."""
STUDY_TAG: Final = "study"
NOTE_TAG: Final = "mlflow.note.content"


def varied(jobs: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """The keys whose values differ among the jobs of a sweep (lists of overrides), in their order."""
    given = [dict(override.lstrip("+~").partition("=")[::2] for override in job) for job in jobs]
    keys = dict.fromkeys(key for job in given for key in job)
    return tuple(key for key in keys if len({job.get(key) for job in given}) > 1)


def cell_name(levels: Mapping[str, str], keys: Sequence[str]) -> str | None:
    """A cell among those of its sweep by the levels the sweep varies, as `soft_ce-none-scarce-s0`; None for one alone.

    `levels` are those of all factors and the seed, `keys` what `varied` found.
    """
    if not keys:
        return None
    groups = {key.partition(".")[0] for key in keys} & set(FACTORS) or {FACTORS[0]}
    return cell_slug({name: level for name, level in levels.items() if name in groups or name == SEED})


def parent_name(study: Study | None, overrides: Sequence[str]) -> str:
    """The study, then what the command line says besides; without a study the command line alone."""
    told = [it for it in overrides if study is None or it.lstrip("+").partition("=")[0] != "experiment"]
    return " ".join([*([] if study is None else [study.name]), *told]) or "sweep"


def parent_tags(study: Study | None, overrides: Sequence[str], jobs: int) -> dict[str, str]:
    """Tags of a parent: the overrides, the study, and a description of question, factors and how to compare."""
    command = f"`python train.py -m {' '.join(overrides)}`"
    note = f"{jobs} cells of {command}."
    if study is None:
        return {"overrides": " ".join(overrides), NOTE_TAG: note}
    factors = [f"- `{name}`: {', '.join(_levels(study, name))}" for name in _without_seed(study.names)]
    lines = [
        f"**{study.name}**: {study.question}",
        "\n".join([*factors, f"- `{SEED}`: {', '.join(study.seeds)}"]),
        f"Judged by {', '.join(study.primary)}. {note}",
        f"To compare, open *{study.name}: cells* or *{study.name}: mean over seeds* of the menu *Views* on the runs "
        "page. The artifacts of this run hold the report, once the study is analysed.",
    ]
    return {"overrides": " ".join(overrides), STUDY_TAG: study.name, NOTE_TAG: "\n\n".join(lines)}


def comparison(study: Study | None, keys: Sequence[str], classes: Sequence[str]) -> Comparison:
    """What the views of a sweep compare: the factors of its study by its primary measures, or the `keys` it varies."""
    from thinline.tracking.views import Comparison  # imports MLflow, which takes seconds

    if study is None:
        return Comparison(None, _without_seed(keys) or FACTORS[:1], MEASURES, tuple(classes))
    return Comparison(study.name, _without_seed(study.names), study.primary, tuple(classes))


def _without_seed(keys: Sequence[str]) -> tuple[str, ...]:
    return tuple(key for key in keys if key != SEED)


def _levels(study: Study, factor: str) -> list[str]:
    """All levels of a factor, those of `also` last."""
    blocks = [block.get(factor, ()) for block in (study.factors, *study.also)]
    return list(dict.fromkeys(level for block in blocks for level in block))
