"""The run that `thinline digitise` reads a scan with: by which names it is found, and what is refused."""

from __future__ import annotations

import json
import shutil
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import PIL.Image
import pytest
import torch
from omegaconf import DictConfig, OmegaConf

from thinline.cli import digitise as digitise_command
from thinline.cli.main import main
from thinline.cli.main import parser as main_parser
from thinline.digitise.scan import open_scan
from thinline.pipeline.load import NoRunError, load_run
from thinline.runs import RunFolder, own_code


@pytest.mark.parametrize(
    "way", ["folder", "name", "digest", "start of the name", "mlflow", "shown", "checkpoint", "copied checkpoint"]
)
def test_a_run_is_found_by_each_of_its_names(way: str, seeing: Path, tmp_path: Path) -> None:
    store = seeing.parent.parent
    run_id = "0123456789abcdef0123456789abcdef"
    names = {
        "folder": str(seeing),
        "name": seeing.name,
        "digest": seeing.name.rpartition("-")[2],
        "start of the name": "dice-softmax",
        "mlflow": run_id,
        "shown": "dice-s0",
    }
    names |= {"checkpoint": str(seeing / "checkpoints/last.ckpt"), "copied checkpoint": str(tmp_path / "mine.ckpt")}
    if way in ("mlflow", "shown"):
        store = tmp_path / "tracked"
        shutil.copytree(seeing, store / "runs" / seeing.name)
        manifest = store / "runs" / seeing.name / "manifest.json"
        record = json.loads(manifest.read_text())
        record["mlflow"] = {"uri": "sqlite:///x", "experiment": "thinline", "name": "dice-s0", "run_id": run_id}
        manifest.write_text(json.dumps(record))
    if way == "copied checkpoint":
        shutil.copy(seeing / "checkpoints/last.ckpt", tmp_path / "mine.ckpt")
        shutil.copy(seeing / "config.yaml", tmp_path / "config.yaml")
    run = load_run(names[way], store, device="cpu")
    assert (run.px_per_mm, run.sheet_px, run.finished) == (4.0, 128, True)
    saved = torch.load(seeing / "checkpoints/last.ckpt", weights_only=True)["state_dict"]
    for name, weight in run.network.state_dict().items():
        assert torch.equal(weight, saved[f"network.{name}"])
    assert not run.network.training


def test_names_that_are_no_run_are_refused_with_the_next_step(seeing: Path, tmp_path: Path) -> None:
    store = seeing.parent.parent
    with pytest.raises(NoRunError, match=r"found none; `python train\.py` trains one"):
        load_run("nonsense", store, device="cpu")
    (tmp_path / "lonely.ckpt").write_bytes(b"x")
    with pytest.raises(NoRunError, match=r"expected the config\.yaml of its run beside the checkpoint"):
        load_run(str(tmp_path / "lonely.ckpt"), store, device="cpu")
    shutil.copy(seeing / "config.yaml", tmp_path / "config.yaml")
    with pytest.raises(NoRunError, match="could not load it"):
        load_run(str(tmp_path / "lonely.ckpt"), store, device="cpu")
    with pytest.raises(NoRunError, match="did this run reach its first validation"):
        load_run(str(tmp_path), store, device="cpu")
    text = (seeing / "config.yaml").read_text().replace("- 8\n", "- 16\n")
    (tmp_path / "config.yaml").write_text(text)
    shutil.copy(seeing / "checkpoints/last.ckpt", tmp_path / "lonely.ckpt")
    with pytest.raises(NoRunError, match=r"does the config\.yaml beside it belong to it"):
        load_run(str(tmp_path / "lonely.ckpt"), store, device="cpu")


def with_config(seeing: Path, folder: Path, change: Callable[[DictConfig], None]) -> Path:
    """A checkpoint of the run beside another configuration."""
    config = OmegaConf.load(seeing / "config.yaml")
    assert isinstance(config, DictConfig)
    change(config)
    OmegaConf.save(config, folder / "config.yaml")
    return Path(shutil.copy(seeing / "checkpoints/last.ckpt", folder / "mine.ckpt"))


def test_a_configuration_may_lack_keys_that_do_not_concern_the_network(seeing: Path, tmp_path: Path) -> None:
    def older(config: DictConfig) -> None:
        del config.trainer.scorers
        for name in ("paths", "tracking", "study", "optimiser", "loss", "overlays", "data_mix", "class_weight"):
            del config[name]

    whole = load_run(str(seeing), tmp_path, device="cpu")
    run = load_run(str(with_config(seeing, tmp_path, older)), tmp_path, device="cpu")
    assert (run.px_per_mm, run.sheet_px) == (whole.px_per_mm, whole.sheet_px)
    assert run.head.classes == whole.head.classes
    image = torch.rand(1, 1, 32, 32)
    assert torch.equal(run.network(image), whole.network(image))


