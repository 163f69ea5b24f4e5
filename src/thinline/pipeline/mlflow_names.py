"""How a sweep appears in MLflow: names of parent and cells, a description, and the views that compare them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from thinline.config.schema import FACTORS
from thinline.runs import cell_slug
from thinline.study.design.study import SEED, Study
from thinline.study.stats.samples import LOWER_IS_BETTER

if TYPE_CHECKING:
    from thinline.tracking.views import Comparison

MEASURES: Final = ("test/iou", "test/precision", "test/recall")
"""Metrics that compare the cells of a sweep without a study."""
STUDY_TAG: Final = "study"
NOTE_TAG: Final = "mlflow.note.content"


def varied(jobs: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """The keys whose values differ among the jobs of a sweep, each a list of overrides, in their order."""
    values = [dict(override.lstrip("+~").partition("=")[::2] for override in job) for job in jobs]
    keys = dict.fromkeys(key for job in values for key in job)
    return tuple(key for key in keys if len({job.get(key) for job in values}) > 1)


def cell_name(levels: Mapping[str, str], keys: Sequence[str]) -> str | None:
    """The name of a cell by the levels that its sweep varies, as `soft_ce-none-scarce-s0`; None for a single cell.

    `levels` are those of all factors and the seed, `keys` the result of `varied`.
    """
    if not keys:
        return None
    groups = {key.partition(".")[0] for key in keys} & set(FACTORS) or {FACTORS[0]}
    return cell_slug({name: level for name, level in levels.items() if name in groups or name == SEED})


def parent_name(study: Study | None, overrides: Sequence[str]) -> str:
    """The study and the other overrides of the command line, or these alone without a study."""
    others = [text for text in overrides if study is None or text.lstrip("+").partition("=")[0] != "experiment"]
    return " ".join([*([] if study is None else [study.name]), *others]) or "sweep"


def parent_tags(study: Study | None, overrides: Sequence[str], jobs: int) -> dict[str, str]:
    """Tags of a parent run: the overrides, the study, and a description of its question, factors and views."""
    command = f"`python train.py -m {' '.join(overrides)}`"
    note = f"{jobs} cells of {command}."
    if study is None:
        return {"overrides": " ".join(overrides), NOTE_TAG: note}
    factors = [f"- `{name}`: {', '.join(_levels(study, name))}" for name in _without_seed(study.names)]
    lines = [
        f"**{study.name}**: {study.question}",
        "\n".join([*factors, f"- `{SEED}`: {', '.join(study.seeds)}"]),
        f"Primary metrics: {', '.join(study.primary)}. {note}",
        f"To compare, open *{study.name}: cells* or *{study.name}: mean over seeds* in the menu *Views* of the runs "
        "page. The artifacts of this run hold the report, once the study is analysed.",
    ]
    return {"overrides": " ".join(overrides), STUDY_TAG: study.name, NOTE_TAG: "\n\n".join(lines)}


def comparison(study: Study | None, keys: Sequence[str], classes: Sequence[str]) -> Comparison:
    """The views of a sweep: the factors of its study and its primary metrics, or the `keys` that it varies."""
    from thinline.tracking.views import Comparison  # imports MLflow, which takes seconds

    if study is None:
        return Comparison(None, _without_seed(keys) or FACTORS[:1], MEASURES, tuple(classes))
    ascending = study.primary[0].partition("/")[2] in LOWER_IS_BETTER
    return Comparison(study.name, _without_seed(study.names), study.primary, tuple(classes), ascending)


def _without_seed(keys: Sequence[str]) -> tuple[str, ...]:
    return tuple(key for key in keys if key != SEED)


def _levels(study: Study, factor: str) -> list[str]:
    """All levels of a factor, those of `also` last."""
    blocks = [block.get(factor, ()) for block in (study.factors, *study.also)]
    return list(dict.fromkeys(level for block in blocks for level in block))
