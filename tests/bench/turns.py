"""Jobs timed in turns, in one process: what disturbs one of them disturbs the others as well."""

from __future__ import annotations

import time
from collections.abc import Callable


def seconds_in_turns(jobs: list[Callable[[], object]], *, repeats: int) -> list[list[float]]:
    """Seconds of each repetition of each job, after one that does not count."""
    taken: list[list[float]] = [[] for _ in jobs]
    for job in jobs:
        job()
    for _ in range(repeats):
        for times, job in zip(taken, jobs, strict=True):
            start = time.perf_counter()
            job()
            times.append(time.perf_counter() - start)
    return taken
