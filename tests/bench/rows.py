"""A line of a bench: what was compared, the ratio, and how far it can be believed."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from turns import Comparison

BUSY = 0.2
"""Cores that other processes may use while a row is measured."""


@dataclass(frozen=True)
class Row:
    """One line.

    `ratio` is None where it was not held still, and where `skipped` says why it was not measured. `spread` is that of
    turns.py; None for a number that was measured once. `others` are the cores that other processes used meanwhile,
    None where the system does not say.
    """

    name: str
    ratio: float | None
    comment: str = ""
    spread: float | None = None
    pairs: int = 1
    seconds: tuple[float, float] | None = None
    cores: tuple[float, float] | None = None
    skipped: str | None = None
    others: float | None = None

    @property
    def measured(self) -> bool:
        """Whether the row says something that may replace an earlier result."""
        return self.skipped is None and not self.disturbed

    @property
    def disturbed(self) -> bool:
        """Whether other processes used more than `BUSY` cores."""
        return self.others is not None and self.others > BUSY

    def line(self) -> str:
        """The row as text of one line."""
        if self.skipped:
            return f"       -  {self.name:<52}  {self.skipped}"
        if self.disturbed:
            return f"       -  {self.name:<52}  not believed: other processes used {self.others:.2f} cores meanwhile"
        if self.ratio is None:
            return f"       -  {self.name:<52}  {self.comment}"
        spread = "measured once" if self.spread is None else f"+-{self.spread:.1%}, {self.pairs} pairs"
        cores = "" if self.cores is None else f", {self.cores[0]:.1f} / {self.cores[1]:.1f} cores"
        return f"{self.ratio:8.2f}  {self.name:<52}  {spread:<18}  {self.comment}{cores}"


OldRow = tuple[str, float, str]
"""Name, ratio, comment: what a bench may yield for a number that it measures once."""


def compared(name: str, comparison: Comparison, comment: str) -> Row:
    """The row of a comparison; without a ratio where it was not held still."""
    ratio: float | None = comparison.ratio
    if not comparison.held_still:
        ratio = None
        spread, took = f"{comparison.spread:.0%}", f"{comparison.took_s:.0f} s"
        comment = f"not held still: spread {spread} after {took} and {comparison.pairs} pairs"
    return Row(
        name,
        ratio,
        comment,
        spread=comparison.spread,
        pairs=comparison.pairs,
        seconds=comparison.seconds,
        cores=comparison.cores,
    )


def limited(name: str, comparison: Comparison, comment: str) -> Row:
    """As `compared`, for seconds beside those that are allowed: the comment says them, held still or not."""
    row = compared(name, comparison, comment)
    return row if comparison.held_still else replace(row, comment=f"{comment}; {row.comment}")


def without(package: str, name: str) -> Row:
    """The row of a peer that is not installed."""
    return Row(name, None, skipped=f"skipped: the package {package} is not installed (pip install {package})")


def installed(package: str) -> bool:
    """Whether a peer can be imported."""
    return importlib.util.find_spec(package) is not None


def rows_of(answers: Iterable[Row | OldRow]) -> Iterator[Row]:
    """The rows of a bench as they are measured; a NaN of an old row is a ratio that was not measured."""
    for answer in answers:
        row = answer if isinstance(answer, Row) else Row(*answer)
        if row.ratio is not None and math.isnan(row.ratio):
            row = replace(row, ratio=None, skipped=row.comment)
        yield row
