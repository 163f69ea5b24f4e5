"""Imports point downwards, heavy libraries have one door each, and no room is a drawer.

    vocabulary, compiled, processes < sheets, curves, images < data, losses, heads, network, measures < training, ledger
        < study, digitise < roof

Rooms on one floor do not import each other. A folder of the package is a room and must stand in the list above; a file
at its root that is not in the list belongs to the roof, as do `cli/` and `train.py`. The test reads every import of the
source, those inside functions too, and proves itself on planted violations.
"""

from __future__ import annotations

import ast
import graphlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FLOORS: tuple[frozenset[str], ...] = (
    frozenset({"vocabulary", "compiled", "processes"}),
    frozenset({"sheets", "curves", "images"}),
    frozenset({"data", "losses", "heads", "network", "measures"}),
    frozenset({"training", "ledger"}),
    frozenset({"study", "digitise"}),
)
ROOF = "roof"
CLI = "cli"
"""The package of the commands; its files belong to the roof, as the loose modules do."""
FLOOR_OF = {room: height for height, rooms in enumerate(FLOORS) for room in rooms} | {ROOF: len(FLOORS)}

ONLY_IN = {
    "segmentation_models_pytorch": {"network"},
    "pytorch_lightning": {"training"},
    "mlflow": {"ledger"},
    "hydra": {ROOF},
    "omegaconf": {ROOF},
}
MAY_IMPORT = {
    "sheets": {"numpy", "cv2"},
    "curves": {"numpy", "cv2", "lasio", "numba", "scipy"},
    "images": {"numpy", "cv2", "PIL", "typing_extensions"},
}
MUST_NOT_IMPORT = {"study": {"torch", "torchmetrics", "pytorch_lightning", "mlflow", "segmentation_models_pytorch"}}
DRAWERS = {"utils", "util", "common", "helpers", "helper", "base", "manager", "misc"}
MOST_LINES = 400


def sources(root: Path) -> dict[str, Path]:
    """Files of the project by module name, `hairline.sheets.draw` or `train`."""
    package = root / "src" / "hairline"
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    found["train"] = root / "train.py"
    return {name: path for name, path in found.items() if path.exists()}


def room_of(module: str, rooms: set[str]) -> str:
    """The room of a module: its folder, its file if the list names it, or else the roof."""
    parts = module.split(".")
    if parts[0] != "hairline" or len(parts) == 1 or parts[1] == CLI:
        return ROOF
    return parts[1] if parts[1] in FLOOR_OF or parts[1] in rooms else ROOF


def imports(module: str, path: Path, modules: set[str]) -> Iterator[tuple[int, str]]:
    """Line and full name of everything a file imports, relative imports resolved."""
    is_package = path.name == "__init__.py"
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = module.split(".")[: len(module.split(".")) - node.level + is_package] if node.level else []
            source = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:  # `from hairline import ledger` names a module, `from x import f` a thing in one
                full = f"{source}.{alias.name}"
                yield node.lineno, full if full in modules else source


def between_rooms(here: str, there: str) -> str | None:
    if here == there or FLOOR_OF.get(there, -1) < FLOOR_OF.get(here, -1):
        return None
    same = FLOOR_OF.get(there) == FLOOR_OF.get(here)
    return f"{here} imports {there}, {'a room on its own floor' if same else 'which is above it'}"


def from_outside(here: str, library: str) -> str | None:
    if here not in ONLY_IN.get(library, {here}):
        return f"{here} imports {library}, which only {', '.join(ONLY_IN[library])} may"
    if library in MUST_NOT_IMPORT.get(here, set()):
        return f"{here} imports {library}, which it must not"
    if here in MAY_IMPORT and library not in MAY_IMPORT[here] | sys.stdlib_module_names:
        return f"{here} imports {library}; it may import {', '.join(sorted(MAY_IMPORT[here]))} and the standard library"
    return None


def violations(root: Path) -> list[str]:
    """Every break of the rules as `file:line: what`."""
    found, edges = [], {}
    files = sources(root)
    rooms = {path.name for path in (root / "src" / "hairline").iterdir() if path.is_dir() and any(path.glob("*.py"))}
    found += [
        f"src/hairline/{room}: a room of no floor; give it one in {Path(__file__).name}"
        for room in rooms - set(FLOOR_OF) - {CLI}
    ]
    for module, path in files.items():
        place = path.relative_to(root)
        if DRAWERS & {path.stem, path.parent.name}:
            found.append(f"{place}: a drawer's name says nothing; name it after what is in it")
        lines = path.read_text(encoding="utf-8").count("\n")
        if lines > MOST_LINES:
            found.append(f"{place}: {lines} lines, {MOST_LINES} are the most; split it")
        here, edges[module] = room_of(module, rooms), set()
        for line, name in imports(module, path, set(files)):
            library = name.split(".")[0]
            if library in ("hairline", "train"):
                edges[module].add(name)
                broken = (
                    between_rooms(here, room_of(name, rooms)) if module != "hairline" else f"hairline imports {name}"
                )
            else:
                broken = from_outside(here, library)
            if broken:
                found.append(f"{place}:{line}: {broken}")
    try:
        graphlib.TopologicalSorter(edges).prepare()
    except graphlib.CycleError as error:
        found.append(f"import cycle: {' -> '.join(error.args[1])}")
    return found


