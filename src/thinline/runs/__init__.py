"""The ledger: what was run, and what came of it. The run folder is the truth, MLflow is a window on it.

This package does not import MLflow, which takes seconds: `thinline.tracking.tracker` and `thinline.tracking.resend` do,
for those who write to it.
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
