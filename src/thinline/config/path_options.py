"""The path options of a configuration: empty ones are refused, relative ones are made absolute.

Conventions

- A relative path is relative to the directory of the call, whatever `hydra.job.chdir` says. `~` is the home folder.
- `paths.store` and `paths.cache` are required: null and empty (an unset variable of the shell) are refused. The paths
  of the user's own data may be null for none, but not empty.
- `data_mix.images`, `masks`, `curves` and `split.file` are relative to `data_mix.root`, and only refused when empty.
- No path is part of the identity of a run (`NOT_IDENTITY`), so different spellings of a folder name one run.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from omegaconf import DictConfig, OmegaConf

from thinline.config.schema import ConfigError
from thinline.system.entry import expanded
from thinline.tracking.addresses import SQLITE, canonical

REQUIRED: Final = {"paths.store": "mlruns", "paths.cache": "mlruns/cache"}
"""Folders that every run needs, with an example."""
OWN_DATA: Final = ("data_mix.root", "data_mix.archive.las_dir")
IN_OWN_DATA: Final = tuple(f"data_mix.{key}" for key in ("images", "masks", "curves", "split.file"))
TRACKING: Final = "tracking.uri"


def settle_paths(config: DictConfig, directory: Path) -> None:
    """Make every path option of `config` absolute, in place; `directory` is that of the call.

    Raises `ConfigError` naming the option that is empty, null or unprintable, and `StorageError` for a database path
    that MLflow cannot open.
    """
    for key, example in REQUIRED.items():
        value = OmegaConf.select(config, key)
        if value is None or not str(value).strip():
            raise ConfigError(_missing(key, value, f"say {key}={example}"))
        OmegaConf.update(config, key, _absolute(key, value, directory))
    for key in (*OWN_DATA, *IN_OWN_DATA):
        value = OmegaConf.select(config, key)
        if value is None:
            continue
        if not str(value).strip():
            raise ConfigError(_missing(key, value, f"say {key}=null for none"))
        if key in OWN_DATA:
            OmegaConf.update(config, key, _absolute(key, value, directory))
    uri = OmegaConf.select(config, TRACKING)
    if uri is None:
        raise ConfigError(f"`{TRACKING}` must be the address of an MLflow store, got null; say {TRACKING}= for none")
    if str(uri).strip():
        OmegaConf.update(config, TRACKING, _address(str(uri), directory))


def override_of(key: str, path: Path) -> str:
    """The override of Hydra's command line that sets `key` to `path`, whatever characters `path` has."""
    text = str(path).replace("'", "\\'")
    return f"{key}='{text}'"


def check_one_store(varied: Sequence[str]) -> None:
    """Refuse a sweep whose `varied` keys include folders: parent run, tables and cache of a sweep lie in one store."""
    odd = [key for key in varied if key.startswith(("paths.", "tracking."))]
    if odd:
        raise ConfigError(f"`{odd[0]}` must be one for all cells of a sweep, got several; start a sweep for each")


def _absolute(key: str, value: Any, directory: Path) -> str:
    text = str(value)
    if not text.isprintable():
        raise ConfigError(f"`{key}` must be a path of printable characters in UTF-8, got {text!r}; rename the folder")
    return str(directory.absolute() / expanded(text))


def _address(uri: str, directory: Path) -> str:
    name = uri.removeprefix(SQLITE)
    if uri.startswith(SQLITE) and name and name != ":memory:":
        return canonical(f"{SQLITE}{_absolute(TRACKING, name, directory)}")
    return canonical(uri)


def _missing(key: str, value: Any, step: str) -> str:
    got = "null" if value is None else f"an empty text ({str(value)!r})"
    return f"`{key}` must be a path, got {got}; is a variable of the shell unset? Or {step}"
