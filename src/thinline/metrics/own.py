"""Metrics of the user: a function of two label maps, named in the configuration, beside the metrics of the catalogue.

Conventions

- A metric is a function `f(prediction, truth, class_id, **options)`. `prediction` and `truth` are uint8 [H,W] with the
  class ids of the head; 255 in `truth` is ignored and must not be counted. It is called for every test image and every
  class but the background.
- It returns a pair `(part, whole)`: both are added over the images and divided once, as every metric here; 0/0 is NaN.
  Or it returns one number: the mean over the images is taken, without those where it is NaN.
- `metrics.NAME` of a configuration has `_target_`, the dotted name of the function, and may have `label`, `unit`,
  `better` (up, down or nothing), `digits` and `meaning`; every other key is an option of the function.
- The signature of a metric has a digest of its source and options, so that values of two definitions are never mixed.

Does not import torch.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, get_args

import numpy as np

from thinline.metrics.catalogue import Better, Metric, rows_of
from thinline.system.user_code import described, raised
from thinline.vocabulary import IGNORE, UInt8

FAMILY: Final = "own"
FACTS: Final = ("label", "unit", "better", "digits", "meaning")
"""Keys of `metrics.NAME` that say what the metric is; the others are options of its function."""
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_SIDE_PX: Final = 64

Counts = tuple[float, float]
"""(part, whole) of one image and class, or their sum."""


class OwnMetricError(ValueError):
    """A metric of the user raises, or returns something that is no metric."""


@dataclass(frozen=True)
class OwnMetric:
    """A metric `name` with its `function`, which is also called in scoring processes, and its `signature`."""

    name: str
    function: Callable[[UInt8, UInt8, int], object]
    signature: str

    def counts(self, prediction: UInt8, truth: UInt8, class_id: int) -> Counts:
        """Part and whole of one image; (0, 0) where the function returns NaN. Raises `OwnMetricError`."""
        try:
            value: Any = self.function(prediction, truth, class_id)
        except Exception as error:
            raise OwnMetricError(
                f"metric `{self.name}` raised {raised(error)} for class {class_id}; mend it, or leave it out"
            ) from error
        try:
            part, whole = (float(each) for each in value) if np.ndim(value) else (float(value), 1.0)
        except (TypeError, ValueError):
            part, whole = math.nan, -1.0
        if math.isnan(part) and whole == 1.0:
            return 0.0, 0.0
        if not (math.isfinite(part) and math.isfinite(whole) and whole >= 0):
            raise OwnMetricError(
                f"metric `{self.name}` must return a number, or a pair (part, whole) of finite numbers with whole not "
                f"below 0, got {described(value)} for class {class_id}; NaN alone means that this image does not count"
            )
        return part, whole

    def check(self, classes: int) -> None:
        """Call the function on small images, also with an empty truth and prediction. Raises `OwnMetricError`."""
        for class_id in range(1, classes):
            line = np.zeros((_SIDE_PX, _SIDE_PX), np.uint8)
            line[4:-4, 20:22] = class_id
            truth = line.copy()
            truth[:8, :8] = IGNORE
            empty = np.zeros_like(line)
            for prediction, true in ((np.roll(line, 1, axis=1), truth), (empty, truth), (line, empty)):
                self.counts(prediction, true, class_id)


def own_rows(metrics: Mapping[str, Any]) -> dict[str, Metric]:
    """The catalogue row of each metric of the user, from the branch `metrics` of a configuration.

    Raises ValueError for a name that is taken or cannot be a name, a missing `_target_`, and wrong facts.
    """
    return {name: _row(str(name), node) for name, node in metrics.items()}


def calls(metrics: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Function and options of each metric of the user, which its values depend on, without `FACTS`."""
    return {name: {key: value for key, value in node.items() if key not in FACTS} for name, node in metrics.items()}


def own_rates(counts: Sequence[Mapping[str, Sequence[Counts]]]) -> dict[str, list[float]]:
    """The value [K] of each metric from the counts of all images: the sum of the parts over the sum of the wholes."""
    rates = {}
    for name in counts[0] if counts else ():
        sums = np.array([image[name] for image in counts], np.float64).sum(axis=0).tolist()  # [K,2]
        rates[name] = [part / whole if whole else math.nan for part, whole in sums]
    return rates


def _row(name: str, node: Any) -> Metric:
    if not _NAME.fullmatch(name):
        raise ValueError(f"`metrics` must have names of small letters, digits and _, got {name!r}; as `wiggle_px`")
    if rows_of(name):
        raise ValueError(f"`metrics.{name}` must have a name of its own, got that of a metric of every run; rename it")
    if not isinstance(node, Mapping) or not isinstance(node.get("_target_"), str):
        raise ValueError(f"`metrics.{name}` must have _target_, the dotted name of a function, got {node!r}")
    better: Any = node.get("better") or ""
    digits = node.get("digits", 3)
    if better not in get_args(Better):
        raise ValueError(f"`metrics.{name}.better` must be up, down or null, got {better!r}")
    if isinstance(digits, bool) or not isinstance(digits, int) or not 0 <= digits <= 6:
        raise ValueError(f"`metrics.{name}.digits` must be a whole number from 0 to 6, got {digits!r}")
    label, unit, meaning = (str(node.get(key) or "") for key in ("label", "unit", "meaning"))
    label, meaning = label or name.replace("_", " "), meaning or "a metric of the user"
    return Metric(name, label, unit, better, digits, meaning, FAMILY)
