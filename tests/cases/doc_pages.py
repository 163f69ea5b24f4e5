"""The pages that a user reads, their commands and their blocks of code."""

import re
import shlex
from pathlib import Path
from typing import Final

from thinline.config.schema import CONF

ROOT: Final = Path(CONF).parent
PAGES: Final = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_FENCE: Final = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INDENTED: Final = re.compile(r"^    (?=\S)((?:.*\\\n)*.*)$", re.MULTILINE)
_COMMAND: Final = re.compile(r"(?:PYTHONPATH=\. )?(?:make|thinline|python|pip|uv)\s")


def blocks(text: str, language: str) -> list[str]:
    """The content of the fenced blocks of a language."""
    return [match[2] for match in _FENCE.finditer(text) if match[1] == language]


def commands(text: str) -> list[str]:
    """The commands of a page in one line each, without comments: its `sh` blocks, and indented lines that begin so."""
    indented = [match[1] for match in _INDENTED.finditer(_FENCE.sub("", text)) if _COMMAND.match(match[1])]
    lines = [*"\n".join(blocks(text, "sh")).replace("\\\n", " ").splitlines(), *indented]
    words = [shlex.split(line.replace("\\\n", " "), comments=True) for line in lines]
    return [shlex.join(each) for each in words if each]


def all_commands() -> list[str]:
    """Every command of every page, once."""
    return sorted({command for page in PAGES for command in commands(page.read_text(encoding="utf-8"))})
