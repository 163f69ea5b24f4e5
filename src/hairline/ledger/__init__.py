"""The ledger: what was run, and what came of it. The run folder is the truth, MLflow is a window on it.

This package does not import MLflow, which takes seconds: `hairline.ledger.tracker` and `hairline.ledger.replay` do,
for those who write to it.
"""

from hairline.ledger.atomic import LedgerError
from hairline.ledger.folder import CLASS_COLUMNS, SHEET_COLUMNS, RunFolder, run_folders
from hairline.ledger.history import Line
from hairline.ledger.identity import cell_digest, cell_slug, git_state, library_versions
from hairline.ledger.manifest import FAILED, FINISHED, KILLED, RUNNING, Cell, Failure, Manifest, Origin
from hairline.ledger.rows import manifests, read, read_sheets, status

__all__ = [
    "CLASS_COLUMNS",
    "FAILED",
    "FINISHED",
    "KILLED",
    "RUNNING",
    "SHEET_COLUMNS",
    "Cell",
    "Failure",
    "LedgerError",
    "Line",
    "Manifest",
    "Origin",
    "RunFolder",
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
