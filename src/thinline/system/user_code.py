"""Code of the user (a loss, a network, a metric): which files are the user's own, and errors of them in one line.

*Own* is a file neither in `site-packages` (or `dist-packages`), nor in the standard library, nor in this package. A
library that is installed as editable lies outside `site-packages`; it changes without its version, so it counts as own.
"""

from __future__ import annotations

import sysconfig
import traceback
from pathlib import Path
from typing import Any, Final

_PACKAGE: Final = Path(__file__).resolve().parents[1]
_INSTALLED: Final = {"site-packages", "dist-packages"}
_STANDARD: Final = tuple(Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib"))


def is_own(path: Path) -> bool:
    """Whether a file is code of the user."""
    resolved = path.resolve()
    if _INSTALLED & set(resolved.parts) or resolved.is_relative_to(_PACKAGE) or not resolved.is_file():
        return False
    return not any(resolved.is_relative_to(folder) for folder in _STANDARD)


def raised(error: BaseException) -> str:
    """As `ZeroDivisionError: division by zero (my_losses.py, line 20)`, the innermost line of own code."""
    text = str(error).strip().partition("\n")[0]
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if is_own(Path(frame.filename))]
    where = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}{f': {text}' if text else ''}{where}"


def described(value: Any) -> str:
    """A returned value in a few words: its type and shape, or itself where it is short."""
    shape = getattr(value, "shape", None)
    if shape is not None and len(shape):
        return f"{type(value).__name__} of shape {list(shape)}"
    text = repr(value)
    return text if len(text) <= 60 else f"{type(value).__name__} {text[:60]}..."
