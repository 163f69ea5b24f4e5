"""The command line `thinline COMMAND`, also started by `python -m thinline COMMAND`."""

from __future__ import annotations

import sys

from thinline.system.entry import program
from thinline.system.signals import end_at_once


def run() -> None:
    """Run the command line. Ctrl-C prints one line from here on, also during the imports below."""
    end_at_once()
    from thinline.cli.main import main

    with program():
        sys.exit(main())


if __name__ == "__main__":
    run()
