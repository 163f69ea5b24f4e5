"""Every metric that a run stores: label, unit, direction, digits, meaning and signature, one row each.

Tables, figures, reports, MLflow and documents take these facts from here. A key is the stored name, or a pattern of
stored names: `nsd_{tolerance}` is nsd_1px, nsd_0.25mm, .... A new metric needs its own module and one row. Metrics of
the user (own.py) are registered by the code that computes them, or that reads a run with some.

A number of a run is logged, and sent to MLflow, as `split/measure/class` (`logged_names`), for example
`test/iou/curve_1`; `tracking/page_content.py` says which numbers MLflow gets as metrics.

The signature of a metric says what could change its values; numbers with different signatures are never compared or
averaged. Metrics of one family share a version, which rises when their definition changes. Does not import torch.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal

from thinline.vocabulary import IGNORE

if TYPE_CHECKING:
    import pandas as pd

RATES: Final = ("iou", "precision", "recall", "f1", "area_ratio", "support")
"""The metrics of pixels.py, in the order of its tables."""

Better = Literal["up", "down", ""]


@dataclass(frozen=True)
class Metric:
    """What is known of a metric. `unit` is empty for shares and counts, `better` where no direction is the better."""

    key: str
    label: str
    unit: str
    better: Better
    digits: int
    meaning: str
    family: str

    @property
    def axis(self) -> str:
        """The label with the unit, as beside an axis."""
        return f"{self.label} [{self.unit}]" if self.unit else self.label


_TABLE: Final[Mapping[str, Sequence[tuple[str, str, str, Better, int, str]]]] = {
    "pixels": (
        ("iou", "IoU", "", "up", 3, "intersection over union of predicted and true pixels"),
        ("precision", "precision", "", "up", 3, "share of the predicted pixels that are true"),
        ("recall", "recall", "", "up", 3, "share of the true pixels that are predicted"),
        ("f1", "F1", "", "up", 3, "harmonic mean of precision and recall (Dice)"),
        ("area_ratio", "area ratio", "", "", 3, "predicted pixels over true pixels"),
        ("support", "true pixels", "", "", 0, "number of true pixels"),
    ),
    "threshold": (("threshold", "threshold", "", "", 3, "probability threshold with the best F1 on validation"),),
    "claims": (
        ("claimed_twice", "claimed twice", "", "down", 3, "share of pixels with two probabilities above .5"),
        ("claimed_none", "claimed by none", "", "", 3, "share of pixels with no probability above .5"),
    ),
    "surfaces": (
        ("nsd_{tolerance}", "NSD {tolerance}", "", "up", 3, "share of both outlines within tolerance of the other"),
        ("tol_precision_{tolerance}", "precision {tolerance}", "", "up", 3, "share of predicted pixels near true ones"),
        ("tol_recall_{tolerance}", "recall {tolerance}", "", "up", 3, "share of true pixels near predicted ones"),
        ("tol_f1_{tolerance}", "F1 {tolerance}", "", "up", 3, "harmonic mean of tolerance precision and recall"),
        ("boundary_iou", "boundary IoU", "", "up", 3, "IoU of the bands along both outlines"),
        ("hd95_{unit}", "HD95", "{unit}", "down", 2, "95th percentile of the distance between the outlines"),
    ),
    "centrelines": (
        (
            "cldice_{tolerance}",
            "clDice {tolerance}",
            "",
            "up",
            3,
            "both centrelines: harmonic mean of shares near a mask",
        ),
        ("breaks", "breaks", "", "down", 0, "interruptions of the true centreline, number per split"),
    ),
    "topology": (
        ("betti0_error", "Betti-0 error", "", "down", 2, "absolute difference of component counts, sheet mean"),
        ("betti1_error", "Betti-1 error", "", "down", 2, "absolute difference of hole counts, sheet mean"),
        ("fragmenting", "misses in gaps", "", "", 3, "share of the missed pixels between two parts of one line"),
        ("betti0_error_filled", "Betti-0 error, gaps filled", "", "down", 2, "Betti-0 error with all such gaps filled"),
        (
            "betti0_error_random",
            "Betti-0 error, random fill",
            "",
            "down",
            2,
            "Betti-0 error with as many missed pixels filled at random",
        ),
        ("junction_f1_{tolerance}", "junction F1 {tolerance}", "", "up", 3, "F1 of junctions, matched one to one"),
    ),
    "calibration": (
        ("ece", "ECE", "", "down", 4, "expected calibration error of the probabilities, 15 bins"),
        ("brier", "Brier score", "", "down", 4, "mean squared error of the probabilities"),
    ),
    "anatomy": (
        ("fp_{cause}", "false positives: {cause}", "", "", 3, "share of the false positives that have this cause"),
        ("fn_{cause}", "misses: {cause}", "", "", 3, "share of the missed pixels that have this cause"),
    ),
    "places": (
        ("crossing_{zone}_{rate}", "{rate} {zone} crossings", "", "up", 3, "pixel rate in or out of crossing zones"),
        ("slope_{zone}_{rate}", "{rate}, {zone}", "", "up", 3, "pixel rate by the slope of the curve"),
        ("distance_{zone}_{rate}", "{rate} at distance {zone}", "", "up", 3, "pixel rate by distance to other curves"),
    ),
    "curves": (
        ("{bridged}_mae_track", "MAE{bridged}", "tracks", "down", 4, "mean error, one track for a missing row"),
        ("{bridged}_mae_mm", "MAE{bridged}", "mm", "down", 3, "mean absolute error of the curve"),
        ("{bridged}_mae_px", "MAE{bridged}", "px", "down", 2, "mean absolute error of the curve"),
        ("{bridged}_rmse_track", "RMSE{bridged}", "tracks", "down", 4, "root mean square error"),
        ("{bridged}_p95_track", "p95 error{bridged}", "tracks", "down", 4, "95th percentile of the error, sheet mean"),
        ("{bridged}_max_track", "largest error{bridged}", "tracks", "down", 4, "largest absolute error of any row"),
        ("{bridged}_r2", "R2{bridged}", "", "up", 3, "coefficient of determination of the curve"),
        ("viterbi_values_mae_track", "value error", "tracks", "down", 4, "mean error of the value, wraps counted"),
        ("viterbi_values_mae_mm", "value error", "mm", "down", 3, "mean error of the value, wraps counted"),
        ("viterbi_values_rmse_track", "RMSE of values", "tracks", "down", 4, "root mean square error of the value"),
        ("viterbi_values_p95_track", "p95 value error", "tracks", "down", 4, "95th percentile of the value error"),
        ("viterbi_values_max_track", "largest value error", "tracks", "down", 4, "largest error of the value"),
        ("viterbi_values_r2", "R2 of values", "", "up", 3, "coefficient of determination of the value"),
        (
            "budget_identity_mae_track",
            "MAE, right labels",
            "tracks",
            "down",
            4,
            "MAE if each piece gets its right curve",
        ),
        ("budget_identity_mae_mm", "MAE, right labels", "mm", "down", 3, "MAE if each piece gets its right curve"),
        ("{traced}_coverage", "coverage{traced}", "", "up", 3, "share of true rows with a traced position"),
        ("{traced}_extra", "extra rows{traced}", "", "down", 3, "share of the traced rows where the curve has none"),
        ("{traced}_extra_rows", "extra rows{traced}, number", "", "down", 0, "traced rows where the curve has none"),
        ("{traced}_gap_mm", "longest gap{traced}", "mm", "down", 2, "longest run of true rows without a position"),
        ("{traced}_swaps", "swaps{traced}", "", "down", 0, "changes of the trace to another curve, per split"),
        ("{traced}_swapped", "swapped rows{traced}", "", "down", 3, "share of rows on another curve"),
        ("{traced}_swapped_mm", "swapped length{traced}", "mm", "down", 1, "length of trace on another curve"),
        ("{traced}_on_lap", "wrap accuracy{traced}", "", "up", 3, "share of the rows with the right number of wraps"),
    ),
}
"""By family: key, label, unit, better, digits, meaning."""

ROWS: Final = tuple(Metric(*row, family) for family, rows in _TABLE.items() for row in rows)

_TRACED = {
    "viterbi": "",
    "viterbi_bridged": ", bridged",
    "centroid": ", centroid",
    "centroid_bridged": ", centroid bridged",
    "edge_follower": ", edge follower",
    "published": ", published tracer",
}
_BRIDGED = _TRACED | {"viterbi": ", with gaps", "viterbi_bridged": ", bridged"}
"""What each tracer adds to a label. The default tracer has no name in labels; its errors say what became of gaps."""

_PLACEHOLDERS: Final = {
    "tolerance": r"[\d.]+(?:px|mm)",
    "unit": "px|mm",
    "cause": "[a-z_]+",
    "zone": r"[a-z]+|[\d.]+mm",
    "rate": "iou|precision|recall|f1",
    # {traced} and {bridged} stand for any tracer. The default one is `viterbi`. Under {bridged} its errors have two
    # names: `viterbi`, where a missing row has the error of one track, and `viterbi_bridged`, with gaps filled first
    "traced": "|".join(_TRACED),
    "bridged": "|".join(_BRIDGED),
}
_VERSIONS: Final = {"surfaces": 1, "centrelines": 1, "anatomy": 1, "places": 1, "curves": 1}
_ADDED_VERSIONS: Final = {"topology": 1, "calibration": 1}
"""Families that are newer than the first published runs; these runs have no values of them."""
_OTHER_SIGNATURES: Final = {
    "pixels": f"{{name}}|absent:nan|ignore:{IGNORE}|v:1",
    "claims": f"{{name}}|p>0.5|ignore:{IGNORE}|v:1",
    "threshold": "{name}|best_f1:val|v:1",
}


def _pattern(key: str) -> re.Pattern[str]:
    return re.compile(
        re.sub(r"\{(\w+)\}", lambda match: f"(?P<{match[1]}>{_PLACEHOLDERS[match[1]]})", key.replace(".", r"\."))
    )


_PATTERNS: Final = tuple((_pattern(row.key), row) for row in ROWS)


def rows_of(name: str) -> list[tuple[re.Match[str], Metric]]:
    """The rows whose key is or matches the stored `name`."""
    return [(match, row) for pattern, row in _PATTERNS if (match := pattern.fullmatch(name))]


_registered: dict[str, tuple[Metric, str]] = {}
"""Metrics of the user: row and signature by name."""


def register(row: Metric, signature: str = "") -> None:
    """Make a metric of the user known in this process. What only reads tables needs no `signature`."""
    _registered[row.key] = row, signature or _registered.get(row.key, (row, ""))[1]


def registered() -> tuple[str, ...]:
    """The names of the user's metrics that this process knows."""
    return tuple(_registered)


