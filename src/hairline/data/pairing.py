"""Which files of a folder belong together: templates with one `*` for the part that an image and its mask share."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path, PurePath


def matching(
    root: Path, template: str, suffixes: Sequence[str], problems: list[str], *, but: str | None = None
) -> dict[str, Path]:
    """Files of a template by the part in the place of `*`, in order; those that fit `but` left out."""
    fits, other = _pattern(template, suffixes), _pattern(but, suffixes) if but else None
    place = root / PurePath(template).parent
    found: dict[str, Path] = {}
    for path in sorted(place.iterdir()) if place.is_dir() else ():
        name = fits(path.name)
        taken = other is not None and (root / PurePath(str(but)).parent) == place and other(path.name)
        if name is None or taken:
            continue
        if name in found:
            problems.append(f"{path}: a second file for {name!r} beside {found[name].name}; keep one")
        found.setdefault(name, path)
    return found


def _pattern(template: str, suffixes: Sequence[str]) -> Callable[[str], str | None]:
    """A file name -> its part in the place of `*`, or None when it does not fit."""
    before, after = PurePath(template).name.split("*")
    text = re.escape(before) + "(.+?)" + re.escape(after)
    if not after.lower().endswith(tuple(suffixes)):
        text += "(?i:" + "|".join(re.escape(suffix) for suffix in suffixes) + ")"
    fits = re.compile(text)

    def part(name: str) -> str | None:
        found = fits.fullmatch(name)
        return found[1] if found else None

    return part