@pytest.mark.parametrize(
    ("key", "effect"),
    [
        ("loss._target_", "predictions do not depend on it"),
        ("network._target_", "predictions may differ from the test"),
    ],
)
def test_own_code_that_was_edited_since_the_run_is_named(key, effect, seeing, tmp_path, monkeypatch, capsys) -> None:
    (tmp_path / "mine_edited.py").write_text("from thinline.network import SlimUNet as Mine\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "mine_edited", raising=False)
    folder = tmp_path / "runs" / seeing.name
    shutil.copytree(seeing, folder)
    config = OmegaConf.load(folder / "config.yaml")
    OmegaConf.update(config, key, "mine_edited.Mine")
    OmegaConf.save(config, folder / "config.yaml")
    manifest = json.loads((folder / "manifest.json").read_text())

    def trained_with(digests: dict[str, str]) -> None:
        manifest["own_code"] = digests
        (folder / "manifest.json").write_text(json.dumps(manifest))

    trained_with(own_code({"_target_": "mine_edited.Mine"}) | {"mine_gone": "0"})  # a missing file is no edit
    load_run(folder)  # a warning is an error here
    trained_with({"mine_edited": "0123456789abcdef"})
    with pytest.warns(UserWarning, match=rf"^{seeing.name}: expected .* got other code of mine_edited; .*{effect}"):
        load_run(folder)
    cv2.imwrite(str(tmp_path / "paper.png"), np.full((32, 32), 255, np.uint8))
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        assert main(["predict", str(folder), str(tmp_path / "paper.png"), "--out", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().err.startswith(f"warning: {seeing.name}: expected the own code")


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("head", None, r"expected `head\._target_`.* got none"),
        ("network", None, r"expected `network\._target_`.* got none"),
        ("resolution.px_per_mm", None, r"expected `resolution\.px_per_mm`.* got none"),
        ("resolution.px_per_mm", "???", r"expected `resolution\.px_per_mm`.* got none"),
        ("resolution.px_per_mm", "wide", "above zero, got wide"),
        ("resolution.px_per_mm", -4.0, r"above zero, got -4\.0"),
        ("budget", None, r"expected `budget\.sheet_mm`.* got none"),
        ("budget.sheet_mm", [], "above zero, got"),
        ("head._target_", "thinline.heads.Gone", "expected a `head` of thinline"),
        ("head._target_", "thinline.losses.class_weight.NoWeight", "expected a `head` of thinline"),
        ("network._target_", "thinline.network.Gone", "expected a `network` that can be built"),
        ("network.wings", 2, "expected a `network` that can be built"),
        ("network.prior", "${gone}", "expected a `network` that can be built"),
        ("head.classes", "${gone}", "expected a `head` of thinline"),
    ],
)
def test_a_configuration_without_its_network_is_refused(key, value, words, seeing: Path, tmp_path: Path) -> None:
    checkpoint = with_config(seeing, tmp_path, lambda config: OmegaConf.update(config, key, value, merge=False))
    with pytest.raises(NoRunError, match=words) as caught:
        load_run(str(checkpoint), tmp_path, device="cpu")
    assert str(caught.value).startswith(str(tmp_path / "config.yaml"))
    assert "copy config.yaml again" in str(caught.value)


def test_an_ambiguous_start_of_a_name_is_refused(seeing: Path, tmp_path: Path) -> None:
    for name in ("dice-a-0000000001", "dice-b-0000000002"):
        shutil.copytree(seeing, tmp_path / "runs" / name)
    assert RunFolder.open(tmp_path / "runs/dice-a-0000000001").finished
    with pytest.raises(NoRunError, match="got 2 that begin so"):
        load_run("dice", tmp_path, device="cpu")
    assert load_run("dice-a", tmp_path, device="cpu").name.startswith("dice-a-0000000001@")


def test_lengths_in_mm_are_by_the_file_where_the_scale_is_chosen_on_the_page(tmp_path: Path, monkeypatch) -> None:
    page = np.full((400, 300), 255, np.uint8)
    PIL.Image.fromarray(page).save(tmp_path / "scan.png", dpi=(800, 800))
    chosen = SimpleNamespace(factor=1 / 3, reason="because")
    monkeypatch.setattr(digitise_command, "choose_factor", lambda *_, **__: chosen)
    options = ["digitise", str(tmp_path / "scan.png"), "--top", "0", "--bottom", "1", "--unit", "m"]
    options += ["--left", "0", "--right", "1", "--scale", "linear"]
    reader = load_run("reader", device="cpu")
    job = digitise_command.job_of(main_parser().parse_args(options), open_scan(tmp_path / "scan.png"), reader)
    assert (job.px_per_mm, job.frame.row_factor) == (5.0, pytest.approx(1 / 3, rel=0.01))
    assert job.shown_px_per_mm == pytest.approx(800 / 25.4 / 3, rel=1e-3)
    at_dpi = main_parser().parse_args([*options, "--dpi", "800"])
    assert digitise_command.job_of(at_dpi, open_scan(tmp_path / "scan.png"), reader).shown_px_per_mm == 5.0