def metric(name: str) -> Metric:
    """The row of the metric stored as `name` or `split/name`, with its label filled in. Raises `ValueError`."""
    split, slash, bare = name.rpartition("/")
    if bare not in _registered:
        return _metric(name)
    row = _registered[bare][0]
    return replace(row, key=name, label=label(bare, split)) if slash else row


@lru_cache(maxsize=1024)
def _metric(name: str) -> Metric:
    split, slash, bare = name.partition("/")
    if slash:
        return replace(metric(bare), key=name, label=label(bare, split))
    rows = rows_of(name)
    if not rows:
        keys = ", ".join(row.key for row in ROWS)
        raise ValueError(f"no metric is called {name!r}; expected one of {keys}")
    match, row = rows[0]
    texts = {kind: _text(kind, value) for kind, value in match.groupdict().items()}
    return replace(row, key=name, label=row.label.format(**texts), unit=row.unit.format(**texts))


def _text(kind: str, value: str) -> str:
    """The part of a stored name that a placeholder of `kind` stands for, as in a label."""
    if kind in ("traced", "bridged"):
        return (_TRACED if kind == "traced" else _BRIDGED)[value]
    if kind == "rate":
        return metric(value).label
    length = re.fullmatch(r"([\d.]+)(px|mm)", value)
    return f"{length[1].removeprefix('0') or '0'} {length[2]}" if length else value.replace("_", " ")


