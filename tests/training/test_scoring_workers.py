"""Sheets scored in the training process and in other processes."""

import pickle

import numpy as np
import pytest

from thinline.curves.trace import ink_of
from thinline.metrics.structure.sheet_rates import rates_of_sheets
from thinline.training import scoring_workers
from thinline.training.scoring_workers import Prediction, ScoringWorkers
from thinline.vocabulary import LOG_CLASSES

NOTHING = Prediction(*[np.zeros((1, 1), np.uint8)] * 4)


class Refusing:
    """A scorer that refuses sheet 1."""

    px_per_mm = None

    def __call__(self, index, prediction):
        if index == 1:
            raise ValueError("sheet 1 is torn")
        return index * 10


@pytest.fixture(scope="module")
def scorer(tmp_path_factory):
    # imported here, so that the processes of the other tests start quickly
    from rich.console import Console

    from thinline.config.schema import checked, compose_config
    from thinline.heads import Softmax
    from thinline.pipeline.scorer import scorer_of
    from thinline.pipeline.sheets import plan_sheets, render_sheets

    store = tmp_path_factory.mktemp("scoring")
    conf = checked(compose_config(["budget=smoke", f"paths.store={store}"]))
    planned = plan_sheets(conf)
    sheets = render_sheets(planned, conf, console=Console(quiet=True)).test
    return scorer_of(conf, planned.splits.test.specs, sheets, Softmax(LOG_CLASSES))


def test_another_process_gives_the_same_scores_and_a_scorer_is_pickled_without_its_truth(scorer):
    with ScoringWorkers(scorer) as here, ScoringWorkers(scorer, processes=1) as there:
        for index, (truth, _) in enumerate(scorer.truths()):
            labels = np.array(truth.labels)
            labels[: 10 * index] = 0
            prediction = Prediction(labels, ink_of(labels, curves=2), truth.labels, truth.strokes)
            here.put(index, prediction)
            there.put(index, prediction)
        mine, theirs = here.scores(), there.scores()
    assert sorted(mine) == sorted(theirs) == [0, 1, 2]
    for index, scores in mine.items():
        expected = rates_of_sheets([scores], px_per_mm=4.0)
        for name, values in rates_of_sheets([theirs[index]], px_per_mm=4.0).items():
            np.testing.assert_array_equal(values, expected[name])
    assert scorer.known
    assert not pickle.loads(pickle.dumps(scorer)).known


def test_maps_pass_through_shared_memory(monkeypatch):
    rng = np.random.default_rng(0)
    labels, truth = rng.integers(0, 3, (2, 5, 7), dtype=np.uint8)
    strokes = np.stack([truth == 1, truth == 2])[:, ::-1]  # not contiguous
    with ScoringWorkers(Refusing()) as workers:
        for ink in (None, rng.random((2, 5, 7), dtype=np.float32)):
            prediction = Prediction(labels, ink, truth, strokes)
            memory = workers._memory(sum(array.nbytes for array in prediction if array is not None))
            read = scoring_workers._read(memory, scoring_workers._write(prediction, memory))
            for before, after in zip(prediction, read, strict=True):
                assert after is None if before is None else (after.dtype == before.dtype)
                np.testing.assert_array_equal(after, before)
            memory.buf[:] = bytes(len(memory.buf))
            np.testing.assert_array_equal(read.labels, labels)  # a copy
            workers._free(memory)
        assert workers._memory(300) is memory
        workers._free(memory)
        monkeypatch.setattr(scoring_workers, "SHARED_FOLDER", scoring_workers.SHARED_FOLDER / "none")
        assert workers._memory(10**6) is None


def test_two_processes_score_all_sheets_and_their_errors_are_raised(monkeypatch):
    monkeypatch.setattr(scoring_workers, "WAITING", 1)
    with ScoringWorkers(Refusing(), processes=2) as there:
        for index in (0, 2, 3, 4, 5):
            there.put(index, NOTHING)
            assert len(there.waiting) <= 2
            assert len(there.unused) <= 2, "memory is used again"
        assert there.scores() == {index: 10 * index for index in (0, 2, 3, 4, 5)}
        there.clear()
        assert there.scores() == {}
        there.put(1, NOTHING)
        with pytest.raises(ValueError, match="sheet 1 is torn"):
            there.scores()


def test_errors_of_scoring_in_this_process_are_raised():
    with pytest.raises(ValueError, match="sheet 1 is torn"), ScoringWorkers(Refusing()) as here:
        here.put(1, NOTHING)
