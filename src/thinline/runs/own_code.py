"""Digests of the user's own source code, which are part of the identity of a run.

Conventions

- system/user_code.py defines which modules are the user's own. Installed libraries have no digest; their versions are
  recorded instead.
- A digest is computed of the module of every `_target_` of a configuration, of the packages that contain it, and of the
  own modules that these import, directly or through others. Imports are read from the source; no module is executed. A
  module that is imported by a computed name has no digest, and neither have data files.
- A digest is the sha256 of the file, cut to 16 hex digits; line ends count as `\\n`. The path does not count.
- A module that does not exist has no digest. The error is raised later, when the run imports the module.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.machinery
import importlib.util
import pkgutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from thinline.system.user_code import is_own

TARGET: Final = "_target_"
_DIGITS: Final = 16
_NOT_OWN: Final = {"thinline", "hydra_plugins", *sys.stdlib_module_names}

_read: dict[str, tuple[str, tuple[str, ...]]] = {}
"""Digest and imports of each module. The file of a module that this process has imported is not read again: the process
runs the imported code, even if the file is edited later."""


def own_code(config: object) -> dict[str, str]:
    """The digest of every own module that the `_target_` keys of `config` need, sorted by module name."""
    digests: dict[str, str] = {}
    waiting = list(dict.fromkeys(_targets(config)))
    seen = set(waiting)
    while waiting:
        for module, path in _own_modules(waiting.pop()):
            if module in digests:
                continue
            digests[module], imported = _source(module, path)
            fresh = [name for name in imported if name not in seen]
            seen.update(fresh)
            waiting += fresh
    return dict(sorted(digests.items()))


def edited(recorded: Mapping[str, str], today: Mapping[str, str]) -> list[str]:
    """Names of the modules with another digest in each; a module that one of them lacks cannot be compared."""
    return [module for module, digest in recorded.items() if today.get(module, digest) != digest]


def _targets(node: object) -> Iterator[str]:
    if isinstance(node, Mapping):
        for key, value in node.items():
            if key == TARGET and isinstance(value, str):
                yield value
            else:
                yield from _targets(value)
    elif isinstance(node, list | tuple):
        for item in node:
            yield from _targets(item)


def _own_modules(dotted: str) -> Iterator[tuple[str, Path]]:
    """The own modules in a dotted name, with their files: `my_losses` of `my_losses.SquaredDice`.

    The file of a package is its `__init__.py`.
    """
    folders: Sequence[str] | None = None
    parts = dotted.split(".")
    if parts[0] in _NOT_OWN:
        return
    for end in range(1, len(parts) + 1):
        name = ".".join(parts[:end])
        spec = _spec(name, folders)
        if spec is None:
            return
        if spec.origin is not None and (path := Path(spec.origin)).is_file():
            if not is_own(path):
                return
            yield name, path
        if spec.submodule_search_locations is None:
            return
        folders = list(spec.submodule_search_locations)


def _spec(name: str, folders: Sequence[str] | None) -> importlib.machinery.ModuleSpec | None:
    """The spec of a module. The package that contains the module is not imported; `folders` are its search path."""
    if folders is None:
        try:
            return importlib.util.find_spec(name)
        except (ImportError, ValueError, AttributeError):
            return None
    finders = filter(None, map(pkgutil.get_importer, folders))
    specs = [spec for finder in finders if (spec := finder.find_spec(name)) is not None]
    return next((spec for spec in specs if spec.loader is not None), specs[0] if specs else None)


def _source(module: str, path: Path) -> tuple[str, tuple[str, ...]]:
    """Digest and imported names of a module."""
    if module not in _read or module not in sys.modules:
        content = path.read_bytes()
        digest = hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()[:_DIGITS]
        package = module if path.stem == "__init__" else module.rpartition(".")[0]
        _read[module] = digest, tuple(_imports(content, package)) if path.suffix == ".py" else ()
    return _read[module]


def _imports(source: bytes, package: str) -> Iterator[str]:
    """Absolute names of the imports of a source; none for a source that Python cannot parse."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            start = ".".join(filter(None, [*above, node.module or ""]))
            yield from (f"{start}.{alias.name}" for alias in node.names if start)
