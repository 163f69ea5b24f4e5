from typing import Any, Literal, Self

import pytest
from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator

from thinline.system.validation import Items, Node


class Scan(Node):
    dpi: int = Field(ge=72)
    name: str = Field(min_length=1)


class Log(Node):
    scale: float
    inverted: bool
    kind: Literal["raster", "vector"]
    scans: Items[Scan]
    shares: Items[float] = ()
    of: str | None = Field(default=None, alias="class")
    units: dict[str, str] = Field(default_factory=dict)

    @field_validator("units")
    @classmethod
    def _known(cls, units: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        if info.context and not set(units) <= info.context["curves"]:
            raise ValueError(f"expected units of {sorted(info.context['curves'])}, got {sorted(units)}; drop the rest")
        return units

    @model_validator(mode="after")
    def _pages(self) -> Self:
        if self.kind == "vector" and self.scans:
            raise ValueError(f"expected no scans of a vector log, got {len(self.scans)}")
        return self


WHOLE: dict[str, Any] = {"scale": 4, "inverted": False, "kind": "raster", "scans": [{"dpi": 200, "name": "a"}]}


def test_a_node_is_read_with_lists_as_tuples_and_whole_numbers_as_floats() -> None:
    log = Log.read(WHOLE | {"class": "curve_1", "shares": [1, 0.5]}, where="log")
    assert log == Log(**{**WHOLE, "scans": (Scan(dpi=200, name="a"),), "class": "curve_1", "shares": (1.0, 0.5)})
    assert isinstance(log.scale, float)
    assert log.of == "curve_1"
    assert hash(log.scans) == hash((Scan(dpi=200, name="a"),))
    with pytest.raises(ValidationError, match="frozen"):
        log.scale = 2.0  # type: ignore[misc]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scale": "4"}, "log.scale: expected a number, got '4'; see docs"),
        ({"scale": True}, "log.scale: expected a number, got True; see docs"),
        ({"scale": float("nan")}, "log.scale: expected a finite number, got nan; see docs"),
        ({"scale": float("inf")}, "log.scale: expected a finite number, got inf; see docs"),
        ({"inverted": 1}, "log.inverted: expected true or false, got 1; see docs"),
        ({"kind": "rastre"}, "log.kind: expected 'raster' or 'vector', got 'rastre'; did you mean 'raster'?"),
        ({"kind": 7}, "log.kind: expected 'raster' or 'vector', got 7; see docs"),
        ({"scans": "page"}, "log.scans: expected a list, got 'page'; see docs"),
        ({"scans": [3]}, "log.scans[0]: expected a mapping of keys and values, got 3; see docs"),
        (
            {"scans": [{"dpi": 2.0, "name": "a"}]},
            "log.scans[0].dpi: expected a whole number, got 2.0; see docs",
        ),
        (
            {"scans": [{"dpi": 5, "name": ""}]},
            "log.scans[0].dpi: expected greater than or equal to 72, got 5; see docs\n"
            "log.scans[0].name: expected a text that should have at least 1 character, got ''; see docs",
        ),
        (
            {"scans": [{"dpi": 72}]},
            "log.scans[0]: expected the keys dpi, name, got no 'name'; see docs",
        ),
        ({"class": 3}, "log.class: expected a text, got 3; see docs"),
        ({"shares": ["1"]}, "log.shares[0]: expected a number, got '1'; see docs"),
        ({"units": {"curve_1": 3}}, "log.units.curve_1: expected a text, got 3; see docs"),
        (
            {"units": {"grid": "m"}},
            "log.units: expected units of ['curve_1'], got ['grid']; drop the rest",
        ),
        ({"kind": "vector"}, "log: expected no scans of a vector log, got 1; see docs"),
    ],
)
def test_a_problem_is_one_sentence(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as error:  # noqa: PT011  # the whole message is compared
        Log.read(WHOLE | change, where="log", advice="see docs", context={"curves": {"curve_1"}})
    assert str(error.value) == message


def test_an_unknown_key_suggests_the_nearest_and_the_error_is_the_callers() -> None:
    with pytest.raises(LookupError, match=r"^expected the keys .* the unknown 'scal'; did you mean 'scale'\?$"):
        Log.read(WHOLE | {"scal": 3}, where="", error=type("Refused", (LookupError, ValueError), {}))
