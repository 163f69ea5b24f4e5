"""Judged here and judged in other processes is the same."""

import pickle

import numpy as np
import pytest

from thinline.config.schema import checked, compose_config
from thinline.curves.trace import ink_of
from thinline.heads import Softmax
from thinline.metrics.structure.sheet_rates import rates_of_sheets
from thinline.pipeline.scorer import scorer_of
from thinline.pipeline.sheets import plan_sheets, render_sheets
from thinline.training import scoring_workers
from thinline.training.scoring_workers import ScoringWorkers
from thinline.vocabulary import LOG_CLASSES


class Scold:
    """A judge that refuses sheet 1."""

    px_per_mm = None

    def __call__(self, index, labels, ink):
        if index == 1:
            raise ValueError("sheet 1 is torn")
        return index * 10


@pytest.fixture(scope="module")
def judge(tmp_path_factory):
    from rich.console import Console

    store = tmp_path_factory.mktemp("judges")
    conf = checked(compose_config(["budget=smoke", f"paths.store={store}"]))
    planned = plan_sheets(conf)
    sheets = render_sheets(planned, conf, console=Console(quiet=True)).test
    return scorer_of(conf, planned.splits.test.specs, sheets, Softmax(LOG_CLASSES))


def answers(judge):
    for index in range(len(judge.sheets)):
        labels = np.array(judge.sheets.labels[index])
        labels[: 10 * index] = 0
        yield index, labels, ink_of(labels, curves=2)


def test_two_processes_say_what_one_says(judge):
    with ScoringWorkers(judge) as here, ScoringWorkers(judge, processes=2) as there:
        for answer in answers(judge):
            here.put(*answer)
            there.put(*answer)
        mine, theirs = here.taken(), there.taken()
    assert sorted(mine) == sorted(theirs) == [0, 1, 2]
    for index, one in mine.items():
        expected = rates_of_sheets([one], px_per_mm=4.0)
        for name, values in rates_of_sheets([theirs[index]], px_per_mm=4.0).items():
            np.testing.assert_array_equal(values, expected[name])


def test_a_judge_travels_without_what_it_has_read(judge):
    judge.truth(0)
    assert not pickle.loads(pickle.dumps(judge)).known


def test_no_more_than_so_many_wait_and_what_a_judge_raises_is_raised(monkeypatch):
    monkeypatch.setattr(scoring_workers, "WAITING", 2)
    with ScoringWorkers(Scold(), processes=1) as there:
        for index in (0, 2, 3, 4, 5):
            there.put(index, np.zeros((1, 1), np.uint8), np.zeros((1, 1, 1), np.float32))
            assert len(there.waiting) <= 2
        assert there.taken() == {index: 10 * index for index in (0, 2, 3, 4, 5)}
        there.clear()
        assert there.taken() == {}
        there.put(1, np.zeros((1, 1), np.uint8), np.zeros((1, 1, 1), np.float32))
        with pytest.raises(ValueError, match="sheet 1 is torn"):
            there.taken()


def test_what_a_judge_raises_here_is_raised():
    with pytest.raises(ValueError, match="sheet 1 is torn"), ScoringWorkers(Scold()) as here:
        here.put(1, np.zeros((1, 1), np.uint8), np.zeros((1, 1, 1), np.float32))
