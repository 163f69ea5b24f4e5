"""The notebooks run from top to bottom, and are kept as a reader wants them."""

import ast
import base64
import re
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import pytest
from IPython.display import display

from thinline.config.schema import CONF

FOLDER = CONF.parent / "notebooks"
NAMES = (
    "00_your_own_images",
    "01_a_sheet_and_its_truth",
    "02_how_the_ruler_bends",
    "03_five_losses",
    "04_three_families",
    "05_from_mask_to_curve",
)
MOST_LINES = 25
MOST_PICTURE_BYTES = 160_000
# two folders or more below the root, where text or a string begins; tags and base64 have no such beginning
ABSOLUTE = re.compile(r"""(?:^|[\s"'(=:,])(?:/(?:[\w.+-]+/){2,}|[A-Za-z]:\\|file:/)""", re.MULTILINE)


def read(name):
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


def code_of(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs_of(notebook):
    return [output for cell in code_of(notebook) for output in cell.outputs]


def texts_of(notebook):
    """Everything a reader may see as text: sources, streams, tables."""
    for cell in notebook.cells:
        yield cell.source
    for output in outputs_of(notebook):
        yield output.get("text", "")
        yield from (text for kind, text in output.get("data", {}).items() if kind.startswith("text/"))


def test_there_are_these_and_each_is_named_in_the_readme():
    assert tuple(sorted(path.stem for path in FOLDER.glob("*.ipynb"))) == NAMES
    listed = re.findall(r"^\| `(\d\d_\w+)`", (FOLDER / "README.md").read_text(), re.MULTILINE)
    assert tuple(listed) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_cell_runs_without_a_complaint_and_the_last_one_checks_what_is_shown(name, monkeypatch, capsys):
    """In this process, which has imported torch; `make notebooks` runs them in kernels of their own."""
    monkeypatch.chdir(FOLDER)
    names = {"__name__": "__main__", "display": display}
    try:
        for number, cell in enumerate(code_of(read(name)), 1):
            exec(compile(cell.source, f"{name}, cell {number}", "exec"), names)
    finally:
        plt.close("all")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("name", NAMES)
def test_a_title_a_question_and_text_before_every_cell(name):
    notebook = read(name)
    title, _, rest = notebook.cells[0].source.partition("\n")
    assert title.startswith(f"# {name[:2]} ")
    assert re.search(r"\*\*[^*]+\?\*\*", rest), "the question"
    kinds = [cell.cell_type for cell in notebook.cells]
    assert kinds == ["markdown", "code"] * (len(kinds) // 2)
    assert 4 <= len(code_of(notebook)) <= 8


@pytest.mark.parametrize("name", NAMES)
def test_cells_are_short_and_functions_live_elsewhere(name):
    for cell in code_of(read(name)):
        assert len(cell.source.splitlines()) <= MOST_LINES
        made = [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.FunctionDef | ast.ClassDef)]
        assert all(node.end_lineno - node.lineno <= 1 for node in made)


@pytest.mark.parametrize("name", NAMES)
def test_the_last_cell_can_fail_and_says_what_was_seen(name):
    last = code_of(read(name))[-1]
    asserted = [node for node in ast.walk(ast.parse(last.source)) if isinstance(node, ast.Assert)]
    assert len(asserted) >= 3
    assert not any(isinstance(node.test, ast.Constant) for node in asserted)
    assert [output.output_type for output in last.outputs] == ["stream"]


@pytest.mark.parametrize("name", NAMES)
def test_it_was_run_from_top_to_bottom_without_a_complaint(name):
    notebook = read(name)
    code = code_of(notebook)
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    shown = outputs_of(notebook)
    assert {output.output_type for output in shown} <= {"stream", "display_data", "execute_result"}
    assert {output.name for output in shown if output.output_type == "stream"} == {"stdout"}
    assert any("image/png" in output.get("data", {}) for output in shown)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_of_the_machine_is_kept_and_pictures_are_small(name):
    notebook = read(name)
    assert [text for text in texts_of(notebook) if ABSOLUTE.search(text)] == []
    assert notebook.metadata.kernelspec.name == "python3"
    assert notebook.metadata.language_info == {"name": "python"}
    *shown, checks = notebook.cells
    assert not any(cell.metadata for cell in shown)
    assert checks.metadata == {"jupyter": {"source_hidden": True}, "tags": ["hide-input"]}
    kept = [output.data for output in outputs_of(notebook) if "data" in output]
    assert {kind for data in kept for kind in data} <= {"text/plain", "text/html", "image/png"}
    for picture in (data["image/png"] for data in kept if "image/png" in data):
        assert len(base64.b64decode(picture)) <= MOST_PICTURE_BYTES


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("read /home/me/runs/a.csv", True),
        ('open("/data/logs/one.las")', True),
        (str(Path.home().resolve() / "runs" / "x"), True),
        ("in C:\\logs", True),
        ("<td>1</td></tr>\n</table>", False),
        ("test/iou/curve_1 and experiments/a/b.csv", False),
        ("CONF.parent / 'experiments'", False),
    ],
)
def test_an_absolute_path_is_told_from_what_looks_like_one(text, is_one):
    assert bool(ABSOLUTE.search(text)) is is_one
