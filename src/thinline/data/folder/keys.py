"""The keys of conf/data_mix/folder.yaml: where a user's images and masks are, and how they are read and divided.

Templates
    `images` and `masks` are one template each, or a mapping with a template for each of train, val and test, for data
    that are published in a folder for each split. A mapping is the split: `split.file` and `split.folds` do not go with
    it.

Scale
    `px_per_mm` is the scale of the masks on disk. With `scale` below 1 images and masks are made smaller when they are
    read (scaling.py), and every length in px is one of the smaller image: `read_px_per_mm` is the scale then.

Drawn sheets
    With `fresh`, a family of drawn sheets, a share `fresh_share` of the training images is drawn, at the scale of the
    images as they are read (data/mix.py). Validation and test have images of the folder only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any, Final, NamedTuple, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from thinline.data.folder.class_map import ClassMap
from thinline.data.folder.image_pairs import printable
from thinline.data.folder.splits import PARTS
from thinline.sheets import FAMILIES
from thinline.system.validation import Items, Node

FOLDER: Final = "folder"
TEST: Final = "test"

PartTemplates = tuple[tuple[str, str], ...]
"""A template for each of train, val and test, as (split, template), hashable."""


class FolderError(ValueError):
    """All problems of a folder; undecodable bytes of file names are escaped."""

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


class Templates(NamedTuple):
    """The templates of images and masks; `part` is the split that they belong to, "" where one pair holds all."""

    part: str
    images: str
    masks: str


class GroupsBy(Node):
    """A CSV file under the root; its first column names the image, `column` its group."""

    file: str
    column: str


class SplitBy(Node):
    """`folds` if there are some, else `file` if there is one, else `ratio` of train, val and test.

    `tests` are the test sets by name, each with its groups of test images: (name, groups).
    """

    file: str | None
    ratio: Items[float]
    folds: int | None = Field(default=None, ge=2)
    tests: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @field_validator("tests", mode="before")
    @classmethod
    def _read_tests(cls, table: Any) -> Any:
        if table is None or isinstance(table, tuple):
            return table or ()
        if not isinstance(table, Mapping):
            raise ValueError(f"expected groups by test set, got {table!r}; as {{test:inside,test_dark:[night,fog]}}")
        tests = {
            str(key): (value,) if isinstance(value, str) else tuple(map(str, value)) for key, value in table.items()
        }
        odd = [name for name in tests if name != TEST and not re.fullmatch(rf"{TEST}_\w+", name)]
        if tests and (odd or TEST not in tests):
            got = odd[0] if odd else f"no {TEST!r} but {', '.join(tests)}"
            raise ValueError(f"expected a set `{TEST}` and others as `{TEST}_NAME`, got {got}; rename it")
        return tuple(tests.items())


class Folder(Node):
    """Where images and masks are and how they are read; the keys of conf/data_mix/folder.yaml."""

    name: str
    root: Path
    images: str | PartTemplates
    masks: str | PartTemplates
    class_map: ClassMap
    split: SplitBy
    curves: str | None
    invert: bool
    resize_images: bool
    margin_px: int = Field(ge=0)
    allow_empty: bool
    piece_px: int | None = Field(ge=8)
    px_per_mm: float | None = Field(ge=1e-3)
    groups: str | GroupsBy | None = None
    scale: float = Field(default=1.0, ge=0.05, le=1)
    fresh: str | None = None
    fresh_share: float = Field(default=0.5, gt=0, lt=1)

    @field_validator("root", mode="before")
    @classmethod
    def _check_root(cls, root: object) -> object:
        if root is None:
            raise ValueError("expected the folder of your images, got null; set data_mix.root=DIR")
        return Path(root) if isinstance(root, str) else root

    @field_validator("class_map", mode="before")
    @classmethod
    def _read_map(cls, table: Any, info: ValidationInfo) -> ClassMap:
        return ClassMap.from_conf(table, (info.context or {})["classes"])

    @field_validator("images", "masks", mode="before")
    @classmethod
    def _read_parts(cls, templates: Any) -> Any:
        if isinstance(templates, str | tuple):
            return templates
        if not isinstance(templates, Mapping):
            raise ValueError(f"expected a template, or one for each of {', '.join(PARTS)}, got {templates!r}")
        if set(templates) != set(PARTS):
            raise ValueError(
                f"expected a template for each of {', '.join(PARTS)}, got {', '.join(templates) or 'none'}"
            )
        return tuple((part, str(templates[part])) for part in PARTS)

    @field_validator("images", "masks", "curves")
    @classmethod
    def _check_template(cls, given: str | PartTemplates | None) -> str | PartTemplates | None:
        for template in (given,) if isinstance(given, str) else dict(given or ()).values():
            if PurePath(template).name.count("*") != 1:
                raise ValueError(f"expected one * in the name of the files, got {template!r}; as labels/*.png")
        return given

    @field_validator("groups", mode="before")
    @classmethod
    def _check_groups(cls, groups: Any) -> Any:
        if groups is not None and not isinstance(groups, str | GroupsBy) and set(groups) != set(GroupsBy.model_fields):
            raise ValueError(f"expected a text or {{file:wells.csv,column:well}}, got {groups!r}; give both keys")
        if isinstance(groups, str):
            try:
                re.compile(groups)
            except re.error as error:
                raise ValueError(
                    f"expected a regular expression, got {groups!r} ({error}); as (well_[0-9]+)-.*"
                ) from error
        return groups

    @field_validator("fresh")
    @classmethod
    def _check_fresh(cls, family: str | None) -> str | None:
        if family is not None and family not in FAMILIES:
            raise ValueError(f"expected a family of drawn sheets ({', '.join(FAMILIES)}) or null, got {family!r}")
        return family

    @model_validator(mode="after")
    def _check_fresh_scale(self) -> Self:
        if self.fresh is not None and self.px_per_mm is None:
            raise ValueError(
                f"fresh: expected data_mix.px_per_mm with it, at which sheets are drawn, got {self.fresh} and null; "
                "give the scale of the images, as data_mix.px_per_mm=5"
            )
        return self

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if isinstance(self.images, str) != isinstance(self.masks, str):
            raise ValueError(
                f"expected images and masks both as one template or both for {', '.join(PARTS)}, got {self.images!r} "
                f"and {self.masks!r}; write both alike"
            )
        for part, images, masks in self.templates:
            if PurePath(images) == PurePath(masks):
                raise ValueError(
                    f"expected two templates for images and masks{f' of {part}' if part else ''}, got {images!r} for "
                    "both; name each, as images/* and masks/*"
                )
        of_parts = not isinstance(self.images, str)
        for key, value in {
            "curves": self.curves,
            "split.file": self.split.file,
            "split.folds": self.split.folds,
        }.items():
            if of_parts and value is not None:
                raise ValueError(f"{key}: expected null where images have a template for each split, got {value!r}")
        if self.split.folds is not None and self.split.file is not None:
            raise ValueError(
                "split.folds: expected null beside split.file, which names the split; set one of them to null"
            )
        if self.split.tests and self.groups is None:
            raise ValueError(
                "split.tests: expected data_mix.groups with it, got null; say which image is in which group"
            )
        if self.curves is not None and self.scale != 1:
            raise ValueError(f"scale: expected 1 with curve truth, which is in px of the masks, got {self.scale:g}")
        return self

    @property
    def templates(self) -> tuple[Templates, ...]:
        """The templates of each split, or one pair for all of them."""
        if isinstance(self.images, str) or isinstance(self.masks, str):
            return (Templates("", str(self.images), str(self.masks)),)
        masks = dict(self.masks)
        return tuple(Templates(part, images, masks[part]) for part, images in self.images)

    @property
    def read_px_per_mm(self) -> float | None:
        """The scale of images and masks as they are read; None where it is unknown."""
        return None if self.px_per_mm is None else self.px_per_mm * self.scale

    @staticmethod
    def from_conf(conf: Mapping[str, Any], classes: Sequence[str]) -> Folder:
        """The folder of a composed `data_mix` node. ValueError names a key that is unknown, missing or wrong."""
        advice = "see conf/data_mix/folder.yaml"
        return Folder.read(conf, where="data_mix", advice=advice, context={"classes": classes})
