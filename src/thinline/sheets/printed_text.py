"""What is printed and pencilled on a form: depth numbers, header, annotations, correlation ticks, flags, folds."""

from __future__ import annotations

import numpy as np

from thinline.sheets.printed_form import Form
from thinline.sheets.spec import MarkSpec, TextSpec, TrackSpec
from thinline.sheets.style import Taste, draw

Print = tuple[list[TextSpec], list[MarkSpec]]
_NOTES = ("SHALE", "LST", "CSG 9 5/8", "GAS", "TD", "RPT", "SS", "DST 2", "TIGHT", "COAL", "OWC", "BIT 8.5", "CORE 1")
_NAMES = ("GAMMA RAY", "SP", "CALI", "ILD", "RHOB", "NPHI", "DT", "LLD", "MSFL", "SFL", "CNL", "BHC")
_SCALES = (("0", "150"), ("-160", "40"), ("6", "16"), (".2", "2000"), ("1.95", "2.95"), ("45", "-15"), ("140", "40"))
_DEPTH_STEPS = (10, 25, 50, 100)
_CLOSEST_MM = 9.0  # between two depth numbers
_LETTER = 0.95  # width of a letter over the height of a capital
_ROW_MM = 5.0  # of a header


def prints(taste: Taste, rng: np.random.Generator, form: Form, header_mm: float, size_mm: tuple[float, float]) -> Print:
    """Texts and marks of a sheet."""
    height = size_mm[0]
    texts = _depths(rng, form, (header_mm, height))
    marks: list[MarkSpec] = []
    for track in form.tracks if header_mm else ():
        names, rules = _header(rng, track, header_mm)
        texts, marks = texts + names, marks + rules
    for _ in range(int(rng.integers(taste.notes[0], taste.notes[1] + 1))):
        texts.append(_note(rng, form, (header_mm, height)))
    if rng.random() < taste.marked:
        marks += _side_marks(rng, form, (header_mm, height))
    if rng.random() < taste.stained:
        marks.append(_fold(rng, size_mm))
    return texts, marks


def _depths(rng: np.random.Generator, form: Form, between_mm: tuple[float, float]) -> list[TextSpec]:
    """Depth numbers at major lines, upright or turned, as many as there is room for."""
    turned = int(rng.random() < 0.35)
    tall = draw(rng, (1.5, 2.2))
    number, step = int(rng.integers(5, 180)) * 50, _DEPTH_STEPS[int(rng.integers(len(_DEPTH_STEPS)))]
    left, wide = form.column_mm
    first, pitch = form.numbered_mm
    pitch *= np.ceil(_CLOSEST_MM / pitch)
    texts = []
    for y in np.arange(first, between_mm[1], pitch):
        text = str(number)
        number += step
        long = _LETTER * tall * len(text)
        x = left + (wide - (tall if turned else min(long, wide))) / 2
        if y > between_mm[0] + 3:
            texts.append(_text(text, x, y - (long if turned else tall) / 2, tall, turned=turned))
    return texts


def _header(rng: np.random.Generator, track: TrackSpec, depth_mm: float) -> Print:
    """Over a track, for each of its curves: name, scale at both ends, a line in some dash."""
    left, wide = track.left_mm, track.right_mm - track.left_mm
    texts: list[TextSpec] = []
    marks = [MarkSpec("rule", left, depth_mm - 0.3, wide, 0.3, 1.0), MarkSpec("rule", left, 0.8, wide, 0.25, 0.9)]
    for row in range(max(1, int((depth_mm - 1.5) / _ROW_MM))):
        y = 1.6 + _ROW_MM * row
        name, (low, high) = _any(rng, _NAMES), _SCALES[int(rng.integers(len(_SCALES)))]
        texts.append(_text(name, left + (wide - 1.5 * _LETTER * len(name)) / 2, y, 1.5))
        texts.append(_text(low, left + 0.6, y + 0.9, 1.2))
        texts.append(_text(high, left + wide - 0.6 - 1.2 * _LETTER * len(high), y + 0.9, 1.2))
        dash = wide - 1.2 if rng.random() < 0.5 else draw(rng, (1.0, 3.0))
        for x in np.arange(left + 0.6, left + wide - 0.6 - dash / 2, dash * 1.5):
            marks.append(MarkSpec("rule", round(float(x), 3), y + 3.4, dash, 0.25, 0.95))
    return texts, marks


def _note(rng: np.random.Generator, form: Form, between_mm: tuple[float, float]) -> TextSpec:
    """A word inside a track, over whatever runs there."""
    track = form.tracks[int(rng.integers(len(form.tracks)))]
    x = draw(rng, (track.left_mm + 1, max(track.left_mm + 2, track.right_mm - 12)))
    y = draw(rng, (between_mm[0] + 1, between_mm[1] - 3))
    return _text(_any(rng, _NOTES), x, y, draw(rng, (1.3, 2.2)), turned=int(rng.random() < 0.15))


def _side_marks(rng: np.random.Generator, form: Form, between_mm: tuple[float, float]) -> list[MarkSpec]:
    """Correlation ticks and shaded flags on one side of a track."""
    track = form.tracks[int(rng.integers(len(form.tracks)))]
    right = rng.random() < 0.5
    top, bottom = between_mm
    marks = []
    for n in range(int(rng.integers(2, 11))):
        long = draw(rng, (1.0, 3.0))
        x = round(track.right_mm - long if right else track.left_mm, 3)
        if n % 4 < 3:
            marks.append(MarkSpec("tick", x, draw(rng, (top + 1, bottom - 1)), long, 0.3, 0.9))
        else:
            y = draw(rng, (top + 1, max(top + 2, bottom - 8)))
            marks.append(MarkSpec("flag", x, y, long, draw(rng, (1.5, 6.0)), draw(rng, (0.2, 0.5))))
    return marks


def _fold(rng: np.random.Generator, size_mm: tuple[float, float]) -> MarkSpec:
    """A fold, a stain or a paper join: a dark band across the sheet, the wider the paler."""
    deep = draw(rng, (0.4, 5.0))
    darkness = round(draw(rng, (0.2, 0.55)) / (1 + 0.25 * deep), 3)
    return MarkSpec("fold", -6.0, draw(rng, (2.0, size_mm[0] - 4.0)), size_mm[1] + 12.0, deep, darkness)


def _text(text: str, x: float, y: float, tall: float, *, turned: int = 0) -> TextSpec:
    return TextSpec(text, round(float(x), 2), round(float(y), 2), round(tall, 3), turned)


def _any(rng: np.random.Generator, words: tuple[str, ...]) -> str:
    return words[int(rng.integers(len(words)))]
