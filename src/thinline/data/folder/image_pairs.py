"""Pair files by templates: one `*` stands for the part of the name that an image and its mask share.

Suffixes are compared in any case, the rest of a name is not: `1.PNG` fits `*.png`, and `A.png` has no mask in `a.png`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Final

SYSTEM_FILES: Final = ("thumbs.db", "desktop.ini")
"""Files of file browsers, in lower case. They are ignored, as are names that begin with a dot."""


def matching(
    root: Path, template: str, suffixes: Sequence[str], problems: list[str], *, but: str | None = None
) -> dict[str, Path]:
    """Files of a template by the part that `*` stands for, in order, without those that fit `but`."""
    pattern = _pattern(template, suffixes)
    parent = root / PurePath(template).parent
    excluded = _pattern(but, suffixes) if but and root / PurePath(but).parent == parent else None
    matched: dict[str, Path] = {}
    for path in _entries(parent, problems):
        match = pattern.fullmatch(path.name)
        if match is None or (excluded and excluded.fullmatch(path.name)):
            continue
        name = match[1]
        if path.is_dir():
            problems.append(f"{path}: expected a file, got a folder; rename or move it")
            continue
        if name in matched:
            problems.append(f"{path}: a second file for {name!r} beside {matched[name].name}; keep one")
        matched.setdefault(name, path)
    return matched


def without_partner(files: Mapping[str, Path], partners: Iterable[str], missing: str) -> list[str]:
    """One problem for each of `files` whose name is not in `partners`; a partner in other case is suggested."""
    names = set(partners)
    close = {name.casefold(): name for name in sorted(names)}
    problems = []
    for name, path in files.items():
        if name not in names:
            partner = close.get(name.casefold())
            hint = f"; the names must be equal, is it that of {partner!r}?" if partner is not None else ""
            problems.append(f"{path}: {missing}{hint}")
    return problems


def left_out(root: Path, templates: Sequence[str], suffixes: Sequence[str], used: Iterable[Path]) -> list[Path]:
    """Files in the folders of the `templates` that are not `used`, and folders in them that hold images; in order.

    Hidden files and those of file browsers are not named, nor the folders of the templates themselves.
    """
    parents = {root / PurePath(template).parent for template in templates}
    known = {path.absolute() for path in used}
    known |= {above.absolute() for parent in parents for above in (parent, *parent.parents)}
    return [
        path
        for parent in sorted(parents)
        for path in _entries(parent, [])
        if path.absolute() not in known
        and not path.name.startswith(".")
        and path.name.lower() not in SYSTEM_FILES
        and (not path.is_dir() or any(each.suffix.lower() in suffixes for each in _entries(path, [])))
    ]


def printable(name: object) -> str:
    """A file name as printable text: bytes that are not UTF-8 are escaped."""
    return str(name).encode("utf-8", "backslashreplace").decode()


def _entries(parent: Path, problems: list[str]) -> list[Path]:
    """The entries of a folder, in order; a folder that cannot be listed has none and adds a problem."""
    try:
        return sorted(parent.iterdir()) if parent.is_dir() else []
    except OSError as error:
        problems.append(f"{parent}: expected a folder that can be listed, got '{error.strerror}'; see its permissions")
        return []


def _pattern(template: str, suffixes: Sequence[str]) -> re.Pattern[str]:
    """The pattern of file names of a template; group 1 is the part that `*` stands for."""
    before, after = PurePath(template).name.split("*")
    own = next((suffix for suffix in suffixes if after.lower().endswith(suffix)), "")
    allowed = "|".join(re.escape(suffix) for suffix in ([own] if own else suffixes))
    middle = after[: len(after) - len(own)]
    return re.compile(f"{re.escape(before)}(.+?){re.escape(middle)}(?i:{allowed})")
