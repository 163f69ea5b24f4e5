"""The Python API: a loaded run predicts what its test pass predicted, on arrays and files of any size."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest
import torch
from folder_cases import draw_folder
from PIL import Image
from scan_cases import HEAD, PX_PER_MM, sees
from tested_sheets import check_labels, sheets_of_test

import thinline
from thinline.data.folder.image_files import PictureError
from thinline.digitise.reading import ChosenFactor
from thinline.heads import Binary, Curves
from thinline.pipeline import load
from thinline.pipeline.cell import run_cell
from thinline.pipeline.load import LoadedRun, load_run
from thinline.runs import RunFolder
from thinline.vocabulary import LOG_CLASSES

FP32 = ("trainer.precision=fp32", "overlays=6")
RUN = LoadedRun("coded@0", sees, HEAD, PX_PER_MM, 64, True)  # type: ignore[arg-type]


def coded(height: int = 150, width: int = 100) -> np.ndarray:
    """Paper with curve_1 black at column 20 and curve_2 grey at column 70."""
    paper = np.full((height, width), 255, np.uint8)
    paper[:, 20], paper[:, 70] = 0, 120
    return paper


def test_labels_of_tuned_thresholds_are_those_of_the_test_pass(shared, cache):
    """A short run: at its tuned thresholds there is ink, while its head calls everything background or curve_1."""
    folder = RunFolder.open(run_cell(*shared("class_weight=tuned_threshold", *FP32)).folder)
    sheets, run = sheets_of_test(folder, cache), thinline.load_run(folder.path)
    predictions = [run.predict(np.array(image)) for image in sheets.images]
    check_labels(folder, sheets, [prediction.labels for prediction in predictions], run.head.classes)
    by_head = [run.head.decode(torch.from_numpy(background_first(each))[None])[0].numpy() for each in predictions]
    assert any((each.labels != ids).any() for each, ids in zip(predictions, by_head, strict=True))


def background_first(prediction):
    """Probabilities [C,H,W] of a softmax from those of its curves."""
    ink = prediction.probabilities
    return np.concatenate([1 - ink.sum(axis=0, keepdims=True), ink])


def test_a_run_of_tuned_thresholds_without_its_run_folder_does_not_predict(shared, tmp_path):
    folder = RunFolder.open(run_cell(*shared("class_weight=tuned_threshold", *FP32)).folder)
    for file in (folder.config_path, folder.checkpoints / "last.ckpt"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    run = load_run(tmp_path / "last.ckpt")
    with pytest.raises(ValueError, match=r"expected them in per_class\.parquet of its run folder, got none"):
        run.predict(coded())


def test_inverted_images_of_a_folder_are_given_as_they_are(tiny, tmp_path, cache):
    """The test pass saw the inverted images; `predict` gets the files. Pieces are as large as the images."""
    root = draw_folder(tmp_path / "own", [(90, 70), (64, 100), (90, 70), (80, 80), (75, 66), (64, 64)])
    keys = [f"data_mix.root={root}", "data_mix.class_map={0:background,255:vessel}", "classes=[background,vessel]"]
    small = ("data_mix.invert=true", "data_mix.piece_px=100", "budget.tile_px=[64,64]")
    folder = RunFolder.open(run_cell(*tiny("data_mix=folder", *keys, *small, *FP32)).folder)
    sheets, run = sheets_of_test(folder, cache), load_run(folder.path)
    assert (run.tile_px, run.invert) == (100, True)
    labels = []
    for image in sheets.images:
        (file,) = (
            path
            for path in (root / "images").iterdir()
            if np.array_equal(255 - cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), image)
        )
        labels.append(run.predict(file).labels)
    check_labels(folder, sheets, labels, run.head.classes)


@pytest.mark.parametrize("shape", [(40, 50), (64, 64), (150, 100), (65, 300), (1, 1)])
def test_an_image_of_any_size_is_labelled_pixel_by_pixel(shape):
    """A network of one pixel: tiles and their seams change nothing."""
    grey = np.random.default_rng(0).choice(np.array([0, 120, 215, 255], np.uint8), shape)
    prediction = RUN.predict(grey)
    assert np.array_equal(prediction.labels, np.select([grey == 0, grey == 120], [1, 2]))
    assert (prediction.labels.dtype, prediction.probabilities.dtype) == (np.uint8, np.float32)
    assert prediction.probabilities.shape == (2, *shape)
    assert np.array_equal(prediction.probabilities.argmax(0)[grey < 200], prediction.labels[grey < 200] - 1)


def test_curves_are_traced_and_scored():
    paper = coded()
    prediction = RUN.predict(paper)
    assert [set(curve.x_px) for curve in prediction.curves] == [{20.0}, {70.0}]
    assert prediction.curves is prediction.curves
    truth = np.select([paper == 0, paper == 120], [1, 2])
    rows = thinline.evaluate(prediction, truth).set_index(["measure", "class"])["value"]
    assert rows["iou", "curve_1"] == rows["iou", "curve_2"] == rows["nsd_1px", "curve_2"] == 1
    named = thinline.evaluate(prediction.labels, truth, ["paper", "black", "grey"], PX_PER_MM)
    assert set(named["class"]) == {"paper", "black", "grey"}


def test_a_head_that_joins_the_curves_has_one_probability():
    def dark(image: torch.Tensor) -> torch.Tensor:
        return image * 20 - 6

    prediction = LoadedRun("dark@0", dark, Binary(LOG_CLASSES), PX_PER_MM, 64, True).predict(coded())  # type: ignore[arg-type]
    assert prediction.classes == ("background", "curve")
    assert prediction.probabilities.shape == (1, 150, 100)
    assert set(np.flatnonzero(prediction.labels.any(axis=0))) == {20, 70}


def test_a_file_is_read_as_a_training_image_is(tmp_path):
    colours = np.repeat(coded()[..., None], 3, axis=-1)
    cv2.imwrite(str(tmp_path / "a.png"), colours)
    cv2.imwrite(str(tmp_path / "b.tif"), coded())
    for name in ("a.png", "b.tif"):
        assert np.array_equal(RUN.predict(tmp_path / name).labels, RUN.predict(coded()).labels)
    assert np.array_equal(RUN.predict(str(tmp_path / "a.png")).labels, RUN.predict(colours[..., 0]).labels)


@pytest.mark.parametrize(
    ("image", "error", "words"),
    [
        (np.zeros((4, 4, 3), np.uint8), ValueError, r"must be grey \[H,W\], got shape \[4, 4, 3\]; networks have one"),
        (np.zeros((1, 4, 4), np.uint8), ValueError, r"got shape \[1, 4, 4\]"),
        (np.zeros((4, 4), np.float32), TypeError, "must be uint8, 0 black and 255 white, got float32; scale it"),
        (np.zeros((4, 4), np.bool_), TypeError, "got bool"),
        (np.zeros((0, 4), np.uint8), ValueError, "must have a pixel or more"),
        ("nothing.png", PictureError, r"nothing\.png: expected an image file, got no such file"),
        (".", PictureError, "expected an image file, got a folder"),
    ],
)
def test_what_is_no_image_is_refused(image, error, words):
    with pytest.raises(error, match=words):
        RUN.predict(image)


def test_a_file_that_is_no_image_is_named(tmp_path):
    (tmp_path / "a.png").write_text("no image")
    with pytest.raises(PictureError, match=r"a\.png: cannot be read: expected a TIFF, PNG or JPEG"):
        RUN.predict(tmp_path / "a.png")


def trained_on(root, tiny, *keys):
    """The loaded run of a folder of images drawn at `root`."""
    own = [f"data_mix.root={root}", "data_mix.class_map={0:background,255:vessel}", "classes=[background,vessel]"]
    small = ("data_mix=folder", "data_mix.piece_px=96", "budget.tile_px=[64,64]", *own, *keys, *FP32)
    return load_run(run_cell(*tiny(*small)).folder)


def test_a_run_on_own_images_is_read_at_the_scale_it_was_trained_at(tiny, tmp_path):
    """Not at the 4 px/mm of drawn sheets: the images have 20 px/mm, and training saw them half as large."""
    root = draw_folder(tmp_path / "own", [(160, 150), (128, 200), (180, 140), (160, 160), (150, 132), (128, 128)])
    run = trained_on(root, tiny, "data_mix.px_per_mm=20", "data_mix.scale=0.5")
    assert (run.px_per_mm, run.scale, run.scale_known) == (10.0, 0.5, True)
    image = np.array(cv2.imread(str(next((root / "images").iterdir())), cv2.IMREAD_GRAYSCALE))
    plain = run.predict(image)
    assert plain.px_per_mm == 20
    for asked in ({"px_per_mm": 20.0}, {"factor": 0.5}):
        assert np.array_equal(run.predict(image, **asked).probabilities, plain.probabilities)
    finer = cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST)  # the same paper at 40 px/mm
    again = run.predict(finer, px_per_mm=40.0)
    assert again.px_per_mm == 40
    np.testing.assert_allclose(again.probabilities[:, ::2, ::2], plain.probabilities, atol=0.25)
    assert np.abs(again.probabilities[:, ::2, ::2] - plain.probabilities).mean() < 0.01


def test_a_run_on_own_images_without_a_scale_says_that_it_knows_none(tiny, tmp_path):
    run = trained_on(draw_folder(tmp_path / "own", [(90, 70), (64, 100), (90, 70), (80, 80), (75, 66), (64, 64)]), tiny)
    assert not run.scale_known
    with pytest.raises(ValueError, match=r"does not know its scale .* expected no `px_per_mm`, got 8; give `factor`"):
        run.predict(coded(), px_per_mm=8)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"px_per_mm": 4.0, "factor": 1.0}, "expected `px_per_mm` or `factor`, got both, 4.0 and 1.0"),
        ({"factor": 0}, "`factor` must be above zero and finite, got 0"),
        ({"px_per_mm": float("inf")}, "`px_per_mm` must be above zero and finite, got inf"),
    ],
)
def test_a_scale_that_cannot_be_is_refused(asked, words):
    with pytest.raises(ValueError, match=words):
        RUN.predict(coded(), **asked)


def test_an_image_of_another_scale_is_read_at_that_of_the_run():
    """Twice as fine, with a network of one pixel: the labels are those of the coarse image, each pixel four times."""
    coarse, fine = coded(), np.kron(coded(), np.ones((2, 2), np.uint8))
    prediction = RUN.predict(fine, px_per_mm=2 * PX_PER_MM)
    assert prediction.labels.shape == fine.shape
    labels = prediction.labels.copy()
    inside = np.kron(RUN.predict(coarse).labels, np.ones((2, 2), np.uint8))
    assert (labels[:, 40:42] == 1).all() or (labels[:, 40:42] > 0).mean() > 0.9
    assert (labels != inside).mean() < 0.02
    assert prediction.px_per_mm == 2 * PX_PER_MM


def test_centre_lines_are_beside_the_probabilities_of_the_ink():
    def two(image: torch.Tensor) -> torch.Tensor:
        return torch.cat([image * 20 - 6, image * 20 - 16], dim=1)  # ink from .3, centre lines from .8

    run = LoadedRun("two@0", two, Curves(), PX_PER_MM, 64, True, tuned=True, thresholds=(0.25,))  # type: ignore[arg-type]
    prediction = run.predict(coded())
    assert prediction.classes == ("background", "ink")
    assert prediction.probabilities.shape == (1, 150, 100)
    assert prediction.centre is not None
    assert set(np.flatnonzero((prediction.centre > 0.5).any(axis=0))) == {20}
    assert set(np.flatnonzero(prediction.labels.any(axis=0))) == {20, 70}
    assert RUN.predict(coded()).centre is None


def test_a_network_for_any_scale_tries_the_resolution_of_the_file(tmp_path, monkeypatch):
    """Of the file alone; an array has none, and a scale that is given is not chosen."""
    tried = []

    def choose(reader, grey, *, implied=None):
        tried.append(implied)
        return ChosenFactor(0.5, "because", ())

    monkeypatch.setattr(load, "choose_factor", choose)
    run = dataclasses.replace(RUN, any_scale=True)
    image = coded()
    file = tmp_path / "scan.png"
    Image.fromarray(image).save(file, dpi=(254, 508))
    predictions = [run.predict(each) for each in (image, file)]
    assert tried == [None, pytest.approx(PX_PER_MM / 10, rel=1e-3)]
    assert [each.px_per_mm for each in predictions] == [2 * PX_PER_MM] * 2
    assert [each.scale_reason for each in predictions] == ["because"] * 2
    assert run.predict(file, px_per_mm=PX_PER_MM).scale_reason == RUN.predict(file).scale_reason == ""
    assert len(tried) == 2
