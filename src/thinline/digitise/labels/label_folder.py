"""Write labels as a folder that `data_mix=folder` reads as it is.

    OUT/images/*.png              parts of the straightened paper, at the scale of the network
    OUT/masks/*.png               the values of their pixels: 0 background, 1.. the ink of a curve, 255 not counted
    OUT/conf/data_set/labels.yaml the classes, as an option: `--config-dir OUT/conf data_set=labels`
    OUT/registration.csv          of each row of the paper: depth, and for each curve the shifts in mm and whether it
                                  is registered
    OUT/overlay.png               the paper with curves and labels; overlay_001.png and so on for a long scan

A part without ink of a curve is left out. The folder is written under another name and renamed when it is complete.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import pandas as pd
import yaml

from thinline.digitise.labels.labelling import LabelledScan
from thinline.digitise.labels.las_course import LabelError
from thinline.digitise.labels.picture import picture_png
from thinline.digitise.output_folder import OutputError
from thinline.digitise.overlays import OVERLAY_ROWS
from thinline.system.atomic_files import explained, make_folder, write_bytes
from thinline.vocabulary import IGNORE, UInt8

LEAST_ROWS: Final = 128
MOST_ROWS: Final = 512
PARTS: Final = 8
"""A short page is cut into PARTS parts of at least LEAST_ROWS rows, so that they can be divided into splits."""

TABLE: Final = "registration.csv"


def check_out(out: Path, *, force: bool) -> None:
    """Refuse a folder that exists: always if it holds no labels, and without `force`. Raises OutputError."""
    if not out.exists():
        return
    if not (out / TABLE).is_file():
        raise OutputError(f"{out}: expected a folder that does not exist yet, got another one; give another --out")
    if not force:
        raise OutputError(
            f"{out}: expected a folder that does not exist yet, got one with labels; nothing is overwritten without "
            "--force: add it, or give another --out"
        )


def write_labels(labelled: LabelledScan, out: Path, *, force: bool = False) -> int:
    """Write the folder `out`; returns the number of its images. Raises OutputError, StorageError, LabelError."""
    check_out(out, force=force)
    fresh, old = (out.with_name(f".{out.name}.{os.getpid()}.{word}") for word in ("new", "old"))
    try:
        count = _write(labelled, fresh)
        with explained(out):
            if out.exists():
                out.rename(old)
            fresh.rename(out)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
    return count


def part_rows(height: int) -> int:
    """Rows of one image of a paper of `height` rows."""
    return min(MOST_ROWS, max(LEAST_ROWS, -(-height // PARTS)))


def data_set_yaml(labelled: LabelledScan) -> str:
    """The file that gives a run the classes of the masks."""
    names = [curve.name for curve in labelled.curves]
    of_ink = {0: "background"} | dict.fromkeys(range(1, len(names) + 1), "ink") | {IGNORE: "ignore"}
    named = {0: "background"} | dict(enumerate(names, start=1)) | {IGNORE: "ignore"}
    node: dict[str, object] = {
        "data_set": {
            "name": "labels",
            "source": f"thinline label of {labelled.job.scan.path.name}",
            "licence": "that of the scan",
            "citation": "none",
        },
        "data_mix": {
            "images": "images/*",
            "masks": "masks/*",
            "class_map": of_ink,
            "px_per_mm": labelled.job.px_per_mm,
        },
        "classes": ["background", "ink", "centre"],
    }
    return (
        "# @package _global_\n"
        "# The ink of any curve, for head=curves. For a network that tells the curves apart, with another head:\n"
        f"# 'data_mix.class_map={_plain(named)}' 'classes=[{','.join(['background', *names])}]'\n"
        + "".join(f"{key}: {_flow(value)}" for key, value in node.items())
    )


def _flow(value: object) -> str:
    """YAML of a value on one line."""
    text: str = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10**9)
    return text


def _plain(table: dict[int, str]) -> str:
    return "{" + ",".join(f"{value}:{name}" for value, name in table.items()) + "}"


def _write(labelled: LabelledScan, folder: Path) -> int:
    for name in ("images", "masks", "conf/data_set"):
        make_folder(folder / name)
    height = labelled.paper.shape[0]
    rows, count = part_rows(height), 0
    stem = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in labelled.job.scan.path.stem)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        mask = labelled.values[top:bottom]
        if bottom - top < LEAST_ROWS // 2 or not ((mask > 0) & (mask != IGNORE)).any():
            continue
        name = f"{stem}_{top:06d}.png"
        write_bytes(folder / "images" / name, _png(labelled.paper.rows(top, bottom)))
        write_bytes(folder / "masks" / name, _png(mask))
        count += 1
    if not count:
        raise LabelError(
            f"{labelled.job.scan.path}: expected ink of the registered curves, got none; raise the tolerances, or "
            "check tracks and depths in the job file"
        )
    write_bytes(folder / "conf/data_set/labels.yaml", data_set_yaml(labelled).encode())
    write_bytes(folder / TABLE, _table(labelled))
    tops = range(0, height, OVERLAY_ROWS)
    for number, top in enumerate(tops, start=1):
        name = "overlay.png" if len(tops) == 1 else f"overlay_{number:03d}.png"
        write_bytes(folder / name, picture_png(labelled, top, min(top + OVERLAY_ROWS, height)))
    return count


def _png(plane: UInt8) -> bytes:
    coded, png = cv2.imencode(".png", plane)
    if not coded:
        raise ValueError(f"an image of {plane.shape} px could not be coded as PNG")
    return bytes(png.tobytes())


def _table(labelled: LabelledScan) -> bytes:
    scale = labelled.job.px_per_mm
    columns: dict[str, object] = {"depth": labelled.depth}
    for curve in labelled.curves:
        moved = curve.registration
        columns |= {
            f"{curve.name}.depth_mm": np.round(moved.depth_px / scale, 2),
            f"{curve.name}.side_mm": np.round(moved.side_px / scale, 2),
            f"{curve.name}.registered": moved.registered.astype(int),
        }
    return pd.DataFrame(columns).to_csv(index=False).encode()
