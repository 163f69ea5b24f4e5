"""On a GPU, where there is one: objectives, batches and runs are those of the CPU."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import torch
from hydra.utils import instantiate
from noise_sheets import Drawing, noise

from thinline.config.objective import build_objective
from thinline.config.schema import CONF, Conf
from thinline.data.batch import Batch
from thinline.data.cache import open_sheets
from thinline.data.cached_maps import open_maps
from thinline.data.device_tiles import ResidentTiles
from thinline.data.tiles import Change, Plan, TrainingTiles
from thinline.losses.class_weight import Imbalance
from thinline.pipeline.cell import run_cell
from thinline.pipeline.train import build_task
from thinline.runs import FINISHED, RunFolder
from thinline.system.signals import Killed
from thinline.training.callbacks import Recorder

DEVICE = torch.device("cuda")
GPU = ("trainer=gpu", "trainer.scorers=0", "trainer.renderers=0")
LOSSES = sorted(path.stem for path in (CONF / "loss").glob("*.yaml"))
NETWORKS = sorted(path.stem for path in (CONF / "network").glob("*.yaml"))
HEADS = sorted(path.stem for path in (CONF / "head").glob("*.yaml"))
Tiny = Callable[..., tuple[Conf, dict[str, str]]]

if not torch.cuda.is_available():
    pytest.skip("no GPU", allow_module_level=True)


def batch_of(*, size: int = 64) -> Batch:
    """Two sheets with two straight thin curves that cross."""
    labels = torch.zeros(2, size, size, dtype=torch.long)
    rows = torch.arange(size)
    strokes = torch.zeros(2, 2, size, size, dtype=torch.bool)
    strokes[:, 0, rows, (rows + 5) % size] = True
    strokes[:, 1, rows, (size - 1 - rows) // 2] = True
    labels[strokes[:, 0]] = 1
    labels[strokes[:, 1]] = 2
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(2, 1, size, size, generator=generator)
    return Batch(image=image, labels=labels, strokes=strokes, index=torch.arange(2), maps=None)


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("loss", LOSSES)
def test_loss_and_gradient_are_those_of_the_cpu(loss: str, head: str) -> None:
    objective = build_objective([f"loss={loss}", f"head={head}"], weight=None)
    batch = batch_of()
    values = []
    for device, dtype in ((torch.device("cpu"), torch.float64), (DEVICE, torch.float32)):
        generator = torch.Generator().manual_seed(1)
        start = torch.randn(2, objective.head.channels, 64, 64, generator=generator, dtype=torch.float64)
        logits = start.to(device, dtype).requires_grad_()
        value = objective(logits, batch.labels.to(device), batch.strokes.to(device))
        (gradient,) = torch.autograd.grad(value, logits)
        values.append((value.detach().double().cpu(), gradient.double().cpu()))
    (value, gradient), (there, gradient_there) = values
    torch.testing.assert_close(there, value, rtol=1e-4, atol=1e-6)
    assert (gradient_there - gradient).norm() <= 1e-3 * gradient.norm()


def test_batches_cut_on_the_device_are_those_of_the_host(tmp_path) -> None:
    drawings = [Drawing(number, height=40, width=36) for number in range(5)]
    sheets = open_sheets(drawings, px_per_mm=1.0, folder=tmp_path, render=noise, version=1)

    def distance(sheet: int) -> np.ndarray:
        return np.random.default_rng(sheet).normal(0, 40, (2, 40, 36)).astype(np.float32)

    maps = {"distance": open_maps(sheets, name="d", make=distance, folder=tmp_path)}
    plan = Plan(seed=3, steps=8, batch_size=4, tile_px=(16, 20), change=Change())
    tiles = TrainingTiles(sheets, np.arange(5), plan, maps=maps)
    there = ResidentTiles(tiles, DEVICE)
    for step in range(8):
        here, on_device = tiles[step], there[step]
        assert on_device.image.device.type == "cuda"
        torch.testing.assert_close(on_device.image.cpu(), here.image, rtol=0, atol=1e-6)
        assert torch.equal(on_device.labels.cpu(), here.labels)
        assert torch.equal(on_device.strokes.cpu(), here.strokes)
        assert torch.equal(on_device.maps["distance"].cpu(), here.maps["distance"])


@pytest.mark.parametrize("network", NETWORKS)
def test_a_network_answers_as_on_the_cpu(tiny: Tiny, tmp_path, network: str) -> None:
    conf, _ = tiny(f"network={network}")
    task = build_task(conf, instantiate(conf.head), Imbalance(), folder=tmp_path).eval()
    image = batch_of().image
    with torch.inference_mode():
        here = task(image)
        there = task.to(DEVICE, memory_format=torch.channels_last)(image.to(DEVICE)).cpu()
    torch.testing.assert_close(there, here, rtol=1e-2, atol=1e-2)  # convolutions take TensorFloat-32 there


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("precision", ["auto", "fp32"])
def test_a_run_goes_to_its_end(tiny: Tiny, network: str, precision: str) -> None:
    ended = run_cell(*tiny(f"network={network}", *GPU, f"trainer.precision={precision}"))
    table = pd.read_parquet(ended.folder / "per_class.parquet")
    assert {"iou", "nsd_1px", "viterbi_mae_px"} <= set(table["measure"])


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_takes_its_steps_in_bfloat16(tiny: Tiny, loss: str) -> None:
    assert run_cell(*tiny(f"loss={loss}", *GPU)).status == FINISHED


def test_a_run_that_was_killed_goes_on_from_its_checkpoint(tiny: Tiny, monkeypatch) -> None:
    conf, choices = tiny(*GPU)
    end = Recorder.on_validation_end

    def stop_once(self: Recorder, trainer, module) -> None:
        end(self, trainer, module)
        if trainer.global_step == 2 * conf.budget.validate_every and trainer.state.fn == "fit":
            monkeypatch.undo()
            raise Killed(15)

    monkeypatch.setattr(Recorder, "on_validation_end", stop_once)
    with pytest.raises(Killed):
        run_cell(conf, choices)
    ended = run_cell(conf, choices)
    assert ended.status == FINISHED
    steps = [line.step for line in RunFolder.open(ended.folder).history() if "steps_per_second" in line.metrics]
    assert steps == [conf.budget.validate_every, 2 * conf.budget.validate_every]


def test_scoring_processes_change_no_score(tiny: Tiny) -> None:
    tables = []
    for scorers in (0, 2):
        ended = run_cell(*tiny(*GPU, f"trainer.scorers={scorers}"))
        tables.append(pd.read_parquet(ended.folder / "per_sheet.parquet"))
        for path in ("manifest.json", "per_sheet.parquet", "per_class.parquet"):
            (ended.folder / path).unlink()  # the checkpoint stays, so only the test is repeated
    pd.testing.assert_frame_equal(*tables)
