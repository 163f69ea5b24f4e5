"""Identity of a run: hash (digest) and name (slug) of its configuration; commit and library versions of its code.

Conventions

- A run folder is named `<slug>-<digest>`; runs/folder.py joins the two.
- A *cell* of a sweep or study is one of its runs.
- The digest is the sha256 of the resolved configuration as canonical JSON (sorted keys, no spaces), cut to ten hex
  digits. Two lists in config/schema.py say which keys are not hashed. `NOT_IDENTITY`: keys that do not change what a
  run computes, by dotted name, for example `trainer.threads` or the whole branch `paths`. `NEUTRAL`: keys that are
  newer than the published runs, which are not hashed while they have their neutral value.
- `pipeline/locate.py` applies both lists. It then adds the digest of the sheets, and the digests of the user's own
  source code (own_code.py), if there is any. It replaces the value of `init_from` by the digest of the checkpoint, and
  takes labels and units out of the user's own metrics. The result is hashed.
- The order of keys does not matter, a tuple equals a list, and 1.0 equals 1, because `fp_weight=1` and `fp_weight=1.0`
  are the same run. True is not 1.
- Import paths of this package are hashed under its former name, `hairline`.
- A slug is for people: the option of each factor and the seed, joined by dashes, then each key whose value differs from
  the option's file, for example `focal-softmax-s0-gamma_3`. Two runs may have the same slug, but not the same digest.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import subprocess
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path, PurePath
from typing import Final

from thinline.system.atomic_files import StorageError

DIGEST_LENGTH = 10
SLUG_LENGTH = 120
LIBRARIES = (
    "thinline",
    "hydra-core",
    "mlflow",
    "numpy",
    "opencv-python",
    "pytorch-lightning",
    "segmentation-models-pytorch",
    "torch",
    "torchvision",
)
PREFIXES: Final = {"seed": "s", "fold": "fold"}
"""What is written before the numbers of these factors in a slug."""
_GIT_TIMEOUT_S = 10.0
_NAME, _HASHED_NAME = "thinline.", "hairline."
"""The package was once called hairline. Import paths are hashed under that name, so published digests stay valid."""


def cell_digest(config: Mapping[str, object], *, leave_out: Sequence[str] = ()) -> str:
    """The digest of a run, ten hex digits, from `config`, its resolved configuration as a tree of plain values.

    `leave_out` lists dotted keys that are not hashed; a key that is not in the tree is ignored. Raises `StorageError`
    for a value without a canonical form (an object, NaN); the message has the dotted key of the value.
    """
    canonical = json.dumps(_plain(config, "", frozenset(leave_out)), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:DIGEST_LENGTH]


def cell_slug(factors: Mapping[str, str]) -> str:
    """The slug of a run whose factors have these levels, for example `tversky-softmax-none-fresh-s0`.

    The options are joined by dashes in the order of `factors`; level 0 of `seed` becomes `s0`, of `fold` `fold0`. A
    level may list changes to its option in brackets; they are moved to the end of the slug: `fixed(value=10)` and seed
    0 give `fixed-s0-value_10`. Characters that are special in a file name or a shell become `_`. A slug is cut after
    SLUG_LENGTH characters.
    """
    options, changes = [], []
    for name, level in factors.items():
        option, _, changed = str(level).partition("(")
        options.append(re.sub(r"[^A-Za-z0-9._+]", "_", f"{PREFIXES.get(name, '')}{option}"))
        changes.append(re.sub(r"[^A-Za-z0-9._+]+", "_", changed).strip("_"))
    return "-".join([*options, *filter(None, changes)])[:SLUG_LENGTH]


def flatten(config: Mapping[str, object], prefix: str = "") -> dict[str, str]:
    """Leaves as text under their dotted keys, e.g. `{"loss.fp_weight": "0.3"}`."""
    flat: dict[str, str] = {}
    for key, value in config.items():
        if isinstance(value, Mapping) and value:
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = str(value)
    return flat


def git_state(folder: Path) -> tuple[str | None, bool | None]:
    """The commit, and whether the working tree differs from it (also by untracked files); (None, None) without git."""
    commit = _git(folder, "rev-parse", "HEAD")
    changes = _git(folder, "status", "--porcelain")
    return (None, None) if commit is None or changes is None else (commit, bool(changes))


def library_versions(names: Sequence[str] = LIBRARIES) -> dict[str, str]:
    """Versions of the installed libraries among `names`, read without importing them."""
    versions = {}
    for name in names:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def _plain(value: object, path: str, leave_out: frozenset[str]) -> object:
    if isinstance(value, Mapping):
        branches = {str(key): (branch, f"{path}.{key}" if path else str(key)) for key, branch in value.items()}
        return {
            key: _plain(branch, name, leave_out) for key, (branch, name) in branches.items() if name not in leave_out
        }
    if isinstance(value, list | tuple):
        return [_plain(item, f"{path}.{index}", leave_out) for index, item in enumerate(value)]
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, float) and math.isfinite(value):
        return int(value) if value.is_integer() else value
    if isinstance(value, str):
        return _HASHED_NAME + value.removeprefix(_NAME) if value.startswith(_NAME) else value
    if value is None or isinstance(value, bool | int):
        return value
    raise StorageError(
        f"configuration key '{path}' must hold plain values (text, finite numbers, true/false, null, lists, branches) "
        f"to name a cell, got {value!r} of type {type(value).__name__}; resolve the configuration first, or leave the "
        "key out"
    )


def _git(folder: Path, *arguments: str) -> str | None:
    # --no-optional-locks: `git status` must not take the index lock from a commit in progress
    command = ["git", "-C", str(folder), "--no-optional-locks", *arguments]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=_GIT_TIMEOUT_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()
