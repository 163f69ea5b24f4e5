"""`thinline ship`: a finished run becomes a network of the package, which predicts the same without a run folder."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from digitise_command import digitise, printed
from omegaconf import OmegaConf
from safetensors.torch import load_file
from scan_cases import blank, save, trace, wave
from tiny_cells import tiny_cell

import thinline
from thinline.cli.main import main
from thinline.cli.network import model_card, ship
from thinline.cli.network.curve_errors import curve_errors
from thinline.cli.network.model_card import command_of
from thinline.config import shipped, trained_run
from thinline.config.trained_run import NoRunError
from thinline.data.folder.image_files import read_mask
from thinline.pipeline import sheets
from thinline.pipeline.cell import run_cell
from thinline.runs import RunFolder

CURVES = ("head=curves", "classes=[background,ink,centre]", "class_weight=tuned_threshold", "mirrored=false")


@pytest.fixture(scope="module", autouse=True)
def few_sheets() -> Iterator[None]:
    """The errors of curves on the card are those of 6 sheets, not of 200; test_curve_errors.py checks them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model_card, "curve_errors", partial(curve_errors, sheets=6))
        yield


@pytest.fixture(scope="module")
def ended(tmp_path_factory, cache) -> RunFolder:
    """A finished run of ink and centre lines."""
    return RunFolder.open(run_cell(*tiny_cell(tmp_path_factory.mktemp("ship") / "store", cache, *CURVES)).folder)


@pytest.fixture(scope="module")
def packed(ended, cache) -> Path:
    """Its folder of a shipped network."""
    folder = ended.root / "shipped" / "reader"
    assert main(["ship", str(ended.path), str(folder), "--cache", str(cache)]) == 0
    return folder


@pytest.fixture
def of_the_package(packed, monkeypatch) -> Path:
    """The package has this network, and nothing may open a connection."""
    monkeypatch.setattr(shipped, "FOLDER", packed.parent)
    monkeypatch.setattr("socket.socket", partial(pytest.fail, "opened a connection"))
    return packed


