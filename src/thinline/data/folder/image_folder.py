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

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from thinline.data.folder.class_greys import ClassGreys, class_greys
from thinline.data.folder.curve_truth import CourseError, read_courses
from thinline.data.folder.groups import groups_of
from thinline.data.folder.image_files import SUFFIXES, PictureError
from thinline.data.folder.image_pairs import left_out, matching, without_partner
from thinline.data.folder.keys import TEST, Folder, FolderError, GroupsBy, Templates
from thinline.data.folder.reading import Stamps, digest_of, read_pair, stamps_of
from thinline.data.folder.splits import PARTS, Folds, by_file, by_folds, by_ratio
from thinline.vocabulary import Float64, UInt8

FULL_LINES: Final = 10


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
            image, labels, _ = read_pair(self.folder, self.image, self.mask, stamps_of(self.image, self.mask))
        except PictureError as error:
            raise FolderError(f"{self.image}: was read before, now {error}") from error
        if digest_of(image, labels) != self.digest:
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
    return stamps_of(*files)


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
            grey, labels, pixels = read_pair(folder, image, mask, stamps_of(image, mask))
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
        size, digest = (labels.shape[0], labels.shape[1]), digest_of(grey, labels)
        photos.append(Photo(name, folder, image, mask, *size, digest, pixels, greys, courses, part))
    return photos


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
        if not folder.split.tests:
            problems += _in_two_splits(groups, split_of)
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


def _in_two_splits(groups: Mapping[str, str], split_of: Mapping[str, str]) -> list[str]:
    """A problem for each group whose images are in several splits."""
    splits: dict[str, set[str]] = {}
    for name, group in groups.items():
        splits.setdefault(group, set()).add(split_of.get(name, ""))
    return [
        f"group {group}: expected its images in one split, got {' and '.join(sorted(mine))}; correct split.file"
        for group, mine in splits.items()
        if len(mine) > 1
    ]


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
