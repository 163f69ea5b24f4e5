"""What every measure of masks expects of them."""

from __future__ import annotations

import numpy as np

from hairline.vocabulary import Bool


def demand_masks(found: Bool, true: Bool) -> None:
    """Two masks bool `[H,W]` of one shape. Raises TypeError for another dtype or rank, ValueError for two shapes."""
    for name, mask in (("found", found), ("true", true)):
        if mask.dtype != np.bool_ or mask.ndim != 2:
            raise TypeError(f"`{name}` must be bool [H,W], got {mask.dtype} {list(mask.shape)}; compare labels == id")
    if found.shape != true.shape:
        raise ValueError(f"`found` and `true` must have one shape, got {found.shape} and {true.shape}; cut them alike")
