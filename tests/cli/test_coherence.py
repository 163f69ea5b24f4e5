"""`thinline coherence`: output and exit codes."""

import contextlib
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thinline.cli.main import main


@pytest.fixture
def ask(monkeypatch, capsys):
    """`ask("--f1", ".37", ...)` -> exit code and all that was printed."""
    monkeypatch.setenv("COLUMNS", "100")

    def call(*arguments):
        try:
            code = main(["coherence", *arguments])
        except SystemExit as stop:
            code = stop.code
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    return call


def test_the_case_of_the_source(ask):
    code, text = ask("--precision", ".41", "--iou", ".26", "--f1", ".37")
    assert code == 1
    assert "F1 .37 and IoU .26 cannot be one operating point" in text
    assert "IoU .26 forces F1 0.413 (0.406 to 0.419 with rounding); .37 is reported: off by 0.043" in text
    (line,) = [line for line in text.splitlines() if line.strip().startswith("P .41, IoU .26")]
    assert line.split() == ["P", ".41,", "IoU", ".26", "recall", "0.415", "0.398", "to", "0.434"]


def test_coherent_numbers_exit_with_zero_and_print_the_implied_rates(ask):
    code, text = ask("--f1", ".37", "--recall", ".96")
    assert code == 0
    assert "coherent: one operating point can have all" in text
    assert "0.229" in text


def test_a_mean_over_classes_is_recognised(ask):
    code, text = ask("--f1", ".55", "--iou", ".51", "--f1-of-classes", ".97,.37,.32")
    assert code == 1
    assert "F1 .55 is the mean of .97, .37, .32 (0.553), background included" in text


def test_the_weight_has_two_readings(ask):
    code, text = ask("--class-weight", "42", "--prevalence", "2.33%")
    assert code == 0
    assert "background : foreground" in text
    code, text = ask("--class-weight", "42", "--prevalence", "2.33%", "--weight-is", "inverse")
    assert code == 1
    assert "weight 42 forces prevalence 0.0238" in text


def test_a_deviation_of_all_rates_widens_their_ranges(ask):
    assert ask("--f1", ".37", "--iou", ".26")[0] == 1
    assert ask("--f1", ".37", "--iou", ".26", "--plus-minus", ".03")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--f1", "41"], "write a share as .41"),
        (["--f1", ".41"], "expected two or more numbers"),
        ([], "expected two or more numbers"),
        (["--f1", "nope", "--iou", ".2"], "finite number"),
        (["--f1-of-classes", ".9,x", "--f1", ".4", "--iou", ".2"], "finite number"),
        (["--class-weight", ".5", "--f1", ".4", "--weight-is", "inverse"], "1 / prevalence is 1 or more"),
        (["--accuracy", ".9"], "usage"),
    ],
)
def test_invalid_options_exit_with_two(ask, arguments, words):
    code, text = ask(*arguments)
    assert code == 2
    assert words in text


TEXTS = {
    **dict.fromkeys(("precision", "recall", "f1", "iou"), ("0", "1", ".5", ".41", "0.0", "<.3", ">.7", ".003")),
    "area-ratio": ("0.5", "1.2", "<.4", "12"),
    "prevalence": (".5", ".02", "<.02", ">.6"),
    "class-weight": ("42", "1", ">50", "1.5"),
}


@settings(max_examples=10)
@given(st.fixed_dictionaries({}, optional={name: st.sampled_from(texts) for name, texts in TEXTS.items()}))
def test_every_combination_of_scores_has_an_answer(texts):
    if len(texts) > 1:
        with contextlib.redirect_stdout(io.StringIO()) as output:
            code = main(["coherence", *(f"--{name}={text}" for name, text in texts.items())])
        assert ("coherent: one operating point" in output.getvalue()) == (code == 0)
        assert ("cannot be one operating point" in output.getvalue()) == (code == 1)
