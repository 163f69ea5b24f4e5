"""The group of each image (`data_mix.groups`): images of one patient, well or record, which one split holds together.

a regular expression    matched from the beginning of the part of the name that `*` stands for; the group is its
                        first pair of brackets, or the whole match without brackets: `(sel[0-9]+)-.*`
{file: , column: }      a CSV file under the root with a header. Its first column names an image as in a split file:
                        the file with or without its suffix, or the part that `*` stands for. Lines of images that
                        are not there are not read
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from pathlib import Path, PurePath

from thinline.data.folder.keys import GroupsBy


def groups_of(groups: str | GroupsBy, root: Path, files: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The group of each key of `files` (name of an image -> its file name), and the problems."""
    return _by_pattern(groups, files) if isinstance(groups, str) else _by_column(groups, root, files)


def _by_pattern(pattern: str, files: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    matches = {name: re.match(pattern, PurePath(name).name) for name in files}
    groups = {name: match[1] if match.re.groups else match[0] for name, match in matches.items() if match}
    odd = [name for name in files if not groups.get(name)]
    return groups, [
        f"{files[name]}: expected a name with a group as in data_mix.groups, {pattern}, got {PurePath(name).name!r}; "
        "correct the expression, or leave the image out"
        for name in odd
    ]


def _by_column(groups: GroupsBy, root: Path, files: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    path = root / groups.file
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [[cell.strip() for cell in row] for row in csv.reader(file) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        return {}, [
            f"{path}: expected a CSV file with the group of each image, got '{error}'; see data_mix.groups.file"
        ]
    header = rows[0] if rows else []
    if groups.column not in header[1:]:
        listed = ", ".join(header) or "no header"
        return {}, [f"{path}: expected a column {groups.column!r}, got {listed}; see data_mix.groups.column"]
    column = header.index(groups.column)
    table = {row[0]: row[column] for row in rows[1:] if len(row) > column}
    known: dict[str, str] = {}
    for name, file_name in files.items():
        aliases = (name, file_name, PurePath(file_name).stem, PurePath(name).name)
        group = next((table[alias] for alias in aliases if table.get(alias)), None)
        if group is not None:
            known[name] = group
    return known, [
        f"{file_name}: expected its {groups.column} in {path}, got none; add a line for it"
        for name, file_name in files.items()
        if name not in known
    ]