def example(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """The example sheet, and the ink that was predicted on it."""
    grey, ink = (cv2.imread(str(folder / name), cv2.IMREAD_GRAYSCALE) for name in ("example.png", "example_ink.png"))
    return np.asarray(grey, np.uint8), np.asarray(ink) > 0


def test_the_packed_network_predicts_as_its_run(ended, packed) -> None:
    run, shipped_run = thinline.load_run(ended.path), thinline.load_run(packed)
    grey, ink = example(packed)
    before, after = run.predict(grey), shipped_run.predict(grey)
    assert np.abs(before.probabilities - after.probabilities).max() < 0.02  # half precision of the weights
    assert (ink == (after.labels > 0)).mean() > 0.999
    assert shipped_run.thresholds == run.thresholds
    assert (shipped_run.px_per_mm, shipped_run.sheet_px, shipped_run.tuned) == (4.0, run.sheet_px, True)
    assert after.centre is not None


def test_matrices_have_half_precision_and_nothing_else_is_lost(ended, packed) -> None:
    saved = torch.load(ended.checkpoints / "last.ckpt", weights_only=True)["state_dict"]
    tensors = load_file(packed / "weights.safetensors")
    assert {f"network.{name}" for name in tensors} == {name for name in saved if name.startswith("network.")}
    for name, tensor in tensors.items():
        exact = saved[f"network.{name}"]
        assert tensor.dtype == (torch.float16 if exact.ndim > 1 else exact.dtype)
        torch.testing.assert_close(tensor.to(exact.dtype), exact, rtol=1e-3, atol=1e-6)


def test_a_network_of_the_package_is_found_by_its_name_and_is_the_default(of_the_package, tmp_path) -> None:
    digest = hashlib.sha256((of_the_package / "weights.safetensors").read_bytes()).hexdigest()
    for run in ("reader", None, str(of_the_package)):
        assert thinline.load_run(run, tmp_path).name == f"reader@{digest[:10]}"


def test_a_package_without_a_network_asks_for_a_run(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(shipped, "FOLDER", tmp_path)
    with pytest.raises(NoRunError, match="expected --run with a trained network, got none"):
        thinline.load_run(None, tmp_path)
    with pytest.raises(NoRunError, match="run reader: expected a run folder"):
        thinline.load_run("reader", tmp_path)


def test_predict_without_a_run_reads_with_the_network_of_the_package(of_the_package, tmp_path, capsys) -> None:
    grey, ink = example(of_the_package)
    (tmp_path / "scans").mkdir()
    cv2.imwrite(str(tmp_path / "scans" / "a.png"), grey)
    for number, words in enumerate((["scans"], ["scans/a.png"], ["reader", "scans/a.png"])):
        paths = [str(tmp_path / word) if word.startswith("scans") else word for word in words]
        assert main(["predict", *paths, "--out", str(tmp_path / f"out{number}")]) == 0
        assert "predicted with reader@" in " ".join(capsys.readouterr().out.split())
        labels = read_mask(tmp_path / f"out{number}" / "a.png")
        assert ((labels > 0) == ink).mean() > 0.999


def test_digitise_without_a_run_reads_with_the_network_of_the_package(of_the_package, tmp_path, capsys) -> None:
    """It names no curve, so one is looked for; six steps of training find it or do not."""
    paper = trace(blank(300, 200), wave(300, middle=100, swing=50))
    code, out = digitise(save(paper, tmp_path / "scan.tif"), "--min-confidence", "0", "--min-coverage", "0")
    text = printed(capsys)
    assert "with reader@" in text, text
    assert code in (0, 1), text
    assert "curve_1" in text
    assert "scale: factor" in text
    assert (out / "class_map.png").is_file()


def test_a_run_begins_with_the_weights_of_the_package(of_the_package, tiny) -> None:
    """`init_from=reader`; its name has the digest of the weights."""
    conf, choices = tiny(*CURVES, "init_from=reader", "seed=5")
    outcome = run_cell(conf, choices)
    origin = RunFolder.open(outcome.folder).begun().origin
    assert origin.init_from == thinline.load_run("reader").name


def test_the_card_says_data_scores_command_and_digest(packed, ended) -> None:
    card = (packed / "card.md").read_text()
    digest = hashlib.sha256((packed / "weights.safetensors").read_bytes()).hexdigest()
    for words in (
        digest,
        ended.name,
        "train 6 sheets (archive, procedural)",
        "| ink, iou |",
        "centre lines, F1 within",
    ):
        assert words in card
    command = next(line.strip() for line in card.splitlines() if line.strip().startswith("python train.py"))
    assert command.startswith("python train.py +experiment=reader loss=dice data_mix=fresh budget=smoke ")
    assert all(str(part) not in card for part in (packed.parent, ended.root))


def test_the_command_of_a_run_has_what_differs_from_its_experiment(ended) -> None:
    config = OmegaConf.load(ended.config_path)
    words = command_of("nothing_declared", config, ended.begun().cell.factors).split()
    assert {"head=curves", "class_weight=tuned_threshold", "budget=smoke", "mirrored=False"} <= set(words)
    assert not [word for word in words if word.startswith(("paths", "trainer", "tracking", "loss", "+"))]


def test_the_configuration_has_no_path_of_the_machine(packed, ended, cache) -> None:
    text = (packed / "config.yaml").read_text()
    assert not any(str(path) in text for path in (ended.root, cache, Path.home()))
    assert "paths:" not in text


def test_damaged_weights_are_refused(packed, tmp_path) -> None:
    folder = Path(shutil.copytree(packed, tmp_path / "reader"))
    content = bytearray((folder / "weights.safetensors").read_bytes())
    content[-1] ^= 1
    (folder / "weights.safetensors").write_bytes(content)
    with pytest.raises(NoRunError, match=r"expected the weights whose sha256 is in config\.yaml, got others"):
        thinline.load_run(folder)


def test_a_network_is_replaced_with_force_alone(packed, ended, cache, capsys) -> None:
    words = ["ship", str(ended.path), str(packed), "--cache", str(cache)]
    assert main(words) == 1
    assert "expected no network there yet, got one" in " ".join(capsys.readouterr().out.split())
    assert main([*words, "--force"]) == 0


def test_too_large_weights_are_refused(ended, cache, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(ship, "MOST_BYTES", 1000)
    assert main(["ship", str(ended.path), str(tmp_path / "small"), "--cache", str(cache)]) == 1
    assert "expected at most 1,000 bytes of weights" in " ".join(capsys.readouterr().out.split())
    assert not (tmp_path / "small").exists()


def test_a_run_is_shipped_after_its_sheets_are_drawn_differently(ended, cache, tmp_path, monkeypatch, capsys) -> None:
    """Its own test sheets are in the cache; without them it is refused."""
    monkeypatch.setattr(sheets, "VERSION", 0)
    assert main(["ship", str(ended.path), str(tmp_path / "packed"), "--cache", str(cache)]) == 0
    assert (tmp_path / "packed" / "example.png").is_file()
    assert main(["ship", str(ended.path), str(tmp_path / "other"), "--cache", str(tmp_path / "empty")]) == 1
    assert "they are drawn differently today" in " ".join(capsys.readouterr().out.split())


def test_a_checkpoint_alone_cannot_be_shipped(ended, tmp_path, capsys) -> None:
    for file in (ended.config_path, ended.checkpoints / "last.ckpt"):
        shutil.copy(file, tmp_path / file.name)
    assert main(["ship", str(tmp_path / "last.ckpt"), str(tmp_path / "out")]) == 1
    assert "expected a run folder with its manifest and tables" in " ".join(capsys.readouterr().out.split())
    assert trained_run.trained_files(tmp_path / "last.ckpt", tmp_path).folder is None
