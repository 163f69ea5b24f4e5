"""Predict the classes of images with a trained network, and write a label image for each.

    thinline predict RUN images/ --out predicted
    thinline predict RUN a.png b.tif --out predicted --probabilities
    thinline predict scan.png --out predicted --px-per-mm 8

RUN is a run folder, the name or MLflow id of a run in --store, a checkpoint file, or a network that comes with the
package. Without RUN it is the network `reader`, which finds the ink of curves on scanned well logs: the first word is
RUN unless it is an image or a folder of images. Images are PNG, TIFF or JPEG of any size; a folder stands for the
images in it. They are read at their own pixels, or with --px-per-mm at the scale of the run; a network that comes with
the package chooses the scale of each image without --px-per-mm, and the line of the image says which. The network sees
overlapping tiles, whose probabilities are blended.

OUT/NAME.png has the class ids as its values, 0 the background, and a palette to look at. With --probabilities
OUT/NAME.npz has `probabilities` float16 [K,H,W] of the K classes after the background, and `classes`.

An image that cannot be read is listed at the end and the others are predicted. Exit code 0: all are; 1: some are not.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console

from thinline.config.shipped import CONFIG, shipped_folder
from thinline.data.folder.image_files import SUFFIXES, PictureError
from thinline.data.folder.image_pairs import printable
from thinline.system.atomic_files import StorageError, make_folder, write_bytes
from thinline.system.entry import expanded

if TYPE_CHECKING:  # torch takes seconds to import, and errors of the options need none of it
    from thinline.pipeline.predict import Prediction


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "run",
        nargs="?",
        metavar="RUN",
        help="run folder, name or MLflow id, or a checkpoint file (reader)",
    )
    parser.add_argument("images", type=Path, nargs="+", metavar="IMAGE", help="image files, or folders of images")
    parser.add_argument("--out", type=Path, required=True, help="folder for the label images")
    parser.add_argument("--store", type=Path, default=Path("mlruns"), help="the store of runs (mlruns)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda (cpu)")
    parser.add_argument("--px-per-mm", type=float, help="scale of the images (that of the run; reader chooses it)")
    parser.add_argument("--probabilities", action="store_true", help="write the probabilities of each class as well")
    parser.add_argument("--force", action="store_true", help="replace files of the same name in --out")


def run(options: argparse.Namespace, console: Console) -> int:
    """Predict every image, and print one line for each."""
    run_name, paths = _run_and_paths(options.run, options.images)
    images = list(_images(paths))
    suffixes = (".png", ".npz") if options.probabilities else (".png",)
    _check_names(images, options.out, suffixes, force=options.force)
    from thinline.pipeline.load import load_run

    loaded = load_run(run_name, options.store, options.device)
    if not loaded.finished:
        console.print("warning: this run is not finished; its last checkpoint is used", style="yellow", soft_wrap=True)
    make_folder(options.out)
    failed = []
    for image in images:
        try:
            prediction = loaded.predict(image, px_per_mm=options.px_per_mm)
        except PictureError as error:
            failed.append(str(error))
            continue
        target = options.out / f"{image.stem}.png"
        _write(prediction, target, probabilities=options.probabilities)
        console.print(f"{printable(image)} -> {printable(target)}  {_summary(prediction)}", soft_wrap=True)
        if prediction.scale_reason:
            console.print(f"  read as {prediction.px_per_mm:.3g} px/mm: {prediction.scale_reason}", soft_wrap=True)
    for message in failed:
        console.print(f"error: {printable(message)}", style="red", soft_wrap=True)
    console.print(f"{len(images) - len(failed)} of {len(images)} images predicted with {loaded.name}", soft_wrap=True)
    return 1 if failed else 0


def _run_and_paths(first: str | None, rest: Sequence[Path]) -> tuple[str | None, Sequence[Path]]:
    """The run and the images of the words of the command; the run is None where the first word is an image."""
    path = None if first is None or shipped_folder(first) else expanded(first)
    if path is None:
        return first, rest
    of_images = path.is_dir() and not (path / CONFIG).exists()
    return (None, [path, *rest]) if of_images or path.suffix.lower() in SUFFIXES else (first, rest)


def _images(paths: Sequence[Path]) -> Iterator[Path]:
    """The files of `paths`, each once; a folder stands for its images in the order of their names."""
    seen: set[Path] = set()
    for path in paths:
        files = [path]
        if path.is_dir():
            files = sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES and file.is_file())
            if not files:
                raise StorageError(
                    f"{path}: expected a folder of images, found none with a suffix of {' '.join(SUFFIXES)}"
                )
        elif not path.is_file():
            raise StorageError(f"{path}: expected an image or a folder of images, got no such file; check the path")
        yield from (file for file in files if file.resolve() not in seen)
        seen |= {file.resolve() for file in files}


def _check_names(images: Sequence[Path], out: Path, suffixes: Sequence[str], *, force: bool) -> None:
    """Raise StorageError where two images would be written to one file, or a file would be replaced."""
    first: dict[str, Path] = {}
    for image in images:
        if image.stem in first:
            raise StorageError(
                f"{image}: expected images of different names, got a second {image.stem!r} beside "
                f"{first[image.stem]}; predict them into two folders"
            )
        first[image.stem] = image
    targets = [out / f"{stem}{suffix}" for stem in first for suffix in suffixes]
    inputs = {image.resolve() for image in images}
    overwritten = next((target for target in targets if target.resolve() in inputs), None)
    if overwritten is not None:
        raise StorageError(f"{overwritten}: expected --out to be another folder than that of the images")
    existing = next((target for target in targets if target.exists()), None)
    if existing is not None and not force:
        raise StorageError(f"{existing}: expected no such file, got an older one; give another --out, or --force")


def _write(prediction: Prediction, target: Path, *, probabilities: bool) -> None:
    """Write the label image, and the probabilities beside it."""
    from thinline.digitise.overlays import class_map_png

    height, width = prediction.labels.shape
    png = class_map_png([prediction.labels], (height, width), curves=len(prediction.classes) - 1)
    write_bytes(target, png)
    if probabilities:
        out = io.BytesIO()
        rounded = prediction.probabilities.astype(np.float16)
        np.savez_compressed(out, probabilities=rounded, classes=np.array(prediction.classes))
        write_bytes(target.with_suffix(".npz"), out.getvalue())


def _summary(prediction: Prediction) -> str:
    """`512 x 700 px: curve_1 1.25 %, curve_2 0.80 %`."""
    labels = prediction.labels
    pixels = np.bincount(labels.ravel(), minlength=len(prediction.classes))
    shares = zip(prediction.classes[1:], 100 * pixels[1:] / labels.size, strict=True)
    return f"{labels.shape[0]} x {labels.shape[1]} px: " + ", ".join(f"{name} {share:.2f} %" for name, share in shares)
