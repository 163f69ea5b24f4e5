"""A user's folder of images and masks: paired, checked as a whole, and divided into splits.

Pairs
    `images` and `masks` are templates relative to `root` with one `*`: `images/G_*.png` and `labels/*.png` pair
    images/G_7.png with labels/7.png. With a template for each split the name of an image begins with its split, as
    `train/7`. A file that fits both belongs to the longer one, so that `*` and `*-gt` separate
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
from pathlib import Path
from typing import Any, Final

from thinline.data.folder.class_greys import ClassGreys, class_greys
from thinline.data.folder.curve_truth import CourseError, read_courses
from thinline.data.folder.groups import groups_of
from thinline.data.folder.image_files import SUFFIXES, PictureError, read_image, read_mask, resized
from thinline.data.folder.image_pairs import left_out, matching, without_partner
from thinline.data.folder.keys import TEST, Folder, FolderError, GroupsBy, Templates
from thinline.data.folder.scaling import scaled_image, scaled_labels
from thinline.data.folder.splits import PARTS, Folds, by_file, by_folds, by_ratio
from thinline.vocabulary import IGNORE, Float64, UInt8

Stamps = tuple[tuple[str, int, int], ...]

FULL_LINES: Final = 10
_VALUES_SHOWN: Final = 5
_SKEWED: Final = 0.01  # by how much the proportions of an image and of its mask may differ where it is resized


@dataclass(frozen=True, eq=False)
class Photo:
    """One image with its mask. `courses` are the curve truth, float64 [height] by class name.

    `digest` is a hash of grey levels and labels as they are trained on, `pixels` of the image as it was read; `greys`
    are pixels and grey levels of each class as trained on. `part` is the split of the template of the image, or "".
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
    part: str = ""

    def load(self) -> tuple[UInt8, UInt8]:
        """Grey levels and labels [H,W]. FolderError when the files have changed."""
        try:
            image, labels, _ = _read(self.folder, self.image, self.mask, _stamps(self.image, self.mask))
        except PictureError as error:
            raise FolderError(f"{self.image}: was read before, now {error}") from error
        if _digest(image, labels) != self.digest:
            raise FolderError(f"{self.image}: its image or mask changed while it was read; run again")
        return image, labels


def read_folder(folder: Folder, *, seed: int, fold: int | None = None) -> dict[str, tuple[Photo, ...]]:
    """The photos of train, val, test and of each further test set, in order of their names.

    `fold` is the number of the fold that is tested, where the folder is divided into folds. Raises FolderError with all
    problems, ValueError for more folds than images.
    """
    pairs, curve_files, problems = _paired(folder)
    photos = _photos(folder, pairs, curve_files, problems)
    groups: dict[str, str] = {}
    if folder.groups is not None:
        groups, wrong = groups_of(folder.groups, folder.root, {photo.name: photo.image.name for photo in photos})
        problems += wrong
    splits = _splits(folder, photos, groups, problems, seed=seed, fold=fold) if photos else {}
    sets = _test_sets(folder, photos, groups, splits, problems)
    if problems:
        raise FolderError(
            f"{folder.root}: expected images with masks that can be trained on, got {len(problems)} "
            f"problem{'s' if len(problems) > 1 else ''}; correct these files or the keys of data_mix:\n  "
            + "\n  ".join(shortened(problems))
        )
    return {part: tuple(photo for photo in photos if splits[photo.name] == part) for part in PARTS} | sets


def files_left_out(folder: Folder) -> list[Path]:
    """Files in the folders of images and masks that fit no template and are not read; in order."""
    lists = [folder.root / folder.split.file.replace("*", part) for part in PARTS] if folder.split.file else []
    if isinstance(folder.groups, GroupsBy):
        lists.append(folder.root / folder.groups.file)
    curves = matching(folder.root, folder.curves, (".csv",), []) if folder.curves else {}
    used = [*curves.values(), *lists]
    for each in folder.templates:
        used += [path for files in _matched(folder, each, []) for path in files.values()]
    return left_out(folder.root, _all_templates(folder), SUFFIXES, used)


def shortened(lines: Sequence[str]) -> list[str]:
    """The first FULL_LINES lines, and the number of the others."""
    return [*lines[:FULL_LINES], *([f"and {len(lines) - FULL_LINES} more"] if len(lines) > FULL_LINES else [])]


def state(folder: Folder) -> Stamps:
    """Name, size and time of every file: while they are equal, a sweep does not read the folder again."""
    if not folder.root.is_dir():
        raise FolderError(f"{folder.root}: expected a folder of images and masks, found none; check data_mix.root")
    more = folder.groups.file if isinstance(folder.groups, GroupsBy) else None
    names = [*_all_templates(folder), *filter(None, (folder.split.file, more))]
    files: list[Path] = []
    for parent in sorted({(folder.root / name).parent for name in names}):
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


def _all_templates(folder: Folder) -> list[str]:
    """The templates of images, masks and curve truth."""
    pairs = [template for each in folder.templates for template in (each.images, each.masks)]
    return [*pairs, *([folder.curves] if folder.curves else [])]


