"""Roof: what every program of thinline does around its work. Imports nothing heavy: it comes before all other imports.

A signal ends the program with one line. Characters that the terminal cannot show become `?` instead of an exception.
"""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from thinline.system.signals import Killed, ending_at_once


@contextmanager
def program() -> Iterator[None]:
    """The whole of a program. Ends the process with 130 after SIGINT, with 143 after SIGTERM."""
    replace_what_cannot_be_shown()
    logging.raiseExceptions = False  # a full disk under a log file would print a traceback for every line of the log
    with ending_at_once():
        try:
            yield
        except Killed as stop:
            if not stop.shown:
                print(stop, file=sys.stderr)
            sys.exit(stop.exit_code)


def replace_what_cannot_be_shown() -> None:
    """Let both output streams write `?` for characters that their encoding lacks."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def expanded(text: str) -> Path:
    """The path with a leading `~/` as the home folder, which a shell leaves as it is in `--store=~/runs`."""
    return Path(text).expanduser() if text == "~" or text.startswith("~/") else Path(text)