PERTURBED_TRUTH: Final = {
    "oracle_exact": "truth itself",
    "oracle_jitter_normal": "truth, jitter normal",
    "oracle_shift_normal": "truth, shift normal",
    "oracle_jitter": "truth, jitter rows",
    "oracle_shift": "truth, shift rows",
    "oracle_thick": "truth, 3 px thick",
}
"""Label of each perturbation of the truth, by the split under which its scores are stored. The pixels move along the
normal of the curve, or along the rows of the sheet."""

_STORED_NAME: Final = re.compile(r"\b(test\w*|tuned|val|oracle_\w+)/(\w+)")


def label(name: str, split: str = "test") -> str:
    """The label of `split/name`, e.g. `IoU` on the test split, `tuned F1` on another, `truth, 3 px thick: IoU`."""
    text = metric(name).label
    if split in PERTURBED_TRUTH:
        return f"{PERTURBED_TRUTH[split]}: {text}"
    return text if split == "test" or name == "threshold" else f"{split} {text}"


def with_labels(text: str) -> str:
    """A sentence with the labels of metrics in place of stored names, as `IoU` for `test/iou`."""

    def labelled(match: re.Match[str]) -> str:
        try:
            return label(match[2], match[1])
        except ValueError:
            return match[0]

    return _STORED_NAME.sub(labelled, text)


def logged_names(rows: pd.DataFrame) -> list[str]:
    """`split/measure/class` of each row of a table of results, for example `test/iou/curve_1`."""
    parts = (map(str, rows[column]) for column in ("split", "measure", "class"))
    return ["/".join(each) for each in zip(*parts, strict=True)]


def less_is_better(name: str) -> bool:
    """Whether the lower of two values of the metric `name` is the better one."""
    return metric(name).better == "down"


def signature(name: str) -> str:
    """What could change the value of the metric `name`, e.g. `iou|absent:nan|ignore:255|v:1`. Raises `ValueError`."""
    if name in _registered:
        return _registered[name][1]
    family = metric(name).family
    if family in _OTHER_SIGNATURES:
        return _OTHER_SIGNATURES[family].format(name=name)
    return f"{name}|{family}|absent:nan|ignore:{IGNORE}|v:{(_VERSIONS | _ADDED_VERSIONS)[family]}"


def signatures() -> tuple[str, ...]:
    """The signatures of all pixel rates and the versions of the other families: what a run is marked with."""
    return (*(signature(name) for name in RATES), *_marks(_VERSIONS | _ADDED_VERSIONS))


def comparable(marks: Iterable[str], today: Iterable[str]) -> bool:
    """Whether a run with the signatures `marks` was scored as runs are `today`; it may lack families added since."""
    of_run, of_today = set(marks), set(today)
    return of_run <= of_today and of_today - of_run <= set(_marks(_ADDED_VERSIONS))


def _marks(versions: Mapping[str, int]) -> list[str]:
    return [f"{family}|v:{version}" for family, version in versions.items()]
