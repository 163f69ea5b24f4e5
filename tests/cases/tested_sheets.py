"""The test sheets of a finished run, and whether labels are those of its test pass."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from thinline.config.schema import checked
from thinline.data.cached_sheets import CachedSheets
from thinline.metrics.overlay import overlay
from thinline.pipeline.sheets import plan_sheets, render_split
from thinline.runs import RunFolder
from thinline.training.precision import precision_of


def sheets_of_test(folder: RunFolder, cache: Path) -> CachedSheets:
    """The test sheets, from the cache."""
    config = OmegaConf.load(folder.config_path)
    assert isinstance(config, DictConfig)
    config.paths.cache = str(cache)
    conf = checked(config)
    return render_split(plan_sheets(conf), "test", conf, console=Console(quiet=True))


def in_fp32(folder: RunFolder) -> bool:
    """Whether the test pass computed in the precision in which a loaded run predicts."""
    config = OmegaConf.load(folder.config_path)
    assert isinstance(config, DictConfig)
    return precision_of(checked(config).trainer) == "32-true"


def check_labels(folder: RunFolder, sheets: CachedSheets, labels: Sequence[np.ndarray], classes: Sequence[str]) -> None:
    """Counted again, they give the numbers of every test sheet, and drawn again, the pictures of the run."""
    rows = pd.read_parquet(folder.path / "per_sheet.parquet").query("split == 'test'")
    assert sorted(rows["sheet"].unique()) == list(range(len(labels)))
    pictures = 0
    for index, predicted in enumerate(labels):
        true, own = (
            np.array(sheets.labels[index]),
            rows[rows["sheet"] == index].set_index(["measure", "class"])["value"],
        )
        for number, name in enumerate(classes):
            counted = true != 255
            ours, theirs = (predicted == number) & counted, true == number
            assert own["support", name] == theirs.sum()
            if (ours | theirs).any():
                assert own["iou", name] == (ours & theirs).sum() / (ours | theirs).sum()
            if theirs.any():
                assert own["area_ratio", name] == ours.sum() / theirs.sum()
        picture = folder.overlays / f"test_{index:03d}.png"
        if picture.exists():
            pictures += 1
            drawn = overlay(np.array(sheets.images[index]), true, predicted, classes=classes)
            assert np.array_equal(cv2.imread(str(picture))[..., ::-1], drawn)
    assert pictures > 0
