"""thinline: a research harness for the segmentation of thin structures under extreme class imbalance.

The Python API; each name is imported when it is first used, so `import thinline` imports no torch:
`load_run`         a trained network: its `predict` gives labels, probabilities and curves of an image of any size
`evaluate`         every metric of predicted labels against true ones
`trace`            the curves in probabilities
`build_objective`  a loss, head and class weight of conf/ as a module
`read_runs`        the numbers of all finished runs
`Prediction`       the result of `predict`
`LoadedRun`        the result of `load_run`

Data flow: sample -> draw -> wear -> cut -> network -> loss -> counts -> rates -> trace -> compare -> run folder ->
table -> estimates -> verdicts -> figures. Packages import downwards only, lowest first:
`vocabulary`  class ids, letters of array shapes
`system`      atomic writes, file locks, signals, processes, YAML validation
`sheets`      synthetic sheets: sample a spec, draw grid, text and curves, skew, wear and noise
`curves`      trace curves (Viterbi, centroid), wraps, gaps, MAE/R2 of a trace, read LAS files and their depth
`images`      decode TIFF, PNG, JPEG to grey levels; damage
`coherence`   test whether printed scores can come from one confusion matrix
`data`        data mix, splits, cache of sheets, truth maps, training tiles, augmentation, a user's images and masks
`losses`      loss functions, class weights, objective
`heads`       softmax and sigmoid: likelihood, decoding
`network`     U-Net, VeerNet, smp
`metrics`     IoU, F1, NSD, HD95, clDice, thresholds, error types, metric catalogue
`ruler`       response of every metric to a perturbed truth
`training`    Lightning: training step, optimiser, checkpoint, evaluation
`runs`        run folder, run identity, tables
`tracking`    MLflow
`study`       design, confidence intervals, Holm correction, claim verdicts, figures, report
`digitise`    from a scan to CSV and LAS: deskew, inference, scales
`config`      schema of conf/, factor levels
`pipeline`    one run: skip, retry, train, score, reopen
`sweep`       many runs: Hydra jobs, dry run, cost
`cli`         the commands of `thinline`
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from thinline.config.objective import build_objective
    from thinline.curves.trace import trace
    from thinline.pipeline.load import LoadedRun, load_run
    from thinline.pipeline.predict import Prediction, evaluate
    from thinline.runs.table import read_runs

__all__ = ["LoadedRun", "Prediction", "build_objective", "evaluate", "load_run", "read_runs", "trace"]

EXPORTS: Final = {
    "LoadedRun": "thinline.pipeline.load",
    "Prediction": "thinline.pipeline.predict",
    "build_objective": "thinline.config.objective",
    "evaluate": "thinline.pipeline.predict",
    "load_run": "thinline.pipeline.load",
    "read_runs": "thinline.runs.table",
    "trace": "thinline.curves.trace",
}
"""The module of each exported name."""

if not TYPE_CHECKING:  # mypy knows the names from the imports above, and would take any name for one

    def __getattr__(name: str) -> object:
        """Import an exported name when it is first used (PEP 562)."""
        if name not in EXPORTS:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it exports {', '.join(EXPORTS)}")
        value = globals()[name] = getattr(import_module(EXPORTS[name]), name)
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *EXPORTS})
