"""The argument parser of all commands: no option twice, no empty path, and negative numbers with exponents.

Conventions
    argparse keeps the last value of a repeated option without a message. Here an option that stores one value (or one
    group of values, as `--track 120 860`) is refused the second time, with exit code 2. Flags may be repeated, and
    options with action="append" collect their values.
    argparse reads -1000 as a number, but -1e3 as an unknown option. Here -1e3, -1.5E+2, -.5e3 and -inf are numbers.
    An empty path is an unset variable of the shell, and would be the current folder: it is refused.
    Descriptions keep their line breaks. Subparsers have this class too: argparse uses the class of the parent.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from typing_extensions import override

from thinline.system.entry import expanded

NEGATIVE_NUMBER: Final = re.compile(r"^-(?:(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?|inf(?:inity)?|nan)$", re.IGNORECASE)


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
        super().__init__(*arguments, **{"formatter_class": argparse.RawDescriptionHelpFormatter} | options)
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
