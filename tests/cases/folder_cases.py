"""Folders of a user's images, drawn: what the tests of own data read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from omegaconf import OmegaConf

from thinline.config.schema import CONF
from thinline.data.folder.image_folder import Folder

CLASSES_OF_TWO = {0: "background", 255: "vessel"}
FOUR = {0: "background", 50: "vessel", 100: "crack", 200: "road"}


def draw_folder(root: Path, sizes: Sequence[tuple[int, int]], values: Sequence[int] = (0, 255)) -> Path:
    """`images/NAME.png` and `masks/NAME.png`: one straight line of each value but the first, dark on noise."""
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for number, (height, width) in enumerate(sizes):
        rng = np.random.default_rng(number)
        mask = np.full((height, width), values[0], np.uint8)
        for value in values[1:]:
            cv2.line(mask, (int(rng.integers(width)), 0), (int(rng.integers(width)), height - 1), value, 3)
        image = rng.integers(160, 256, mask.shape, np.uint8)
        image[mask != values[0]] //= 3
        cv2.imwrite(str(root / f"images/p{number}.png"), image)
        cv2.imwrite(str(root / f"masks/p{number}.png"), mask)
    return root


def folder_of(root: Path | None, table: dict[object, str] | None = None, **keys: object) -> Folder:
    """The folder as a run reads it, with these keys of conf/data_mix/folder.yaml changed."""
    table = table or CLASSES_OF_TWO
    given = {"root": root and str(root), "class_map": table}
    conf = OmegaConf.to_container(OmegaConf.load(CONF / "data_mix/folder.yaml")) | given | keys
    return Folder.from_conf(conf, list(dict.fromkeys(name for name in table.values() if name != "ignore")))
