"""The layout of a page: what is drawn is found, what is not drawn is not, and real scans have their tracks."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from log_pages import DPI, NO_LOGS, REAL_SCANS, LogPage, save

from thinline.digitise.page.layout import Layout, LayoutError, find_layout
from thinline.digitise.scan import ScanError, open_scan


def layout_of(path: Path, **options) -> Layout:
    return find_layout(open_scan(path), **options)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    return layout_of(LogPage().save(tmp_path_factory.mktemp("page") / "log.png"))


def test_tracks_depth_column_and_header_are_where_they_are_drawn(page: Layout) -> None:
    drawn = LogPage()
    edges = [(track.left_px, track.right_px) for track in page.tracks]
    assert np.abs(np.array(edges) - np.array(drawn.tracks)).max() <= 2
    assert len(page.depth_px) == 1
    assert page.depth_px[0] == pytest.approx((294, 370), abs=2)
    assert page.first_row == pytest.approx(drawn.header, abs=32)
    assert page.last_row >= drawn.height - 32


def test_curves_pitch_and_scale_are_those_drawn(page: Layout) -> None:
    assert [track.curves for track in page.tracks] == [1, 2]
    for track in page.tracks:
        assert track.scale == "linear"
        assert track.gridded
        assert track.pitch.down_mm == pytest.approx(5.0, rel=0.02)
        assert track.pitch.across_mm == pytest.approx(6.35, rel=0.02)
        assert track.pitch.agrees
    assert page.scan_px_per_mm == pytest.approx(4.0)


@pytest.mark.parametrize("tilt", [-24.0, 30.0])
def test_the_edges_of_a_tilted_page_are_those_of_the_first_row_of_the_log(tilt: float, tmp_path: Path) -> None:
    drawn = LogPage(tilt=tilt)
    found = layout_of(drawn.save(tmp_path / "tilted.png"))
    moved = np.array(drawn.tracks) + tilt * found.first_row / drawn.height
    assert np.abs(np.array([(t.left_px, t.right_px) for t in found.tracks]) - moved).max() <= 4
    assert found.page.tilt_degrees() == pytest.approx(np.degrees(np.arctan(tilt / drawn.height)), abs=0.2)


@pytest.mark.parametrize("factor", [2, 3])
def test_a_finer_scan_has_the_same_layout(factor: int, page: Layout, tmp_path: Path) -> None:
    fine = LogPage().draw().repeat(factor, axis=0).repeat(factor, axis=1)
    found = layout_of(save(fine, tmp_path / "fine.tif", dpi=factor * DPI))
    for track, same in zip(found.tracks, page.tracks, strict=True):
        assert track.left_px / factor == pytest.approx(same.left_px, abs=2)
        assert track.right_px / factor == pytest.approx(same.right_px, abs=2)


def test_a_mirrored_page_has_mirrored_tracks(page: Layout, tmp_path: Path) -> None:
    drawn = LogPage()
    found = layout_of(save(np.ascontiguousarray(drawn.draw()[:, ::-1]), tmp_path / "mirrored.png"))
    mirrored = sorted((drawn.width - 1 - t.right_px, drawn.width - 1 - t.left_px) for t in found.tracks)
    expected = [(track.left_px, track.right_px) for track in page.tracks]
    assert np.abs(np.array(mirrored) - np.array(expected)).max() <= 3


def test_a_black_bar_on_the_edge_of_a_track_belongs_to_the_track(tmp_path: Path) -> None:
    image = LogPage().draw()
    image[500:, 370:400] = 0
    found = layout_of(save(image, tmp_path / "bar.png"))
    assert [(t.left_px, t.right_px) for t in found.tracks][1] == pytest.approx((370, 720), abs=4)


def test_a_streak_of_the_scanner_does_not_bend_the_page(tmp_path: Path) -> None:
    drawn = LogPage(tilt=20.0)
    image = drawn.draw()
    image[:, [130, 131, 500, 501]] = 0
    found = layout_of(save(image, tmp_path / "streaks.png"))
    assert found.page.tilt_degrees() == pytest.approx(np.degrees(np.arctan(20 / drawn.height)), abs=0.3)


@pytest.mark.parametrize("name", NO_LOGS)
def test_no_track_is_invented(name: str, tmp_path: Path) -> None:
    with pytest.raises(LayoutError, match="expected the tracks of a log, found no grid"):
        layout_of(save(NO_LOGS[name](), tmp_path / "page.png"))


@pytest.mark.parametrize("seed", range(3))
def test_no_track_is_invented_on_salt_and_pepper(seed: int, tmp_path: Path) -> None:
    noise = np.random.default_rng(seed).random((1200, 600)) < 0.3 * (seed + 1) / 3
    with pytest.raises(LayoutError):
        layout_of(save(np.where(noise, 0, 255).astype(np.uint8), tmp_path / "noise.png"))


def test_a_single_pixel_is_no_scan(tmp_path: Path) -> None:
    with pytest.raises(ScanError, match="expected 8 to"):
        layout_of(save(np.zeros((1, 1), np.uint8), tmp_path / "pixel.png"))


def test_a_page_without_resolution_has_the_same_tracks(page: Layout, tmp_path: Path) -> None:
    found = layout_of(LogPage().save(tmp_path / "log.png", dpi=None))
    assert not found.page.dpi_known
    for track, same in zip(found.tracks, page.tracks, strict=True):
        assert (track.left_px, track.right_px) == pytest.approx((same.left_px, same.right_px), abs=3)


def test_several_pages_are_one_log(tmp_path: Path) -> None:
    from PIL import Image

    image = LogPage().draw()
    first, second = (Image.fromarray(part) for part in (image[:700], image[700:]))
    first.save(tmp_path / "two.tif", save_all=True, append_images=[second], dpi=(DPI, DPI))
    found = layout_of(tmp_path / "two.tif")
    assert len(found.scan.pages) == 2
    assert found.last_row >= 1400 - 32


REAL = {
    # name: tracks with the columns of their edges, columns of the depth column, first row of the log; read by eye
    "33-023-01163-0003.tif": ([(131, 520)], (520, 544), 2960),
    "BWN49.tif": ([(218, 699), (821, 1432)], (699, 821), 3290),
    "ALS471.tif": ([(310, 799), (952, 1940)], (799, 952), 7430),
}


@pytest.mark.skipif(not REAL_SCANS.is_dir(), reason="the real scans are not in the repository")
@pytest.mark.parametrize("name", REAL)
def test_real_scans_have_the_tracks_that_were_read_by_eye(name: str) -> None:
    scan = open_scan(REAL_SCANS / name)
    found = find_layout(scan)
    tracks, depth, first = REAL[name]
    px_per_mm = found.scan_px_per_mm
    edges = [(track.left_px, track.right_px) for track in found.tracks]
    assert np.abs(np.array(edges) - np.array(tracks)).max() <= 2.5 * px_per_mm
    assert np.abs(np.array(found.depth_px) - np.array([depth])).max() <= 2.5 * px_per_mm
    assert found.first_row == pytest.approx(first, abs=12 * px_per_mm)


def test_the_picture_shows_every_column_and_fits_the_limits(page: Layout) -> None:
    from thinline.digitise.page.layout_picture import MOST_HIGH, MOST_WIDE, layout_png

    picture = cv2.imdecode(np.frombuffer(layout_png(page), np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape[0] <= MOST_HIGH
    assert picture.shape[1] <= MOST_WIDE
    for colour in ((0, 90, 180), (213, 94, 0), (0, 120, 90)):
        assert (picture[..., ::-1] == np.array(colour)).all(axis=-1).sum() > 500
