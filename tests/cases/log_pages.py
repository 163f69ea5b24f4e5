"""Pages of logs drawn line by line, with known edges, and pages that are no logs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

REAL_SCANS = Path(__file__).parents[2] / "../shared/data/real_logs/scans"
DPI = 101.6
"""4 px/mm."""


@dataclass(frozen=True)
class LogPage:
    """A page of two tracks with a depth column between them; all lengths in px, at 4 px/mm."""

    header: int = 240
    height: int = 1400
    width: int = 760
    tracks: tuple[tuple[int, int], tuple[int, int]] = ((40, 294), (370, 720))
    column_px: float = 25.4
    row_px: float = 20.0
    curves: tuple[tuple[float, ...], tuple[float, ...]] = ((0.4,), (0.3, 0.7))
    tilt: float = 0.0
    """Columns that a line moves to the right from the first row to the last."""

    def draw(self) -> np.ndarray:
        """The page as grey uint8 [height, width]."""
        page = np.full((self.height, self.width), 255, np.uint8)
        self._header(page)
        for (left, right), curves in zip(self.tracks, self.curves, strict=True):
            for y in np.arange(self.header, self.height, self.row_px):
                cv2.line(page, (left, round(y)), (right, round(y)), 90, 1)
            for x in (*np.arange(left, right, self.column_px), right):
                cv2.line(page, (round(x), self.header), (round(x), self.height), 90, 1)
            rows = np.arange(self.header, self.height)
            for number, middle in enumerate(curves):
                x = left + (right - left) * (middle + 0.08 * np.sin(rows / (37 + 11 * number)))
                cv2.polylines(page, [np.stack([x, rows], axis=1).round().astype(np.int32)], False, 0, 3)
        for number, y in enumerate(range(self.header + 60, self.height, 120)):
            cv2.putText(page, str(1000 + 10 * number), (306, y), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 0, 1)
        if self.tilt:
            shear = np.array([[1, self.tilt / self.height, 0], [0, 1, 0]], np.float64)
            page = cv2.warpAffine(page, shear, (self.width, self.height), borderValue=255)
        return page

    def _header(self, page: np.ndarray) -> None:
        cv2.rectangle(page, (40, 10), (720, self.header - 30), 0, 2)
        for number, y in enumerate(range(40, self.header - 40, 30)):
            cv2.putText(page, f"WELL {number} COUNTY OF ELSEWHERE 12-34", (60, y), cv2.FONT_HERSHEY_SIMPLEX, 0.7, 0, 1)

    def save(self, path: Path, *, dpi: float | None = DPI) -> Path:
        """Write the page as an image file."""
        return save(self.draw(), path, dpi=dpi)


def save(page: np.ndarray, path: Path, *, dpi: float | None = DPI) -> Path:
    Image.fromarray(page).save(path, **({"dpi": (dpi, dpi)} if dpi else {}))
    return path


def noise() -> np.ndarray:
    """A page that looks like a photo: blurred noise on a gradient."""
    rng = np.random.default_rng(0)
    fur = cv2.GaussianBlur(rng.normal(0, 400, (1200, 700)), (0, 0), 3)
    return np.clip(fur + np.linspace(40, 210, 700)[None], 0, 255).astype(np.uint8)


def wall() -> np.ndarray:
    """A page that looks like a photo of a brick wall: rows of bricks with lighter joints, texture, and shading."""
    rng = np.random.default_rng(0)
    page = np.full((1300, 800), 190.0)
    for row, top in enumerate(range(0, 1300, 52)):
        for left in range(-60 * (row % 2), 800, 120):
            page[top + 7 : top + 52, max(left, 0) + 7 : left + 120] = rng.uniform(70, 130)
    texture = cv2.GaussianBlur(rng.normal(0, 60, page.shape), (0, 0), 1.5) + rng.normal(0, 8, page.shape)
    y, x = np.mgrid[: page.shape[0], : page.shape[1]].astype(np.float32)
    bent = cv2.remap(page + texture, x + 4 * np.sin(y / 90), y + 5 * np.sin(x / 130), cv2.INTER_LINEAR)
    return np.clip(bent + np.linspace(-30, 30, 800)[None], 0, 255).astype(np.uint8)


def fur() -> np.ndarray:
    """A page that looks like a photo of an animal: hairs of all greys in one direction, on a round body."""
    rng = np.random.default_rng(0)
    page = np.full((1200, 900), 215, np.uint8)
    cv2.ellipse(page, (450, 640), (300, 430), 0, 0, 360, 120, -1)
    for _ in range(9000):
        x, y = rng.normal(450, 130), rng.normal(640, 190)
        end = x + rng.normal(6, 6), y + rng.uniform(15, 45)
        cv2.line(page, (round(x), round(y)), (round(end[0]), round(end[1])), int(rng.integers(30, 200)), 1, cv2.LINE_AA)
    for eye in (330, 570):
        cv2.circle(page, (eye, 400), 40, 20, -1, cv2.LINE_AA)
        cv2.line(page, (eye, 365), (eye, 435), 240, 6)
    return page


def text() -> np.ndarray:
    """A page of lines of text."""
    page = np.full((1400, 760), 255, np.uint8)
    for number, y in enumerate(range(60, 1360, 24)):
        words = f"{number}: the log was run from the surface to the total depth of the hole"
        cv2.putText(page, words, (40, y), cv2.FONT_HERSHEY_SIMPLEX, 0.55, 0, 1)
    return page


def curve_alone() -> np.ndarray:
    """A curve on bare paper, without a track."""
    page = np.full((1400, 760), 255, np.uint8)
    rows = np.arange(1400)
    x = 380 + 150 * np.sin(rows / 60)
    cv2.polylines(page, [np.stack([x, rows], axis=1).round().astype(np.int32)], False, 0, 3)
    return page


NO_LOGS = {
    "photo": noise,
    "photo of a wall": wall,
    "photo of an animal": fur,
    "empty": lambda: np.full((1400, 760), 255, np.uint8),
    "text": text,
    "curve alone": curve_alone,
    "black": lambda: np.zeros((1400, 760), np.uint8),
    "short": lambda: np.full((60, 300), 255, np.uint8),
}
