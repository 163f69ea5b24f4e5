"""Which images of a folder train, tune and judge: by a file, or by a ratio.

By file
    A CSV with the header `file,split`, or one text file for each split, `splits/*.txt` with train, val and test in the
    place of `*` and a name a line. A name is that of the image, with or without its folder and suffix, or the part
    that stands for `*` in the template of the images.

By ratio
    Images are ranked by SHA-256 of the seed and of their own pixels, and dealt in that order. So an image keeps its
    place when it is renamed or saved in another format, and copies of one image fall into one split. Images of one
    patient, well or record are not known to belong together: name their splits in a file.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Final

PARTS: Final = ("train", "val", "test")


def by_ratio(digests: Sequence[str], ratio: Sequence[float], *, seed: int) -> list[str]:
    """The split of each image, from the digests of their pixels. ValueError when there are too few to part."""
    if len(ratio) != len(PARTS) or min(ratio) <= 0:
        raise ValueError(
            f"data_mix.split.ratio: expected three shares above 0 for {', '.join(PARTS)}, got {list(ratio)}; "
            "as [0.6, 0.2, 0.2]"
        )
    unique = sorted(set(digests), key=lambda digest: hashlib.sha256(f"{seed}:{digest}".encode()).digest())
    held = [max(1, round(len(unique) * share / sum(ratio))) for share in ratio[1:]]
    if len(unique) - sum(held) < 1:
        raise ValueError(
            f"a folder must hold 3 or more different images, enough for every split of {list(ratio)}, got "
            f"{len(unique)}; add images, or take a larger share for train"
        )
    names = ["val"] * held[0] + ["test"] * held[1] + ["train"] * (len(unique) - sum(held))
    place = dict(zip(unique, names, strict=True))
    return [place[digest] for digest in digests]


def by_file(path: str, root: Path, names: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The split of each key of `names` (key -> file name), and what is wrong with the file."""
    lines, problems = _lines(path, root)
    known = {alias: key for key, file in names.items() for alias in (file, PurePath(file).stem, key)}
    found: dict[str, str] = {}
    for name, split in lines:
        key = known.get(PurePath(name).name, known.get(PurePath(name).stem))
        if split not in PARTS:
            problems.append(f"{path}: expected a split of {', '.join(PARTS)} for {name}, got {split!r}")
        elif key is None:
            problems.append(f"{path}: expected an image of the folder, got {name}; is it there, with its mask?")
        elif found.setdefault(key, split) != split:
            problems.append(f"{path}: expected one split for {name}, got {found[key]} and {split}")
    problems += [
        f"{file}: expected a split in {path}, got none; list it" for key, file in names.items() if key not in found
    ]
    return found, problems


def _lines(path: str, root: Path) -> tuple[list[tuple[str, str]], list[str]]:
    """(name, split) of every line, and what could not be read."""
    files = [(root / path.replace("*", part), part) for part in PARTS] if "*" in path else [(root / path, "")]
    lines: list[tuple[str, str]] = []
    problems: list[str] = []
    for file, part in files:
        try:
            text = file.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            problems.append(f"{file}: expected a list of names, got {type(error).__name__}; see data_mix.split.file")
            continue
        if part:
            lines += [(line.strip(), part) for line in text.splitlines() if line.strip()]
            continue
        rows = [[cell.strip() for cell in row] for row in csv.reader(text.splitlines()) if row]
        if not rows or rows[0] != ["file", "split"] or any(len(row) != 2 for row in rows):
            problems.append(f"{file}: expected two columns under the header file,split, got {rows[:1]}")
            continue
        lines += [(name, split) for name, split in rows[1:]]
    return lines, problems
