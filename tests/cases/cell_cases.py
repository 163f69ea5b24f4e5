"""A cell that runs in this process, and its results."""

import pandas as pd

from thinline import runs
from thinline.pipeline.cell import run_cell
from thinline.runs import RunFolder


def run(cell, **how):
    return run_cell(*cell, **how)


def tables(ended):
    return [pd.read_parquet(ended.folder / name) for name in ("per_class.parquet", "per_sheet.parquet")]


def manifest(ended_or_path):
    return RunFolder.open(getattr(ended_or_path, "folder", ended_or_path)).manifest()


def only_folder(store):
    (folder,) = runs.run_folders(store)
    return folder
