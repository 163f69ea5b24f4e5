"""A tiny study and a run that sees curves, trained once for the whole suite, and a perfect run for coded scans."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import product
from pathlib import Path

import pytest
import torch
from made_once import made_once
from scan_cases import HEAD, PX_PER_MM, sees
from tiny_cells import tiny_cell
from tiny_study import CONDITIONS, LEFT_OUT_SEED, SEEDS, SETTINGS, STUDY, study_options

from thinline.cli import digitise
from thinline.cli.main import main
from thinline.heads import Head
from thinline.pipeline.cell import Sinks, run_cell
from thinline.pipeline.load import LoadedRun
from thinline.runs import run_folders


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Path:
    """A store with SEEDS x CONDITIONS of a study and one cell of a further seed. Tests must not change its results."""
    return made_once(tmp_path_factory, "trained", partial(_train, cache=cache))


def _train(store: Path, *, cache: Path) -> None:
    conditions = [dict(zip(CONDITIONS, levels, strict=True)) for levels in product(*CONDITIONS.values())]
    cells = [(condition, seed) for seed in SEEDS for condition in conditions]
    for condition, seed in [*cells, (conditions[0], LEFT_OUT_SEED)]:
        levels = [f"{name}={level}" for name, level in condition.items()]
        run_cell(*tiny_cell(store, cache, *levels, f"seed={seed}", *SETTINGS), Sinks(study=STUDY))


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


@pytest.fixture(scope="session")
def seeing(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Path:
    """The folder of a run of the smoke budget with ten times its steps: it finds both curves, with many errors.

    Four channels see lines at full resolution, hardly in patches; attention would take most of the time.
    """
    changes = ["network.widths=[4,8]", "network.patch=1", "network.attention=0"]
    changes += ["budget.steps=60", "budget.validate_every=60"]
    store = made_once(tmp_path_factory, "seeing", lambda store: run_cell(*tiny_cell(store, cache, *changes)))
    (run,) = run_folders(store)
    return run.path
