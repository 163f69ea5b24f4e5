"""Windows of the files of a folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from log_pages import DPI, LogPage, save

from thinline.digitise.page.windows import folder_windows
from thinline.digitise.scan import ScanError


def test_windows_have_one_size_and_unreadable_or_blank_files_are_named(tmp_path: Path) -> None:
    page = LogPage().draw()
    save(page, tmp_path / "a.png")
    save(page.repeat(2, axis=0).repeat(2, axis=1), tmp_path / "fine.tif", dpi=2 * DPI)
    save(page, tmp_path / "bare.png", dpi=None)
    save(np.full((900, 600), 255, np.uint8), tmp_path / "blank.png")
    save(page[:100], tmp_path / "small.png")
    (tmp_path / "broken.tif").write_bytes(b"II*\0nothing")
    (tmp_path / "notes.txt").write_text("no image")
    found = folder_windows(tmp_path, size_mm=64, px_per_mm=4.0, most=3)
    assert found.files == 3
    assert {window.shape for window in found.windows} == {(256, 256)}
    assert len(found.windows) == 9
    named = {Path(sentence.split(":")[0]).name for sentence in found.left_out}
    assert named == {"blank.png", "broken.tif", "small.png"}
    first, last = found.windows[0], found.windows[6]
    assert (np.abs(first.astype(int) - last.astype(int)) > 40).mean() < 0.02, "one page at two resolutions"


@pytest.mark.parametrize("name", ["none", "."])
def test_a_folder_without_scans_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ScanError, match="expected"):
        folder_windows(tmp_path / name, size_mm=64, px_per_mm=4.0, most=3)
