"""Score the test sheets of a run by the metrics beyond pixels.

Of the truth, labels and strokes come with each prediction; layers come from the cached sheets; the positions of the
curves come from the spec of the sheet, or from the CSV of a user's image.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Final

import numpy as np
import torch
from hydra.utils import instantiate

from thinline.config.schema import Conf
from thinline.curves.laps import MOST_LAPS, WRAP_MM
from thinline.curves.viterbi import COSTS
from thinline.data.batch import batch_of
from thinline.data.cached_sheets import CachedSheets
from thinline.data.folder.crops import Piece
from thinline.heads import Head
from thinline.metrics.catalogue import register, signatures
from thinline.metrics.own import FAMILY, OwnMetric, calls, own_rows
from thinline.metrics.perturbed_truth import PERTURBATIONS
from thinline.metrics.structure.sheet_scores import CurveTruth, SheetScores, score_sheet
from thinline.metrics.structure.truth import NOMINAL_PX_PER_MM, Truth
from thinline.pipeline.user_images import is_folder, px_per_mm_of
from thinline.runs import cell_digest, own_code
from thinline.sheets import SheetSpec
from thinline.sheets.true_positions import true_laps, true_rows
from thinline.training.scoring_workers import Prediction
from thinline.vocabulary import IGNORE, Bool, UInt8

PERTURBED_TRUTH_VERSION: Final = 3
"""Rises when the rows of a perturbed truth change: their definition, or a metric that is added to a family."""

_KEPT_PX: Final = 2**24
"""Largest test split, in px, whose truth stays in memory between the runs of a sweep, with the results derived from it
for scoring."""

SheetTruth = tuple[Truth, CurveTruth | None]


class SheetScorer:
    """Scores the sheets of one split for one head. `px_per_mm` is None if a user's images have no scale."""

    def __init__(
        self,
        sheets: CachedSheets,
        specs: Sequence[SheetSpec | Piece],
        head: Head,
        *,
        px_per_mm: float | None,
        own: Sequence[OwnMetric] = (),
    ) -> None:
        self.sheets, self.specs, self.head, self.px_per_mm, self.own = sheets, specs, head, px_per_mm, own
        self.known: dict[int, SheetTruth] = {}

    def __getstate__(self) -> dict[str, object]:
        return self.__dict__ | {"known": {}}  # a scoring process fills its own

    def __call__(self, index: int, prediction: Prediction) -> SheetScores:
        """The scores of sheet `index`; curves are not traced if `prediction.ink` is None."""
        truth, curves = self._truth(index, prediction.truth, prediction.strokes)
        return score_sheet(prediction.labels, prediction.ink, truth, curves, own=self.own)

    def truths(self) -> Iterator[SheetTruth]:
        """The truth of every sheet, in order; truth that is not in memory is read from the cached sheets."""
        for index in range(len(self.sheets)):
            if index in self.known:
                yield self.known[index]
                continue
            batch = batch_of(self.sheets, [index])
            labels = self.head.truth(batch.labels)[0].to(torch.uint8).numpy()
            yield self._truth(index, labels, batch.strokes[0].numpy())

    def _truth(self, index: int, labels: UInt8, strokes: Bool) -> SheetTruth:
        """The truth of a sheet from `labels [H,W]` in the ids of the head, and the strokes [K,H,W] of every curve."""
        truth = self.known.get(index)
        if truth is None:
            named = len(self.head.classes) == len(self.head.vocabulary)  # else a head that does not tell curves apart
            curves = self._curves(index, labels.shape) if named else None
            strokes = np.asarray(self.head.scored_strokes(strokes), np.bool_)
            layers = np.array(self.sheets.layers[index])
            truth = Truth(labels, strokes, layers, self.px_per_mm or NOMINAL_PX_PER_MM), curves
            if self.sheets.sizes.prod(axis=1).sum() <= _KEPT_PX:
                self.known[index] = truth
        return truth

    def _curves(self, index: int, shape: tuple[int, ...]) -> CurveTruth | None:
        """The true positions of the curves of a sheet, or None if they are not known."""
        spec = self.specs[index]
        if isinstance(spec, Piece):
            courses = spec.courses
            if not courses:
                return None
            absent = np.full(shape[0], np.nan)
            x = np.stack([courses.get(name, absent) for name in self.head.vocabulary[1:]])
            return CurveTruth(x, np.tile([-0.5, shape[1] - 0.5], (len(x), 1)))  # the track is the whole image
        scale = self.px_per_mm or NOMINAL_PX_PER_MM
        tracks = [spec.tracks[curve.track] for curve in spec.curves]
        edges = np.array([[track.left_mm, track.right_mm] for track in tracks]) * scale - 0.5
        return CurveTruth(true_rows(spec, px_per_mm=scale), edges, true_laps(spec, px_per_mm=scale))


def own_metrics(conf: Conf, *, classes: int) -> tuple[OwnMetric, ...]:
    """The user's metrics of `conf`, tried on small images of `classes` classes and added to the catalogue.

    Raises Hydra's errors for a function that cannot be imported, `OwnMetricError` for a function that fails.
    """
    own, rows = [], own_rows(conf.metrics)
    for name, call in calls(conf.metrics).items():
        digest = cell_digest(call | {"own_code": own_code(call)})
        function = instantiate(call | {"_partial_": True}, _convert_="all")
        metric = OwnMetric(name, function, f"{name}|{FAMILY}:{digest}|absent:nan|ignore:{IGNORE}")
        metric.check(classes)
        register(rows[name], metric.signature)
        own.append(metric)
    return tuple(own)


_known_of_latest: dict[str, dict[int, SheetTruth]] = {}


def scorer_of(conf: Conf, specs: Sequence[SheetSpec | Piece], sheets: CachedSheets, head: Head) -> SheetScorer:
    """The scorer of the test split of `conf`. The next run with equal sheets and head uses the same truth again.

    The sheets themselves are not kept in memory. Raises what `own_metrics` raises.
    """
    scale = px_per_mm_of(conf) if is_folder(conf) else conf.resolution.px_per_mm
    own = own_metrics(conf, classes=len(head.classes))
    scorer = SheetScorer(sheets, specs, head, px_per_mm=scale, own=own)
    key = f"{sheets.path.parent.absolute()}|{key_of(scorer)}"
    if key not in _known_of_latest:
        _known_of_latest.clear()
    scorer.known = _known_of_latest.setdefault(key, {})
    if own:  # try own metrics on a test image too, before the training
        labels = next(scorer.truths())[0].labels
        for metric, class_id in product(own, range(1, len(head.classes))):
            metric.counts(np.where(labels == IGNORE, 0, labels).astype(np.uint8), labels, class_id)
    return scorer


def key_of(scorer: SheetScorer) -> str:
    """A key that is equal for scorers with equal sheets, head, metric versions and kinds of perturbed truth."""
    files = [part.path.name for part in scorer.sheets.parts or (scorer.sheets,)]
    words = [*files, scorer.head.name, *scorer.head.vocabulary, str(scorer.px_per_mm), *signatures()]
    words += [metric.signature for metric in scorer.own]
    words += [str(PERTURBED_TRUTH_VERSION), *PERTURBATIONS, str(COSTS), str((WRAP_MM, MOST_LAPS))]
    digest = hashlib.sha256("|".join(words).encode())
    for spec in scorer.specs:
        digest.update(spec.digest.encode())
        for name, course in spec.courses.items() if isinstance(spec, Piece) else ():
            digest.update(name.encode() + course.tobytes())
    return digest.hexdigest()[:16]
