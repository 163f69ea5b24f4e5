"""Damaged LAS files and training images by the hundred: none may end in a traceback, a hang or too much memory.

A LAS file and a folder of six pairs of images and masks are drawn, copies are damaged as in `fuzz_scans.py`, and go
through `thinline las FILE` and `thinline data ROOT`. Each ends as

    refused     exit code 1 with a sentence
    warned      exit code 0, and a line says what is odd, was dropped or taken for a null
    same        exit code 0, and the values of the undamaged file, or fewer
    plain       exit code 0 without a warning, and a few other values: as many as bytes of the data were changed, in a
                format that stores numbers as they are (digits of a LAS file, pixels of a TIFF without compression),
                which no reader can notice
    WRONG       exit code 0 without a warning, and other values than that
    TRACEBACK   an error that is no sentence
    HANG        more than 60 s
    MEMORY      more than MOST_MB above what the undamaged files took

Files of the kinds in capitals are kept in --keep; the exit code is 1 if there is any.

python tests/soak/fuzz_files.py [--count 200] [--seed 0] [--keep fuzz_kept]
"""

from __future__ import annotations

import io
import random
import shutil
import signal
import sys
import tempfile
import traceback
from pathlib import Path

import numpy as np
from fuzz_scans import DAMAGES, LIMIT_S, MOST_MB, Outcomes, fuzz_parser, peak_mb
from PIL import Image
from rich.console import Console

from thinline.cli import main as program
from thinline.curves.las import read_las_folder
from thinline.data.folder.image_files import read_image, read_mask

Values = dict[str, np.ndarray]
PAIRS = 6
MASK = np.add.outer(np.arange(96) * 0, np.arange(96)) // 3 == 15
DATA = ("data_mix.images=images/*", "data_mix.masks=masks/*", "data_mix.class_map={0:background,255:trace}")
CLASSES = "classes=[background,trace]"


