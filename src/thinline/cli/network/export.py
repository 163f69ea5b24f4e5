"""Write a trained network as ONNX, checked against torch.

    thinline export RUN model.onnx
    thinline export RUN model.onnx --size 512 512

RUN is a run folder, the name or MLflow id of a run in --store, or a checkpoint file. The model takes `image` float32
[batch,1,HEIGHT,WIDTH], darkness from 0 (white) to 1 (black), and gives `probabilities` float32 [batch,c,HEIGHT,WIDTH].
Height and width are fixed, as the side of the tiles that `thinline predict` uses; any batch size is right. The metadata
of the model name the run, its head, its classes, and the scale.

onnxruntime computes the model once on noise; if a probability differs from that of torch by more than 1e-4, nothing is
written. Needs the packages of `thinline[onnx]`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console

from thinline.system.atomic_files import StorageError, make_folder, write_bytes


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
    from thinline.pipeline.load import load_run
    from thinline.pipeline.onnx_model import onnx_model

    loaded = load_run(options.run, options.store)
    side = loaded.tile_px or loaded.sheet_px
    height, width = options.size or (side, side)
    model = onnx_model(loaded, height=height, width=width)
    make_folder(options.model.parent)
    write_bytes(options.model, model.content)
    console.print(
        f"{options.model}: {len(model.content):,} bytes; image float32 [batch,1,{height},{width}] -> probabilities "
        f"[batch,{loaded.head.channels},{height},{width}]; largest difference to torch {model.difference:.1e}",
        soft_wrap=True,
    )
    return 0
