"""The parser of all commands: no option twice, and negative numbers with an exponent."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thinline.cli.main import COMMANDS, main
from thinline.cli.main import parser as main_parser
from thinline.cli.parser import Parser, path_option, refilled

DIGITISE = ["digitise", "s.tif", "--top", "0", "--bottom", "9", "--out", "o"]


def options_with_a_value() -> list[tuple[str, str]]:
    """Command and option, of every option of `thinline` that stores a value."""
    (commands,) = (action for action in main_parser()._actions if isinstance(action, argparse._SubParsersAction))
    return [
        (name, action.option_strings[-1])
        for name, command in commands.choices.items()
        for action in command._actions
        if action.option_strings and action.nargs != 0 and not isinstance(action, argparse._AppendAction)
    ]


def small() -> Parser:
    parser = Parser()
    command = parser.add_subparsers().add_parser("read")
    command.add_argument("scan", nargs="?")
    command.add_argument("--left", type=float, default=0.0)
    command.add_argument("--track", type=float, nargs=2)
    command.add_argument("--curve", action="append")
    command.add_argument("--force", action="store_true")
    return parser


@settings(max_examples=40)
@given(value=st.floats(max_value=-1e-300), form=st.sampled_from(["{!r}", "{:e}", "{:E}", "{:g}", "{:.3f}", "{:.0e}"]))
def test_negative_numbers_in_any_form_are_numbers(value: float, form: str) -> None:
    text = form.format(value)
    assert small().parse_args(["read", "--left", text]).left == float(text)
    assert small().parse_args(["read", "--track", text, "3e2", "s.tif"]).track == [float(text), 300.0]


@pytest.mark.parametrize("text", ["-1e3", "-1.5E+2", "-.5e3", "-5.", "-inf", "-1E-3"])
def test_forms_that_people_write(text: str) -> None:
    options = main_parser().parse_args([*DIGITISE, "--left", text, "--track", "-5", "3e2"])
    assert (options.left, options.track) == (float(text), [-5.0, 300.0])


def test_a_dash_before_a_word_is_an_option_and_no_number(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        small().parse_args(["read", "--left", "-e3"])
    assert "expected one argument" in capsys.readouterr().err


@pytest.mark.parametrize(("command", "option"), options_with_a_value())
def test_no_command_takes_an_option_twice(command: str, option: str, capsys: pytest.CaptureFixture[str]) -> None:
    (commands,) = (action for action in main_parser()._actions if isinstance(action, argparse._SubParsersAction))
    (action,) = (action for action in commands.choices[command]._actions if option in action.option_strings)
    value = next(iter(action.choices)) if action.choices else "1" if action.type is int else "0.5"
    count = action.nargs if isinstance(action.nargs, int) else 1
    with pytest.raises(SystemExit) as stop:
        main_parser().parse_args([command, *[option, *[str(value)] * count] * 2])
    message = capsys.readouterr().err
    assert stop.value.code == 2
    assert f"{action.option_strings[-1]}: expected the option once, got it twice" in message


def test_an_option_given_twice_is_refused_in_every_spelling(capsys: pytest.CaptureFixture[str]) -> None:
    parser = small()
    for words in (["--left", "0", "--left=0"], ["--lef", "1", "--left", "2"]):
        with pytest.raises(SystemExit):
            parser.parse_args(["read", *words])
        assert "--left: expected the option once" in capsys.readouterr().err
    assert [parser.parse_args(["read", "--left", "5"]).left for _ in range(2)] == [5.0, 5.0]
    twice = parser.parse_args(["read", "--force", "--force", "--curve", "a", "--curve", "b"])
    assert (twice.force, twice.curve) == (True, ["a", "b"])


def test_a_path_may_begin_at_the_home_folder():
    assert path_option("~/runs") == Path.home() / "runs"
    assert path_option("~runs") == Path("~runs")


def test_a_description_is_broken_anew_in_its_paragraphs_and_columns() -> None:
    long = "word " * 23 + "ends"  # 119 columns: no room for another word
    columns = f"    --track   {long[:104]}\n              edge of it\n    --rows    few\n"
    text = f"Summary.\n\n{long}\nhere.\nA new line.\n{columns}"
    assert refilled(text, width=40).splitlines() == [
        "Summary.",
        "",
        *["word word word word word word word word"] * 2,
        "word word word word word word word ends",
        "here.",
        "A new line.",
        "    --track   word word word word word",
        *["              word word word word word"] * 3,
        "              word edge of it",
        "    --rows    few",
    ]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_fits_a_terminal_of_80_columns(name: str, monkeypatch, capsys) -> None:
    description = COMMANDS[name].__doc__
    assert refilled(description, width=120).split("\n") == [line.rstrip() for line in description.rstrip().split("\n")]
    if name == "train":
        return  # Hydra prints its help
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit):
        main([name, "--help"])
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80
    assert " ".join(description.split()) in " ".join(text.split())


def test_without_a_command_the_help_lists_them(capsys) -> None:
    assert main([]) == 2
    text = capsys.readouterr().err
    assert all(f"\n    {name}" in text for name in COMMANDS)
