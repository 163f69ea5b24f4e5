"""The run folder: manifest, history, identity and tables of a run. It is the source of truth; MLflow has a copy.

This package imports neither MLflow nor torch, so reading results is quick. `thinline.tracking` writes to MLflow.
"""

from thinline.runs.folder import CLASS_COLUMNS, SHEET_COLUMNS, RunFolder, run_folders
from thinline.runs.history import Line
from thinline.runs.identity import cell_digest, cell_slug, git_state, library_versions
from thinline.runs.manifest import FAILED, FINISHED, KILLED, RUNNING, Cell, Failure, Manifest, Origin
from thinline.runs.table import manifests, read, read_sheets, status
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
    "git_state",
    "library_versions",
    "manifests",
    "read",
    "read_sheets",
    "run_folders",
    "status",
]
