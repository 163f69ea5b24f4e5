import os
import platform
import subprocess
import sys

import pytest

from thinline.training.allocator import keep_freed_memory

FAULTS = """
import resource, sys
import torch
from thinline.training.allocator import keep_freed_memory
if sys.argv[1] == "kept":
    assert keep_freed_memory()
def step():
    return [torch.ones(2**22) for _ in range(4)]  # 16 MiB each, 4,096 pages: all free at the end of a step
for _ in range(30):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how):
    """Of a process whose C library begins at its smallest threshold and does not raise it by itself."""
    environment = os.environ | {"MALLOC_MMAP_THRESHOLD_": "131072"}
    command = [sys.executable, "-c", FAULTS, how]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return int(run.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library has no such thresholds")
def test_pages_serve_step_after_step():
    assert faults("kept") < 4_096 < 40_000 < faults("not")


def test_another_c_library_is_left_alone(monkeypatch):
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    monkeypatch.setattr("ctypes.CDLL", None)
    assert not keep_freed_memory()
