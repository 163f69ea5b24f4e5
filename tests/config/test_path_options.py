"""Path options: refused before anything is written, or made absolute from the directory of the call."""

import os
import shutil
import sys
from pathlib import Path

import pytest
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given as example
from hypothesis import settings
from hypothesis import strategies as st
from mlflow.tracking._tracking_service.utils import _artifact_repos_cache
from omegaconf import OmegaConf
from tiny_cells import TINY

import train
from thinline import runs
from thinline.cli.main import main as commands
from thinline.config.path_options import check_one_store, override_of, settle_paths
from thinline.config.schema import NOT_IDENTITY, ConfigError, checked, compose_config
from thinline.runs import FINISHED, cell_digest
from thinline.system.atomic_files import StorageError
from thinline.tracking.tracker import MlflowClient

HERE = Path("/call")


def settled(*overrides: str, directory: Path = HERE):
    config = compose_config(list(overrides))
    settle_paths(config, directory)
    return config


def test_relative_paths_are_those_of_the_call():
    config = settled("paths.store=a/b", "data_mix.archive.las_dir=../logs")
    assert config.paths == {"store": "/call/a/b", "cache": "/call/a/b/cache"}
    assert config.tracking.uri == "sqlite:////call/a/b/mlflow.db"
    assert os.path.normpath(config.data_mix.archive.las_dir) == "/logs"
    elsewhere = settled("paths.store=/x", "tracking.uri=sqlite:///db/m.db", "data_mix=folder", "data_mix.root=photos")
    assert elsewhere.tracking.uri == "sqlite:////call/db/m.db"
    assert elsewhere.data_mix.root == "/call/photos"
    assert elsewhere.data_mix.images == "images/*"
    assert settled("paths.store='~/runs'").paths.store == str(Path.home() / "runs")
    assert settled("tracking.uri=").tracking.uri == ""
    assert settled("tracking.uri=http://server:5000/").tracking.uri == "http://server:5000"


def test_settling_twice_is_settling_once_and_changes_no_identity():
    overrides = ["paths.store=a b", "data_mix.archive.las_dir=logs"]
    config, plain = settled(*overrides), compose_config(overrides)
    once = OmegaConf.to_container(config, resolve=True)
    settle_paths(config, Path("/another"))
    assert OmegaConf.to_container(config, resolve=True) == once
    digests = {cell_digest(checked(tree).tree, leave_out=NOT_IDENTITY) for tree in (config, plain)}
    assert len(digests) == 1


@pytest.mark.parametrize("value", ["", "' '", "null"])
@pytest.mark.parametrize("key", ["paths.store", "paths.cache"])
def test_a_store_and_a_cache_must_be_named(key, value):
    with pytest.raises(ConfigError, match=rf"`{key}` must be a path, got (null|an empty text).*say {key}="):
        settled(f"{key}={value}")


@pytest.mark.parametrize("key", ["root", "images", "masks", "curves", "split.file"])
def test_an_empty_path_of_own_data_is_refused(key):
    with pytest.raises(ConfigError, match=f"`data_mix.{key}` must be a path"):
        settled("data_mix=folder", f"data_mix.{key}=")


def test_other_unusable_paths_are_refused():
    with pytest.raises(ConfigError, match=r"`data_mix.archive.las_dir` must be a path, got an empty text"):
        settled("data_mix.archive.las_dir=")
    with pytest.raises(ConfigError, match=r"`tracking.uri` must be .*got null"):
        settled("tracking.uri=null")
    with pytest.raises(ConfigError, match="printable"):
        settled("paths.store='a\udce4'")
    with pytest.raises(ConfigError, match=r"`paths.store` must be one for all cells"):
        check_one_store(["loss", "paths.store"])


@pytest.mark.parametrize("name", ["plain", "ä ö", "a#b,c=[1]", "it's", "what?%20", '"'])
def test_a_path_becomes_an_override_of_itself(name):
    (override,) = OverridesParser.create().parse_overrides([override_of("paths.store", HERE / name)])
    assert override.value() == f"/call/{name}"


@settings(max_examples=60)
@example(st.text("ab ~%?#&;=+äß中'\"$", min_size=1, max_size=12).filter(lambda name: name.strip() not in ("", "~")))
def test_any_name_of_a_store_is_kept_or_refused(name):
    """With a tracker % and ? are refused, for its URI reads them otherwise; without one they are characters."""
    config = OmegaConf.create({"paths": {"store": name, "cache": "${paths.store}/cache"}, "tracking": {"uri": ""}})
    settle_paths(config, HERE)
    assert config.paths == {"store": str(HERE / name), "cache": str(HERE / name / "cache")}
    config = OmegaConf.create({"paths": config.paths, "tracking": {"uri": "sqlite:///${paths.store}/mlflow.db"}})
    if set(name) & set("%?"):
        with pytest.raises(StorageError, match=r"must be free of % and \?.*tracking\.uri="):
            settle_paths(config, HERE)
    else:
        settle_paths(config, HERE)
        assert config.tracking.uri == f"sqlite:///{HERE / name}/mlflow.db"


