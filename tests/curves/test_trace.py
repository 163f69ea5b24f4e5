import numpy as np
import pytest
from curve_cases import ink, lines_as_ink, picture

from thinline.curves.trace import METHODS, ink_of, trace


@pytest.mark.parametrize("method", METHODS)
def test_every_method_finds_two_plain_lines(method):
    x = np.array([np.full(30, 6.0), np.full(30, 20.0)])
    curves = trace(lines_as_ink(x, 32), px_per_mm=4.0, method=method)
    np.testing.assert_allclose([curve.x_px for curve in curves], x)
    assert all(((curve.confidence > 0) == curve.traced).all() for curve in curves)


def test_a_class_map_as_ink():
    ids = picture("12.\n.21")
    ids[0, 2] = 255
    np.testing.assert_array_equal(ink_of(ids, curves=2), ink("12.\n.21"))


def test_an_unknown_method_is_refused():
    with pytest.raises(ValueError, match="viterbi, centroid, edge_follower, got 'snake'"):
        trace(ink("1."), px_per_mm=4.0, method="snake")
