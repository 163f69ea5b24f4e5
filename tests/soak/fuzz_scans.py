"""Damaged scans by the hundred: none ends in a traceback, a hang, too much memory, or wrong values without a warning.

One sheet is drawn and saved in every format of FORMATS. Copies are damaged, seeded, by flipped bits, an overwritten or
zeroed stretch, truncation, or edits of the header, and go through `thinline digitise` in a worker process that has
loaded the network once. Each ends as

    refused     exit code 1 with a sentence
    warned      exit code 0, and the CSV begins with a warning
    same        exit code 0, no warning, and every value within 1 % of the track of the undamaged file's, or a gap
    WRONG       exit code 0, no warning, and another value, or a value where the undamaged file has none
    TRACEBACK   an error that is no sentence
    HANG        more than 60 s
    MEMORY      more than MOST_MB above what the undamaged files took

Files of the kinds in capitals are kept in --keep; the exit code is 1 if there is any. Where pixels are stored as they
are, no reader can notice that some were replaced: these files get flipped bits, which change single pixels, truncation,
and edits of the header, and no overwritten or zeroed stretch.
The resolution is given by --dpi, because another one in the header is no less right.

python tests/soak/fuzz_scans.py [--run RUN] [--count 100] [--seed 0] [--keep fuzz_kept]
"""

from __future__ import annotations

import argparse
import contextlib
import io
import multiprocessing as mp
import random
import resource
import shutil
import struct
import sys
import tempfile
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image, TiffImagePlugin

LIMIT_S, MOST_MB, TOLERANCE = 60.0, 600, 1.0
"""Seconds and megabytes a file may take; the track runs from 0 to 100, so 1 is 1 % of it."""
BAD = ("WRONG", "TRACEBACK", "HANG", "MEMORY")
SUFFIX = {"TIFF": "tif", "PNG": "png", "JPEG": "jpg"}
FORMATS = {
    f"tiff {bits} {name}": ("TIFF", bits, {"compression": how})
    for name, how, depths in (
        ("none", "raw", (1, 8, 16)),
        ("packbits", "packbits", (1, 8)),
        ("lzw", "tiff_lzw", (8, 16)),
        ("deflate", "tiff_adobe_deflate", (1, 8, 16)),
        ("g4", "group4", (1,)),
        ("jpeg", "jpeg", (8,)),
    )
    for bits in depths
} | {
    "png 1": ("PNG", 1, {}),
    "png 8": ("PNG", 8, {}),
    "png 16": ("PNG", 16, {}),
    "jpeg 8": ("JPEG", 8, {"quality": 95}),
}


@dataclass(frozen=True)
class Reading:
    """Exit code (None: a traceback), values of each curve, warnings, output and memory of one file."""

    code: int | None
    values: dict[str, np.ndarray]
    warned: bool
    text: str
    megabytes: float


def main() -> int:
    """Damage, read, compare. Exit code 1 when a file ended badly."""
    parser = fuzz_parser(__doc__, count=100)
    parser.add_argument("--run", help="a trained run; without it a network that labels black pixels curve_1")
    options = parser.parse_args()
    outcomes = Outcomes(options.keep)
    with tempfile.TemporaryDirectory() as folder:
        worker = Worker(options.run)
        good = {name: save(name, Path(folder), coded=options.run is None) for name in FORMATS}
        whole = {name: worker.read(path) for name, path in good.items()}
        for name, reading in whole.items():
            if not isinstance(reading, Reading) or reading.code or reading.warned:
                print(f"the undamaged {name} ends as {reading}")
                return 1
        memory_limit = max(reading.megabytes for reading in whole.values()) + MOST_MB
        for number in range(options.count):
            name = list(FORMATS)[number % len(FORMATS)]
            chance = random.Random(f"{options.seed} {number}")
            kind = chance.choice(sorted(DAMAGES.keys() - ({"overwrite", "zero"} if "none" in name else set())))
            path = Path(folder) / f"{number:04d}_{name.replace(' ', '_')}_{kind}{good[name].suffix}"
            path.write_bytes(DAMAGES[kind](good[name].read_bytes(), chance))
            outcomes.add(name, kind, path, *outcome_of(worker.read(path), whole[name], memory_limit))
        worker.stop()
    return outcomes.report()


