"""Pack a finished run as a network that comes with the package, with a model card.

    thinline ship RUN src/thinline/shipped/reader
    thinline predict reader scan.png --out predicted

RUN is a run folder, or the name or MLflow id of a run in --store. FOLDER gets the weights (matrices at half precision,
at most 4 MB), the configuration without paths, one example sheet with the ink that is predicted on it, and card.md:
what the network was trained on, its scores on the test sheets of the run, its limits, the command that trains it again,
and the sha256 of the weights. The scores are those of the packed weights; the test sheets are drawn again if they are
not in --cache. A network in src/thinline/shipped is found by its name, one elsewhere by the path of its folder.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from rich.console import Console

from thinline.config.shipped import WEIGHTS
from thinline.system.atomic_files import StorageError

MOST_BYTES: Final = 4_000_000


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("run", metavar="RUN", help="run folder, or name or MLflow id of a finished run")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="the folder to write, named as the network")
    parser.add_argument("--store", type=Path, default=Path("mlruns"), help="the store of runs (mlruns)")
    parser.add_argument("--cache", type=Path, help="the folder of drawn sheets (STORE/cache)")
    parser.add_argument("--force", action="store_true", help="replace the network in FOLDER")


def run(options: argparse.Namespace, console: Console) -> int:
    """Write the folder, and print what is in it."""
    folder: Path = options.folder
    if (folder / WEIGHTS).exists() and not options.force:
        raise StorageError(f"{folder}: expected no network there yet, got one; give another folder, or --force")
    # torch takes seconds to import, and errors of the options need none of it
    from thinline.cli.network.shipping import pack

    packed = pack(options.run, folder, store=options.store, cache=options.cache, most_bytes=MOST_BYTES, console=console)
    console.print(
        f"{folder}: {packed.parameters:,} parameters, {packed.bytes:,} bytes, sha256 {packed.sha256[:16]}; predicts as "
        f"the run on {packed.agreement:.4%} of the pixels of the example. Read {folder / 'card.md'}, then commit it",
        soft_wrap=True,
    )
    return 0