@pytest.fixture
def call(monkeypatch, tmp_path, cache, log_handlers):
    """`call("paths.store=rel")` -> exit code of train.py in this process, from the empty folder `tmp_path/call`."""
    (tmp_path / "call").mkdir()
    monkeypatch.chdir(tmp_path / "call")
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str) -> int:
        tiny = ["budget=smoke", *TINY, f"paths.cache={cache}"]
        sweep = [word for word in arguments if word == "-m"]
        others = [word for word in arguments if word != "-m"]
        monkeypatch.setattr(sys, "argv", [train.__file__, *sweep, *tiny, *others])
        GlobalHydra.instance().clear()
        try:
            train.main()
        except SystemExit as stop:
            return int(stop.code or 0)
        return 0

    return run


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["paths.store="], "`paths.store` must be a path, got an empty text"),
        (["paths.store='a%20b'"], "free of % and ?"),
        (["paths.store=${nope}"], "nope"),
        (["tracking.uri=mlruns"], "the MLflow URI must be"),
        (["trainer.accelerator=gpuu"], "`trainer.accelerator` must be one of cpu, gpu"),
        (["-m", "paths.store=a,b"], "`paths.store` must be one for all cells"),
        (["-m", "seed=2,-1"], "`seed` must be a whole number from 0 to 4294967295, got -1"),
        (["-m", "seed=range(-1,2)", "dry_run=true"], "`seed` must be a whole number"),
        (["-m", "loss=dice,focal", "budget.steps=7", "dry_run=true"], "budget.validate_every"),
    ],
)
def test_impossible_paths_are_refused_before_anything_is_written(call, capsys, arguments, message):
    assert call(*arguments) == 1
    printed = capsys.readouterr()
    assert message in printed.out
    assert "Traceback" not in printed.out + printed.err
    assert list(Path.cwd().iterdir()) == []


def test_a_store_of_any_name_in_any_directory_can_be_moved(call, tmp_path, monkeypatch, capsys):
    """Despite `hydra.job.chdir`, odd characters and variables of a launcher it is one run, skipped the second time, and
    MLflow finds its files, also after the store has moved."""
    for name, value in (("RANK", "1"), ("WORLD_SIZE", "2"), ("LOCAL_RANK", "1"), ("SLURM_PROCID", "3")):
        monkeypatch.setenv(name, value)
    name = "ä ö #1&2"
    for _ in range(2):
        assert call("hydra.job.chdir=true", f"paths.store='{name}'") == 0
    text = capsys.readouterr().out
    assert text.count("ignored RANK=1, LOCAL_RANK=1, WORLD_SIZE=2 in the environment") == 1
    assert f"mlflow ui --backend-store-uri 'sqlite:///{name}/mlflow.db'" in text
    here = Path.cwd()
    assert here == tmp_path / "call"
    assert [path.name for path in here.iterdir()] == [name]
    (row,) = runs.status(here / name).to_dict("records")
    assert (row["status"], row["attempts"], row["pending"]) == (FINISHED, 1, False)
    first = artifacts(here / name)

    moved = tmp_path / "moved #2"
    shutil.move(here / name, moved)
    _artifact_repos_cache.clear()  # another process would not know where the artifacts were
    assert commands(["replay", "--store", str(moved), "--everything"]) == 0
    assert artifacts(moved) == first
    shutil.rmtree(moved / "artifacts")
    monkeypatch.chdir(tmp_path)
    assert commands(["replay", "--store", moved.name, "--everything"]) == 0
    assert artifacts(moved) == first
    assert not (here / name).exists()
    capsys.readouterr()


def artifacts(store: Path) -> dict[str, bytes]:
    """The artifacts of the only run in MLflow but its manifest, by name; their files lie below the store."""
    client = MlflowClient(f"sqlite:///{store}/mlflow.db")
    (run,) = client.search_runs([client.get_experiment_by_name("thinline").experiment_id])
    assert run.info.status == FINISHED
    assert run.info.artifact_uri.startswith((store / "artifacts").as_uri())
    folder = store / "artifacts" / run.info.run_id / "artifacts"
    listed = {item.path for item in client.list_artifacts(run.info.run_id)}
    assert listed == {path.name for path in folder.iterdir()}
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file() and path.stem != "manifest"}
