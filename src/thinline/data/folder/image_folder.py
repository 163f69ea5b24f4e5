"""A user's folder of images and masks: paired, checked as a whole, and divided into splits.

Pairs
    `images` and `masks` are templates relative to `root` with one `*`: `images/G_*.png` and `labels/*.png` pair
    images/G_7.png with labels/7.png. A file that fits both belongs to the longer one, so that `*` and `*-gt` separate
    images and masks in one folder. A template without a suffix takes each of `image_files.SUFFIXES`; suffixes are
    compared in any case. `files_left_out` lists files that fit no template.

Checks
    All problems of the folder are reported at once, the first FULL_LINES in full: images without mask and masks without
    image, files that cannot be read, sizes that differ, values outside the map, masks with background only, curve truth
    that is not on its image, one image in two splits.

The strokes of a folder are the one-hot labels: a mask holds one class per pixel.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path, PurePath
from typing import Any, Final, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from thinline.data.folder.class_greys import ClassGreys, class_greys
from thinline.data.folder.class_map import ClassMap
from thinline.data.folder.curve_truth import CourseError, read_courses
from thinline.data.folder.image_files import SUFFIXES, PictureError, read_image, read_mask, resized
from thinline.data.folder.image_pairs import left_out, matching, printable, without_partner
from thinline.data.folder.splits import PARTS, by_file, by_ratio
from thinline.system.validation import Items, Node
from thinline.vocabulary import IGNORE, Float64, UInt8

Stamps = tuple[tuple[str, int, int], ...]

FOLDER: Final = "folder"
FULL_LINES: Final = 10
_VALUES_SHOWN: Final = 5
_SKEWED: Final = 0.01  # by how much the proportions of an image and of its mask may differ where it is resized


class FolderError(ValueError):
    """All problems of a folder; undecodable bytes of file names are escaped."""

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


class SplitBy(Node):
    """`file` if there is one, else `ratio` of train, val and test."""

    file: str | None
    ratio: Items[float]


class Folder(Node):
    """Where images and masks are and how they are read; the keys of conf/data_mix/folder.yaml."""

    name: str
    root: Path
    images: str
    masks: str
    class_map: ClassMap
    split: SplitBy
    curves: str | None
    invert: bool
    resize_images: bool
    margin_px: int = Field(ge=0)
    allow_empty: bool
    piece_px: int | None = Field(ge=8)
    px_per_mm: float | None = Field(ge=1e-3)

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

    @field_validator("images", "masks", "curves")
    @classmethod
    def _check_template(cls, template: str | None) -> str | None:
        if template is not None and PurePath(template).name.count("*") != 1:
            raise ValueError(f"expected one * in the name of the files, got {template!r}; as labels/*.png")
        return template

    @model_validator(mode="after")
    def _check_templates_differ(self) -> Self:
        if PurePath(self.images) == PurePath(self.masks):
            raise ValueError(
                f"expected two templates for images and masks, got {self.images!r} for both; name each, as images/* "
                "and masks/*"
            )
        return self

    @staticmethod
    def from_conf(conf: Mapping[str, Any], classes: Sequence[str]) -> Folder:
        """The folder of a composed `data_mix` node. ValueError names a key that is unknown, missing or wrong."""
        advice = "see conf/data_mix/folder.yaml"
        return Folder.read(conf, where="data_mix", advice=advice, context={"classes": classes})


@dataclass(frozen=True, eq=False)
class Photo:
    """One image with its mask. `courses` are the curve truth, float64 [height] by class name.

    `digest` is a hash of grey levels and labels as they are trained on, `pixels` of the image as it was read; `greys`
    are pixels and grey levels of each class as trained on.
    """

    name: str
    folder: Folder
    image: Path
    mask: Path
    height: int
    width: int
    digest: str
    pixels: str
    greys: ClassGreys
    courses: Mapping[str, Float64] = field(default_factory=dict)

    def load(self) -> tuple[UInt8, UInt8]:
        """Grey levels and labels [H,W]. FolderError when the files have changed."""
        try:
            image, labels, _ = _read(self.folder, self.image, self.mask, _stamps(self.image, self.mask))
        except PictureError as error:
            raise FolderError(f"{self.image}: was read before, now {error}") from error
        if _digest(image, labels) != self.digest:
            raise FolderError(f"{self.image}: its image or mask changed while it was read; run again")
        return image, labels


def read_folder(folder: Folder, *, seed: int) -> dict[str, tuple[Photo, ...]]:
    """The photos of train, val and test, in order of their names. Raises FolderError with all problems."""
    pairs, curve_files, problems = _paired(folder)
    photos = _photos(folder, pairs, curve_files, problems)
    splits = _splits(folder, photos, seed, problems) if photos else {}
    if problems:
        raise FolderError(
            f"{folder.root}: expected images with masks that can be trained on, got {len(problems)} "
            f"problem{'s' if len(problems) > 1 else ''}; correct these files or the keys of data_mix:\n  "
            + "\n  ".join(shortened(problems))
        )
    return {part: tuple(photo for photo in photos if splits[photo.name] == part) for part in PARTS}


def files_left_out(folder: Folder) -> list[Path]:
    """Files in the folders of images and masks that fit no template and are not read; in order."""
    pairs, curves, _ = _matched(folder)
    lists = [folder.root / folder.split.file.replace("*", part) for part in PARTS] if folder.split.file else []
    used = [*pairs[0].values(), *pairs[1].values(), *curves.values(), *lists]
    templates = [template for template in (folder.images, folder.masks, folder.curves) if template]
    return left_out(folder.root, templates, SUFFIXES, used)


def shortened(lines: Sequence[str]) -> list[str]:
    """The first FULL_LINES lines, and the number of the others."""
    return [*lines[:FULL_LINES], *([f"and {len(lines) - FULL_LINES} more"] if len(lines) > FULL_LINES else [])]


def state(folder: Folder) -> Stamps:
    """Name, size and time of every file: while they are equal, a sweep does not read the folder again."""
    if not folder.root.is_dir():
        raise FolderError(f"{folder.root}: expected a folder of images and masks, found none; check data_mix.root")
    templates = (name for name in (folder.images, folder.masks, folder.curves, folder.split.file) if name)
    files: list[Path] = []
    for parent in sorted({(folder.root / name).parent for name in templates}):
        with suppress(OSError):  # reading the folder reports one that cannot be listed
            files += sorted(path for path in parent.iterdir() if path.is_file())
    return _stamps(*files)


def _stamps(*files: Path) -> Stamps:
    """Name, size and time of files; the name alone of a file without status."""
    stamps: list[tuple[str, int, int]] = []
    for path in files:
        try:
            status = path.stat()
        except OSError:
            stamps.append((str(path), 0, 0))
        else:
            stamps.append((str(path), status.st_size, status.st_mtime_ns))
    return tuple(stamps)


def _matched(folder: Folder) -> tuple[tuple[dict[str, Path], dict[str, Path]], dict[str, Path], list[str]]:
    """Images and masks by name, files of curve truth by name, and problems."""
    problems: list[str] = []
    longer = len(folder.masks) >= len(folder.images)
    masks = matching(folder.root, folder.masks, SUFFIXES, problems, but=None if longer else folder.images)
    images = matching(folder.root, folder.images, SUFFIXES, problems, but=folder.masks if longer else None)
    curves = matching(folder.root, folder.curves, (".csv",), problems) if folder.curves else {}
    return (images, masks), curves, list(dict.fromkeys(problems))


def _paired(folder: Folder) -> tuple[dict[str, tuple[Path, Path]], dict[str, Path], list[str]]:
    """Image and mask of every name, the files of curve truth, and problems such as a missing partner."""
    (images, masks), curves, problems = _matched(folder)
    if not images and not masks:
        others = [f"{path}: fits neither" for path in files_left_out(folder)]
        raise FolderError(
            f"{folder.root}: expected images as {folder.images} and masks as {folder.masks}, found none with a suffix "
            f"of {' '.join(SUFFIXES)}; set data_mix.images and data_mix.masks"
            + "".join(f"\n  {line}" for line in shortened([*problems, *others]))
        )
    problems += without_partner(images, masks, f"image without a mask {folder.masks}")
    problems += without_partner(masks, images, f"mask without an image {folder.images}")
    problems += without_partner(curves, images, "curve truth without an image")
    return {name: (images[name], masks[name]) for name in images if name in masks}, curves, problems


def _photos(
    folder: Folder, pairs: Mapping[str, tuple[Path, Path]], curves: Mapping[str, Path], problems: list[str]
) -> list[Photo]:
    """Every pair without a problem; the problems of the others are added to `problems`."""
    photos = []
    for name, (image, mask) in pairs.items():
        try:
            grey, labels, pixels = _read(folder, image, mask, _stamps(image, mask))
        except PictureError as error:
            problems.append(str(error))
            continue
        courses: Mapping[str, Float64] = {}
        if name in curves:
            try:
                courses = read_courses(curves[name], curves=folder.class_map.classes[1:], shape=labels.shape)
            except CourseError as error:
                problems.append(f"{curves[name]}: {error}")
        greys = class_greys(grey, labels, len(folder.class_map.classes))
        size, digest = (labels.shape[0], labels.shape[1]), _digest(grey, labels)
        photos.append(Photo(name, folder, image, mask, *size, digest, pixels, greys, courses))
    return photos


@lru_cache(maxsize=1)  # pieces of one image are rendered in a row
def _read(folder: Folder, image: Path, mask: Path, stamps: Stamps) -> tuple[UInt8, UInt8, str]:
    """Grey levels and labels [H,W] as they are trained on, and the digest of the image as it was read.

    `stamps` of the files are part of the cache key, so that a changed file is read again.
    """
    grey = _with_path(image, read_image)
    labels, unknown = folder.class_map.labels(_with_path(mask, read_mask))
    if unknown:
        raise PictureError(f"{mask}: {_outside(unknown, mask.suffix)} (the map is {folder.class_map})")
    pixels = hashlib.sha256(repr(grey.shape).encode() + grey.tobytes()).hexdigest()
    if grey.shape != labels.shape:
        grey = _fitted(folder, image, grey, labels)
    labels = _trimmed(labels, folder.margin_px)
    if (labels == IGNORE).all():
        margin = f" or lies in the margin of {folder.margin_px} px" if folder.margin_px else ""
        raise PictureError(f"{mask}: no pixel is counted, each is `ignore` in class_map{margin}; leave the image out")
    if not folder.allow_empty and not ((labels > 0) & (labels != IGNORE)).any():
        raise PictureError(f"{mask}: the mask is empty, nothing but background; allow_empty=true lets it pass")
    return 255 - grey if folder.invert else grey, labels, pixels


def _with_path(path: Path, read: Callable[[Path], Any]) -> Any:
    """The result of `read`; its error with the path of the file in front."""
    try:
        return read(path)
    except PictureError as error:
        raise PictureError(f"{path}: {error}") from error


def _outside(unknown: Mapping[int, int], suffix: str) -> str:
    """Values outside the class map with their number of pixels, and advice."""
    values = [f"{value} ({pixels:,} px)" for value, pixels in unknown.items()]
    listed = ", ".join(values[:_VALUES_SHOWN])
    if len(values) > _VALUES_SHOWN:
        listed += f" and {len(values) - _VALUES_SHOWN} other values ({sum(unknown.values()):,} px in all)"
    if suffix.lower() in (".jpg", ".jpeg"):
        advice = "JPEG changes values at edges: save masks as PNG, or map ranges as 0-127"
    else:
        advice = "add them to data_mix.class_map, as ranges (0-127) where edges are soft, or correct the mask"
    return f"values {listed} are outside data_mix.class_map; {advice}"


def _fitted(folder: Folder, path: Path, grey: UInt8, labels: UInt8) -> UInt8:
    """The image at the size of its mask, if that is allowed and keeps its proportions."""
    sizes = f"{path}: {grey.shape[0]} x {grey.shape[1]} px, but its mask {labels.shape[0]} x {labels.shape[1]}"
    if not folder.resize_images:
        raise PictureError(f"{sizes}; resize_images=true resizes the image")
    height, width = (new / old for new, old in zip(labels.shape, grey.shape, strict=True))
    if abs(height / width - 1) > _SKEWED:
        raise PictureError(f"{sizes}, of other proportions; was one of them cut or turned?")
    return resized(grey, (labels.shape[0], labels.shape[1]))


def _trimmed(labels: UInt8, margin: int) -> UInt8:
    """The labels with the pixels along the edges ignored."""
    if margin:
        labels[:margin] = labels[-margin:] = IGNORE
        labels[:, :margin] = labels[:, -margin:] = IGNORE
    return labels


def _digest(image: UInt8, labels: UInt8) -> str:
    return hashlib.sha256(repr(image.shape).encode() + image.tobytes() + labels.tobytes()).hexdigest()


def _splits(folder: Folder, photos: Sequence[Photo], seed: int, problems: list[str]) -> dict[str, str]:
    """The split of every photo by its name; one image in two splits is a problem."""
    if folder.split.file is None:
        if problems:
            return {}
        parts = by_ratio([photo.pixels for photo in photos], folder.split.ratio, seed=seed)
        return dict(zip([photo.name for photo in photos], parts, strict=True))
    names = {photo.name: photo.image.name for photo in photos}
    split_of, wrong = by_file(folder.split.file, folder.root, names)
    problems += wrong
    first: dict[str, Photo] = {}
    for photo in photos:
        other = first.setdefault(photo.pixels, photo)
        if split_of.get(photo.name) != split_of.get(other.name):
            problems.append(f"{photo.image}: the same image as {other.image.name}, which is in another split")
    if not wrong:
        problems += [f"{folder.split.file}: no image for {part}" for part in PARTS if part not in split_of.values()]
    return split_of
