"""Cells, tables and run folders for the tests of runs and tracking. Does not import MLflow."""

import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from thinline.runs import CLASS_COLUMNS, Cell, Origin, RunFolder, cell_digest, cell_slug

EXPERIMENT = "thinline"
ORIGIN = Origin("0123456789abcdef0123456789abcdef01234567", True, {"numpy": "2.0"})


@dataclass(frozen=True)
class MlflowStore:
    root: Path

    @property
    def uri(self) -> str:
        return f"sqlite:///{self.root}/mlflow.db"


def copied(prepared: Path, root: Path) -> MlflowStore:
    """A copy of an empty store, with the artifact folder of the copy."""
    root.mkdir(parents=True)
    shutil.copy(prepared, root / "mlflow.db")
    with closing(sqlite3.connect(root / "mlflow.db")) as connection:
        location = (root / "artifacts").as_uri()
        connection.execute("UPDATE experiments SET artifact_location = ? WHERE name = ?", (location, EXPERIMENT))
        connection.commit()
    return MlflowStore(root)


def cell(loss: str = "dice", seed: int = 0, **factors: str) -> Cell:
    levels = {"loss": loss, **factors}
    config = {"loss": {"name": loss, "smoothing": 0.1}, "seed": seed, "factors": factors}
    return Cell(levels, seed, config, "d1ce5e7", ("iou|v:1",))


def folder_of(root: Path, what: Cell) -> RunFolder:
    return RunFolder(root, cell_slug({**what.factors, "seed": str(what.seed)}), cell_digest(what.config))


def begun(root: Path, what: Cell | None = None, *, study: str | None = None) -> RunFolder:
    what = cell() if what is None else what
    folder = folder_of(root, what)
    assert folder.try_lock()
    folder.begin(what, ORIGIN, study=study)
    folder.write_config("loss: dice\n")
    return folder


def per_class(*, signature: str = "iou|v:1", value: float = 0.5) -> pd.DataFrame:
    rows = [
        ("test", "iou", "curve_1", value, 120, signature),
        ("test", "iou", "curve_2", float("nan"), 0, signature),
        ("val", "recall", "curve_1", 0.25, 100, "recall|v:1"),
    ]
    return pd.DataFrame(rows, columns=list(CLASS_COLUMNS))


def per_sheet() -> pd.DataFrame:
    table = per_class()
    return pd.concat([table.assign(sheet=f"archive-{number}") for number in range(2)], ignore_index=True)


def finished(root: Path, what: Cell | None = None, *, study: str | None = None, **table) -> RunFolder:
    folder = begun(root, what, study=study)
    folder.log(0, {"train/loss": 1.0})
    folder.write_results(per_class(**table), per_sheet())
    folder.finish("FINISHED")
    folder.unlock()
    return folder
