"""Files of N equal records with a header and a table of checksums. Sheets and truth maps are cached in such files.

Layout
    header   HEADER bytes: a JSON object padded with blanks; sizes, and the mark `"complete": true`
    records  N blocks of `stride` bytes, one for each sheet
    table    N rows of little-endian int64: CRC-32 of the record, then further numbers of the sheet

The header is written last. A reader checks the header, the length of the file, and the CRC-32 of the table and of every
record. `system/shared_file.py` describes locking and renaming.
"""

from __future__ import annotations

import errno
import os
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from mmap import mmap
from pathlib import Path
from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from thinline.system.shared_file import (
    HEADER,
    CacheError,
    header_block,
    header_fields,
    mapped,
    records_match,
    whole_file,
)
from thinline.vocabulary import Int64

FORMAT = 1
T = TypeVar("T")
Progress = Callable[[int, int], None]
"""Called with (sheets done, sheets in all) after every sheet."""


@dataclass(frozen=True, kw_only=True)
class Header(ABC):
    """Sizes of a file. `table_crc` is the checksum of the table, which holds those of the records."""

    key: str
    sheets: int
    height: int
    width: int
    table_crc: int = 0
    format: int = FORMAT
    complete: bool = True

    @property
    @abstractmethod
    def stride(self) -> int:
        """Bytes of one record."""

    @property
    def columns(self) -> int:
        """Columns of the table."""
        return 1

    @property
    def table_start(self) -> int:
        """Offset of the table in the file."""
        return HEADER + self.sheets * self.stride

    @property
    def size(self) -> int:
        """Bytes of the whole file."""
        return self.table_start + self.sheets * self.columns * 8

    def packed(self) -> bytes:
        """The header as a block of HEADER bytes."""
        return header_block(asdict(self))

    @classmethod
    def unpacked(cls, block: bytes) -> Self | None:
        """The header of a block; None for another format, without the mark, or with other fields."""
        try:
            header = cls(**(header_fields(block) or {}))
        except TypeError:
            return None
        whole = all(isinstance(getattr(header, field.name), int) for field in fields(header) if field.type == "int")
        return header if whole and header.format == FORMAT else None


H = TypeVar("H", bound=Header)


def read_records(path: Path, kind: type[H], *, key: str | None) -> tuple[mmap, H, Int64] | None:
    """Mapped bytes, header and table `[N, columns]`; None if the file is missing, damaged, or not that of `key`."""
    try:
        with path.open("rb") as file:
            header = kind.unpacked(file.read(HEADER))
            if header is None or os.fstat(file.fileno()).st_size != header.size or key not in (None, header.key):
                return None
            content = mapped(file)
    except FileNotFoundError:
        return None
    table = np.frombuffer(content, dtype="<i8", offset=header.table_start).reshape(header.sheets, header.columns)
    crcs = table[:, 0].tolist()
    if zlib.crc32(table.tobytes()) != header.table_crc or not records_match(content, header.stride, crcs):
        return None
    return content, header, table


def write_records(
    path: Path,
    header: Header,
    records: Iterable[tuple[NDArray[np.generic], Sequence[int]]],
    *,
    what: str,
    on_progress: Progress | None,
) -> None:
    """Write the file from (record, further numbers of the table) of each sheet: blank header, records, table, header.

    `what` names the content in messages.
    """
    table = np.zeros((header.sheets, header.columns), dtype="<i8")
    with whole_file(path, header.size, what=what) as file:
        file.write(bytes(HEADER))
        for row, (record, numbers) in enumerate(records):
            table[row] = zlib.crc32(record.data), *numbers
            file.write(record.data)
            if on_progress is not None:
                on_progress(row + 1, header.sheets)
        file.write(table.tobytes())
        file.seek(0)
        file.write(replace(header, table_crc=zlib.crc32(table.tobytes())).packed())


def reopened(path: Path, read: Callable[[Path], T | None], *, what: str) -> T:
    """The content of a file that another process had open. Raises CacheError if it is gone or damaged."""
    content = read(path)
    if content is None:
        text = f"expected the {what} another process has opened, got no whole file; run again to make it anew"
        raise CacheError(errno.ENOENT, text, str(path))
    return content
