"""The N paths of least total cost through the fragments of a track, from its first row to its last.

Method
    A path is a chain of fragments and links. Between fragments it may also be *nowhere*, at GAP for each row and half
    of JUMP for each step to or from there. All N paths start and end there, above the first and below the last row.

        fragment        sum over its rows of -INK * s - log(max(s, BLIND)), where s is the strength of the run
        shared          each further path on a fragment pays SHARE for each row instead of its evidence. Two curves may
                        so touch and cross, but a second curve rather follows ink of its own
        link            links.py

    The minimum over all sets of N paths is a flow of least cost in a graph with N units, found by N shortest paths in
    the graph of what is left (Dijkstra's algorithm with potentials). The paths have no names: where two of them share a
    fragment, naming.py decides which one leaves it on which side.

References
    Berclaz, Fleuret, Türetken, Fua, "Multiple object tracking using k-shortest paths optimization", IEEE Trans. Pattern
    Anal. Mach. Intell. 33(9), 2011.
    Ahuja, Magnanti, Orlin, "Network flows", 1993, chapter 9.7 (successive shortest paths).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from thinline.curves.many.fragments import Fragments
from thinline.curves.many.links import GAP, JUMP, Links, fixed
from thinline.curves.many.runs import Runs
from thinline.system.numba_kernels import call, kernel
from thinline.vocabulary import Float64, Int64

INK: Final = 3.0
BLIND: Final = 0.01
SHARE: Final = 0.7
NOWHERE: Final = -1
"""Stands for a stretch without a fragment in a path."""


def costs_of(runs: Runs, fragments: Fragments) -> Float64:
    """Cost of each fragment for one path, float64 [F]."""
    strength = runs.strength[fragments.order].astype(np.float64)
    rows = -INK * strength - np.log(np.maximum(strength, BLIND))
    return np.add.reduceat(rows, fragments.first[:-1]) if len(fragments) else np.zeros(0)


def cheapest_paths(runs: Runs, fragments: Fragments, links: Links, *, curves: int, px_per_mm: float) -> list[Int64]:
    """Each of `curves` paths as its steps, int64 [n,2]: a fragment, and the link to it (NOWHERE: not by a link)."""
    rows, cost = runs.rows, costs_of(runs, fragments)
    number = len(fragments)
    if not number:
        return [np.zeros((0, 2), np.int64) for _ in range(curves)]
    tail, head, price, room = _arcs(fragments, cost, links, rows=rows, curves=curves, px_per_mm=px_per_mm)
    both = np.concatenate([tail, head])
    by_node = np.argsort(both, kind="stable")
    start = np.searchsorted(both[by_node], np.arange(2 * number + rows + 2))
    flow = np.zeros(len(tail), np.int64)
    nodes = 2 * number + rows + 1
    source, sink = 2 * number, nodes - 1
    call(_send, (tail, head, price, room), (start, by_node), _levels(fragments, rows), (source, sink, curves), flow)
    on_link = flow[2 * number : 2 * number + len(links.cost)]
    onto = flow[2 * number + len(links.cost) : 3 * number + len(links.cost)]
    pieces = _taken_apart(fragments, links, on_link, onto)
    return _packed(fragments, runs.x[fragments.ends].astype(np.float64), pieces, curves)


def _arcs(
    fragments: Fragments, cost: Float64, links: Links, *, rows: int, curves: int, px_per_mm: float
) -> tuple[Int64, Int64, Float64, Int64]:
    """Arcs of the graph: tail, head, cost and capacity.

    Nodes: 2f and 2f+1 are the begin and the end of fragment f, 2F+r is nowhere above row r. Arcs in this order:
    fragments once, fragments again, links, from nowhere to each fragment, from each fragment to nowhere, along nowhere.
    """
    number = len(fragments)
    begin, end, nowhere = 2 * np.arange(number), 2 * np.arange(number) + 1, 2 * number + np.arange(rows + 1)
    length = fragments.bottom - fragments.top + 1
    half = np.full(number, 0.5 * fixed(JUMP, px_per_mm))
    tail = np.concatenate([begin, begin, 2 * links.ends[:, 0] + 1, nowhere[fragments.top], end, nowhere[:-1]])
    head = np.concatenate([end, end, 2 * links.ends[:, 1], begin, nowhere[fragments.bottom + 1], nowhere[1:]])
    price = np.concatenate([cost, np.maximum(SHARE * length, cost), links.cost, half, half, np.full(rows, GAP)])
    room = np.full(len(tail), curves)
    room[:number], room[number : 2 * number] = 1, curves - 1
    return tail, head, price, room


def _levels(fragments: Fragments, rows: int) -> Int64:
    """The nodes in an order in which most arcs lead forward."""
    key = np.concatenate(
        [np.stack([2 * fragments.top + 1, 2 * fragments.bottom + 1], 1).ravel(), 2 * np.arange(rows + 1)]
    )
    return np.argsort(key, kind="stable")


@kernel
def _send(arcs, index, levels, ends, flow):  # type: ignore[no-untyped-def]
    """Send units from the source to the sink along shortest paths; `flow` of each arc is the result."""
    tail, head, price, room = arcs
    start, by_node = index
    source, sink, units = ends
    nodes, number = len(levels), len(tail)
    potential = np.full(nodes, np.inf)
    potential[source] = 0.0
    level_of = np.empty(nodes, np.int64)
    level_of[levels] = np.arange(nodes)
    level = 0
    while level < nodes:  # few arcs lead back to an earlier level, and only by a few rows
        node = levels[level]
        level += 1
        if np.isinf(potential[node]):
            continue
        for i in range(start[node], start[node + 1]):
            arc = by_node[i]
            if arc < number and room[arc] > 0 and potential[node] + price[arc] < potential[head[arc]] - 1e-9:
                potential[head[arc]] = potential[node] + price[arc]
                level = min(level, level_of[head[arc]])
    distance, came = np.empty(nodes), np.empty(nodes, np.int64)
    keys, items = np.empty(2 * number + 8), np.empty(2 * number + 8, np.int64)
    for _ in range(units):
        distance[:] = np.inf
        came[:] = -1
        distance[source] = 0.0
        size = _push(keys, items, 0, 0.0, source)
        while size:
            so_far, node = keys[0], items[0]
            size = _pop(keys, items, size)
            if so_far > distance[node]:
                continue
            for i in range(start[node], start[node + 1]):
                arc = by_node[i]
                back = arc >= number
                arc -= number if back else 0
                if (flow[arc] <= 0) if back else (flow[arc] >= room[arc]):
                    continue
                other = tail[arc] if back else head[arc]
                if np.isinf(potential[other]):
                    continue
                step = (-price[arc] if back else price[arc]) + potential[node] - potential[other]
                reach = so_far + max(step, 0.0)
                if reach < distance[other] - 1e-9:
                    distance[other], came[other] = reach, i
                    size = _push(keys, items, size, reach, other)
        for node in range(nodes):
            potential[node] += min(distance[node], distance[sink])
        node = sink
        while node != source:
            arc = by_node[came[node]]
            if arc >= number:
                flow[arc - number] -= 1
                node = head[arc - number]
            else:
                flow[arc] += 1
                node = tail[arc]


@kernel
def _push(keys, items, size, key, item):  # type: ignore[no-untyped-def]
    """Add to a binary heap; returns its new size."""
    at = size
    while at > 0 and keys[(at - 1) // 2] > key:
        keys[at], items[at] = keys[(at - 1) // 2], items[(at - 1) // 2]
        at = (at - 1) // 2
    keys[at], items[at] = key, item
    return size + 1


@kernel
def _pop(keys, items, size):  # type: ignore[no-untyped-def]
    """Remove the least of a binary heap; returns its new size."""
    size -= 1
    key, item, at = keys[size], items[size], 0
    while 2 * at + 1 < size:
        child = 2 * at + 1
        if child + 1 < size and keys[child + 1] < keys[child]:
            child += 1
        if keys[child] >= key:
            break
        keys[at], items[at] = keys[child], items[child]
        at = child
    keys[at], items[at] = key, item
    return size


def _taken_apart(fragments: Fragments, links: Links, on_link: Int64, onto: Int64) -> list[list[tuple[int, int]]]:
    """The pieces of the paths between nowhere and nowhere, from units on each link and units entering each fragment."""
    used = np.flatnonzero(on_link)
    onward: dict[int, list[int]] = {}
    for link in used[np.argsort(links.cost[used], kind="stable")][::-1]:
        onward.setdefault(int(links.ends[link, 0]), []).extend([int(link)] * int(on_link[link]))
    pieces = []
    for fragment in np.repeat(np.arange(len(fragments)), onto):
        piece, here = [(int(fragment), NOWHERE)], int(fragment)
        while onward.get(here):
            link = onward[here].pop()
            here = int(links.ends[link, 1])
            piece.append((here, link))
        pieces.append(piece)
    return pieces


def _packed(fragments: Fragments, x: Float64, pieces: list[list[tuple[int, int]]], curves: int) -> list[Int64]:
    """Pieces put on `curves` paths: each on the free path that ended nearest to its `x [F,2]`."""
    paths: list[list[tuple[int, int]]] = [[] for _ in range(curves)]
    for piece in pieces:  # in the order of their first rows
        top, at = fragments.top[piece[0][0]], x[piece[0][0], 0]
        free = [path for path in paths if not path or fragments.bottom[path[-1][0]] < top]
        away = [abs(x[path[-1][0], 1] - at) if path else np.inf for path in free]
        free[int(np.argmin(away))].extend(piece)
    return [np.array(path, np.int64).reshape(-1, 2) for path in paths]
