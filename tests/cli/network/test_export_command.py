"""`thinline export`: an ONNX model with the probabilities of torch."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf

from thinline import load_run
from thinline.cli.main import main
from thinline.config.schema import compose_config
from thinline.data.batch import darkness_of


@pytest.fixture
def folder(tmp_path):
    """A run folder with an untrained network: small, because torch takes half a second for each of its operators."""
    config = compose_config(["network.widths=[4,8]", "network.strips=1", "mirrored=false", "head=sigmoid_stack"])
    head = instantiate(config.head)
    torch.manual_seed(0)
    network = instantiate(config.network, channels=head.channels, _convert_="all")
    (tmp_path / "run" / "checkpoints").mkdir(parents=True)
    OmegaConf.save(config, tmp_path / "run" / "config.yaml", resolve=True)
    state = {f"network.{name}": value for name, value in network.state_dict().items()}
    torch.save({"state_dict": state}, tmp_path / "run" / "checkpoints" / "last.ckpt")
    return tmp_path / "run"


def test_the_model_has_the_probabilities_of_torch(folder, tmp_path, capsys):
    for name in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(name, reason=f"needs {name}, of the extra `onnx`")
    import onnxruntime

    path = tmp_path / "deep" / "model.onnx"
    assert main(["export", str(folder), str(path), "--size", "60", "50"]) == 0
    assert "image float32 [batch,1,60,50] -> probabilities [batch,2,60,50]" in " ".join(capsys.readouterr().out.split())
    session = onnxruntime.InferenceSession(str(path))
    run = load_run(folder)
    images = np.random.default_rng(0).integers(0, 256, (3, 60, 50), np.uint8)
    darkness = darkness_of(torch.from_numpy(images)).unsqueeze(1)
    (exported,) = session.run(None, {"image": darkness.numpy()})
    expected = np.stack([run.predict(image).probabilities for image in images])
    assert exported.shape == expected.shape == (3, 2, 60, 50)
    assert np.abs(exported - expected).max() <= 1e-4
    metadata = session.get_modelmeta().custom_metadata_map
    assert json.loads(metadata["classes"]) == ["background", "curve_1", "curve_2"]
    assert json.loads(metadata["channels"]) == ["curve_1", "curve_2"]
    assert (metadata["run"], metadata["px_per_mm"], metadata["invert"]) == (run.name, "4", "false")
    assert main(["export", str(folder), str(path)]) == 1
    assert "got an older one; give another name, or --force" in capsys.readouterr().out


def test_without_the_extra_the_message_says_how_to_install_it(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert main(["export", str(folder), str(tmp_path / "model.onnx")]) == 1
    text = " ".join(capsys.readouterr().out.split())
    assert "expected the packages onnx, onnxruntime and onnxscript" in text
    assert "pip install 'thinline[onnx]'" in text
    assert not (tmp_path / "model.onnx").exists()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["model.pt"], "expected a file that ends in .onnx, got model.pt"),
        (["model.onnx", "--size", "0", "64"], "--size: expected a height and a width above 0, got 0 64"),
    ],
)
def test_options_that_do_not_fit_are_refused(words, expected, capsys):
    assert main(["export", "run", *words]) == 1
    assert expected in capsys.readouterr().out