def main() -> int:
    """Damage, read, compare. Exit code 1 when a file ended badly."""
    options = fuzz_parser(__doc__, count=200).parse_args()
    outcomes = Outcomes(options.keep)
    with tempfile.TemporaryDirectory() as folder:
        las = drawn_las(Path(folder) / "well.las")
        pictures = drawn_pictures(Path(folder) / "good")
        assert read_las(las)[0] == read_data(pictures[0].parents[1])[0] == 0
        memory_limit = peak_mb() + MOST_MB  # above the undamaged files
        for number in range(options.count):
            chance = random.Random(f"{options.seed} {number}")
            kind = chance.choice(sorted(DAMAGES))
            path = las if number % 2 else pictures[number // 2 % len(pictures)]
            outcome, detail, damaged = read_damaged(path, Path(folder) / "damaged", kind, chance)
            outcome = "MEMORY" if peak_mb() > memory_limit else outcome
            name = "las" if path == las else f"{path.parent.name[:-1]} {path.suffix[1:]}"
            copy = Path(folder) / f"{number:04d}_{kind}_{damaged.name}"
            outcomes.add(name, kind, damaged.rename(copy), outcome, detail)
    return outcomes.report()


def read_damaged(path: Path, folder: Path, kind: str, chance: random.Random) -> tuple[str, str, Path]:
    """A damaged copy of one file through its command: outcome, detail, and the copy."""
    shutil.rmtree(folder, ignore_errors=True)
    content = path.read_bytes()
    damaged_content = DAMAGES[kind](content, chance)
    changed = sum(a != b for a, b in zip(content, damaged_content, strict=False)) + abs(
        len(content) - len(damaged_content)
    )
    if path.suffix == ".las":
        folder.mkdir()
        damaged, argument, read = folder / path.name, folder / path.name, read_las
    else:
        shutil.copytree(path.parents[1], folder)
        damaged, argument, read = folder / path.parent.name / path.name, folder, read_data
    damaged.write_bytes(damaged_content)
    code, values, warned, text = read(argument)
    if code is None:
        return ("HANG" if "TimeoutError" in text else "TRACEBACK"), text, damaged
    if code:
        return ("refused" if "error: " in text or "used" in text else "TRACEBACK"), text, damaged
    _, whole, _, _ = read(path if path.suffix == ".las" else path.parents[1])
    return (*compared(values, whole, warned=warned, changed=changed), damaged)


def compared(values: Values, whole: Values, *, warned: bool, changed: int) -> tuple[str, str]:
    """Outcome and detail of a file that was read."""
    if warned:
        return "warned", ""
    other = 0
    for name, read in values.items():
        true = whole.get(name, np.zeros(0))
        if read.shape != true.shape:
            return "WRONG", f"{name} has shape {read.shape}, not {true.shape}"
        # a pixel of 8 bits is 255 high, a curve spans its own range: one in a hundred of either is the same
        other += int((np.isfinite(read) & ~(np.abs(read - true) <= 0.01 * np.nanmax(np.abs(true)))).sum())
    if not other:
        return "same", ""
    return ("plain" if other <= 2 * changed else "WRONG"), f"{other} values differ after {changed} changed bytes"


def read_las(path: Path) -> tuple[int | None, Values, bool, str]:
    """Exit code (None: a traceback), curves, whether a line names a problem, and the output."""
    code, text = ran(["las", str(path)])
    if code != 0:
        return code, {}, False, text
    read = read_las_folder(path)
    notable = any(
        report.warnings or report.dropped or any(curve.nulls for curve in report.curves) for report in read.reports
    )
    values = {f"{curve.name} {kind}": getattr(curve, kind) for curve in read.curves for kind in ("depth", "values")}
    return code, values, notable, text


def read_data(root: Path) -> tuple[int | None, Values, bool, str]:
    """As `read_las`, of images and masks."""
    code, text = ran(["data", str(root), *DATA, CLASSES])
    if code != 0:
        return code, {}, False, text
    values: Values = {}
    for folder, read in (("images", read_image), ("masks", read_mask)):
        for path in sorted((root / folder).iterdir()):
            values[f"{folder}/{path.name}"] = read(path).astype(np.float64)
    return code, values, "warning" in text, text


def ran(words: list[str]) -> tuple[int | None, str]:
    """A command within LIMIT_S: its exit code, None for a traceback, and what it printed."""
    printed = io.StringIO()
    program.CONSOLE = Console(file=printed, width=80)

    def late(*_: object) -> None:
        raise TimeoutError(f"not done after {LIMIT_S:.0f} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(int(LIMIT_S))
    try:
        return program.main(words), printed.getvalue()
    except SystemExit as stop:
        return int(stop.code or 0), printed.getvalue()
    except BaseException:
        return None, traceback.format_exc()
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def drawn_las(path: Path) -> Path:
    """A LAS file of three curves of 400 samples."""
    depth = 1000 + 0.5 * np.arange(400)
    curves = [50 + 20 * np.sin(depth / 9), 2 + np.cos(depth / 23), 2.4 + 0.2 * np.sin(depth / 5)]
    rows = ["  ".join(f"{value:.3f}" for value in row) for row in zip(depth, *curves, strict=True)]
    header = ["~VERSION INFORMATION", " VERS. 2.0 : CWLS", " WRAP. NO : one line a depth", "~WELL INFORMATION"]
    header += [f" STRT.M {depth[0]:.3f} :", f" STOP.M {depth[-1]:.3f} :", " STEP.M 0.500 :", " NULL. -999.25 :"]
    header += ["~CURVE INFORMATION", " DEPT.M : depth", " GR.API : gamma ray", " RT.OHMM : resistivity"]
    path.write_text("\n".join([*header, " RHOB.G/CC : density", "~A", *rows, ""]))
    return path


def drawn_pictures(root: Path) -> list[Path]:
    """Six pairs in mixed formats below `root`: a dark trace on paper, its mask."""
    rng = np.random.default_rng(0)
    paths = []
    for folder, suffixes in (("images", ("png", "tif", "jpg")), ("masks", ("png", "tif", "png"))):
        (root / folder).mkdir(parents=True)
        for number in range(PAIRS):
            trace = np.roll(MASK, 5 * number, axis=1)
            grey = np.where(trace, 40, 235) + rng.integers(-5, 6, trace.shape)
            path = root / folder / f"{number}.{suffixes[number % 3]}"
            picture = Image.fromarray((grey if folder == "images" else 255 * trace).astype(np.uint8))
            options = {"compression": "tiff_lzw" if number > 2 else "raw"} if path.suffix == ".tif" else {}
            picture.save(path, **options)
            paths.append(path)
    return paths


if __name__ == "__main__":
    sys.exit(main())
