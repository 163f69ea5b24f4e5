"""The machine that a bench ran on: processor, threads, kernels of the BLAS, versions, and what others did meanwhile."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path

PACKAGES = (
    "thinline",
    "torch",
    "numpy",
    "numba",
    "opencv-python",
    "scipy",
    "scikit-image",
    "pytorch-lightning",
    "mlflow",
    "torchmetrics",
    "monai",
    "segmentation-models-pytorch",
    "exacta",
)
LEVELS = {
    4: "avx512f avx512bw avx512cd avx512dq avx512vl",
    3: "avx avx2 bmi1 bmi2 f16c fma abm movbe xsave",
    2: "cx16 lahf_lm popcnt pni sse4_1 sse4_2 ssse3",
}
"""Flags of /proc/cpuinfo that the levels of the x86-64 ABI ask for, beyond those of the levels below."""

BF16_FLAGS = ("avx512_bf16", "amx_bf16", "amx_int8")
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "OPENCV_FOR_THREADS_NUM",
)
"""Read by the libraries when they are loaded."""


def limit_threads(threads: int) -> None:
    """Hold the libraries with a setter of their own to `threads`; the others read `THREAD_VARIABLES`."""
    import cv2
    import torch

    cv2.setNumThreads(threads)
    torch.set_num_threads(threads)


def describe(processor: str, cores: int) -> str:
    """One line: processor, its level, cores, threads of each library, and the kernels of the BLAS libraries loaded."""
    import cv2
    import numba
    import torch
    from threadpoolctl import threadpool_info

    flags = ", ".join([level_of(processor), *(flag for flag in BF16_FLAGS if flag in processor.split())])
    threads = f"torch {torch.get_num_threads()}, numba {numba.get_num_threads()}, OpenCV {cv2.getNumThreads()}"
    blas = {
        f"{pool['internal_api']} {pool['version']} {pool.get('architecture', 'unknown')}"
        for pool in threadpool_info()
        if pool["user_api"] == "blas"
    }
    mkl = "MKL " if torch.backends.mkl.is_available() else ""  # linked into torch, so threadpoolctl does not see it
    kernels = ", ".join([*sorted(blas), f"torch {mkl}{torch.backends.cpu.get_cpu_capability()}"])
    return f"{name_of(processor)}, {flags}, {cores} cores; threads: {threads}; BLAS kernels: {kernels}"


def cpuinfo() -> str:
    """The content of /proc/cpuinfo, or a stand-in where the system has none."""
    path = Path("/proc/cpuinfo")
    return path.read_text() if path.exists() else f"model name: {platform.processor() or platform.machine()}\n"


def name_of(processor: str) -> str:
    """The model name of the first processor of `cpuinfo()`."""
    lines = (line.partition(":") for line in processor.splitlines())
    return next((value.strip() for key, _, value in lines if key.strip() == "model name"), platform.machine())


def level_of(processor: str) -> str:
    """`x86-64-v4` and so on by the flags of `cpuinfo()`; the architecture where it lists none of them."""
    lines = (line.partition(":") for line in processor.splitlines())
    flags = next((set(value.split()) for key, _, value in lines if key.strip() == "flags"), set())
    reached = 1
    for level in sorted(LEVELS):
        if not flags.issuperset(LEVELS[level].split()):
            break
        reached = level
    return f"x86-64-v{reached}" if flags else platform.machine()


def cores() -> set[int]:
    """The numbers of the cores that this process may use."""
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))


class Watch:
    """How many of our cores other processes kept busy since the last question, on average.

    Busy time of our cores, stolen time of a virtual machine included, less that of this process and its descendants.
    The kernel counts in ticks of 10 ms: below half a second the answer is rough.
    """

    def __init__(self, root: Path = Path("/proc")) -> None:
        self._root = root
        self._last = self._now()

    def others(self) -> float | None:
        """Cores; None where the system has no /proc/stat."""
        before, self._last = self._last, self._now()
        if before is None or self._last is None:
            return None
        seconds, busy, own = (now - then for now, then in zip(self._last, before, strict=True))
        ticks = os.sysconf("SC_CLK_TCK")
        return max(0.0, (busy - own) / ticks / max(seconds, 1 / ticks))

    def _now(self) -> tuple[float, int, int] | None:
        """The clock, busy ticks of our cores, ticks of our processes."""
        if not (self._root / "stat").exists():
            return None
        busy = busy_ticks((self._root / "stat").read_text(), cores())
        return time.perf_counter(), busy, own_ticks(self._root, os.getpid())


def busy_ticks(stat: str, numbers: set[int]) -> int:
    """The ticks of /proc/stat that the cores of these numbers were neither idle nor waiting for a disk."""
    busy = 0
    for line in stat.splitlines():
        name, *fields = line.split()
        if name.startswith("cpu") and name != "cpu" and int(name[3:]) in numbers:
            user, nice, system, _, _, irq, soft, *steal = (int(field) for field in fields)
            busy += user + nice + system + irq + soft + sum(steal[:1])
    return busy


def own_ticks(root: Path, process: int) -> int:
    """The ticks of a process, of its descendants, and of those that have ended and were waited for."""
    parents, ticks = {}, {}
    for path in root.glob("[0-9]*/stat"):
        try:
            text = path.read_text()
        except OSError:  # it has ended
            continue
        fields = text.rpartition(")")[2].split()  # the name in brackets may hold spaces
        number = int(path.parent.name)
        parents[number] = int(fields[1])
        ticks[number] = sum(int(field) for field in fields[11:15])
    family, generation = {process}, {process}
    while generation:
        generation = {number for number, parent in parents.items() if parent in generation} - family
        family |= generation
    return sum(ticks.get(number, 0) for number in family)
