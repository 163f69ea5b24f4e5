"""The folder of labels: `data_mix=folder` reads it as it is, and nothing is overwritten without `force`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from labelled_pages import PX_PER_MM, job_of, las_curves, page

from thinline.config.schema import checked, compose_config
from thinline.digitise.labels import LabelledScan, LabelSettings, label_scan, write_labels
from thinline.digitise.labels.label_folder import LEAST_ROWS, MOST_ROWS, data_set_yaml, part_rows
from thinline.digitise.output_folder import OutputError
from thinline.pipeline.user_images import photos_of, split_folder
from thinline.vocabulary import IGNORE


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> LabelledScan:
    drawn = page("archive", 3)
    return label_scan(
        job_of(drawn, tmp_path_factory.mktemp("page")), las_curves(drawn, down_mm=1, right_mm=0.2), LabelSettings()
    )


def test_a_run_reads_the_folder_as_it_is(labelled: LabelledScan, tmp_path: Path) -> None:
    out = tmp_path / "labels"
    count = write_labels(labelled, out)
    options = [f"hydra.searchpath=[file://{out}/conf]", "data_mix=folder", "data_set=labels", "head=curves"]
    conf = checked(compose_config([*options, f"data_mix.root={out}"]))
    photos = photos_of(split_folder(conf))
    read = sorted((photo for part in photos.values() for photo in part), key=lambda photo: photo.name)
    assert len(read) == count == len(list((out / "images").iterdir()))
    images, masks = zip(*(photo.load() for photo in read), strict=True)
    expected = np.where(np.isin(labelled.values, (1, 2)), 1, labelled.values)
    np.testing.assert_array_equal(np.concatenate(masks), expected[: sum(map(len, masks))])
    np.testing.assert_array_equal(np.concatenate(images)[:100], labelled.paper.rows(0, 100))
    assert read[0].folder.px_per_mm == PX_PER_MM


def test_the_file_is_an_option_of_train(labelled: LabelledScan) -> None:
    text = data_set_yaml(labelled)
    assert text.startswith("# @package _global_\n")
    assert "'data_mix.class_map={0:background,1:C1,2:C2,255:ignore}' 'classes=[background,C1,C2]'" in text


def test_the_table_has_the_shifts_of_every_row(labelled: LabelledScan, tmp_path: Path) -> None:
    write_labels(labelled, tmp_path / "labels")
    table = pd.read_csv(tmp_path / "labels/registration.csv")
    assert len(table) == labelled.paper.shape[0]
    rows = table["C1.registered"] == 1
    assert table.loc[rows, "C1.depth_mm"].median() == pytest.approx(1.0, abs=0.2)
    assert table["depth"].is_monotonic_increasing


def test_the_picture_shows_ink_and_what_is_not_counted(labelled: LabelledScan, tmp_path: Path) -> None:
    write_labels(labelled, tmp_path / "labels")
    picture = cv2.imread(str(tmp_path / "labels/overlay.png"))[..., ::-1]
    colours, counts = np.unique(picture.reshape(-1, 3), axis=0, return_counts=True)
    shown = dict(zip(map(tuple, colours.tolist()), counts.tolist(), strict=True))
    assert shown[0, 90, 180] >= 4 * (labelled.values == 1).sum()
    assert (255, 225, 170) in shown or not (labelled.values == IGNORE).any()


def test_parts_without_ink_are_left_out(labelled: LabelledScan, tmp_path: Path) -> None:

    values = labelled.values.copy()
    values[: part_rows(len(values))] = 0
    assert (
        write_labels(replace(labelled, values=values), tmp_path / "some") == write_labels(labelled, tmp_path / "x") - 1
    )
    with pytest.raises(ValueError, match="expected ink of the registered curves, got none"):
        write_labels(replace(labelled, values=np.zeros_like(values)), tmp_path / "none")
    assert not (tmp_path / "none").exists()
    assert {path.name for path in tmp_path.iterdir()} == {"some", "x"}


def test_only_labels_are_replaced_and_only_with_force(labelled: LabelledScan, tmp_path: Path) -> None:
    out = tmp_path / "labels"
    write_labels(labelled, out)
    with pytest.raises(OutputError, match="nothing is overwritten without --force"):
        write_labels(labelled, out)
    (out / "images/old.png").write_bytes(b"")
    write_labels(labelled, out, force=True)
    assert not (out / "images/old.png").exists()
    mine = tmp_path / "mine"
    mine.mkdir()
    with pytest.raises(OutputError, match="got another one"):
        write_labels(labelled, mine, force=True)
    assert {path.name for path in tmp_path.iterdir()} == {"labels", "mine"}


@pytest.mark.parametrize(("height", "rows"), [(200, LEAST_ROWS), (2000, 250), (100_000, MOST_ROWS)])
def test_short_pages_are_cut_into_more_parts(height: int, rows: int) -> None:
    assert part_rows(height) == rows
