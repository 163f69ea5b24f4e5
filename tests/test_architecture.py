"""Imports point down, heavy libraries have one importer each, and sizes stay within their bounds.

The layers, lowest first; packages of one layer do not import each other. The test reads every import of the source,
those inside functions too, and proves itself on planted violations.
"""

from __future__ import annotations

import ast
import graphlib
import os
import re
import shutil
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from planted_imports import ALLOWED, PLANTED

import thinline

ROOT = Path(__file__).parents[1]
PACKAGE = "thinline"
LAYERS: tuple[tuple[str, ...], ...] = (
    ("vocabulary",),
    ("system",),
    ("sheets", "curves", "coherence", "images"),
    ("data", "losses", "heads", "network", "metrics"),
    ("ruler", "training", "runs"),
    ("tracking",),
    ("study.design",),
    ("study.stats",),
    ("study.claims",),
    ("study.figures",),
    ("study.report",),
    ("study.publish",),
    ("digitise", "config"),
    ("pipeline",),
    ("sweep",),
    ("cli",),
)
LAYER_OF = {package: height for height, packages in enumerate(LAYERS) for package in packages}
LOOSE = {"__init__.py", "__main__.py", "vocabulary.py"}
"""Files beside the packages. `__main__` and train.py start programs, and count as part of `cli`."""

EXPORTS = {
    "LoadedRun": "thinline.pipeline.load",
    "Prediction": "thinline.pipeline.predict",
    "build_objective": "thinline.config.objective",
    "evaluate": "thinline.pipeline.predict",
    "load_run": "thinline.pipeline.load",
    "read_runs": "thinline.runs.table",
    "trace": "thinline.curves.trace",
}
"""The public API: what `thinline/__init__.py` exports, lazily and from the module that defines the name."""

ONLY_IN = {
    "mlflow": {"tracking"},
    "pytorch_lightning": {"training"},
    "segmentation_models_pytorch": {"network"},
    "jinja2": {"study.report"},
    "statsmodels": {"study.stats"},
    "filelock": {"system"},
    "onnx": {"network"},
    "onnxruntime": {"network"},
    "rapidocr": {"digitise"},
    "hydra": {"config", "pipeline", "sweep", "cli"},
    "omegaconf": {"config", "pipeline", "sweep", "cli"},
}
MAY_IMPORT = {
    "sheets": {"numpy", "cv2"},
    "curves": {"numpy", "cv2", "lasio", "scipy"},
    "images": {"numpy", "cv2", "PIL", "typing_extensions"},
    "coherence": {"numpy", "scipy"},
}
WITHOUT_TORCH = {"torch", "torchmetrics", "pytorch_lightning", "mlflow", "segmentation_models_pytorch"}
NAMES_THAT_SAY_NOTHING = {"utils", "util", "common", "helpers", "helper", "base", "manager", "misc"}
MOST_LINES = 350
MOST_FILES = 16
MEDIAN_LINES = (60, 150)


