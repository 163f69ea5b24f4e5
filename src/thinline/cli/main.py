"""The parser of `thinline` and its commands. The docstring of a command's module is the text of its --help."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

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
from thinline.cli.parser import Parser
from thinline.system.atomic_files import StorageError

CONSOLE = Console(markup=False, highlight=False)
COMMANDS: Final = {
    "sheets": sheets,
    "data": data,
    "las": las,
    "coherence": coherence,
    "ruler": ruler,
    "digitise": digitise_options,
    "status": status,
    "replay": replay,
    "study": study,
    "reproduce": reproduce,
    "at-recall": at_recall,
    "publish": publish,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    options = parser().parse_args(arguments)
    try:
        code: int = COMMANDS[options.command].run(options, CONSOLE)
    except (StorageError, ValueError, OSError) as error:
        CONSOLE.print(f"error: {error}", style="red", soft_wrap=True)
        return 1
    return code


def parser() -> Parser:
    """The parser of all commands."""
    top = Parser(prog="thinline", description="`thinline COMMAND --help` describes a command and its options.")
    commands = top.add_subparsers(required=True, metavar="COMMAND", dest="command")
    for name, module in COMMANDS.items():
        description = module.__doc__ or ""
        summary = description.partition("\n")[0].rstrip(".")
        module.add_options(commands.add_parser(name, help=summary, description=description))
    return top
