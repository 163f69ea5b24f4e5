"""Networks that come with the package, one folder of thinline/shipped each. Imports no torch.

Files of a network NAME
    weights.safetensors   the tensors of the network; those of two axes or more at half precision
    config.yaml           the configuration it was trained with, without paths and machine, and under `shipped`:
                          run (name of the run), thresholds (by class), sha256 (of the weights)
    card.md               model card: data, steps, scores, limits, and the command that trains it again
    example.png           a drawn sheet at the scale of the network, grey
    example_ink.png       the ink that the network predicts on it at its threshold, 255 on ink

`thinline ship RUN FOLDER` writes such a folder from a finished run. A folder elsewhere can be given by its path.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from omegaconf import DictConfig, OmegaConf

FOLDER: Final = Path(__file__).resolve().parents[1] / "shipped"
DEFAULT: Final = "reader"
"""The network of commands that are given no run."""

WEIGHTS: Final = "weights.safetensors"
CONFIG: Final = "config.yaml"
CARD: Final = "card.md"
EXAMPLE: Final = "example.png"
EXAMPLE_INK: Final = "example_ink.png"

BRANCH: Final = "shipped"
"""The branch of config.yaml that only the configuration of a shipped network has."""


def shipped_names(folder: Path | None = None) -> tuple[str, ...]:
    """The names of the networks in `folder`, or of those of the package."""
    return tuple(sorted(path.parent.name for path in (folder or FOLDER).glob(f"*/{WEIGHTS}")))


def shipped_folder(name: str) -> Path | None:
    """The folder of the network `name` of the package, or None where it has no network of this name."""
    return FOLDER / name if name in shipped_names() else None


def is_whole(weights: Path, config: DictConfig) -> bool:
    """Whether the content of `weights` is what `config` says."""
    expected = OmegaConf.select(config, f"{BRANCH}.sha256")
    return expected is not None and hashlib.sha256(weights.read_bytes()).hexdigest() == expected


def thresholds_of(config: DictConfig, classes: tuple[str, ...]) -> tuple[float, ...] | None:
    """The threshold of each class after the background, or None where the configuration has none."""
    node = OmegaConf.select(config, f"{BRANCH}.thresholds")
    return None if node is None else tuple(float(node[name]) for name in classes[1:])
