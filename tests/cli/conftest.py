"""A tiny study, trained and published once for all processes of the suite, and a perfect run for coded scans."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch
from hydra.core.global_hydra import GlobalHydra
from made_once import made_once
from scan_cases import HEAD, PX_PER_MM, sees
from tiny_study import CONDITIONS, LEFT_OUT_SEED, SEEDS, STUDY, study_options

import train
from thinline.cli import digitise
from thinline.cli.main import main
from thinline.heads import Head
from thinline.pipeline.load import LoadedRun


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Path:
    """A store with SEEDS x CONDITIONS of a study and one cell of a further seed. Tests must not change its results."""
    return made_once(tmp_path_factory, "trained", partial(_train, cache=cache))


def _train(store: Path, *, cache: Path) -> None:
    tiny = ["budget=smoke", "budget.steps=4", "budget.validate_every=2", "network.widths=[4,4,8]", "overlays=1"]
    tiny += ["optimiser.warmup_steps=2", "trainer.threads=1", f"paths.store={store}", f"paths.cache={cache}"]
    grid = [f"{name}={','.join(levels)}" for name, levels in CONDITIONS.items()]
    one = [f"{name}={levels[0]}" for name, levels in CONDITIONS.items()]
    with pytest.MonkeyPatch.context() as patch:
        for cells in ([f"seed={','.join(map(str, SEEDS))}", *grid], [f"seed={LEFT_OUT_SEED}", *one]):
            patch.setattr(sys, "argv", [train.__file__, "-m", f"+experiment={STUDY}", *cells, *tiny])
            GlobalHydra.instance().clear()
            train.main()


@pytest.fixture(scope="session")
def published(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `thinline study` writes for `trained`. Tests must not write into it."""

    def publish(folder: Path) -> None:
        assert main([*study_options(trained), "--out", str(folder / STUDY), "--partial"]) == 0

    return made_once(tmp_path_factory, "published", publish) / STUDY


@pytest.fixture
def use_network(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`use_network(network, head)`: `thinline digitise` loads a run with this network."""

    def use(network: Callable[[torch.Tensor], torch.Tensor], head: Head = HEAD) -> None:
        run = LoadedRun("perfect@0", network, head, PX_PER_MM, 128, True)  # type: ignore[arg-type]
        monkeypatch.setattr(digitise, "load_run", lambda name, store, *, device: run)

    return use


@pytest.fixture
def perfect(use_network: Callable[..., None]) -> None:
    """`thinline digitise` loads a run that knows the truth of coded scans."""
    use_network(sees)
