"""Which files are the user's own, and their errors in one line."""

import json
from pathlib import Path

import numpy as np
import pytest

import thinline
from thinline.system.user_code import described, is_own, raised


def test_own_are_files_that_are_not_installed(tmp_path):
    (tmp_path / "mine.py").write_text("")
    assert is_own(tmp_path / "mine.py")
    assert is_own(Path(__file__))
    (tmp_path / "site-packages").mkdir()
    (tmp_path / "site-packages" / "theirs.py").write_text("")
    others = [tmp_path / "site-packages" / "theirs.py", tmp_path / "missing.py"]
    for path in [*others, thinline.__file__, json.__file__, np.__file__, "<frozen importlib._bootstrap>"]:
        assert not is_own(Path(path)), path


def test_an_error_is_one_line_with_the_innermost_own_line():
    def fails():
        json.loads("{")  # raises in the standard library

    with pytest.raises(ValueError) as caught:  # noqa: PT011 - its text is checked below
        fails()
    line = fails.__code__.co_firstlineno + 1
    assert raised(caught.value) == (
        "JSONDecodeError: Expecting property name enclosed in double quotes: line 1 column 2 (char 1) "
        f"(test_user_code.py, line {line})"
    )
    assert raised(KeyError()) == "KeyError"
    assert raised(RuntimeError("one\ntwo")) == "RuntimeError: one"


def test_a_value_is_described_in_a_few_words():
    assert described(np.zeros((2, 3))) == "ndarray of shape [2, 3]"
    assert described(None) == "None"
    assert described([1] * 99) == f"list {repr([1] * 99)[:60]}..."
