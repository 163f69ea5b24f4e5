"""Send runs and sweeps to MLflow that it lacks, and mark runs of killed processes KILLED.

Exit code 0: MLflow has everything; 1: a run or sweep could not be sent.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console

from thinline.runs.folder import check_store
from thinline.tracking.addresses import uri_of


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--store", type=Path, default=Path("mlruns"), help="the store of runs (mlruns)")
    parser.add_argument("--uri", help="MLflow URI (sqlite:///STORE/mlflow.db)")
    parser.add_argument("--everything", action="store_true", help="send complete runs as well, for a lost database")


def run(options: argparse.Namespace, console: Console) -> int:
    """Send the runs and print one line for each."""
    # MLflow takes seconds to import; the other commands do not need it
    from thinline.tracking.resend import FAILED, replay

    check_store(options.store)
    outcomes = replay(options.store, options.uri or uri_of(options.store), everything=options.everything)
    for outcome in outcomes:
        console.print(f"{outcome.status:<9}{outcome.run}  {outcome.detail}", soft_wrap=True)
    failed = sum(outcome.status == FAILED for outcome in outcomes)
    console.print(f"{len(outcomes)} runs and sweeps checked, {failed} could not be sent")
    return 1 if failed else 0
