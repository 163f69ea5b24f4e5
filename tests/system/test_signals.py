import os
import signal
import threading
import time
from typing import NamedTuple

import numpy as np
import pytest

from thinline.system.numba_kernels import call, kernel
from thinline.system.signals import Killed, delayed, stoppable


def signalled(numbers, done, error=None):
    """Receive signals in a delayed block, and note which lines were reached."""
    with delayed():
        for number in numbers:
            os.kill(os.getpid(), number)
            done.append("in the block")
        if error is not None:
            raise error
    done.append("after the block")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_inside_a_delayed_block_takes_effect_at_its_end(number):
    done = []
    with stoppable(), pytest.raises(Killed) as stop:
        signalled([number], done)
    assert stop.value.signum == number
    assert done == ["in the block"]


def test_a_second_signal_ends_a_delayed_block_at_once():
    done = []
    with stoppable(), pytest.raises(Killed) as stop:
        signalled([signal.SIGINT, signal.SIGTERM], done)
    assert stop.value.signum == signal.SIGTERM
    assert done == ["in the block"]


def test_the_signal_replaces_an_error_of_the_delayed_block():
    with stoppable(), pytest.raises(Killed) as stop:
        signalled([signal.SIGINT], [], ValueError("also wrong"))
    assert isinstance(stop.value.__context__, ValueError)


def test_handlers_are_as_before_after_the_blocks():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with stoppable(), delayed():
        assert signal.getsignal(signal.SIGINT) is not before[0]
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


class Destroyed:
    """Python ignores an exception that is raised in a destructor."""

    def __del__(self) -> None:
        os.kill(os.getpid(), signal.SIGINT)


def destroy_and_wait() -> None:
    thing = Destroyed()
    del thing
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        time.sleep(0.01)


def test_a_signal_in_a_destructor_is_not_lost():
    with stoppable(), pytest.raises(Killed) as stop:
        destroy_and_wait()
    assert stop.value.signum == signal.SIGINT


def test_a_signal_inside_a_kernel_takes_effect_when_it_has_returned():
    done = []

    def compiled(number):
        os.kill(os.getpid(), number)
        done.append("the kernel has returned")

    with stoppable(), pytest.raises(Killed) as stop:
        call(compiled, signal.SIGTERM)
    assert stop.value.signum == signal.SIGTERM
    assert done == ["the kernel has returned"]
    with stoppable():
        call(len, "the next call is not stopped")


class Sums(NamedTuple):
    """A result that numba makes by calling Python, where the handler of a signal would run."""

    first: np.ndarray
    second: np.ndarray


@kernel
def slow_sums(count):
    sums = np.zeros(1)
    for number in range(count):
        sums[0] += np.sin(sums[0]) + number
    return Sums(sums, sums)


def test_a_kernel_that_makes_python_objects_ends_with_the_signal_and_no_other_error():
    """Without care numba raises "SystemError: returned a result with an exception set", or crashes."""
    call(slow_sums, 1)
    sender = threading.Timer(0.02, os.kill, (os.getpid(), signal.SIGINT))
    with stoppable(), pytest.raises(Killed):
        sums_until(sender)
    sender.join()


def sums_until(sender):
    sender.start()
    while True:
        call(slow_sums, 3_000_000)
