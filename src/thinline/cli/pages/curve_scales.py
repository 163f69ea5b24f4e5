"""The scales, names and hints of the curves, from the options of `thinline digitise` and from a job file."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from thinline.digitise import CurveScale
from thinline.digitise.axes import ScaleError
from thinline.digitise.scan import Scan
from thinline.pipeline.load import LoadedRun

_SIDES: Final = ("left", "right")
_KEYS: Final = ("left", "right", "scale", "name", "unit", "track", "falling")


def curve_names(options: argparse.Namespace, network: LoadedRun) -> tuple[str, ...]:
    """The curves of the run, or for a network that names none those of the proposal or of --curve."""
    if not network.head.unscored:
        return network.head.classes[1:]
    proposed = getattr(options, "proposed", ())
    return tuple(keys["name"] for keys in proposed) or tuple(_merged(options.curve)) or ("curve_1",)


def hints_of(
    options: argparse.Namespace, curves: tuple[str, ...], network: LoadedRun
) -> tuple[tuple[tuple[float, float], ...], ...]:
    """The points of --at, and of the proposal for curves without --at, for each curve."""
    points: dict[str, list[tuple[float, float]]] = {}
    for text in options.at:
        curve, *numbers = text.split(":")
        if curve not in curves or len(numbers) != 2:
            raise ScaleError(f"--at {text}: expected CURVE:ROW:COLUMN with a curve of {', '.join(curves)}")
        row, column = (_number(f"--at {text}", number) for number in numbers)
        points.setdefault(curve, []).append((row, column))
    proposed: Sequence[Sequence[tuple[float, float]]] = getattr(options, "proposed_at", [()] * len(curves))
    hints = tuple(tuple(points.get(curve, own)) for curve, own in zip(curves, proposed, strict=True))
    if any(hints) and not network.head.unscored:
        raise ScaleError(
            f"--at: expected a network that names no curves, as the one that comes with the package, got "
            f"{network.name}, which names them; leave --at out"
        )
    return hints if any(hints) else ()


def scales_of(options: argparse.Namespace, curves: tuple[str, ...], scan: Scan) -> tuple[CurveScale, ...]:
    """One scale for each curve of the run: the shared options, changed by --curve."""
    own = _own_scales(options, curves)
    unknown = [name for name in own if name not in curves]
    if unknown:
        raise ScaleError(f"--curve {unknown[0]}: expected a curve of the run, {' or '.join(curves)}")
    track = tuple(options.track or (-0.5, scan.width - 0.5))
    shared = {"left": options.left, "right": options.right, "scale": options.scale, "unit": "", "falling": "no"}
    scales = tuple(_scale(name, shared | {"name": name} | own.get(name, {}), track) for name in curves)
    names = [scale.name for scale in scales]
    if len({name.upper() for name in names} - {"DEPT", "DEPTH"}) < len(names):
        raise ScaleError(
            f"--curve: expected a name of its own for every curve, other than DEPT and DEPTH, got {', '.join(names)}; "
            "LAS does not distinguish small letters from capitals"
        )
    return scales


def _own_scales(options: argparse.Namespace, curves: tuple[str, ...]) -> dict[str, dict[str, str]]:
    """The keys of each curve: those of --curve, and below them those of a job file, one entry for each curve."""
    own = _merged(options.curve)
    proposed: Sequence[Mapping[str, str]] = getattr(options, "proposed", ())
    if proposed and len(proposed) != len(curves):
        raise ScaleError(
            f"{options.job_file}: expected {len(curves)} curves, one for each of this run ({', '.join(curves)}), got "
            f"{len(proposed)}; leave curves out of the file, or take a run with as many"
        )
    for name, pieces in zip(curves, getattr(options, "proposed_pieces", ()), strict=False):
        if pieces and "falling" in own.get(name, {}):
            raise ScaleError(
                f"--curve: expected no `falling` of {name}, whose scale changes in the file, got one; exchange left "
                "and right in the file, above the first change and below it"
            )
    shared = {side for side in _SIDES if getattr(options, side) is not None}
    for name, keys in zip(curves, proposed, strict=False):
        own[name] = _over_the_file(keys, own.get(name, {}), shared)
    return own


def _over_the_file(keys: Mapping[str, str], own: Mapping[str, str], shared: set[str]) -> dict[str, str]:
    """The keys of a curve of a job file under those of --curve; `shared` are the edges whose values all curves share.

    A curve without a value at each edge is in fractions of its track, unless an option gives one of the two.
    """
    given = shared | (own.keys() & set(_SIDES))
    keys = dict(keys)
    if not (given or keys.keys() >= set(_SIDES)):
        keys |= {"left": "0", "right": "1"} | ({"scale": "linear"} if "scale" in keys else {})
    if "falling" in own and not given:  # the direction alone: the values of the file in the other order
        keys["left"], keys["right"] = sorted((keys["left"], keys["right"]), key=float)
    return {**keys, **own}


def _scale(curve: str, keys: Mapping[str, Any], track: tuple[float, ...]) -> CurveScale:
    for side in _SIDES:
        if keys[side] is None:
            raise ScaleError(f"{curve}: expected the value at the {side} edge of its track, got none; give --{side}")
    name = str(keys["name"])
    if not (name.isascii() and name.replace("_", "").replace("-", "").isalnum()):
        raise ScaleError(f"{curve}: expected a name of letters, digits, _ and -, as LAS requires, got {name!r}")
    if keys["falling"] not in ("yes", "no"):
        raise ScaleError(f"{curve}: `falling` must be yes or no, got {keys['falling']!r}")
    if "track" in keys:
        track = _ends(curve, str(keys["track"]))
    left, right = (_number(f"{curve}:{side}", keys[side]) for side in _SIDES)
    falling = keys["falling"] == "yes"
    if left > right:
        left, right, falling = right, left, True
    edges = track[0], track[1]
    return CurveScale(name, str(keys["unit"]), *edges, left, right, kind=str(keys["scale"]), falling=falling)


def _parsed(text: str) -> tuple[str, dict[str, str]]:
    """The curve and the keys of `curve_1:left=0,name=GR`."""
    curve, _, rest = text.partition(":")
    pairs = [part.partition("=") for part in rest.split(",")] if rest else []
    wrong = [key for key, equals, _ in pairs if not equals or key not in _KEYS]
    if wrong or not pairs:
        raise ScaleError(
            f"--curve {text}: expected CURVE:KEY=VALUE,... with keys {', '.join(_KEYS)}, got "
            f"{wrong[0] if wrong else 'no key'!r}; as curve_1:left=0,right=150,name=GR,unit=API"
        )
    keys = [key for key, _, _ in pairs]
    twice = next((key for key in keys if keys.count(key) > 1), None)
    if twice is not None:
        raise ScaleError(f"--curve {text}: expected `{twice}` once, got it twice; leave one of them out")
    return curve, {key: value for key, _, value in pairs}


def _merged(texts: Sequence[str]) -> dict[str, dict[str, str]]:
    """The keys of each curve over all --curve. Raises ScaleError for one key with two values."""
    own: dict[str, dict[str, str]] = {}
    for text in texts:
        curve, keys = _parsed(text)
        before = own.setdefault(curve, {})
        for key, value in keys.items():
            if before.setdefault(key, value) != value:
                raise ScaleError(
                    f"--curve {curve}: expected one value of `{key}`, got {before[key]!r} and {value!r}; leave one out"
                )
    return own


def _ends(curve: str, text: str) -> tuple[float, float]:
    """The two columns of `120-860`, which may have signs and exponents."""
    for n, letter in enumerate(text):
        if letter == "-":
            with suppress(ValueError):
                return float(text[:n]), float(text[n + 1 :])
    raise ScaleError(f"{curve}: `track` must be two columns as 120-860, got {text!r}")


def _number(key: str, text: Any) -> float:
    try:
        return float(text)
    except ValueError:
        raise ScaleError(f"{key}: expected a number, got {text!r}") from None
