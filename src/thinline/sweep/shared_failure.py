"""Whether a failure of one cell of a sweep would be the failure of every cell, so that the sweep stops.

Conventions

- A shared failure is a module that cannot be imported, or a file or folder that does not exist.
- Only what the cells have in common can be shared. A failure belongs to some cells if its message has a level in which
  the cells differ, or the class or function that such a level builds (`network=unet_slim,smp` without
  segmentation_models_pytorch), or if the key of the missing folder varies.
- A sweep stops only if no cell finished in it before. `fail_fast=false` goes on after every failure.
- The first job that sees a shared failure writes a file into the folder of the sweep. Jobs that start later end at once
  when they see it, in whatever process a launcher runs them; jobs that train already go on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from thinline.config.path_options import OWN_DATA
from thinline.config.schema import Conf
from thinline.pipeline.locate import FailedBeforeError
from thinline.system.atomic_files import write_bytes

STOPPED: Final = "stopped"
"""The file in the folder of a sweep; it holds the job that failed."""
_KINDS: Final = ("ModuleNotFoundError", "ImportError", "FileNotFoundError", "NotADirectoryError")
_KIND: Final = re.compile(rf"\b({'|'.join(_KINDS)})\b")


class SweepStopped(BaseException):
    """No further job of the sweep is to start. A BaseException, so that Hydra does not take it for a failed job."""


def is_shared(error: BaseException, conf: Conf, varied: Mapping[str, str]) -> bool:
    """Whether `error` of the cell `conf` would be that of all cells; `varied` has its values of the keys that vary."""
    if isinstance(error, FailedBeforeError):  # it has the text of an earlier error, whose cause may be mended
        return False
    text = "\n".join(f"{type(cause).__name__}: {cause}" for cause in _causes(error))
    missing = [key for key in OWN_DATA if _is_missing(conf.tree, key)]
    if not _KIND.search(text) and not missing:
        return False
    if any(key == name or key.startswith(f"{name}.") for key in missing for name in varied):
        return False
    words = [*_level_names(varied), *_built_by(conf, varied)]
    return not any(re.search(rf"(?<![A-Za-z0-9_]){re.escape(word)}(?![A-Za-z0-9_])", text) for word in words)


def stop(folder: Path, job: str) -> None:
    """Note in the folder of the sweep that no further job is to start, because of `job`."""
    write_bytes(folder / STOPPED, job.encode())


def stopped_by(folder: Path) -> str | None:
    """The job after whose failure no further job is to start; None where there is none."""
    try:
        return (folder / STOPPED).read_text()
    except FileNotFoundError:
        return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and the errors that it was raised from."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__


def _is_missing(tree: Mapping[str, Any], key: str) -> bool:
    """Whether the dotted `key` of the configuration names a folder that does not exist."""
    node: Any = tree
    for part in key.split("."):
        node = node.get(part) if isinstance(node, Mapping) else None
    return node is not None and not Path(str(node)).is_dir()


def _level_names(varied: Mapping[str, str]) -> Sequence[str]:
    """The values that a message may name; numbers are left out, because any path may have them."""
    return [value for value in varied.values() if re.search("[A-Za-z]{2}", value)]


def _built_by(conf: Conf, varied: Mapping[str, str]) -> Iterator[str]:
    """The names of the classes and functions that the varied groups build."""
    for group in {key.partition(".")[0] for key in varied}:
        yield from (target.rpartition(".")[2] for target in _targets(conf.tree.get(group)))


def _targets(branch: Any) -> Iterator[str]:
    if isinstance(branch, Mapping):
        for key, value in branch.items():
            yield from [str(value)] if key == "_target_" else _targets(value)
