"""`thinline sheets --compare DIR`."""

from __future__ import annotations

from pathlib import Path

import pytest
from digitise_command import printed
from log_pages import LogPage

from thinline.cli.main import main
from thinline.digitise.page.statistics import NAMES
from thinline.sheets import FAMILIES


@pytest.mark.parametrize("family", FAMILIES)
def test_every_statistic_of_both_is_printed(family: str, tmp_path: Path, capsys) -> None:
    LogPage().save(tmp_path / "log.png")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno")
    assert main(["sheets", "--compare", str(tmp_path), "--family", family, "--measured", "3"]) == 0
    text = printed(capsys)
    assert f"3 drawn sheets ({family})" in text
    assert "windows of 1 files" in text
    assert "broken.png" in text
    for name in NAMES:
        assert name.split(",")[0] in text


def test_wrong_names_are_refused(tmp_path: Path, capsys) -> None:
    LogPage().save(tmp_path / "log.png")
    assert main(["sheets", "--compare", str(tmp_path), "--family", "feild"]) == 1
    assert "--family: expected one of" in printed(capsys)
    assert main(["sheets", "--compare", str(tmp_path / "none")]) == 1
    assert "expected a folder of scans" in printed(capsys)
