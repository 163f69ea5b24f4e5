"""The argument parser of all commands: no option twice, no empty path, and negative numbers with exponents.

Conventions
    argparse keeps the last value of a repeated option without a message. Here an option that stores one value (or one
    group of values, as `--track 120 860`) is refused the second time, with exit code 2. Flags may be repeated, and
    options with action="append" collect their values.
    argparse reads -1000 as a number, but -1e3 as an unknown option. Here -1e3, -1.5E+2, -.5e3 and -inf are numbers.
    An empty path is an unset variable of the shell, and would be the current folder: it is refused.
    A description is broken anew for the width of the terminal (`refilled`). Subparsers have this class too: argparse
    uses the class of the parent.
"""

from __future__ import annotations

import argparse
import re
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from typing_extensions import override

from thinline.system.entry import expanded

WRITTEN: Final = 120
"""Columns of the source, at which the lines of descriptions are broken."""

NEGATIVE_NUMBER: Final = re.compile(r"^-(?:(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?|inf(?:inity)?|nan)$", re.IGNORECASE)


class Help(argparse.HelpFormatter):
    """Help whose description fits the terminal and keeps its paragraphs and columns."""

    @override
    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return textwrap.indent(refilled(text, width=width), indent)


class StoreOnce(argparse.Action):
    """Store the value of an option; an error of the parser where the option was given before."""

    @override
    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        if option_string is not None and isinstance(parser, Parser):
            parser.refuse_second(self)
        setattr(namespace, self.dest, values)


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose options with a value may be given once, and may be any negative number.

    Arguments of `type=Path` are refused when empty; a leading `~/` is the home folder.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **{"formatter_class": Help} | options)
        self._seen: set[str] = set()
        self._negative_number_matcher = NEGATIVE_NUMBER
        self.register("type", Path, path_option)
        self.register("action", None, StoreOnce)
        self.register("action", "store", StoreOnce)

    @override
    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        self._seen = set()
        return super().parse_known_args(args, namespace)

    def refuse_second(self, option: argparse.Action) -> None:
        """Record that `option` was given; an error of the parser where it was given before."""
        if option.dest in self._seen:
            name = option.option_strings[-1]
            self.error(f"{name}: expected the option once, got it twice; leave one of them out")
        self._seen.add(option.dest)


def path_option(text: str) -> Path:
    """The path that an argument names. Raises the error that argparse prints beside the name of the option."""
    if not text.strip() or any(ord(letter) < 32 for letter in text):
        raise argparse.ArgumentTypeError(f"expected a path, got {text!r}; is a variable of the shell unset?")
    return expanded(text)


def refilled(text: str, *, width: int) -> str:
    """`text`, with lines broken at WRITTEN columns, in lines of at most `width` columns; a longer word stays whole.

    A line begins a new item if its first word had room on the line above, or if it is indented otherwise. Where a line
    is indented and has two columns, the other lines of its item are indented as the second one.
    """
    items: list[tuple[str, int]] = []  # the text on one line, and the indentation of further lines
    above = ""
    for line in text.splitlines():
        indent = len(line) - len(line.lstrip())
        full = len(above) + 1 + len((line.split() or [""])[0]) > WRITTEN
        if full and line and items[-1][1] == indent:
            items[-1] = f"{items[-1][0]} {line.strip()}", indent
        else:
            columns = re.match(r"\s+\S.*?\s{2,}(?=\S)", line)
            items.append((line, columns.end() if columns else indent))
        above = line
    return "\n".join(
        textwrap.fill(item, width, subsequent_indent=" " * hang, break_long_words=False, break_on_hyphens=False)
        for item, hang in items
    )
