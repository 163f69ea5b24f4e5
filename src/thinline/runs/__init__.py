"""The run folder: manifest, history, identity and tables of a run. It has the original data; MLflow has a copy.

folder       files of a run, begin / finish / start over, lock, list of run folders
identity     run name and identity: hash (digest) and slug of a configuration; git commit, library versions
own_code     digests of the user's own losses, heads, networks and metrics, read without importing them
manifest     manifest.json: status (RUNNING, FINISHED, FAILED, KILLED), attempts, code version, MLflow run
history      history.jsonl: metrics per logged step; rewind on resume
table        tables of all finished runs; status of all runs; mixed metric signatures refused
contact_sheet  overlays.html: the pictures of a run from the worst to the best test sheet by F1
parent_runs  records of sweeps and of their parent runs in MLflow

This package imports neither MLflow nor torch, so reading results is quick. `thinline.tracking` writes to MLflow.
pipeline/locate.py decides whether a finished run is skipped; system/atomic_files.py writes files atomically.
"""

from thinline.runs.folder import CLASS_COLUMNS, SHEET_COLUMNS, RunFolder, run_folders
from thinline.runs.history import Line
from thinline.runs.identity import cell_digest, cell_slug, git_state, library_versions
from thinline.runs.manifest import FAILED, FINISHED, KILLED, RUNNING, Cell, Failure, Manifest, Origin
from thinline.runs.own_code import edited, own_code
from thinline.runs.table import manifests, read, read_runs, read_sheets, status
from thinline.system.atomic_files import StorageError

__all__ = [
    "CLASS_COLUMNS",
    "FAILED",
    "FINISHED",
    "KILLED",
    "RUNNING",
    "SHEET_COLUMNS",
    "Cell",
    "Failure",
    "Line",
    "Manifest",
    "Origin",
    "RunFolder",
    "StorageError",
    "cell_digest",
    "cell_slug",
    "edited",
    "git_state",
    "library_versions",
    "manifests",
    "own_code",
    "read",
    "read_runs",
    "read_sheets",
    "run_folders",
    "status",
]
