import math

import pytest
import torch

from hairline.training.run import Machine, precision_of
from hairline.training.task import Schedule


def schedule(**changes):
    given = {
        "steps": 100,
        "learning_rate": 1.0,
        "weight_decay": 0.0,
        "betas": (0.9, 0.999),
        "warmup_steps": 10,
        "clip_norm": 1.0,
    }
    return Schedule(**given | changes)


def test_the_rate_warms_up_linearly_and_falls_as_a_cosine():
    factors = [schedule().factor(step) for step in range(101)]
    assert factors[:10] == pytest.approx([(k + 1) / 10 for k in range(10)])
    assert factors[55] == pytest.approx(0.5)  # half-way of the 90 steps after the warm-up
    assert factors[100] == pytest.approx(0.0, abs=1e-12)
    assert factors[10:] == sorted(factors[10:], reverse=True)


def test_the_rate_is_that_of_torch():
    """torch's own LinearLR and CosineAnnealingLR, chained."""
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    warm = torch.optim.lr_scheduler.LinearLR(optimiser, start_factor=0.1, end_factor=1.0, total_iters=9)
    fall = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=90)
    both = torch.optim.lr_scheduler.SequentialLR(optimiser, [warm, fall], milestones=[10])
    for step in range(100):
        assert schedule().factor(step) == pytest.approx(optimiser.param_groups[0]["lr"], abs=1e-9)
        optimiser.step()
        both.step()


def test_a_schedule_without_warm_up_starts_at_the_top():
    assert schedule(warmup_steps=0).factor(0) == 1.0
    assert math.isfinite(schedule(steps=10, warmup_steps=10).factor(10))


def test_precision_words():
    def machine(word):
        return Machine("cpu", 1, word, True, False)

    assert precision_of(machine("fp32")) == "32-true"
    assert precision_of(machine("bf16")) == "bf16-mixed"
    assert precision_of(machine("auto")) in ("32-true", "bf16-mixed")
    with pytest.raises(ValueError, match="half"):
        precision_of(machine("half"))
