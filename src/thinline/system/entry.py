"""Start of every program: a signal ends it with one line and an exit code, unprintable characters become `?`.

Imports nothing heavy, because programs import this module before all others.
"""

from __future__ import annotations

import gc
import io
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from thinline.system.signals import Killed, ending_at_once


@contextmanager
def program() -> Iterator[None]:
    """Run the body of a program. The process ends with exit code 130 after SIGINT and 143 after SIGTERM."""
    replace_unprintable()
    logging.raiseExceptions = False  # a full disk under a log file would print a traceback for every line of the log
    with ending_at_once():
        try:
            yield
        except Killed as stop:
            if not stop.shown:
                print(stop, file=sys.stderr)
            sys.exit(stop.exit_code)


@contextmanager
def slow_imports() -> Iterator[None]:
    """Import large libraries in the body: a signal ends the process at once, and no garbage is collected.

    The modules of torch are a million objects, none of them garbage; looking for garbage among them again and again
    takes a fifth of the time of the import.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        with ending_at_once():
            yield
    finally:
        if enabled:
            gc.enable()


def replace_unprintable() -> None:
    """Make both output streams write `?` for characters that their encoding lacks."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def expanded(text: str) -> Path:
    """The path with a leading `~/` replaced by the home folder, which a shell leaves as it is in `--store=~/runs`."""
    return Path(text).expanduser() if text == "~" or text.startswith("~/") else Path(text)
