"""The configuration of a cell that trains in about a second."""

from pathlib import Path
from typing import Final

from composed import composed

from thinline.config.schema import FACTORS, Conf, checked

TINY: Final = ("network.widths=[4,4,8]", "overlays=1", "optimiser.warmup_steps=2")


def tiny_cell(store: Path, cache: Path, *overrides: str) -> tuple[Conf, dict[str, str]]:
    """A configuration of the smoke budget without tracker, and the option of each group."""
    small = ["tracking.uri=''", "budget=smoke", *TINY]
    if any(text.startswith("network=") for text in overrides):
        small.remove("network.widths=[4,4,8]")
    options = {"loss": "dice", "head": "softmax", "class_weight": "none", "data_mix": "fresh"}
    options |= {"resolution": "pen1", "network": "unet_slim", "budget": "smoke", "optimiser": "muon"}
    options |= dict(text.split("=", 1) for text in overrides if text.split("=", 1)[0] in FACTORS)
    own = [text for text in overrides if text.startswith("paths.")]
    config = composed(*small, *(text for text in overrides if text not in own)).copy()
    config.merge_with_dotlist([f"paths.store={store}", f"paths.cache={cache}", *own])
    return checked(config), options
