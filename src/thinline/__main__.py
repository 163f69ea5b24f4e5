"""`python -m thinline COMMAND`, which is the same as the command `thinline`."""

from __future__ import annotations

import sys

from thinline.system.entry import program
from thinline.system.signals import at_once_from_here


def run() -> None:
    """Run the command line; Ctrl-C is one line from here on, also while the rest is imported."""
    at_once_from_here()
    from thinline.cli.main import main

    with program():
        sys.exit(main())


if __name__ == "__main__":
    run()
