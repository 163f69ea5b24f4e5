"""The parser of `thinline` and its commands. The docstring of a command's module is the text of its --help."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Final, TextIO

from rich.console import Console

from thinline.cli import (
    at_recall,
    coherence,
    data,
    digitise_options,
    las,
    publish,
    replay,
    reproduce,
    ruler,
    sheets,
    status,
    study,
)
from thinline.cli.network import evaluate, export, predict, ship, train, transfer
from thinline.cli.pages import label
from thinline.cli.parser import Parser
from thinline.system.atomic_files import StorageError

CONSOLE = Console(markup=False, highlight=False)
ERRORS: Final = Console(markup=False, highlight=False, stderr=True)
COMMANDS: Final = {
    "train": train,
    "predict": predict,
    "evaluate": evaluate,
    "transfer": transfer,
    "export": export,
    "ship": ship,
    "sheets": sheets,
    "data": data,
    "las": las,
    "coherence": coherence,
    "ruler": ruler,
    "digitise": digitise_options,
    "label": label,
    "status": status,
    "replay": replay,
    "study": study,
    "reproduce": reproduce,
    "at-recall": at_recall,
    "publish": publish,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == ["train"]:  # Hydra parses the rest, also --help and -m
        return train.train(words[1:])
    top = parser()
    if not words:
        top.print_help(sys.stderr)
        return 2
    _refuse_unknown(words, top)
    options = top.parse_args(words)
    try:
        with _warnings_in_one_line():
            code: int = COMMANDS[options.command].run(options, CONSOLE)
    except (StorageError, ValueError, OSError) as error:
        CONSOLE.print(f"error: {error}", style="red", soft_wrap=True)
        return 1
    return code


@contextmanager
def _warnings_in_one_line() -> Iterator[None]:
    """Warnings of this package are one line on stderr, without the line of code; others are as Python prints them."""
    package = Path(__file__).parents[1]
    with warnings.catch_warnings():
        as_python = warnings.showwarning

        def show(
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: TextIO | None = None,
            line: str | None = None,
        ) -> None:
            if Path(filename).is_relative_to(package):
                ERRORS.print(f"warning: {message}", style="yellow", soft_wrap=True)
            else:
                as_python(message, category, filename, lineno, file, line)

        warnings.showwarning = show
        yield


def _refuse_unknown(words: Sequence[str], top: Parser) -> None:
    """An error of the parser, with the nearest command, where the first word is no command."""
    if words and not words[0].startswith("-") and words[0] not in COMMANDS:
        nearest = get_close_matches(words[0], COMMANDS, n=1)
        advice = f"did you mean {nearest[0]}?" if nearest else f"expected one of {', '.join(COMMANDS)}"
        top.error(f"no command is called {words[0]!r}; {advice}")


def parser() -> Parser:
    """The parser of all commands."""
    top = Parser(prog="thinline", description="`thinline COMMAND --help` describes a command and its options.")
    commands = top.add_subparsers(required=True, metavar="COMMAND", dest="command")
    for name, module in COMMANDS.items():
        description = module.__doc__ or ""
        summary = description.partition("\n")[0].rstrip(".")
        module.add_options(commands.add_parser(name, help=summary, description=description))
    return top
