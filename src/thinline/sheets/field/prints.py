"""Sample everything on a `field` sheet that is neither grid nor curve: texts, marks, fills, handwriting, bars."""

from __future__ import annotations

from typing import Final, NamedTuple

from thinline.sheets.field.draws import Draws
from thinline.sheets.field.layout import Area, Layout
from thinline.sheets.field_spec import PATTERNS, BoxSpec, FillSpec, HandSpec
from thinline.sheets.spec import CurveSpec, MarkSpec, TextSpec, TrackSpec

_NOTES: Final = ("SHALE", "LST", "CSG 9 5/8", "GAS", "TD", "RPT", "SS", "DST 2", "TIGHT", "COAL", "X", "OWC", "BIT 8.5")
_PROSE: Final = (
    "LS: med-dk gy, med brn", "occ blk, frm-hd", "MUD @ 5700'", "Wt. 9.6", "Vis 59", "TOP OF CHARLES", "SURVEY",
    "INC 0.5", "AZ 334.7", "WOB 25", "SPP 2327", "BG 15 u @ 100 ft", "Oil:H2O 77/23", "SA: clr, trnsl", "anhy: crm",
    "no shows", "Max: 17 u", "RIG SERVICE", "Lag 33.8 minutes",
)  # fmt: skip
_NAMES: Final = ("GAMMA RAY", "SP", "CALI", "ILD", "RHOB", "NPHI", "DT", "LLD", "ROP (ft/hr)", "Gas (units)")
_SCALES: Final = ("0", "150", "-160", "40", "6", "16", ".2", "2000", "1.95", "2.95", "45", "-15", "300", "500")
_LETTER: Final = 0.95  # width of a letter over the height of a capital
_CLOSEST_MM: Final = 9.0  # between two depth numbers
_STARTS: Final = (650, 1800, 2500, 5100, 6250, 7850, 8300, 10100, 12700, 13300)


class Printed(NamedTuple):
    """Everything that is printed or written, and nothing that is grid or curve."""

    texts: tuple[TextSpec, ...]
    marks: tuple[MarkSpec, ...]
    fills: tuple[FillSpec, ...]
    hands: tuple[HandSpec, ...]
    bars: tuple[BoxSpec, ...]
    blanks: tuple[BoxSpec, ...]


def print_of(
    draws: Draws,
    layout: Layout,
    header_mm: float,
    size_mm: tuple[float, float],
    curves: tuple[CurveSpec, ...],
    *,
    digital: bool,
) -> Printed:
    """All print of a window; a `digital` plot has no handwriting, folds and bars."""
    texts: list[TextSpec] = []
    marks: list[MarkSpec] = []
    blanks: list[BoxSpec] = []
    fills: list[FillSpec] = []
    shown = [area for area in layout.areas if area.right_mm > 0 and area.left_mm < size_mm[1]]
    for area in shown:
        if area.kind == "depth":
            texts += _depths(draws, area, layout.tracks[0], (header_mm, size_mm[0]))
        elif area.kind == "prose":
            texts += _block(draws, area.left_mm + 1, (header_mm, size_mm[0]), size_mm)
        if area.kind != "track" and draws.chance(0.08):
            fills.append(_filled_column(draws, area, (header_mm, size_mm[0])))
    track = draws.pick(layout.tracks)
    if header_mm > 0:
        header_texts, header_marks = _header(draws, layout.tracks, header_mm)
        texts, marks = texts + header_texts, marks + header_marks
    if draws.chance(0.35):
        for _ in range(draws.whole(1, 3)):
            texts.append(_note(draws, track, (header_mm, size_mm), blanks))
    if draws.chance(0.12):
        left = draws.uniform(max(0.0, track.left_mm), min(size_mm[1], track.right_mm))
        texts += _block(draws, left, (header_mm, size_mm[0]), size_mm)
    if draws.chance(0.25):
        marks += _side_marks(draws, track, (header_mm, size_mm[0]))
    if draws.chance(0.2):
        fills += _curve_fills(draws, curves, layout, size_mm[0])
    hands = () if digital else _hands(draws, size_mm)
    bars = () if digital else _bars(draws, shown, size_mm)
    if not digital and draws.chance(0.12):
        marks.append(_fold(draws, size_mm))
    return Printed(tuple(texts), tuple(marks), tuple(fills), hands, bars, tuple(blanks))


