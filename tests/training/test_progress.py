"""The progress of a training: a bar that fits the terminal, or lines with elapsed and remaining time."""

import io
import math
import re
from types import SimpleNamespace

import pytest
from rich.console import Console

from thinline.training.progress import ClassProgress

TASK = SimpleNamespace(
    latest_loss=0.25, classes=("background", "curve_1", "curve_2"), numbers={"val/iou/curve_1": 0.5, "val/iou/x": 1.0}
)


LONG = "217/300 tversky_ce/sigmoid_stack/effective_number(beta=0.9999)/s4"


def trainer(step=3, steps=6, **values):
    return SimpleNamespace(**{"global_step": step, "max_steps": steps, "is_global_zero": True} | values)


def progress(title="1/3 dice", *, times=(0.0, 30.0, 60.0), width=120, terminal=False):
    """A callback whose clock shows `times` one after the other, and the text that it writes."""
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=terminal, markup=False, highlight=False)
    return ClassProgress(title, console=console, clock=iter(times).__next__), out


def last_bar(out):
    """The last bar that was drawn, without control codes."""
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", out.getvalue())
    return [line for line in re.split(r"[\r\n]+", text) if line.strip()][-1]


def test_without_a_terminal_progress_is_a_line_after_each_validation_with_both_times():
    bar, out = progress()
    bar.on_train_start(trainer(0), TASK)
    bar.on_train_batch_end(trainer(), TASK, None, None, 0)
    bar.on_train_epoch_end(trainer(), TASK)
    bar.on_train_end(trainer(), TASK)
    times = "0:00:30 elapsed, 0:01:00 left"  # the clock is read twice: 3 steps in 30 s, then the others in 60 s
    assert out.getvalue() == f"1/3 dice  step 3/6  {times}  loss 0.250  IoU curve_1 0.500  IoU curve_2 -\n"


def test_the_time_left_of_a_resumed_run_comes_from_the_steps_of_this_process():
    bar, out = progress(times=(100.0, 110.0, 110.0))
    bar.on_train_start(trainer(500, 600), TASK)
    bar.on_train_epoch_end(trainer(510, 600), TASK)
    assert "step 510/600  0:00:10 elapsed, 0:01:30 left" in out.getvalue()  # 90 steps, one a second


def test_a_resumed_run_prints_no_loss_before_its_first_step():
    bar, out = progress()
    resumed = SimpleNamespace(**vars(TASK) | {"latest_loss": math.nan})
    bar.on_train_start(trainer(), resumed)
    bar.on_train_epoch_end(trainer(), resumed)
    assert out.getvalue() == ""


@pytest.mark.parametrize(
    ("title", "width", "scores"),
    [
        ("1/3 dice", 120, "loss 0.250  IoU curve_1 0.500  IoU curve_2 -"),
        ("1/3 dice", 80, "loss 0.250  IoU curve_1 0.500  IoU curve_2 -"),
        ("1/3 dice", 60, "loss 0.250  IoU 0.500 -"),
        ("1/3 dice", 40, "los…"),
        (LONG, 120, "loss 0.250  IoU curve_1 0.500  IoU curve_2 -"),
        (LONG, 80, "loss 0.250  IoU 0.500 -"),
        (LONG, 50, "loss 0.25…"),
    ],
)
def test_bar_steps_and_time_left_are_there_at_every_width(title, width, scores):
    bar, out = progress(title, width=width, terminal=True)
    bar.on_train_start(trainer(0, 600), TASK)
    bar.on_train_batch_end(trainer(200, 600), TASK, None, None, 0)
    bar.on_exception(trainer(200, 600), TASK, RuntimeError())
    assert bar.bar is None
    line = last_bar(out)
    assert len(line.rstrip()) <= width
    assert line.startswith(title[: width // 4 - 1])
    assert "━" * 3 in line
    assert "200/600 0:01:00" in line  # 200 steps in 30 s, 400 to go
    assert line.rstrip().endswith(f" {scores}")


def test_many_classes_do_not_push_the_bar_off_the_line():
    many = SimpleNamespace(latest_loss=0.25, numbers={}, classes=("background", *(f"curve_{k}" for k in range(30))))
    bar, out = progress(width=80, terminal=True)
    bar.on_train_start(trainer(0), many)
    bar.on_train_batch_end(trainer(), many, None, None, 0)
    bar.on_train_end(trainer(), many)
    assert last_bar(out).rstrip().endswith("…")
    assert "3/6 0:00:30" in last_bar(out)


def test_only_the_first_process_prints():
    for terminal in (True, False):
        bar, out = progress(terminal=terminal)
        second = trainer(is_global_zero=False)
        bar.on_train_start(second, TASK)
        bar.on_train_batch_end(second, TASK, None, None, 0)
        bar.on_train_epoch_end(second, TASK)
        bar.on_train_end(second, TASK)
        assert out.getvalue() == ""
