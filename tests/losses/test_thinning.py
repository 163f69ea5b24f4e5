import cv2
import numpy as np
import pytest
from drawn_sheets import draw
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from thinline.losses.thinning import thinned

masks = arrays(bool, st.tuples(st.integers(1, 14), st.integers(1, 14)))


def by_pixel(mask: np.ndarray) -> np.ndarray:
    """Guo and Hall's algorithm A1 with its conditions written out, pixel after pixel."""
    image = np.pad(mask, 1)
    changed = True
    while changed:
        changed = False
        for odd in (True, False):
            gone = []
            for r, c in np.argwhere(image):
                p2, p3, p4 = image[r - 1, c], image[r - 1, c + 1], image[r, c + 1]
                p5, p6, p7 = image[r + 1, c + 1], image[r + 1, c], image[r + 1, c - 1]
                p8, p9 = image[r, c - 1], image[r - 1, c - 1]
                pieces = sum(
                    not side and (corner or following)
                    for side, corner, following in ((p2, p3, p4), (p4, p5, p6), (p6, p7, p8), (p8, p9, p2))
                )
                one = sum((p9 or p2, p3 or p4, p5 or p6, p7 or p8))
                two = sum((p2 or p3, p4 or p5, p6 or p7, p8 or p9))
                held = ((p6 or p7 or not p9) and p8) if odd else ((p2 or p3 or not p5) and p4)
                if pieces == 1 and 2 <= min(one, two) <= 3 and not held:
                    gone.append((r, c))
            for pixel in gone:
                image[pixel] = False
                changed = True
    return image[1:-1, 1:-1]


def pieces(mask: np.ndarray) -> int:
    return cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)[0] - 1


@given(masks)
@settings(max_examples=60, deadline=None)
def test_is_the_method_of_guo_and_hall(mask) -> None:
    np.testing.assert_array_equal(thinned(mask), by_pixel(mask))


@given(masks)
@settings(deadline=None)
def test_the_skeleton_lies_inside_has_the_same_pieces_and_is_its_own_skeleton(mask) -> None:
    skeleton = thinned(mask)
    assert not (skeleton & ~mask).any()
    assert pieces(skeleton) == pieces(mask)
    np.testing.assert_array_equal(thinned(skeleton), skeleton)


@pytest.mark.parametrize("thickness", [1, 2, 3, 5])
@pytest.mark.parametrize("end", [(40, 10), (10, 40), (40, 40), (40, 25)])
def test_a_stroke_of_any_pen_becomes_one_line(thickness: int, end) -> None:
    mask = cv2.line(np.zeros((50, 50), np.uint8), (10, 10), end, 1, thickness) > 0
    skeleton = thinned(mask)
    length = max(abs(end[0] - 10), abs(end[1] - 10))
    assert pieces(skeleton) == 1
    assert length - thickness <= skeleton.sum() <= 1.3 * length + thickness


def test_a_square_of_four_pixels_does_not_vanish() -> None:
    assert thinned(draw(".... .11. .11. ....").strokes[0, 0].numpy()).sum() in (1, 2)
