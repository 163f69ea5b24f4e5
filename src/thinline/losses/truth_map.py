"""Pictures of the truth that some losses look at beside it: a skeleton, a tube, a distance.

Conventions: a truth map is made of one plane of a head's targets at a time, `[H,W]` bool, and of nothing else; so it
can be made once per sheet and cut and turned with the tile. `key` names everything its pixels depend on, parameters and
version included: change what is drawn, and the key must change. An objective that is given no maps makes them of the
targets it has, where a tile does not see the curve beyond its edge.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from thinline.vocabulary import Bool, Float32, UInt8


class TruthMap(Protocol):
    """One plane of targets to its map; `curves_only` leaves the background's channel out.

    Maps are uint8 of 0 and 1, or float32 (which may be kept as float16).
    """

    @property
    def key(self) -> str:
        """Name, parameters and version."""
        ...

    @property
    def curves_only(self) -> bool:
        """Whether the background has no map."""
        ...

    def __call__(self, inside: Bool) -> UInt8 | Float32:
        """The map [H,W] of the pixels `inside [H,W]`."""
        ...


def map_of(truth_map: TruthMap, targets: Tensor) -> Tensor:
    """The map `[B,c,H,W]`, uint8 or float32, of hard `targets [B,c,H,W]`, on their device."""
    inside = (targets > 0.5).cpu().numpy()
    planes = [truth_map(plane) for plane in inside.reshape(-1, *inside.shape[2:])]
    drawn = np.stack(planes) if planes else np.zeros(0, dtype=np.uint8)
    return torch.from_numpy(drawn).view(targets.shape).to(targets.device)
