"""`history.jsonl`: one line per logged step, append-only except for `rewind`.

Conventions

- A line is `{"step": 40, "time_ms": 1767225600000, "metrics": {"train/loss": 0.5}}`. NaN is written as null and an
  infinity as "inf" or "-inf", because JSON lacks them; reading returns the same floats, bit for bit.
- A line is one write, so a killed process loses at most the line that it was writing. Reading ignores an incomplete
  last line, and the next append removes it. A damaged line anywhere else has another cause and is an error.
- Reading merges the lines of one step; of two values with one name the later is used. So a metric has one value per
  step.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from thinline.system.atomic_files import StorageError, explained, write_bytes

_NOT_FINITE = {None: math.nan, "inf": math.inf, "-inf": -math.inf}


@dataclass(frozen=True)
class Line:
    """Metrics logged at one step, and the time in ms since 1970 (UTC)."""

    step: int
    time_ms: int
    metrics: dict[str, float]

    def to_json(self) -> str:
        """The line of the file, without its line end."""
        metrics = {name: _encoded(value) for name, value in self.metrics.items()}
        return json.dumps({"step": self.step, "time_ms": self.time_ms, "metrics": metrics}, allow_nan=False)


class History:
    """The history file of one run. Its writer holds the lock of the run folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._repaired = False

    def append(self, step: int, metrics: Mapping[str, float]) -> Line:
        """Append one line and return it. After a `StorageError` the file is unchanged."""
        line = Line(int(step), time.time_ns() // 1_000_000, {name: float(value) for name, value in metrics.items()})
        if not self._repaired:
            self._cut_torn_end()
        with explained(self.path), self.path.open("ab", buffering=0) as file:
            before = file.seek(0, os.SEEK_END)
            content = (line.to_json() + "\n").encode()
            try:
                written = file.write(content)
                if written != len(content):
                    raise OSError(f"only {written} of {len(content)} bytes were written: the disk is full")
            except OSError:
                with suppress(OSError):
                    os.truncate(self.path, before)
                raise
        return line

    def flush(self) -> None:
        """Flush the file to the disk, so that it survives a power cut."""
        with explained(self.path), suppress(FileNotFoundError), self.path.open("rb") as file:
            os.fsync(file.fileno())

    def read(self) -> list[Line]:
        """One line per step, in order of steps; empty if nothing was logged."""
        merged: dict[int, Line] = {}
        for line in self._lines():
            earlier = merged[line.step].metrics if line.step in merged else {}
            merged[line.step] = Line(line.step, line.time_ms, earlier | line.metrics)
        return [merged[step] for step in sorted(merged)]

    def rewind(self, step: int) -> int:
        """Drop every line after `step`, at which a resumed run continues; returns the number of dropped lines."""
        lines = self._lines()
        kept = [line for line in lines if line.step <= step]
        if len(kept) < len(lines):
            write_bytes(self.path, "".join(line.to_json() + "\n" for line in kept).encode())
        return len(lines) - len(kept)

    def _lines(self) -> list[Line]:
        try:
            rows = self.path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return []
        # after the last line end there is nothing, or an incomplete line
        return [self._parse(row, number) for number, row in enumerate(rows[:-1], start=1)]

    def _parse(self, row: bytes, number: int) -> Line:
        try:
            record = json.loads(row)
            metrics = {name: _decoded(value) for name, value in record["metrics"].items()}
            return Line(int(record["step"]), int(record["time_ms"]), metrics)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise StorageError(
                f"{self.path}, line {number}: expected step, time_ms and metrics as JSON, got {row[:80]!r}. A kill "
                "damages only the last line, so another program wrote here: restore the file, or delete the run folder "
                "and run again"
            ) from error

    def _cut_torn_end(self) -> None:
        with explained(self.path), suppress(FileNotFoundError):
            content = self.path.read_bytes()
            whole = content.rfind(b"\n") + 1
            if whole < len(content):
                os.truncate(self.path, whole)
        self._repaired = True


def _encoded(value: float) -> float | str | None:
    if math.isnan(value):
        return None
    return value if math.isfinite(value) else ("inf" if value > 0 else "-inf")


def _decoded(value: float | str | None) -> float:
    return _NOT_FINITE[value] if value is None or isinstance(value, str) else float(value)
