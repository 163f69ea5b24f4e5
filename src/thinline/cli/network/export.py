"""Write a trained network as ONNX, checked against torch.

    thinline export RUN model.onnx
    thinline export RUN model.onnx --size 512 512

RUN is a run folder, the name or MLflow id of a run in --store, or a checkpoint file. The model takes `image` float32
[batch,1,HEIGHT,WIDTH], darkness from 0 (white) to 1 (black), and gives `probabilities` float32 [batch,c,HEIGHT,WIDTH].
Height and width are fixed, as the side of the tiles that `thinline predict` uses; any batch size is right. The metadata
of the model are run, head, classes (of the ids), channels (of the probabilities), px_per_mm, thresholds and invert
(whether the image is inverted first); lists are JSON.

onnxruntime computes the model once on noise; if a probability differs from that of torch by more than 1e-4, nothing is
written. Needs the packages of `thinline[onnx]`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from thinline.system.atomic_files import StorageError, make_folder, write_bytes

if TYPE_CHECKING:
    from thinline.pipeline.load import LoadedRun


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("run", metavar="RUN", help="run folder, name or MLflow id of a run, or a checkpoint file")
    parser.add_argument("model", type=Path, metavar="MODEL", help="the file to write, as model.onnx")
    parser.add_argument("--store", type=Path, default=Path("mlruns"), help="the store of runs (mlruns)")
    parser.add_argument("--size", type=int, nargs=2, metavar=("HEIGHT", "WIDTH"), help="in px (that of the tiles)")
    parser.add_argument("--force", action="store_true", help="replace an existing file")


def run(options: argparse.Namespace, console: Console) -> int:
    """Write the model, and print its inputs and outputs."""
    if options.model.suffix.lower() != ".onnx":
        raise ValueError(f"expected a file that ends in .onnx, got {options.model}")
    if options.size is not None and min(options.size) < 1:
        raise ValueError(f"--size: expected a height and a width above 0, got {options.size[0]} {options.size[1]}")
    if options.model.exists() and not options.force:
        raise StorageError(f"{options.model}: expected no such file, got an older one; give another name, or --force")
    # torch takes seconds to import, and errors of the options need none of it
    from thinline.network.onnx_model import onnx_model
    from thinline.pipeline.load import load_run

    loaded = load_run(options.run, options.store)
    side = loaded.tile_px or loaded.sheet_px
    height, width = options.size or (side, side)
    head = loaded.head
    model = onnx_model(loaded.network, head.probabilities, size=(height, width), metadata=_metadata(loaded))
    make_folder(options.model.parent)
    write_bytes(options.model, model.content)
    console.print(
        f"{options.model}: {len(model.content):,} bytes; image float32 [batch,1,{height},{width}] -> probabilities "
        f"[batch,{head.channels},{height},{width}]; largest difference to torch {model.difference:.1e}",
        soft_wrap=True,
    )
    return 0


def _metadata(run: LoadedRun) -> dict[str, str]:
    head = run.head
    return {
        "run": run.name,
        "head": head.name,
        "classes": json.dumps(head.classes),
        "channels": json.dumps(head.channel_names),
        "px_per_mm": f"{run.px_per_mm:g}",
        "invert": json.dumps(run.invert),
        "thresholds": json.dumps(run.thresholds),
    }
