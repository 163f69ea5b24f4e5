"""Texts about a sweep for MLflow and the terminal: names of the parent run and the cells, a description, columns to
compare. A *cell* is a run of the sweep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from thinline.config.schema import FACTORS, KEY_LEVELS
from thinline.runs import cell_slug
from thinline.runs.identity import PREFIXES
from thinline.study.design.study import SEED, Study

if TYPE_CHECKING:
    from thinline.tracking.views import Comparison

MEASURES: Final = ("test/iou", "test/precision", "test/recall")
"""The measures that compare the cells of a sweep without a study."""
REPLICATES: Final = (SEED, "fold")
"""Keys over which the runs of a condition are repeated."""
STUDY_TAG: Final = "study"
NOTE_TAG: Final = "mlflow.note.content"


def varied(jobs: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """The keys whose values differ among the jobs of a sweep (lists of overrides), in their order."""
    overrides = [dict(override.lstrip("+~").partition("=")[::2] for override in job) for job in jobs]
    keys = dict.fromkeys(key for job in overrides for key in job)
    return tuple(key for key in keys if len({job.get(key) for job in overrides}) > 1)


def cell_name(levels: Mapping[str, str], keys: Sequence[str]) -> str | None:
    """The name of a cell, from the levels that the sweep varies: `soft_ce-none-scarce-s0`. None for a single run.

    `levels` has the level of every factor and the seed; `keys` is the result of `varied`.
    """
    return cell_slug(_of_varied(levels, keys, *REPLICATES)) if keys else None


def condition_name(levels: Mapping[str, str], keys: Sequence[str]) -> str:
    """The name of a configuration over all seeds and folds: `cell_name` without them, for example `soft_ce-none`."""
    return cell_slug(_of_varied(levels, keys))


def varied_levels(levels: Mapping[str, str], keys: Sequence[str]) -> str:
    """The levels that a sweep varies, short enough for a terminal: `soft_ce/scarce/s0`. The loss for a single run.

    `levels` has the level of every factor and the seed; `keys` is the result of `varied`.
    """
    levels = _complete(levels)
    names = {key.partition(".")[0] for key in keys} & levels.keys() or {FACTORS[0]}
    return "/".join(f"{PREFIXES.get(name, '')}{level}" for name, level in levels.items() if name in names)


def parent_name(study: Study | None, overrides: Sequence[str]) -> str:
    """The name of a parent run: the study, and the overrides of the command line but `experiment`."""
    others = [
        override for override in overrides if study is None or override.lstrip("+").partition("=")[0] != "experiment"
    ]
    return " ".join([*([] if study is None else [study.name]), *others]) or "sweep"


def parent_tags(study: Study | None, overrides: Sequence[str], jobs: int) -> dict[str, str]:
    """Tags of a parent run: the overrides, the study, and a description with question and factors of the study."""
    command = f"`python train.py -m {' '.join(overrides)}`"
    note = f"{jobs} cells of {command}."
    if study is None:
        return {"overrides": " ".join(overrides), NOTE_TAG: note}
    factors = [f"- `{name}`: {', '.join(_levels(study, name))}" for name in _without_seed(study.names)]
    lines = [
        f"**{study.name}**: {study.question}",
        "\n".join([*factors, f"- `{SEED}`: {', '.join(study.seeds)}"]),
        f"Primary measures: {', '.join(study.primary)}. {note}",
        f"To compare, open *{study.name}: cells* or *{study.name}: mean over seeds* of the menu *Views* on the runs "
        "page. Once the study is analysed, the artifacts of this run hold the report.",
    ]
    return {"overrides": " ".join(overrides), STUDY_TAG: study.name, NOTE_TAG: "\n\n".join(lines)}


def comparison(study: Study | None, keys: Sequence[str], classes: Sequence[str]) -> Comparison:
    """Columns of the views of a sweep: factors and primary measures of its study; without a study the varied `keys`."""
    from thinline.tracking.views import Comparison  # imports MLflow, which takes seconds

    if study is None:
        return Comparison(None, _without_seed(keys) or FACTORS[:1], MEASURES, tuple(classes))
    return Comparison(study.name, _without_seed(study.names), study.primary, tuple(classes))


def _of_varied(levels: Mapping[str, str], keys: Sequence[str], *others: str) -> dict[str, str]:
    """The `levels` of the factors that a sweep varies (of the loss if it varies no factor) and of `others`."""
    levels = _complete(levels)
    groups = {key.partition(".")[0] for key in keys} & (levels.keys() - {*REPLICATES}) or {FACTORS[0]}
    return {name: level for name, level in levels.items() if name in groups or name in others}


def _complete(levels: Mapping[str, str]) -> dict[str, str]:
    """The levels with the neutral ones of KEY_LEVELS, which a run does not name."""
    return {**levels, **{key: known[0] for key, known in KEY_LEVELS.items() if key not in levels}}


def _without_seed(keys: Sequence[str]) -> tuple[str, ...]:
    return tuple(key for key in keys if key not in REPLICATES)


def _levels(study: Study, factor: str) -> list[str]:
    """All levels of a factor, those of `also` last."""
    blocks = [block.get(factor, ()) for block in (study.factors, *study.also)]
    return list(dict.fromkeys(level for block in blocks for level in block))
