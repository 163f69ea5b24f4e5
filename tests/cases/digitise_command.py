"""`thinline digitise` with default values for the options that a test does not give."""

from pathlib import Path

import pytest

from thinline.cli.main import main

SCALE = {"--left": "0", "--right": "150", "--top": "1000", "--bottom": "1100"}


def digitise(scan: Path, *options: str) -> tuple[int, Path]:
    """Exit code and output folder, which is beside the scan. `options` replace those of SCALE."""
    out = scan.parent / "out"
    defaults = SCALE | {"--out": str(out)}
    default_options = [word for name, value in defaults.items() if name not in options for word in (name, value)]
    return main(["digitise", str(scan), *default_options, *options]), out


def printed(capsys: pytest.CaptureFixture[str]) -> str:
    """The text of the terminal on one line."""
    return " ".join(capsys.readouterr().out.split())
