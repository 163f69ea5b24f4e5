"""Two processes compute the loss and the gradient of one process with the whole batch."""

import torch
from two_ranks import LOSSES

from thinline.training.distributed import processes


def test_two_processes_take_the_same_steps_as_one(two_ranks):
    alone = torch.load(two_ranks / "alone.pt")
    assert tuple(alone) == LOSSES
    assert processes() == 1
    for rank in (0, 1):
        together = torch.load(two_ranks / f"rank{rank}.pt")["steps"]
        for name, (loss, grads) in alone.items():
            assert abs(together[name][0] - loss) < 1e-6 * abs(loss), name
            for ours, theirs in zip(together[name][1], grads, strict=True):
                torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-7)
