import os
import signal
import time

import pytest

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
