"""Roof: who judges the test sheets of a run, and what nearly perfect answers score on them.

The truth of a sheet is brought together here from the rooms that have it: labels, strokes and layers from the cache of
sheets, the courses of its curves from the spec it was drawn from, or from the CSV beside a user's image.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import torch

from thinline.config.schema import Conf
from thinline.curves.laps import MOST_LAPS, WRAP_MM
from thinline.curves.viterbi import COSTS
from thinline.data.cached_sheets import CachedSheets
from thinline.data.folder.crops import Piece
from thinline.heads import Head
from thinline.metrics.catalogue import signatures
from thinline.metrics.perturbed_truth import PERTURBATIONS, perturbed
from thinline.metrics.pixels import confusion
from thinline.metrics.structure.sheet_scores import CurveTruth, SheetScores, score_sheet
from thinline.metrics.structure.truth import Truth
from thinline.pipeline.user_images import is_folder
from thinline.sheets import SheetSpec
from thinline.sheets.true_positions import true_laps, true_rows
from thinline.system.atomic_files import write_bytes
from thinline.training.evaluation import Evaluation, split_tables
from thinline.training.sheet_tables import NOMINAL_PX_PER_MM
from thinline.vocabulary import Bool, Float32, UInt8

_ORACLE_VERSION: Final = 2
_KEPT_PX: Final = 2**24
"""Test splits up to so many pixels stay in memory between the cells of a sweep, with what was worked out of them."""


_Known = dict[int, tuple[Truth, CurveTruth | None]]


class SheetScorer:
    """ScoringWorkers the sheets of one split for one head. `px_per_mm` is None where a user's images have no scale."""

    def __init__(
        self, sheets: CachedSheets, specs: Sequence[SheetSpec | Piece], head: Head, *, px_per_mm: float | None
    ) -> None:
        self.sheets, self.specs, self.head, self.px_per_mm = sheets, specs, head, px_per_mm
        self.known: _Known = {}

    def __getstate__(self) -> dict[str, object]:
        return self.__dict__ | {"known": {}}  # another process reads what it needs

    def __call__(self, index: int, labels: UInt8, ink: Float32 | None) -> SheetScores:
        """See `training.judges.Judge`; `ink` None does not trace curves."""
        truth, courses = self.truth(index)
        return score_sheet(labels, ink, truth, courses)

    def truth(self, index: int) -> tuple[Truth, CurveTruth | None]:
        """What is true on sheet `index` of the split; read once, unless the split is too large to be kept."""
        known = self.known.get(index)
        if known is None:
            labels = np.array(self.sheets.labels[index])
            seen = self.head.truth(torch.from_numpy(labels.astype(np.int64))).numpy().astype(np.uint8)
            strokes = self._strokes(index, labels)
            if len(strokes) != len(self.head.classes) - 1:  # a head that does not tell curves apart
                strokes = np.asarray(strokes.any(axis=0, keepdims=True), np.bool_)
            layers = np.array(self.sheets.layers[index])
            truth = Truth(seen, strokes, layers, self.px_per_mm or NOMINAL_PX_PER_MM)
            known = truth, self._courses(index, len(strokes), labels.shape)
            if self.sheets.sizes.prod(axis=1).sum() <= _KEPT_PX:
                self.known[index] = known
        return known

    def _strokes(self, index: int, labels: UInt8) -> Bool:
        numbers = np.arange(self.sheets.curves, dtype=np.uint8)[:, None, None]
        if not self.sheets.crossing:
            return np.asarray(labels == numbers + 1)
        return np.asarray((np.array(self.sheets.strokes[index]) >> numbers) & 1, np.bool_)

    def _courses(self, index: int, channels: int, shape: tuple[int, ...]) -> CurveTruth | None:
        """None where the head gives fewer channels than there are curves, or nobody knows where the curves run."""
        spec = self.specs[index]
        if channels != self.sheets.curves:
            return None
        if isinstance(spec, Piece):
            named = spec.courses
            if not named:
                return None
            nowhere = np.full(shape[0], np.nan)
            x = np.stack([named.get(name, nowhere) for name in self.head.vocabulary[1:]])
            return CurveTruth(x, np.tile([-0.5, shape[1] - 0.5], (len(x), 1)))  # the whole image stands for the track
        scale = self.px_per_mm or NOMINAL_PX_PER_MM
        tracks = [spec.tracks[curve.track] for curve in spec.curves]
        edges = np.array([[track.left_mm, track.right_mm] for track in tracks]) * scale - 0.5
        return CurveTruth(true_rows(spec, px_per_mm=scale), edges, true_laps(spec, px_per_mm=scale))


_latest: dict[str, _Known] = {}


def scorer_of(conf: Conf, specs: Sequence[SheetSpec | Piece], sheets: CachedSheets, head: Head) -> SheetScorer:
    """The scorer of the test split of `conf`; its truth is kept for a next cell of the same sheets and head.

    The sheets themselves are let go of.
    """
    scale = conf.data_mix.get("px_per_mm") if is_folder(conf) else conf.resolution.px_per_mm
    made = SheetScorer(sheets, specs, head, px_per_mm=None if scale is None else float(scale))
    key = f"{sheets.path.parent.absolute()}|{_key(made)}"
    if key not in _latest:
        _latest.clear()
    made.known = _latest.setdefault(key, {})
    return made


def perturbed_truth_rows(judged_by: SheetScorer, classes: Sequence[str], *, cache: Path) -> pd.DataFrame:
    """Rows per class of every perturbed truth, split `oracle_...`; computed once for a split."""
    path = cache / f"oracle-{_key(judged_by)}.parquet"
    if path.is_file():
        return pd.read_parquet(path)
    rows = pd.concat([_oracle(name, judged_by, classes) for name in PERTURBATIONS], ignore_index=True)
    buffer = io.BytesIO()
    rows.to_parquet(buffer)
    cache.mkdir(parents=True, exist_ok=True)
    write_bytes(path, buffer.getvalue())
    return rows


def _key(judged_by: SheetScorer) -> str:
    parts = [part.path.name for part in judged_by.sheets.parts or (judged_by.sheets,)]
    told = [*parts, judged_by.head.name, *judged_by.head.vocabulary, str(judged_by.px_per_mm), *signatures()]
    told += [str(_ORACLE_VERSION), str(COSTS), str((WRAP_MM, MOST_LAPS))]
    digest = hashlib.sha256("|".join(told).encode())
    for spec in judged_by.specs:
        digest.update(spec.digest.encode())
        for name, course in spec.courses.items() if isinstance(spec, Piece) else ():
            digest.update(name.encode() + course.tobytes())
    return digest.hexdigest()[:16]


def _oracle(name: str, judged_by: SheetScorer, classes: Sequence[str]) -> pd.DataFrame:
    matrices, judged = [], {}
    for index in range(len(judged_by.sheets)):
        truth, courses = judged_by.truth(index)
        answer = perturbed(name, truth.labels, seed=index)
        found, true = (torch.from_numpy(ids.astype(np.int64))[None] for ids in (answer, truth.labels))
        matrices.append(confusion(found, true, classes=len(classes)))
        ink = np.asarray(answer == np.arange(1, len(truth.strokes) + 1)[:, None, None], np.float32)
        judged[index] = score_sheet(answer, ink, truth, courses)
    whole = torch.cat(matrices)
    none = torch.zeros(0)
    evaluation = Evaluation(
        name, whole.sum(0), torch.arange(len(whole)), whole, none, none, judged, judged_by.px_per_mm
    )
    return split_tables(evaluation, classes)[0]
