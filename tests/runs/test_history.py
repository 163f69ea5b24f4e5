import errno
import json
import math
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thinline.runs import StorageError
from thinline.runs.history import History

NAMES = st.text(alphabet="abcdefghij/_1", min_size=1, max_size=12)
LINES = st.lists(st.tuples(st.integers(0, 9), st.dictionaries(NAMES, st.floats(width=64), max_size=4)), max_size=8)


def same(first: dict[str, float], second: dict[str, float]) -> bool:
    nan, *values = ({name: math.isnan(value) for name, value in metrics.items()} for metrics in (first, second))
    return [nan] == values and all(nan[name] or first[name] == second[name] for name in first)


@given(LINES)
def test_logged_metrics_are_read_back_bit_for_bit_one_line_per_step(tmp_path_factory, lines):
    history = History(tmp_path_factory.mktemp("h") / "history.jsonl")
    expected: dict[int, dict[str, float]] = {}
    for step, metrics in lines:
        history.append(step, metrics)
        expected[step] = expected.get(step, {}) | metrics
    lines_read = history.read()
    assert [line.step for line in lines_read] == sorted(expected)
    assert all(same(line.metrics, expected[line.step]) for line in lines_read)


@given(LINES.filter(bool), st.data())
def test_a_kill_in_the_middle_of_a_line_loses_that_line_only(tmp_path_factory, lines, data):
    path = tmp_path_factory.mktemp("h") / "history.jsonl"
    for step, (_, metrics) in enumerate(lines):
        History(path).append(step, metrics)
    whole = path.read_bytes()
    start_of_last = whole[:-1].rfind(b"\n") + 1
    path.write_bytes(whole[: data.draw(st.integers(start_of_last, len(whole) - 1), label="torn at")])
    kept = list(range(len(lines) - 1))
    assert [line.step for line in History(path).read()] == kept
    # after the kill the next line is appended to whole lines
    History(path).append(100, {"a": 1.0})
    assert [line.step for line in History(path).read()] == [*kept, 100]
    assert path.read_bytes().startswith(whole[:start_of_last])


@given(LINES, st.integers(0, 9))
def test_rewind_drops_the_lines_after_the_step(tmp_path_factory, lines, step):
    history = History(tmp_path_factory.mktemp("h") / "history.jsonl")
    for logged, metrics in lines:
        history.append(logged, metrics)
    before = history.read()
    dropped = history.rewind(step)
    assert dropped == sum(logged > step for logged, _ in lines)
    assert [line.step for line in history.read()] == [line.step for line in before if line.step <= step]
    assert history.rewind(step) == 0


def test_every_line_is_standard_json(tmp_path):
    path = tmp_path / "history.jsonl"
    History(path).append(3, {"nan": math.nan, "inf": math.inf, "low": -math.inf, "test/iou/curve_1": 0.1})

    def refuse(word):
        raise AssertionError(f"{word} is not JSON")

    record = json.loads(path.read_text(), parse_constant=refuse)
    assert record["step"] == 3
    assert record["metrics"] == {"nan": None, "inf": "inf", "low": "-inf", "test/iou/curve_1": 0.1}


@pytest.mark.parametrize("row", ['{"step": 1', "[]", '{"step": 1, "time_ms": 2, "metrics": {"a": "word"}}', ""])
def test_a_damaged_line_before_the_last_is_an_error(tmp_path, row):
    path = tmp_path / "history.jsonl"
    History(path).append(0, {"a": 1.0})
    with path.open("a") as file:
        file.write(f"{row}\n")
    History(path).append(2, {"a": 1.0})
    with pytest.raises(StorageError, match=r"history\.jsonl, line 2: expected step.*restore the file"):
        History(path).read()


def test_a_full_disk_leaves_whole_lines_and_the_next_append_works(tmp_path, monkeypatch):
    history = History(tmp_path / "history.jsonl")
    history.append(0, {"a": 1.0})
    real = os.truncate
    cut: list[int] = []

    class Full:
        def __init__(self, file):
            self.file = file

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.file.close()

        def seek(self, *where):
            return self.file.seek(*where)

        def write(self, content):
            return self.file.write(content[: len(content) // 2])

    monkeypatch.setattr("os.truncate", lambda path, size: (cut.append(size), real(path, size)))
    opened = type(history.path).open
    monkeypatch.setattr("pathlib.Path.open", lambda path, *mode, **how: Full(opened(path, *mode, **how)))
    with pytest.raises(StorageError, match="the disk is full"):
        history.append(1, {"a": 2.0})
    monkeypatch.undo()
    assert cut == [history.path.stat().st_size]
    history.append(2, {"a": 3.0})
    assert [line.step for line in history.read()] == [0, 2]


def test_a_folder_that_cannot_be_written_is_reported(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    history = History(tmp_path / "history.jsonl")
    monkeypatch.setattr("pathlib.Path.open", refuse)
    with pytest.raises(StorageError, match="Read-only file system"):
        history.append(0, {"a": 1.0})


def test_no_history_yet_reads_as_nothing(tmp_path):
    assert History(tmp_path / "history.jsonl").read() == []
    assert History(tmp_path / "history.jsonl").rewind(3) == 0
