"""Freed memory that a process keeps."""

import os
import platform
import subprocess
import sys

import pytest

from thinline.system.kept_heap import keep_freed_memory

FAULTS = """
import resource
from thinline.system.kept_heap import keep_freed_memory
def step():
    return [bytearray(2**24) for _ in range(4)]  # 16 MiB each, 4,096 pages: all free at the end of a step
def faults():
    for _ in range(5):
        step()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        step()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
first = faults()
assert keep_freed_memory()
print(first, faults())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library has no such thresholds")
def test_the_same_pages_serve_every_step():
    """Page faults of ten steps before and after, in a process whose C library does not raise its thresholds itself."""
    environment = os.environ | {"MALLOC_MMAP_THRESHOLD_": "131072"}
    run = subprocess.run([sys.executable, "-c", FAULTS], env=environment, capture_output=True, text=True, check=True)
    before, after = (int(count) for count in run.stdout.split())
    assert after < 4_096 < 40_000 < before


def test_another_c_library_is_left_alone(monkeypatch):
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    monkeypatch.setattr("ctypes.CDLL", None)
    assert not keep_freed_memory()
