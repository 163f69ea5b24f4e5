"""The text of a job file, with comments that say what to fill in (`proposal.py` describes the file)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from thinline.digitise.page.proposal import Proposal
from thinline.system.yaml_text import yaml_line

_ORDER: Final = ("scan", "pages", "dpi", "rows", "tilt_degrees", "tracks", "curves", "depth")
_LEFT_OUT_EMPTY: Final = ("scale", "pieces")
_NOTES: Final = {
    "rows": "first and last row to digitise; rows and columns are pixels of the scan",
    "tilt_degrees": "for information; it is measured again",
    "tracks": "edges in the first row; scale: linear or log",
    "curves": "one entry for each curve, as many as there are; fill in name, unit, and the values at the left and "
    "the right edge; `at` takes hints [row, column] on the curve",
    "depth": "fill in the unit (m or ft) and the depths of two rows; move the rows to two printed depths",
}
_READ_AGAIN: Final = (
    "or write `depth: {source: ocr, unit: ft}`: the depths are then read from the depth column, with the extra `ocr`"
)


def proposal_yaml(proposal: Proposal, *, depth_notes: Sequence[str] = (), curve_notes: Sequence[str] = ()) -> str:
    """The text of a job file.

    `depth_notes`: comments on depths that were read, in place of how to fill them in; `curve_notes`: comments on
    scales that were read.
    """
    node = proposal.model_dump(mode="json")
    node["curves"] = [
        {key: value for key, value in curve.items() if key not in ("scale", "pieces") or value}
        for curve in node["curves"]
    ]
    if node["depth"]["source"] == "typed":
        del node["depth"]["source"]
    parts = ["# Proposed by `thinline digitise`; every null is to be filled in.\n"]
    for key in _ORDER:
        notes = [_NOTES[key]] if key in _NOTES else []
        notes = list(depth_notes) if key == "depth" and depth_notes else notes
        notes = [*notes, *{"curves": curve_notes, "depth": [_READ_AGAIN]}.get(key, ())]
        parts += [f"# {_one_line(note)}\n" for note in notes]
        parts.append(_lines(key, node[key]))
    return "".join(parts)


def _one_line(note: str) -> str:
    """A note without line breaks, which would end the comment."""
    return "".join(letter if letter.isprintable() else " " for letter in note)


def _lines(key: str, value: Any) -> str:
    """A key with its value: entries of a list of mappings, and of a mapping, on lines of their own."""
    if isinstance(value, dict):
        return f"{key}:\n" + "".join(f"  {name}: {yaml_line(part)}\n" for name, part in value.items())
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return f"{key}:\n" + "".join(f"- {yaml_line(part)}\n" for part in value)
    return f"{key}: {yaml_line(value)}\n"