def fuzz_parser(description: str | None, *, count: int) -> argparse.ArgumentParser:
    """The options of both programs."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=count)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=Path("fuzz_kept"))
    return parser


class Outcomes:
    """Counts of outcomes by format and by damage; files with an outcome in BAD are copied to `keep`."""

    def __init__(self, keep: Path) -> None:
        self.keep = keep
        self.counts: dict[str, Counter[str]] = defaultdict(Counter)

    def add(self, name: str, kind: str, path: Path, outcome: str, detail: str) -> None:
        """Count the outcome of one file of format `name` with damage `kind`."""
        for row in (name, f"by {kind}"):
            self.counts[row][outcome] += 1
        if outcome in BAD:
            self.keep.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, self.keep)
            print(f"{outcome} {path.name}: {detail}", flush=True)

    def report(self) -> int:
        """Print all counts; exit code 1 if any outcome is in BAD."""
        table = pd.DataFrame(self.counts).T.fillna(0).astype(int).sort_index()
        print(table.to_string())
        total = table.filter(regex="^by", axis=0).sum()
        bad = int(total.filter(items=BAD).sum())
        print(f"{total.sum()} damaged files, {bad} ended badly" + (f"; they are in {self.keep}" if bad else ""))
        return 1 if bad else 0


def outcome_of(reading: Reading | str, whole: Reading, memory_limit: float) -> tuple[str, str]:
    """The outcome of a damaged file compared with the reading of the undamaged one, and the difference."""
    if isinstance(reading, str):
        return "HANG", reading
    if reading.code is None:
        return "TRACEBACK", reading.text
    if reading.megabytes > memory_limit:
        return "MEMORY", f"{reading.megabytes:.0f} MB, at most {memory_limit:.0f} expected"
    if reading.code:
        return "refused", ""
    if reading.warned:
        return "warned", ""
    for name, values in reading.values.items():
        true = whole.values.get(name, np.full(len(values), np.nan))
        if len(true) != len(values):
            return "WRONG", f"{len(values)} rows instead of {len(true)}"
        off = np.isfinite(values) & ~(np.abs(values - true) <= TOLERANCE)
        if off.any():
            return "WRONG", f"{name} differs in {off.sum()} rows, the first {np.flatnonzero(off)[0]}"
    return "same", ""


class Worker:
    """A process that has loaded the network and reads one file after another."""

    def __init__(self, run: str | None) -> None:
        self.run = run
        self._start()

    def _start(self) -> None:
        self.pipe, theirs = mp.get_context("spawn").Pipe()
        self.process = mp.get_context("spawn").Process(target=work, args=(theirs, self.run), daemon=True)
        self.process.start()
        self.pipe.recv()

    def read(self, path: Path) -> Reading | str:
        """The reading of a file, or a phrase for the end of the worker."""
        self.pipe.send(path)
        if self.pipe.poll(LIMIT_S):
            try:
                reading: Reading = self.pipe.recv()
            except EOFError:
                self.process.join()
                died = f"the process died with exit code {self.process.exitcode}"
                self._start()
                return died
            return reading
        self.process.kill()
        self.process.join()
        self._start()
        return f"not done after {LIMIT_S:.0f} s"

    def stop(self) -> None:
        """End the process."""
        self.pipe.send(None)
        self.process.join()


def work(pipe: Any, run: str | None) -> None:
    """Read the files whose paths come through the pipe, until None comes."""
    from thinline.cli import digitise
    from thinline.cli.main import main as command
    from thinline.pipeline.load import LoadedRun, load_run

    if run is None:
        sys.path.insert(0, str(Path(__file__).parents[1] / "cases"))
        from scan_cases import HEAD, sees

        known = LoadedRun("black", sees, HEAD, 4.0, 128, True)  # type: ignore[arg-type]
    else:
        known = load_run(run, Path("mlruns"), device="cpu")
    digitise.load_run = lambda name, store, *, device: known  # type: ignore[attr-defined]
    pipe.send("ready")
    while (path := pipe.recv()) is not None:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            reading = read(path, command, printed)
        pipe.send(reading)


def read(path: Path, command: Callable[[list[str]], int], printed: io.StringIO) -> Reading:
    """One file through the command."""
    out = path.with_suffix(".out")
    words = ["digitise", str(path), "--left", "0", "--right", "100", "--top", "1000", "--bottom", "1010"]
    values: dict[str, np.ndarray] = {}
    warned = False
    try:
        code: int | None = command([*words, "--dpi", "101.6", "--out", str(out)])
        if code == 0:
            text = (out / "curves.csv").read_text()
            warned = text.startswith("#")
            table = pd.read_csv(io.StringIO(text), comment="#")
            values = {name: table[name].to_numpy(np.float64) for name in table if name.endswith(("_1", "_2"))}
    except BaseException:
        code, printed = None, io.StringIO(traceback.format_exc())
    shutil.rmtree(out, ignore_errors=True)
    return Reading(code, values, warned, printed.getvalue(), peak_mb())


def peak_mb() -> float:
    """The most memory this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 1 << 20)