def sources(root: Path) -> dict[str, Path]:
    """Files of the project by module name, `thinline.sheets.drawing.draw` or `train`."""
    package = root / "src" / PACKAGE
    modules = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        modules[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    modules["train"] = root / "train.py"
    return {name: path for name, path in modules.items() if path.exists()}


def package_of(module: str) -> str:
    """`thinline.sheets.spec` is in `sheets`, `thinline.study.stats.ranks` in `study.stats`, `train` in `cli`."""
    parts = module.split(".")[1:]
    if not parts:
        return "cli" if module == "train" else PACKAGE
    if parts[0] == "__main__":
        return "cli"
    return ".".join(parts[:2]) if parts[0] == "study" else parts[0]


@cache
def imports(module: str, *, is_package: bool, source: str) -> tuple[tuple[int, str, str], ...]:
    """Line, module and name of everything a file imports, relative imports resolved; `import x` has no name."""
    imported_names: list[tuple[int, str, str]] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            imported_names += [(node.lineno, alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = module.split(".")[: len(module.split(".")) - node.level + is_package] if node.level else []
            imported = ".".join([*above, *([node.module] if node.module else [])])
            imported_names += [(node.lineno, imported, alias.name) for alias in node.names]
    return tuple(imported_names)


def between_packages(importer: str, imported: str) -> str | None:
    if importer == imported or LAYER_OF.get(imported, -1) < LAYER_OF.get(importer, -1):
        return None
    same = LAYER_OF.get(imported) == LAYER_OF.get(importer)
    return f"{importer} imports {imported}, {'a package of its own layer' if same else 'which is above it'}"


def from_outside(importer: str, library: str) -> str | None:
    if importer not in ONLY_IN.get(library, {importer}):
        return f"{importer} imports {library}, which only {', '.join(sorted(ONLY_IN[library]))} may"
    if library in WITHOUT_TORCH and importer.split(".")[0] in ("study", "coherence", "runs"):
        return f"{importer} imports {library}, which it must not"
    if importer in MAY_IMPORT and library not in MAY_IMPORT[importer] | sys.stdlib_module_names:
        allowed = ", ".join(sorted(MAY_IMPORT[importer]))
        return f"{importer} imports {library}; it may import {allowed} and the standard library"
    return None


def exports(root: Path, modules: dict[str, Path]) -> Iterator[str]:
    """The package root imports EXPORTS for the type checker, declares the same table, and imports nothing else."""
    where = f"src/{PACKAGE}/__init__.py"
    tree = ast.parse((root / where).read_text(encoding="utf-8"))
    typed = [line for node in tree.body if is_for_types(node) for each in node.body for line in ast.walk(each)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for _, module, name in imports(PACKAGE, is_package=True, source=ast.unparse(node)):
                if module.split(".")[0] != PACKAGE:
                    continue
                if node not in typed:
                    yield f"{where}:{node.lineno}: imports {module} at once; export it lazily (EXPORTS)"
                elif EXPORTS.get(name) != module:
                    yield f"{where}:{node.lineno}: {module}.{name} is not in the list of exports"
    declared = next((ast.literal_eval(node.value) for node in tree.body if assigns(node, "EXPORTS")), {})
    for name in sorted(declared.keys() | EXPORTS.keys()):
        if declared.get(name) != EXPORTS.get(name):
            yield f"{where}: exports {name} from {declared.get(name)}, the list of exports says {EXPORTS.get(name)}"
    for name, module in EXPORTS.items():
        body = ast.parse(modules[module].read_text(encoding="utf-8")).body if module in modules else []
        if name not in {getattr(node, "name", "") for node in body}:
            yield f"{where}: exports {name}, which {module} does not define"


def is_for_types(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def assigns(node: ast.stmt, name: str) -> bool:
    return isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == name


def sizes(root: Path) -> Iterator[str]:
    """Names that say nothing, files and packages that are too large, loose modules, and packages of no layer."""
    package = root / "src" / PACKAGE
    files = sorted(package.rglob("*.py"))
    lines = {path: path.read_text(encoding="utf-8").count("\n") for path in files}
    for path, count in lines.items():
        where = path.relative_to(root)
        if NAMES_THAT_SAY_NOTHING & {path.stem, path.parent.name}:
            yield f"{where}: a name that says nothing; name it after what is in it"
        if count > MOST_LINES:
            yield f"{where}: {count} lines, {MOST_LINES} are the most; split it"
        if path.parent == package and path.name not in LOOSE:
            yield f"{where}: a loose module; put it into a package"
    for folder, count in Counter(path.parent for path in files).items():
        where = folder.relative_to(package).as_posix()
        if count > MOST_FILES and where != "losses":
            yield f"src/{PACKAGE}/{where}: {count} files, {MOST_FILES} are the most"
        if where not in (".", "study") and package_of(f"{PACKAGE}.{where.replace('/', '.')}") not in LAYER_OF:
            yield f"src/{PACKAGE}/{where}: a package of no layer; give it one in {Path(__file__).name}"


def unlisted(package: Path) -> list[str]:
    """Modules and subpackages that the docstring of their package does not name: there a reader looks for them."""
    missing = []
    for init in sorted(package.rglob("__init__.py")):
        words = re.findall(r"\w+", ast.get_docstring(ast.parse(init.read_text(encoding="utf-8"))) or "")
        inside = {path.stem for path in init.parent.glob("*.py")} | {
            path.parent.name for path in init.parent.glob("*/__init__.py")
        }
        missing += [
            f"{init.relative_to(package)}: {name}" for name in sorted(inside - {"__init__", "__main__"} - set(words))
        ]
    return missing


def violations(root: Path) -> list[str]:
    """Every break of the rules as `file:line: what`."""
    modules = sources(root)
    broken, edges = [*sizes(root), *exports(root, modules)], {}
    for module, path in modules.items():
        importer, edges[module] = package_of(module), set()
        text = path.read_text(encoding="utf-8")
        for line, imported, part in imports(module, is_package=path.name == "__init__.py", source=text):
            # `from thinline import runs` names a module, `from x import f` a thing in one
            name = f"{imported}.{part}" if f"{imported}.{part}" in modules else imported
            library = name.split(".")[0]
            if library in (PACKAGE, "train"):
                edges[module].add(name)
                rule = None if module == PACKAGE else between_packages(importer, package_of(name))
            else:
                rule = from_outside(importer, library)
            if rule:
                broken.append(f"{path.relative_to(root)}:{line}: {rule}")
    try:
        graphlib.TopologicalSorter(edges).prepare()
    except graphlib.CycleError as error:
        broken.append(f"import cycle: {' -> '.join(error.args[1])}")
    return broken


def test_the_source_keeps_the_rules() -> None:
    assert len(sources(ROOT)) > 3, "no source was read"
    assert violations(ROOT) == []


def test_every_package_lists_its_modules(tmp_path: Path) -> None:
    packages = [folder for folder in (ROOT / "src" / PACKAGE).iterdir() if (folder / "__init__.py").exists()]
    assert [line for folder in sorted(packages) for line in unlisted(folder)] == []
    (tmp_path / "part").mkdir()
    for name, text in (
        ("__init__", '"""one of it; part"""'),
        ("one", ""),
        ("two", ""),
        ("part/__init__", ""),
        ("part/three", ""),
    ):
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    assert unlisted(tmp_path) == ["__init__.py: two", "part/__init__.py: three"]


def test_the_median_number_of_lines_of_a_file_is_within_bounds() -> None:
    files = (ROOT / "src" / PACKAGE).rglob("*.py")
    lines = [path.read_text(encoding="utf-8").count("\n") for path in files if path.name != "__init__.py"]
    assert MEDIAN_LINES[0] <= statistics.median(lines) <= MEDIAN_LINES[1]


def test_every_test_folder_is_a_package_of_the_source() -> None:
    """A folder of tests is a package of the source; `cases`, `bench` and `soak` hold no tests of one package."""
    package, tests = ROOT / "src" / PACKAGE, ROOT / "tests"
    folders = {path.parent.relative_to(tests) for path in tests.rglob("test_*.py")}
    assert [folder for folder in folders if not (package / folder).is_dir()] == []


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Callable[[dict[str, str]], list[str]]:
    """`planted({"heads/new.py": text})`: the violations of a copy of the source that files of these texts add."""
    root = tmp_path_factory.mktemp("source")
    package = root / "src" / PACKAGE
    shutil.copytree(ROOT / "src" / PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "train.py", root / "train.py")
    before = violations(root)

    def added(texts: dict[str, str]) -> list[str]:
        files = {package / name: text for name, text in texts.items()}
        originals = {file: file.read_text(encoding="utf-8") for file in files if file.exists()}
        for file, text in files.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        try:
            return [line for line in violations(root) if line not in before]
        finally:
            for file in files.keys() - originals.keys():
                file.unlink()
            for file, text in originals.items():
                file.write_text(text, encoding="utf-8")

    return added


def text_of(name: str) -> str:
    """The text of a file of the package, empty where there is none."""
    path = ROOT / "src" / PACKAGE / name
    return path.read_text(encoding="utf-8") if path.exists() else ""


@pytest.mark.parametrize("what", PLANTED)
def test_a_planted_violation_is_the_only_one_reported(what: str, planted) -> None:
    file, source, words = PLANTED[what]
    original = text_of(file)
    lines = planted({file: f"{original}\n{source}\n" if original else f"{source}\n"})
    (line,) = [line for line in lines if not line.startswith("import cycle")]
    assert words in line
    assert line.startswith(f"src/{PACKAGE}/{Path(file).parts[0]}")


@pytest.mark.parametrize(
    ("before_change", "after_change", "words"),
    [
        ('    "trace": "thinline.curves.trace",\n', "", "exports trace from None"),
        ('"trace": "thinline.curves.trace"', '"trace": "thinline.curves"', "exports trace from thinline.curves, the"),
        (
            '    "trace": "thi',
            '    "render": "thinline.sheets",\n    "trace": "thi',
            "exports render from thinline.sheets",
        ),
    ],
)
def test_another_table_of_exports_is_reported(before_change, after_change, words, planted) -> None:
    text = text_of("__init__.py")
    assert text.count(before_change) == 1
    (line,) = planted({"__init__.py": text.replace(before_change, after_change)})
    assert words in line


def test_an_export_that_its_module_does_not_define_is_reported(planted) -> None:
    assert planted({"curves/trace.py": text_of("curves/trace.py").replace("def trace(", "def traced(")}) == [
        f"src/{PACKAGE}/__init__.py: exports trace, which thinline.curves.trace does not define"
    ]


def test_a_package_of_too_many_files_is_reported(planted) -> None:
    (line,) = planted({f"heads/planted_{number}.py": "X = 1\n" for number in range(MOST_FILES)})
    assert line.startswith(f"src/{PACKAGE}/heads: ")


def test_a_planted_cycle_is_reported(planted) -> None:
    cycle = {"first": "second", "second": "first"}
    lines = planted({f"curves/{one}.py": f"from thinline.curves import {other}\n" for one, other in cycle.items()})
    assert any(line.startswith("import cycle") and "thinline.curves.first" in line for line in lines)


def test_allowed_imports_are_no_violation(planted) -> None:
    assert planted(ALLOWED) == []


def test_the_api_metric_names_configurations_and_commands_are_read_without_torch() -> None:
    """In a process of its own. The names of the package are exported lazily, and a misspelt one lists them."""
    code = f"""
import sys, thinline
assert set(thinline.__all__) <= set(dir(thinline))
assert len(sys.modules) < 200
import thinline.metrics.catalogue
assert not {{"torch", "pandas"}} & set(sys.modules)
from thinline.config.schema import checked, compose_config
checked(compose_config([]))
import thinline.runs, thinline.cli.main
assert not {WITHOUT_TORCH | {"sqlalchemy"}} & set(sys.modules)
thinline.load_rum
"""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, cwd=ROOT, capture_output=True, text=True)
    assert "AttributeError: module 'thinline' has no attribute 'load_rum'; it exports LoadedRun" in done.stderr
    assert [getattr(thinline, name).__name__ for name in thinline.__all__] == thinline.__all__
    assert sorted(EXPORTS) == thinline.__all__
