"""The sheets of a configuration: first planned, which renders nothing, then rendered once into the cache."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from functools import lru_cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

from rich.console import Console
from rich.progress import Progress

from thinline.config.schema import Conf, ConfigError
from thinline.curves.las import LasCurve, read_las_folder
from thinline.data.cache import Drawable, content_key, open_sheets
from thinline.data.cache import Progress as OnProgress
from thinline.data.cached_sheets import CachedSheets, with_more
from thinline.data.folder.crops import open_pieces, reading_version
from thinline.data.mix import Mix, Split, Splits, compose, reference
from thinline.data.sheet_counts import Counts
from thinline.pipeline.user_images import is_folder, px_per_mm_of, split_folder
from thinline.sheets import DRAWING_VERSION, Sheet, SheetSpec, render
from thinline.sheets.ink_and_centre import VERSION, render_ink_and_centre
from thinline.vocabulary import INK_AND_CENTRE

logger = logging.getLogger(__name__)

SPLITS = ("train", "val", "test")
CURVES_HEAD: Final = "thinline.heads.Curves"


@dataclass(frozen=True)
class Planned:
    """The specs of the sheets of a run; `digest` is that of the pixels of all splits and of the training order.

    `split_digests` has the digest of the pixels of each split, also of further test sets.
    """

    splits: Splits
    digest: str
    split_digests: Mapping[str, str]


class Rendered(NamedTuple):
    """The pixels of a run, memory-mapped from the cache; `more_tests` are those of further test sets by name."""

    train: CachedSheets
    val: CachedSheets
    test: CachedSheets
    more_tests: Mapping[str, CachedSheets] = MappingProxyType({})


def plan_sheets(conf: Conf) -> Planned:
    """The sheets of the run of `conf`. Raises what `read_las_folder`, `compose` and `split_folder` raise.

    Raises `ConfigError` too for a head of ink and centre lines with other classes, and for sheets of any number of
    curves with another head.
    """
    _check_classes(conf)
    splits = split_folder(conf) if is_folder(conf) else _drawn(conf)
    keys = {name: _key(split, conf) for name, split in splits.by_name().items()}
    order = hashlib.sha256(splits.train.order.tobytes()).hexdigest()
    digest = hashlib.sha256("".join([*keys.values(), order]).encode()).hexdigest()[:16]
    return Planned(splits, digest, {name: key[:16] for name, key in keys.items()})


def render_sheets(planned: Planned, conf: Conf, *, console: Console) -> Rendered:
    """The pixels of every split, from the cache or rendered now. Raises `CacheError` if they cannot be written."""
    train, val, test = (render_split(planned, name, conf, console=console) for name in SPLITS)
    more = {name: render_split(planned, name, conf, console=console) for name in planned.splits.more_tests}
    return Rendered(train, val, test, more)


def render_split(planned: Planned, name: str, conf: Conf, *, console: Console) -> CachedSheets:
    """The pixels of one of `SPLITS`, or of a further test set, as in `render_sheets`."""
    split = planned.splits.by_name()[name]
    with progress(f"rendering {name} sheets", console) as on_progress:
        if is_folder(conf):
            pieces = open_pieces(
                [*split.specs],
                folder=Path(conf.paths.cache),
                on_progress=on_progress,
                lines=reads_ink_and_centre(conf),
            )
            return with_more(pieces, _open_drawn(split.drawn, conf, on_progress)) if split.drawn else pieces
        return _open_drawn(split.specs, conf, on_progress)


def _open_drawn(specs: Sequence[Drawable], conf: Conf, on_progress: OnProgress) -> CachedSheets:
    """Drawn sheets, at the scale of the run or of its own images."""
    scale = drawn_px_per_mm(conf)
    return open_sheets(
        specs,
        px_per_mm=scale,
        folder=Path(conf.paths.cache),
        render=partial(_render_of(conf), px_per_mm=scale),
        version=_version(conf),
        on_progress=on_progress,
        processes=conf.trainer.renderers,
    )


def drawn_px_per_mm(conf: Conf) -> float:
    """The scale at which the sheets of a run are drawn."""
    own = px_per_mm_of(conf) if is_folder(conf) else None
    return conf.resolution.px_per_mm if own is None else own


def reference_sheets(conf: Conf) -> tuple[SheetSpec, ...]:
    """Archive sheets that no run uses, for the coverage of a mix."""
    height_mm, width_mm = conf.budget.sheet_mm
    return reference((float(height_mm), float(width_mm)), _samples(Mix.from_conf(conf.data_mix)))


def _drawn(conf: Conf) -> Splits:
    mix, size = Mix.from_conf(conf.data_mix), conf.budget.sheet_mm
    return _composed(mix.model_dump_json(), astuple(conf.budget.counts), conf.seed, (float(size[0]), float(size[1])))


@lru_cache(maxsize=4)  # the runs of a seed share their sheets, and with them the digests of the sheets
def _composed(mix_text: str, counts: tuple[int, ...], seed: int, size_mm: tuple[float, float]) -> Splits:
    mix = Mix.model_validate_json(mix_text)
    return compose(mix, Counts(*counts), seed=seed, size_mm=size_mm, samples=_samples(mix))


def _samples(mix: Mix) -> tuple[LasCurve, ...]:
    return _las_curves(mix.archive.las_dir) if mix.archive.las_dir else ()


@lru_cache(maxsize=4)  # a sweep reads a folder once
def _las_curves(folder: str) -> tuple[LasCurve, ...]:
    las = read_las_folder(Path(folder)).checked()
    for line in las.odd():
        logger.warning("%s", line)
    logger.info("%s", las.summary())
    return las.curves


def _key(split: Split, conf: Conf) -> str:
    version = reading_version(lines=reads_ink_and_centre(conf)) if is_folder(conf) else _version(conf)
    key = content_key(split.specs, px_per_mm=conf.resolution.px_per_mm, version=version)
    if not split.drawn:
        return key
    drawn = content_key(split.drawn, px_per_mm=drawn_px_per_mm(conf), version=_version(conf))
    return hashlib.sha256(f"{key} {drawn}".encode()).hexdigest()


def reads_ink_and_centre(conf: Conf) -> bool:
    """Whether the truth of the run is that of head=curves: the ink of all curves, and their centre lines."""
    return str(conf.head.get("_target_")) == CURVES_HEAD


def _check_classes(conf: Conf) -> None:
    wanted = f"classes=[{','.join(INK_AND_CENTRE)}]"
    if reads_ink_and_centre(conf):
        if tuple(conf.classes) != INK_AND_CENTRE:
            raise ConfigError(f"head=curves needs {wanted}, got [{','.join(conf.classes)}]; add {wanted}")
    elif (fresh := conf.data_mix.get("fresh")) is not None:
        raise ConfigError(
            f"data_mix.fresh={fresh} needs head=curves, whose classes drawn sheets and own images share, "
            f"got {conf.head.get('_target_')}; add head=curves {wanted}, with every curve of the masks as ink"
        )
    elif conf.data_mix.get("family") is not None:
        raise ConfigError(
            f"data_mix={conf.data_mix.get('name')} has sheets of one curve to six, expected head=curves, got "
            f"{conf.head.get('_target_')}; add head=curves {wanted}"
        )


def _render_of(conf: Conf) -> Callable[..., Sheet]:
    return render_ink_and_centre if reads_ink_and_centre(conf) else render


def _version(conf: Conf) -> int | str:
    """The version of what is drawn, part of the key of the cache and so of the name of the run."""
    return f"{DRAWING_VERSION} ink and centre {VERSION}" if reads_ink_and_centre(conf) else DRAWING_VERSION


@contextmanager
def progress(text: str, console: Console) -> Iterator[OnProgress]:
    """A progress bar that appears after the first sheet and disappears at the end."""
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        row = bar.add_task(text, visible=False)

        def update(done: int, total: int) -> None:
            bar.update(row, completed=done, total=total, visible=True)

        yield update