def _matched(folder: Folder, templates: Templates, problems: list[str]) -> tuple[dict[str, Path], dict[str, Path]]:
    """Images and masks of a pair of templates, by name."""
    longer = len(templates.masks) >= len(templates.images)
    but = (templates.images, templates.masks)
    masks = matching(folder.root, templates.masks, SUFFIXES, problems, but=None if longer else but[0])
    images = matching(folder.root, templates.images, SUFFIXES, problems, but=but[1] if longer else None)
    return images, masks


Pair = tuple[str, Path, Path]
"""The split of a template, or "", then an image and its mask."""


def _paired(folder: Folder) -> tuple[dict[str, Pair], dict[str, Path], list[str]]:
    """Image and mask of every name, the files of curve truth, and problems such as a missing partner."""
    problems: list[str] = []
    pairs: dict[str, Pair] = {}
    curves = matching(folder.root, folder.curves, (".csv",), problems) if folder.curves else {}
    for part, images_as, masks_as in folder.templates:
        images, masks = _matched(folder, Templates(part, images_as, masks_as), problems)
        if not images and not masks:
            others = [f"{path}: fits neither" for path in files_left_out(folder)]
            raise FolderError(
                f"{folder.root}: expected images as {images_as} and masks as {masks_as}, found none with a suffix of "
                f"{' '.join(SUFFIXES)}; set data_mix.images and data_mix.masks"
                + "".join(f"\n  {line}" for line in shortened([*dict.fromkeys(problems), *others]))
            )
        problems += without_partner(images, masks, f"image without a mask {masks_as}")
        problems += without_partner(masks, images, f"mask without an image {images_as}")
        if not part:
            problems += without_partner(curves, images, "curve truth without an image")
        both = {name: (part, images[name], masks[name]) for name in images if name in masks}
        pairs |= {f"{part}/{name}" if part else name: pair for name, pair in both.items()}
    return pairs, curves, list(dict.fromkeys(problems))


def _photos(folder: Folder, pairs: Mapping[str, Pair], curves: Mapping[str, Path], problems: list[str]) -> list[Photo]:
    """Every pair without a problem; the problems of the others are added to `problems`."""
    photos = []
    for name, (part, image, mask) in pairs.items():
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
        photos.append(Photo(name, folder, image, mask, *size, digest, pixels, greys, courses, part))
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
    if folder.scale != 1:
        grey, labels = scaled_image(grey, folder.scale), scaled_labels(labels, folder.scale)
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


def _splits(
    folder: Folder,
    photos: Sequence[Photo],
    groups: Mapping[str, str],
    problems: list[str],
    *,
    seed: int,
    fold: int | None,
) -> dict[str, str]:
    """The split of every photo by its name; one image, or one group of a ratio, in two splits is a problem."""
    if folder.templates[0].part:
        return _without_copies(photos, {photo.name: photo.part for photo in photos}, problems)
    if folder.split.file is not None:
        names = {photo.name: photo.image.name for photo in photos}
        split_of, wrong = by_file(folder.split.file, folder.root, names)
        problems += wrong
        split_of = _without_copies(photos, split_of, problems)
        if not wrong:
            problems += [f"{folder.split.file}: no image for {part}" for part in PARTS if part not in split_of.values()]
        return split_of
    if folder.groups is not None:
        _without_copies(photos, groups, problems, kind="group")
    if problems:
        return {}
    units, kind = (
        ([groups[photo.name] for photo in photos], "group") if groups else ([p.pixels for p in photos], "image")
    )
    if folder.split.folds is None or fold is None:
        parts = by_ratio(units, folder.split.ratio, seed=seed, kind=kind)
    else:
        division = Folds(folder.split.folds, fold, kind)
        parts = by_folds(units, folder.split.ratio, division, seed=seed)
    return dict(zip([photo.name for photo in photos], parts, strict=True))


def _without_copies(
    photos: Sequence[Photo], split_of: Mapping[str, str], problems: list[str], *, kind: str = "split"
) -> dict[str, str]:
    """`split_of`, by name; one image in two splits or groups is added to `problems`."""
    first: dict[str, Photo] = {}
    for photo in photos:
        other = first.setdefault(photo.pixels, photo)
        if split_of.get(photo.name) != split_of.get(other.name):
            problems.append(f"{photo.image}: the same image as {other.image.name}, which is in another {kind}")
    return dict(split_of)


def _test_sets(
    folder: Folder,
    photos: Sequence[Photo],
    groups: Mapping[str, str],
    splits: dict[str, str],
    problems: list[str],
) -> dict[str, tuple[Photo, ...]]:
    """The photos of each further test set by its name. Test photos outside the set `test` leave the split `test`."""
    if not folder.split.tests or problems:
        return {}
    tests = [photo for photo in photos if splits[photo.name] == TEST]
    sets = {name: tuple(p for p in tests if groups[p.name] in of_set) for name, of_set in folder.split.tests}
    listed = {group for _, of_set in folder.split.tests for group in of_set}
    unknown = sorted({groups[photo.name] for photo in tests} - listed)
    if unknown:
        problems.append(f"data_mix.split.tests: expected a set for every group of test images, got none for {unknown}")
    problems += [
        f"data_mix.split.tests.{name}: expected a test image of it, got none" for name in sets if not sets[name]
    ]
    own = set(sets.pop(TEST))
    splits |= {photo.name: "" for photo in tests if photo not in own}
    return sets
