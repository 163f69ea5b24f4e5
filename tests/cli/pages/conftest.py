"""Scans are read in fewer windows, and without reading text where a test says so."""

from __future__ import annotations

import importlib.util

import pytest

from thinline.digitise.page import curve_count


@pytest.fixture(autouse=True)
def few_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Curves are counted in 3 windows, which do not overlap on a small page, and not in 24, each read by a network."""
    monkeypatch.setattr(curve_count, "MOST_WINDOWS", 3)


@pytest.fixture
def without_ocr(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra `ocr` is not installed."""
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "rapidocr" else find_spec(name))