def save(name: str, folder: Path, *, coded: bool) -> Path:
    """The sheet in one format."""
    kind, bits, options = FORMATS[name]
    grey = sheet(coded=coded)
    image = Image.fromarray(grey)
    if bits == 1:
        image = Image.fromarray(np.where(grey > 200 if not coded else grey > 60, 255, 0).astype(np.uint8)).convert("1")
    if bits == 16:
        image = Image.fromarray(grey.astype(np.uint16) * 257)
    path = folder / f"{name.replace(' ', '_')}.{SUFFIX[kind]}"
    before, TiffImagePlugin.STRIP_SIZE = TiffImagePlugin.STRIP_SIZE, 4096
    try:
        image.save(path, kind, dpi=(101.6, 101.6), **options)
    finally:
        TiffImagePlugin.STRIP_SIZE = before
    return path


def sheet(*, coded: bool) -> np.ndarray:
    """Grey levels of a worn sheet, or of two curves that a network of pixels can distinguish."""
    if not coded:
        from thinline.sheets import render, sample

        return np.asarray(render(sample("archive", 3), px_per_mm=4.0).image)
    sys.path.insert(0, str(Path(__file__).parents[1] / "cases"))
    from scan_cases import blank, trace, wave

    return trace(blank(512, 256), wave(512, middle=128, swing=90), pen=2)


def flip(content: bytes, chance: random.Random) -> bytes:
    """1 to 8 bits anywhere but in the first 4 bytes."""
    damaged = bytearray(content)
    for _ in range(chance.randint(1, 8)):
        damaged[chance.randrange(4, len(damaged))] ^= 1 << chance.randrange(8)
    return bytes(damaged)


def overwrite(content: bytes, chance: random.Random) -> bytes:
    """A stretch of 2 to 32 bytes replaced by others."""
    start, count = chance.randrange(4, len(content)), chance.randint(2, 32)
    return (content[:start] + chance.randbytes(count) + content[start + count :])[: len(content)]


def zero(content: bytes, chance: random.Random) -> bytes:
    """A stretch of 1 to 30 % of the file set to 0, as after a broken transfer."""
    start, count = chance.randrange(4, len(content)), int(len(content) * chance.uniform(0.01, 0.3))
    return (content[:start] + bytes(count) + content[start + count :])[: len(content)]


def cut(content: bytes, chance: random.Random) -> bytes:
    """The first 5 to 99 % of the file."""
    return content[: int(len(content) * chance.uniform(0.05, 0.99))]


def edit_header(content: bytes, chance: random.Random) -> bytes:
    """One field of the header set to a number of another size: a tag of a TIFF, else a byte among the first 200."""
    damaged = bytearray(content)
    if content[:2] == b"II":
        (start,) = struct.unpack_from("<I", content, 4)
        (count,) = struct.unpack_from("<H", content, start)
        entry = start + 2 + 12 * chance.randrange(count)
        at, form = chance.choice([(entry, "<H"), (entry + 2, "<H"), (entry + 4, "<I"), (entry + 8, "<I")])
        (before,) = struct.unpack_from(form, content, at)
        most = 0xFFFF if form == "<H" else 0xFFFFFFFF
        edits = (0, 1, before * 2, before // 2, before + 1, before - 1, most, chance.randint(0, most))
        struct.pack_into(form, damaged, at, chance.choice(edits) & most)
    else:
        damaged[chance.randrange(4, min(200, len(damaged)))] = chance.randrange(256)
    return bytes(damaged)


DAMAGES: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "flip": flip,
    "overwrite": overwrite,
    "zero": zero,
    "cut": cut,
    "header": edit_header,
}


if __name__ == "__main__":
    sys.exit(main())
