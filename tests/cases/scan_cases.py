"""Scans that the tests draw, and networks that read them.

A **coded** scan has the truth in its grey levels: curve_1 black, curve_2 in middle grey, print in light grey. `sees` is
the perfect network for it, with a receptive field of one pixel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from PIL import Image

from thinline.digitise import CurveScale, DepthScale, Frame, Job, Reader, open_scan
from thinline.heads import Softmax
from thinline.images import Damage
from thinline.vocabulary import LOG_CLASSES

INK = (0, 120)
GRID = 215
PX_PER_MM = 4.0
DPI = 25.4 * PX_PER_MM
HEAD = Softmax(LOG_CLASSES)


def sees(image: torch.Tensor) -> torch.Tensor:
    """Logits [B,3,H,W] of darkness [B,1,H,W]: curve_1 above .8, curve_2 from .35, else background."""
    first, second = image > 0.8, (image > 0.35) & (image <= 0.8)
    return torch.cat([~(first | second), first, second], dim=1).float() * 20


class Killed(Exception):
    """Stands for a kill."""


def killed_after(calls: int):
    """The network `sees`, which raises Killed after so many calls."""
    done = 0

    def network(image: torch.Tensor) -> torch.Tensor:
        nonlocal done
        done += 1
        if done > calls:
            raise Killed
        return sees(image)

    return network


def nothing(image: torch.Tensor) -> torch.Tensor:
    return torch.tensor([20.0, 0, 0]).view(1, 3, 1, 1).expand(len(image), 3, *image.shape[2:])


def everything(image: torch.Tensor) -> torch.Tensor:
    return torch.tensor([0, 20.0, 0]).view(1, 3, 1, 1).expand(len(image), 3, *image.shape[2:])


def blank(height: int, width: int, *, left: int = 20, right: int | None = None) -> np.ndarray:
    """Paper with a grid of 20 px between the edges."""
    right = width - 21 if right is None else right
    paper = np.full((height, width), 255, np.uint8)
    paper[:, left : right + 1 : 20] = GRID
    paper[::20, left : right + 1] = GRID
    return paper


def trace(paper: np.ndarray, x: np.ndarray, *, ink: int = INK[0], pen: int = 1) -> np.ndarray:
    """Draw a curve at column x of each row, NaN where there is none; a jump beyond half the paper lifts the pen."""
    finite = np.isfinite(x)
    for row in range(len(x) - 1):
        if finite[row] and finite[row + 1] and abs(x[row + 1] - x[row]) < paper.shape[1] / 2:
            ends = [(round(x[r] * 16), r * 16) for r in (row, row + 1)]
            cv2.line(paper, ends[0], ends[1], ink, pen, cv2.LINE_8, 4)
    return paper


def save(paper: np.ndarray, path: Path, *, dpi: float = DPI) -> Path:
    Image.fromarray(paper).save(path, dpi=(dpi, dpi))
    return path


def own_las(path: Path) -> Path:
    """A LAS file of one gamma ray, written by hand."""
    rng = np.random.default_rng(0)
    values = 60 + cv2.GaussianBlur(rng.normal(0, 200, (900, 1)), (1, 61), 12)[:, 0]
    rows = "\n".join(f"{1000 + n * 0.25:.4f} {value:.4f}" for n, value in enumerate(values))
    head = "~Version\nVERS. 2.0:\nWRAP. NO:\n~Well\nNULL. -999.25:\n~Curve\nDEPT.M:\nGR.API:\n~ASCII\n"
    path.write_text(head + rows + "\n")
    return path


@dataclass(frozen=True)
class Options:
    """The options of `job`."""

    left: float = 0.0
    right: float = 150.0
    kind: str = "linear"
    track: tuple[float, float] | None = None
    depth: tuple[float, float] = (1000.0, 1100.0)
    tile_px: int = 128
    factor: float = 1.0
    deskew: bool = True


def job(path: Path, network=sees, options: Options | None = None, *, head=HEAD) -> Job:
    options = options or Options()
    scan = open_scan(path)
    track = options.track or (-0.5, scan.width - 0.5)
    scales = tuple(
        CurveScale(name, "API", *track, options.left, options.right, options.kind)
        for name in ("GR", "NPHI")[: len(head.classes) - 1]
    )
    return Job(
        scan=scan,
        frame=Frame.of((0, scan.height), (0, scan.width), factors=(options.factor, options.factor)),
        reader=Reader(network, head, options.tile_px),
        run="test",
        px_per_mm=PX_PER_MM,
        scales=scales,
        depth=DepthScale(*options.depth, -0.5, scan.height - 0.5, "m"),
        deskew=options.deskew,
    )


def wave(height: int, *, middle: float, swing: float, period: float = 180.0) -> np.ndarray:
    return middle + swing * np.sin(np.arange(height) * 2 * np.pi / period)


ONE, TWO = wave(500, middle=80, swing=40), wave(500, middle=120, swing=50, period=330)


class Torn:
    """A scan with damaged rows, which are white. Damage and notices are known once their rows were read."""

    def __init__(self, path: Path, damage: Sequence[Damage], *, notices: tuple[str, ...] = ()) -> None:
        self.scan, self.torn, self.notices, self.later = open_scan(path), tuple(damage), (), notices
        self.read: set[Damage] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.scan, name)

    def rows(self, start: int, stop: int) -> np.ndarray:
        grey = np.array(self.scan.rows(start, stop))
        self.notices = self.later
        for part in self.torn:
            first, last = max(part.first_row - start, 0), min(part.last_row - start, len(grey))
            if first < last:
                grey[first:last] = 255
                self.read.add(part)
        return grey

    def damage(self) -> tuple[Damage, ...]:
        return tuple(self.read)
