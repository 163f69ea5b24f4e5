"""Split the images of a folder into train, val and test: by a file, or by a ratio.

By file
    A CSV with the header `file,split`, or one text file for each split, `splits/*.txt` with train, val and test for `*`
    and one name a line. A name is that of the image, with or without its folder and suffix, or the part that `*` stands
    for in the template of the images. Names are case-sensitive, suffixes are not. Each image is listed once.

By ratio
    Images are ordered by SHA-256 of the seed and of their pixels and divided in that order. An image stays in its split
    when it is renamed or saved in another format, and copies of one image are in one split. Images of one patient, well
    or record are together if `data_mix.groups` names them: then groups are ordered and divided, by the SHA-256 of the
    seed and their name.

By folds
    The same order is dealt into k folds of nearly equal numbers of images. Each image, or group, is in one fold, and
    the k runs of a seed test every image once. Validation is taken from the other folds, beginning with the one after
    the tested fold; its share of them is that of `ratio`, val / (train + val).
"""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Final

from thinline.data.folder.image_files import SUFFIXES

PARTS: Final = ("train", "val", "test")
HEADER: Final = ["file", "split"]


@dataclass(frozen=True)
class Folds:
    """`count` folds, of which number `tested` is the test split; `kind` of what is divided: image or group."""

    count: int
    tested: int
    kind: str = "image"


def by_ratio(units: Sequence[str], ratio: Sequence[float], *, seed: int, kind: str = "image") -> list[str]:
    """The split of each image, from the digests of their pixels or from their groups. ValueError for too few."""
    _check_ratio(ratio)
    unique = _ordered(units, seed)
    held = [max(1, round(len(unique) * share / sum(ratio))) for share in ratio[1:]]
    if len(unique) - sum(held) < 1:
        larger = ", or take a larger share for train" if len(unique) >= len(PARTS) else ""
        copies = " (copies of one image count once)" if kind == "image" else ""
        raise ValueError(
            f"a folder must hold 3 or more different {kind}s, enough for every split of {list(ratio)}, got "
            f"{len(unique)}{copies}; add images{larger}"
        )
    names = ["val"] * held[0] + ["test"] * held[1] + ["train"] * (len(unique) - sum(held))
    split_of = dict(zip(unique, names, strict=True))
    return [split_of[unit] for unit in units]


def by_folds(units: Sequence[str], ratio: Sequence[float], folds: Folds, *, seed: int) -> list[str]:
    """The split of each image where one of `folds` is tested. ValueError for more folds than images or groups."""
    _check_ratio(ratio)
    unique, images = _ordered(units, seed), Counter(units)
    if len(unique) < max(folds.count, len(PARTS)):
        raise ValueError(
            f"data_mix.split.folds: expected 3 or more different {folds.kind}s and at most one fold for each, got "
            f"{folds.count} folds of {len(unique)} {folds.kind}s; take fewer folds, or add images"
        )
    fold_of: dict[str, int] = {}
    sizes = [0] * folds.count
    for unit in unique:
        fold_of[unit] = sizes.index(min(sizes))
        sizes[fold_of[unit]] += images[unit]
    rest = sorted(
        (unit for unit in unique if fold_of[unit] != folds.tested),
        key=lambda u: (fold_of[u] - folds.tested) % folds.count,
    )
    if len(rest) < 2:
        raise ValueError(
            f"data_mix.split.folds: expected 2 or more {folds.kind}s outside the tested fold, for train and val, got "
            f"{len(rest)} with {folds.count} folds; take more folds"
        )
    held = min(len(rest) - 1, max(1, round(len(rest) * ratio[1] / (ratio[0] + ratio[1]))))
    val = set(rest[:held])
    return ["test" if fold_of[unit] == folds.tested else "val" if unit in val else "train" for unit in units]


def _check_ratio(ratio: Sequence[float]) -> None:
    if len(ratio) != len(PARTS) or min(ratio) <= 0:
        raise ValueError(
            f"data_mix.split.ratio: expected three shares above 0 for {', '.join(PARTS)}, got {list(ratio)}; "
            "as [0.6, 0.2, 0.2]"
        )


def _ordered(units: Sequence[str], seed: int) -> list[str]:
    """Each unit once, in the order of the SHA-256 of the seed and the unit."""
    return sorted(set(units), key=lambda unit: hashlib.sha256(f"{seed}:{unit}".encode()).digest())


def by_file(path: str, root: Path, names: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The split of each key of `names` (key -> file name), and the problems of the file."""
    lines, problems = _lines(path, root)
    known = {alias: key for key, file in names.items() for alias in (file, PurePath(file).stem, key)}
    splits: dict[str, str] = {}
    for name, split in lines:
        key = known.get(PurePath(name).name, known.get(_stem(name)))
        if split not in PARTS:
            problems.append(f"{path}: expected a split of {', '.join(PARTS)} for {name}, got {split!r}")
        elif key is None:
            problems.append(f"{path}: expected an image of the folder, got {name}; {_advice(name, names)}")
        elif key in splits:
            both = f"{splits[key]} and {split}" if splits[key] != split else f"{split} twice"
            problems.append(f"{path}: expected one split for {name}, got {both}; keep one line")
        else:
            splits[key] = split
    problems += [
        f"{file}: expected a split in {path}, got none; list it" for key, file in names.items() if key not in splits
    ]
    return splits, problems


def _stem(name: str) -> str:
    """The name of an image without folder and suffix; any other name as it is."""
    file = PurePath(name)
    return file.stem if file.suffix.lower() in SUFFIXES else file.name


def _advice(name: str, names: Mapping[str, str]) -> str:
    """A suggestion for a name that no image has."""
    wanted = _stem(name).casefold()
    close = [file for key, file in names.items() if wanted in (key.casefold(), PurePath(file).stem.casefold())]
    return f"is it {close[0]}? Names are case-sensitive" if close else "is it there, with its mask?"


def _lines(path: str, root: Path) -> tuple[list[tuple[str, str]], list[str]]:
    """(name, split) of every line, and problems of reading."""
    files = [(root / path.replace("*", part), part) for part in PARTS] if "*" in path else [(root / path, "")]
    lines: list[tuple[str, str]] = []
    problems: list[str] = []
    for file, part in files:
        try:
            text = file.read_bytes().decode("utf-8-sig").splitlines()
            lines += [(line.strip(), part) for line in text if line.strip()] if part else _table_lines(text)
        except (OSError, ValueError, csv.Error) as error:
            problems.append(f"{file}: {_reason(error)}; see data_mix.split.file")
    return lines, problems


def _table_lines(text: Sequence[str]) -> list[tuple[str, str]]:
    """(name, split) of the lines of a table. ValueError for another header or number of columns."""
    rows = [[cell.strip() for cell in row] for row in csv.reader(text) if row]
    if rows[:1] != [HEADER] or any(len(row) != len(HEADER) for row in rows):
        odd = next((row for row in rows if len(row) != len(HEADER)), rows[0] if rows else [])
        raise ValueError(f"expected two columns under the header {','.join(HEADER)}, got {','.join(odd)!r}")
    return [(name, split) for name, split in rows[1:]]


def _reason(error: Exception) -> str:
    """Why a list could not be read."""
    if isinstance(error, UnicodeDecodeError):
        return f"expected text in UTF-8, got another encoding (byte {error.start}); save it as UTF-8"
    if isinstance(error, OSError):
        return f"expected a list of names, got '{error.strerror}'"
    return str(error)
