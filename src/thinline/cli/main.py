"""The parser of `thinline` and its list of commands."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from thinline.cli.at_recall import add_at_recall
from thinline.cli.coherence import add_coherence
from thinline.cli.data import add_data
from thinline.cli.digitise_options import add_digitise
from thinline.cli.las import add_las
from thinline.cli.parser import Parser
from thinline.cli.publish import add_publish
from thinline.cli.replay import add_replay
from thinline.cli.reproduce import add_reproduce
from thinline.cli.ruler import add_ruler
from thinline.cli.sheets import add_sheets
from thinline.cli.status import add_status
from thinline.cli.study import add_study
from thinline.system.atomic_files import StorageError

CONSOLE = Console(markup=False, highlight=False)
COMMANDS = (
    *(add_sheets, add_data, add_las, add_coherence, add_ruler, add_digitise, add_status, add_replay),
    *(add_study, add_reproduce, add_at_recall, add_publish),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    options = parser().parse_args(arguments)
    try:
        code: int = options.run(options)
    except (StorageError, ValueError, OSError) as error:
        CONSOLE.print(f"error: {error}", style="red", soft_wrap=True)
        return 1
    return code


def parser() -> Parser:
    """The parser of all commands, which print to CONSOLE."""
    top = Parser(prog="thinline", description="`thinline COMMAND --help` describes a command and its options.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    for add_command in COMMANDS:
        add_command(commands, CONSOLE)
    return top