def test_the_house_stands() -> None:
    assert len(sources(ROOT)) > 3, "no source was read"
    assert violations(ROOT) == []


PLANTED = {
    # what -> (file, source, words of the violation)
    "upwards": ("sheets/planted.py", "from hairline.data import mix", "sheets imports data, which is above it"),
    "upwards to the roof": ("measures/planted.py", "import hairline.config", "measures imports roof"),
    "upwards, a package": (
        "measures/planted.py",
        "from hairline import ledger",
        "measures imports ledger, which is above",
    ),
    "upwards, relative": (
        "losses/planted.py",
        "from ..training import task",
        "losses imports training, which is above",
    ),
    "sideways": (
        "losses/planted.py",
        "from hairline.heads import Head",
        "losses imports heads, a room on its own floor",
    ),
    "sideways, hidden": (
        "training/planted.py",
        "def f() -> None:\n    import hairline.ledger",
        "training imports ledger, a room on its own floor",
    ),
    "vocabulary": ("vocabulary.py", "from hairline.sheets import sample", "vocabulary imports sheets"),
    "package root": ("__init__.py", "from hairline.sheets import sample", "hairline imports hairline.sheets"),
    "second door of smp": ("training/planted.py", "from segmentation_models_pytorch import Unet", "only network may"),
    "second door of Lightning": ("job.py", "import pytorch_lightning as pl", "roof imports pytorch_lightning"),
    "second door of MLflow": ("training/planted.py", "import mlflow.tracking", "only ledger may"),
    "Hydra below the roof": ("ledger/planted.py", "from hydra.utils import instantiate", "ledger imports hydra"),
    "OmegaConf below the roof": ("data/planted.py", "from omegaconf import DictConfig", "data imports omegaconf"),
    "torch in sheets": ("sheets/planted.py", "import torch", "sheets imports torch; it may import cv2, numpy"),
    "torch in curves": ("curves/planted.py", "from torch import Tensor", "curves imports torch"),
    "lasio in sheets": ("sheets/planted.py", "import lasio", "sheets imports lasio"),
    "torch in study": ("study/planted.py", "import torch", "study imports torch, which it must not"),
    "network of study": ("study/planted.py", "import segmentation_models_pytorch", "only network may"),
    "a drawer": ("measures/utils.py", "X = 1", "a drawer's name"),
    "a folder of drawers": ("losses/common/dice.py", "X = 1", "a drawer's name"),
    "a long file": ("curves/planted.py", "X = 1\n" * 400, "401 lines"),
    "a room of no floor": ("attic/planted.py", "X = 1", "a room of no floor"),
}


@pytest.mark.parametrize("what", PLANTED)
def test_a_planted_violation_is_found_and_nothing_else(what: str, tmp_path: Path) -> None:
    file, source, words = PLANTED[what]
    house = copied(tmp_path)
    before = violations(house)
    planted = house / "src" / "hairline" / file
    planted.parent.mkdir(parents=True, exist_ok=True)
    standing = planted.read_text(encoding="utf-8") if planted.exists() else ""
    planted.write_text(f"{standing}\n{source}\n" if standing else source + "\n", encoding="utf-8")
    fresh = [line for line in violations(house) if line not in before and not line.startswith("import cycle")]
    assert len(fresh) == 1
    assert words in fresh[0]
    assert fresh[0].startswith(f"src/hairline/{Path(file).parts[0]}")


def test_a_planted_cycle_is_found(tmp_path: Path) -> None:
    house = copied(tmp_path)
    for one, other in (("first", "second"), ("second", "first")):
        (house / "src" / "hairline" / "curves").mkdir(exist_ok=True)
        (house / "src" / "hairline" / "curves" / f"{one}.py").write_text(f"from hairline.curves import {other}\n")
    assert any(line.startswith("import cycle") and "hairline.curves.first" in line for line in violations(house))


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("data/planted.py", "import torch\nfrom hairline.sheets import render\nfrom hairline.vocabulary import IGNORE"),
        ("network/planted.py", "def late() -> None:\n    import segmentation_models_pytorch"),
        ("ledger/planted.py", "import mlflow"),
        ("study/planted.py", "from hairline.ledger import rows"),
        ("planted.py", "import hydra\nfrom hairline.training import run"),
        ("curves/planted.py", "import json\nimport lasio\nimport numpy as np"),
    ],
)
def test_what_is_allowed_is_let_through(file: str, source: str, tmp_path: Path) -> None:
    house = copied(tmp_path)
    before = violations(house)
    planted = house / "src" / "hairline" / file
    planted.parent.mkdir(parents=True, exist_ok=True)
    with planted.open("a", encoding="utf-8") as open_file:
        open_file.write(f"\n{source}\n")
    assert violations(house) == before


def copied(place: Path) -> Path:
    """The source of the project, copied to where a violation may be planted."""
    shutil.copytree(ROOT / "src" / "hairline", place / "src" / "hairline", ignore=shutil.ignore_patterns("__pycache__"))
    if (ROOT / "train.py").exists():
        shutil.copy(ROOT / "train.py", place / "train.py")
    return place
