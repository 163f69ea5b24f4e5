"""How many sheets each split has. Imports nothing, so that the schema of conf/ can hold it."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass
class Counts:
    """Sheets: `archive` scarce ones, `train` shown in a full mix, `val`, `test`. All 1 or more, archive <= train."""

    archive: int
    train: int
    val: int
    test: int

    def __post_init__(self) -> None:
        low = {name: count for name, count in asdict(self).items() if count < 1}
        if low:
            raise ValueError(f"counts of sheets must be 1 or more, got {low}; see budget.counts")
        if self.archive > self.train:
            raise ValueError(f"`archive` must be at most `train`, got {self.archive} > {self.train}; see budget.counts")
