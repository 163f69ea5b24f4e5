"""Whether every run of a sweep would fail with the error of one run, so that the sweep stops.

Conventions

- A shared failure is a module that cannot be imported, or a file or folder that does not exist.
- A failure is not shared if it has to do with a difference between the runs: if its message contains a level that not
  all runs have, or the class or function that such a level builds (`network=unet_slim,smp` without
  segmentation_models_pytorch), or if the key of the missing folder differs between the runs.
- A sweep stops only if none of its runs has finished before. With `fail_fast=false` it goes on after every failure.
- The first job with a shared failure writes a file into the folder of the sweep. A job that starts later and finds this
  file ends at once, in any process and on any machine; a job that is training goes on.
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
    """No further job of the sweep is to start. It is a BaseException because Hydra would count an Exception as a failed
    job."""


def is_shared(error: BaseException, conf: Conf, varied: Mapping[str, str]) -> bool:
    """Whether all runs of a sweep would fail with `error`, the error of the run `conf`.

    `varied` has the keys in which the runs differ, with the values of this run.
    """
    if isinstance(error, FailedBeforeError):  # its text is that of an earlier error, whose cause may be gone
        return False
    text = "\n".join(f"{type(cause).__name__}: {cause}" for cause in _causes(error))
    missing = [key for key in OWN_DATA if _is_missing(conf.tree, key)]
    if not _KIND.search(text) and not missing:
        return False
    names = [*varied, *(["data_mix"] if "data_set" in varied else [])]  # a data set has a folder of its own
    if any(key == name or key.startswith(f"{name}.") for key in missing for name in names):
        return False
    words = [*_level_names(varied), *_built_by(conf, varied)]
    return not any(re.search(rf"(?<![A-Za-z0-9_]){re.escape(word)}(?![A-Za-z0-9_])", text) for word in words)


def stop(folder: Path, job: str) -> None:
    """Write the file that stops the sweep in `folder`, because `job` failed."""
    write_bytes(folder / STOPPED, job.encode())


def stopped_by(folder: Path) -> str | None:
    """The job whose failure stopped the sweep in `folder`, or None if the sweep was not stopped."""
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
    """The varied values to look for in a message. Numbers are left out, because any path may contain them."""
    return [value for value in varied.values() if re.search("[A-Za-z]{2}", value)]


def _built_by(conf: Conf, varied: Mapping[str, str]) -> Iterator[str]:
    """The names of the classes and functions that the varied groups build."""
    for group in {key.partition(".")[0] for key in varied}:
        yield from (target.rpartition(".")[2] for target in _targets(conf.tree.get(group)))


def _targets(branch: Any) -> Iterator[str]:
    if isinstance(branch, Mapping):
        for key, value in branch.items():
            yield from [str(value)] if key == "_target_" else _targets(value)