def _text(text: str, x: float, y: float, tall: float, *, turned: int = 0) -> TextSpec:
    return TextSpec(text, round(x, 2), round(y, 2), round(tall, 2), turned)


def _depths(draws: Draws, area: Area, track: TrackSpec, between_mm: tuple[float, float]) -> list[TextSpec]:
    """Depth numbers down a column, upright or turned."""
    turned, tall = int(draws.chance(0.45)), draws.uniform(1.4, 3.0)
    number, step = draws.pick(_STARTS), draws.pick((10, 25, 50, 100, 100))
    pitch = track.depth_step_mm * track.depth_major_every
    while pitch < _CLOSEST_MM + 3 * tall * turned:
        pitch *= 2
    texts, y = [], track.depth_offset_mm % pitch
    while y < between_mm[1]:
        text = str(number)
        long = _LETTER * tall * len(text)
        x = area.left_mm + (area.right_mm - area.left_mm - (tall if turned else long)) / 2
        if y > between_mm[0] + 3:
            texts.append(_text(text, x, y - (long if turned else tall) / 2, tall, turned=turned))
        number, y = number + step, y + pitch
    return texts


def _block(draws: Draws, x: float, between_mm: tuple[float, float], size_mm: tuple[float, float]) -> list[TextSpec]:
    """Lines of prose one below the other."""
    tall, lines = draws.uniform(1.2, 2.4), draws.whole(2, 9)
    y = draws.uniform(between_mm[0], max(between_mm[0] + 1, between_mm[1] - 1.6 * tall * lines))
    return [_text(draws.pick(_PROSE), x, y + 1.6 * tall * n, tall) for n in range(lines) if y < size_mm[0]]


def _note(draws: Draws, track: TrackSpec, within: tuple[float, tuple[float, float]], blanks: list[BoxSpec]) -> TextSpec:
    """A word inside a track, sometimes on a white box."""
    header_mm, (height, width) = within
    left, right = max(0.0, track.left_mm), min(width, track.right_mm)
    x, y, tall = draws.uniform(left, right) - 4, draws.uniform(header_mm + 1, height - 2), draws.uniform(1.2, 2.8)
    word = draws.pick(_NOTES) if draws.chance(0.6) else str(draws.pick(_STARTS))
    turned = int(draws.chance(0.15))
    if not turned and draws.chance(0.3):
        long = round(1.1 * _LETTER * tall * len(word), 2)
        blanks.append(BoxSpec(round(x - 0.4, 2), round(y - 0.4, 2), long, round(1.5 * tall, 2)))
    return _text(word, x, y, tall, turned=turned)


def _header(draws: Draws, tracks: tuple[TrackSpec, ...], depth_mm: float) -> tuple[list[TextSpec], list[MarkSpec]]:
    """Header rows over each track: a name, the scale at both ends, and a line in the style of a pen."""
    texts, marks = [], []
    for track in tracks:
        left, wide = track.left_mm, track.right_mm - track.left_mm
        marks.append(MarkSpec("rule", left, round(depth_mm - 0.3, 3), wide, draws.uniform(0.2, 0.8), 1.0))
        for row in range(max(1, int((depth_mm - 1.5) / 5.0))):
            y, name = 1.6 + 5.0 * row, draws.pick(_NAMES)
            texts.append(_text(name, left + (wide - 1.5 * _LETTER * len(name)) / 2, y, 1.5))
            texts.append(_text(draws.pick(_SCALES), left + 0.6, y + 0.9, 1.2))
            texts.append(_text(draws.pick(_SCALES), left + wide - 4.6, y + 0.9, 1.2))
            marks.append(MarkSpec("rule", left + 0.6, round(y + 3.4, 3), wide - 1.2, draws.uniform(0.15, 0.6), 0.95))
    return texts, marks


def _side_marks(draws: Draws, track: TrackSpec, between_mm: tuple[float, float]) -> list[MarkSpec]:
    """Correlation and tension ticks, and shaded flags, on one side of a track or in the middle of it."""
    top, bottom = between_mm
    at = draws.pick((track.left_mm, track.right_mm, (track.left_mm + track.right_mm) / 2))
    marks = []
    for n in range(draws.whole(2, 9)):
        long, y = draws.uniform(0.8, 5.0), draws.uniform(top, bottom)
        x = round(at - (long if at == track.right_mm else 0.0), 3)
        if n % 4 < 2:
            marks.append(MarkSpec("tick", x, y, long, draws.uniform(0.15, 0.7), draws.uniform(0.7, 1.0)))
        else:
            marks.append(MarkSpec("flag", x, y, long, draws.uniform(1.5, 9.0), draws.uniform(0.2, 0.6)))
    return marks


