import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from thinline.curves.many.fragments import fragments_of
from thinline.curves.many.links import GAP, JUMP, Links, links_of
from thinline.curves.many.paths import NOWHERE, SHARE, cheapest_paths, costs_of
from thinline.curves.many.runs import runs_of


def graph(ink, *, wraps):
    """Runs, fragments, and links of a small map."""
    height, width = ink.shape
    runs = runs_of(ink, None, None, left=np.zeros(height), right=np.full(height, width - 1.0))
    at_edge = np.stack([runs.low == 0, runs.high == width - 1], axis=1) & wraps
    fragments = fragments_of(runs, at_edge, px_per_mm=4.0)
    edges = np.full((len(fragments), 2, 2), np.nan)
    if wraps:
        edges[:] = [0, width - 1]
    return runs, fragments, links_of(runs, fragments, edges, np.full(len(fragments), np.nan), px_per_mm=4.0)


def price(fragments, cost, links, paths, rows):
    """Total cost of paths [(fragment, link), ...] by the definition."""
    total, used = 0.0, {}
    for path in paths:
        row = 0
        for fragment, link in path:
            if link == NOWHERE:
                total += GAP * (fragments.top[fragment] - row) + JUMP / 2 + (JUMP / 2 if row else 0)
            else:
                total += links.cost[link]
            used[fragment] = used.get(fragment, 0) + 1
            row = fragments.bottom[fragment] + 1
        total += GAP * (rows - row) + (JUMP / 2 if path else 0)
    for fragment, times in used.items():
        length = fragments.bottom[fragment] - fragments.top[fragment] + 1
        total += cost[fragment] + (times - 1) * max(SHARE * length, cost[fragment])
    return total


def all_paths(fragments, links):
    """Every path of one curve."""

    def onward(path):
        yield path
        last = path[-1][0] if path else None
        for link, (start, end) in enumerate(links.ends.tolist()):
            if start == last:
                yield from onward([*path, (end, link)])
        for fragment in range(len(fragments)):
            if last is None or fragments.top[fragment] > fragments.bottom[last]:
                yield from onward([*path, (fragment, NOWHERE)])

    return list(onward([]))


@settings(max_examples=60, deadline=None)
@given(
    arrays.arrays(
        np.uint8, st.tuples(st.integers(1, 6), st.integers(3, 9)), elements=st.sampled_from([0, 0, 0, 90, 255])
    ),
    st.booleans(),
)
def test_the_paths_are_the_cheapest_of_all_pairs(ink, wraps):
    runs, fragments, links = graph(ink, wraps=wraps)
    if len(fragments) > 7:
        ink[len(ink) // 2 :] = 0
        runs, fragments, links = graph(ink, wraps=wraps)
    every = all_paths(fragments, links)
    if len(every) > 250:
        return
    cost = costs_of(runs, fragments)
    least = min(
        price(fragments, cost, links, pair, runs.rows) for pair in itertools.combinations_with_replacement(every, 2)
    )
    paths = cheapest_paths(runs, fragments, links, curves=2, px_per_mm=4.0)
    if not len(fragments):
        assert [len(path) for path in paths] == [0, 0]
    else:
        assert price(fragments, cost, links, [path.tolist() for path in paths], runs.rows) == pytest.approx(least)


def test_a_path_is_ordered_and_uses_links_between_its_own_fragments():
    rng = np.random.default_rng(5)
    ink = (rng.random((60, 40)) < 0.1).astype(np.uint8) * 255
    runs, fragments, links = graph(ink, wraps=True)
    for path in cheapest_paths(runs, fragments, links, curves=3, px_per_mm=4.0):
        for (before, _), (after, link) in itertools.pairwise(path.tolist()):
            if link == NOWHERE:
                assert fragments.top[after] > fragments.bottom[before]
            else:
                assert links.ends[link].tolist() == [before, after]
            assert fragments.bottom[after] > fragments.bottom[before]


def test_a_second_path_takes_free_ink_rather_than_sharing():
    ink = np.zeros((30, 30), np.uint8)
    ink[:, 5] = ink[:, 20] = 255
    runs, fragments, links = graph(ink, wraps=False)
    paths = cheapest_paths(runs, fragments, links, curves=2, px_per_mm=4.0)
    assert sorted(path[:, 0].tolist() for path in paths) == [[0], [1]]


def test_links_are_limited_in_number_and_point_down():
    rng = np.random.default_rng(2)
    ink = (rng.random((80, 60)) < 0.08).astype(np.uint8) * 255
    _, fragments, links = graph(ink, wraps=False)
    assert isinstance(links, Links)
    assert (fragments.bottom[links.ends[:, 1]] > fragments.bottom[links.ends[:, 0]]).all()
    for side in range(2):
        assert np.bincount(links.ends[:, side]).max() <= 6