def _pattern(draws: Draws) -> tuple[str, float, float, float]:
    pattern = draws.pick(PATTERNS)
    darkness = draws.uniform(0.2, 0.6) if pattern == "grey" else draws.uniform(0.5, 1.0)
    return pattern, draws.log(0.5, 2.5), draws.uniform(0.1, 0.3), darkness


def _filled_column(draws: Draws, area: Area, between_mm: tuple[float, float]) -> FillSpec:
    """A column of rock symbols, or a shaded part of it."""
    top = draws.uniform(*between_mm) if draws.chance(0.5) else between_mm[0]
    return FillSpec(round(top, 2), between_mm[1] + 5, area.left_mm, area.right_mm, -1, -1, *_pattern(draws))


def _curve_fills(draws: Draws, curves: tuple[CurveSpec, ...], layout: Layout, height_mm: float) -> list[FillSpec]:
    """One to three fills between a curve and the edge of its track, or between two curves of a track."""
    curve = draws.whole(0, len(curves) - 1)
    number = curves[curve].track
    track = layout.tracks[number]
    others = [k for k, other in enumerate(curves) if other.track == number and k != curve]
    left, right = (curve, -1) if draws.chance(0.5) else (-1, curve)
    if others and draws.chance(0.5):
        left, right = curve, others[0]
    pattern, fills = _pattern(draws), []
    for _ in range(draws.whole(1, 3)):
        top = draws.uniform(-5, height_mm)
        bottom = round(top + draws.log(2.0, 30.0), 3)
        fills.append(FillSpec(top, bottom, track.left_mm, track.right_mm, left, right, *pattern))
    return fills


def _hands(draws: Draws, size_mm: tuple[float, float]) -> tuple[HandSpec, ...]:
    """Handwritten words, lines, rings and dirt."""
    hands = []
    for kind, odds in (("word", 0.16), ("word", 0.1), ("line", 0.05), ("ring", 0.03), ("specks", 0.12)):
        if not draws.chance(odds):
            continue
        tall = draws.uniform(2.5, 7.0)
        wide = draws.uniform(2.0, 7.0) * tall if kind == "word" else draws.uniform(5.0, 35.0)
        if kind != "word":
            tall = draws.uniform(3.0, 30.0)
        x, y = draws.uniform(-5, size_mm[1] - 5), draws.uniform(-2, size_mm[0] - 3)
        pen = draws.log(0.15, 0.7) if kind != "specks" else draws.log(0.2, 1.2)
        hands.append(HandSpec(kind, draws.seed(), x, y, wide, tall, pen, draws.uniform(0.6, 1.0)))
    return tuple(hands)


def _bars(draws: Draws, shown: list[Area], size_mm: tuple[float, float]) -> tuple[BoxSpec, ...]:
    """A black bar over a depth column, along the side of the page, or anywhere."""
    if not draws.chance(0.1):
        return ()
    columns = [area for area in shown if area.kind != "track"]
    wide = draws.log(1.0, 9.0)
    x = draws.pick((-1.0, size_mm[1] - wide + 1, draws.uniform(0, size_mm[1])))
    if columns and draws.chance(0.6):
        x, wide = columns[0].left_mm, columns[0].right_mm - columns[0].left_mm
    y, tall = (-20.0, size_mm[0] + 40) if draws.chance(0.7) else (draws.uniform(0, size_mm[0]), draws.uniform(5, 60))
    return (BoxSpec(round(x, 3), y, round(wide, 3), tall, draws.log(0.02, 0.4), draws.seed()),)


def _fold(draws: Draws, size_mm: tuple[float, float]) -> MarkSpec:
    """A fold, a stain or a paper join: a dark band across the sheet, the wider the paler."""
    deep = draws.uniform(0.4, 6.0)
    darkness = round(draws.uniform(0.2, 0.6) / (1 + 0.25 * deep), 3)
    return MarkSpec("fold", -15.0, draws.uniform(0, size_mm[0]), size_mm[1] + 30.0, deep, darkness)
