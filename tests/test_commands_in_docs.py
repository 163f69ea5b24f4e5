"""Every command of README.md and docs/ is understood: parsed, composed and checked, or run here.

`NOT_RUN` says why a command is not run to its end.
"""

import ast
import importlib
import re
import shlex
import sys
from itertools import islice

import pytest
import torch
import yaml
from composed import composed
from doc_pages import PAGES, ROOT, all_commands, blocks, commands
from hydra.core.override_parser.overrides_parser import OverridesParser

from thinline.cli.main import COMMANDS, main, parser
from thinline.config.objective import build_objective
from thinline.config.schema import checked, compose_config
from thinline.heads import Softmax
from thinline.losses.objective import Objective
from thinline.sweep.jobs import jobs_of, study_of

NOT_RUN = {
    "make": "its recipes are the commands that set up, test and build this project; here the target exists",
    "python train.py": "trains for minutes; here it is composed and checked, tests/test_train.py and tests/sweep train",
    "thinline train": "as python train.py",
    "thinline": "needs runs, images or minutes; here its arguments are parsed, tests/cli runs every command",
    "pip install": "changes the environment of the tests",
    "uv build": "the wheel is not a matter of the documentation; here nothing is checked",
    "python -c": "depends on the machine; here it is compiled",
}
ANSWERS = {
    "thinline coherence --precision .41 --iou .26 --f1 .37": 1,
    "thinline study three_family --check": 0,
}
"""Commands that take seconds are run, with their exit codes."""

COMING = {"train", "predict", "evaluate", "export"} - set(COMMANDS)
"""Commands and functions of the branch `api`; empty when it is merged."""

ALL = all_commands()
OWN_PARTS = (ROOT / "docs/how-to/own-parts.md").read_text(encoding="utf-8")


def started_with(*beginnings):
    """Commands that begin so; the variable of the shell before one is cut."""
    plain = [command.removeprefix("PYTHONPATH=. ") for command in ALL]
    return [command for command in plain if command.startswith(beginnings)]


def test_every_command_is_of_a_known_kind():
    assert len(ALL) > 60
    for command in ALL:
        assert command.removeprefix("PYTHONPATH=. ").startswith(tuple(NOT_RUN)), command
    assert all(started_with(kind) for kind in NOT_RUN)


@pytest.mark.parametrize("command", started_with("make"))
def test_a_target_is_in_the_makefile(command):
    _, target, *variables = shlex.split(command)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{target}:.*## ", makefile, re.MULTILINE)
    assert all(re.search(rf"^{name.partition('=')[0]} \?=", makefile, re.MULTILINE) for name in variables)


@pytest.fixture(scope="module")
def own_conf(tmp_path_factory):
    """The YAML files of the page on own parts, each named in its first line."""
    root = tmp_path_factory.mktemp("own")
    for block in blocks(OWN_PARTS, "yaml"):
        path = root / block.partition("\n")[0].removeprefix("# ")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block, encoding="utf-8")
    return root / "my_conf"


def some_jobs(overrides):
    """As many jobs of a sweep as show every value of it once; of a study the first one."""
    parsed = OverridesParser.create().parse_overrides(overrides)
    study = study_of(composed(*overrides)) if any("+experiment" in word for word in overrides) else None
    jobs = jobs_of(study, parsed)
    seen = set()
    for job in islice(jobs, 1) if study is not None else jobs:
        if not set(job) <= seen:
            seen |= set(job)
            yield job


@pytest.mark.parametrize("command", started_with("python train.py", "thinline train"))
def test_a_configuration_composes_and_is_valid(command, own_conf):
    words = shlex.split(command)[2:]
    overrides = [word for word in words if not word.startswith("-")]
    flags = {word.partition("=")[0] for word in words} - {word.partition("=")[0] for word in overrides}
    assert flags <= {"-m", "--help", "--config-dir"}
    own = "--config-dir" in flags
    for job in some_jobs(overrides) if "-m" in flags else [overrides]:
        config = compose_config([*job, f"hydra.searchpath=[file://{own_conf}]"]) if own else composed(*job)
        checked(config)
    assert own == ("squared_dice" in command)


@pytest.mark.parametrize("command", [c for c in started_with("thinline") if not c.startswith("thinline train")])
def test_the_arguments_of_a_command_are_parsed(command):
    words = shlex.split(command)[1:]
    if words[0] in COMING:
        pytest.skip("a command of the branch api")
    assert parser().parse_args(words).command == words[0]


@pytest.mark.parametrize(("command", "code"), ANSWERS.items())
def test_a_quick_command_prints_and_exits_as_documented(command, code, monkeypatch, capsys):
    assert command in ALL
    monkeypatch.chdir(ROOT)
    assert main(shlex.split(command)[1:]) == code
    assert capsys.readouterr().out.strip()


def test_commands_named_in_the_text_exist():
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        targets = set(re.findall(r"`make ([a-z]+)", text))
        names = set(re.findall(r"`thinline\s+([a-z][a-z-]*)", text))
        assert names <= set(COMMANDS) | COMING, page
        assert all(re.search(rf"^{name}:", (ROOT / "Makefile").read_text(), re.MULTILINE) for name in targets), page


def test_the_page_of_commands_has_every_command_with_an_example():
    text = (ROOT / "docs/reference/commands.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^### thinline (\S+)\n(.*?)(?=^##|\Z)", text, re.MULTILINE | re.DOTALL))
    assert set(sections) == set(COMMANDS) | COMING
    for name, section in sections.items():
        assert any(command.startswith(f"thinline {name}") for command in commands(section)), name


PYTHON = [block for page in PAGES for block in blocks(page.read_text(encoding="utf-8"), "python")]


@pytest.mark.parametrize("block", PYTHON, ids=range(len(PYTHON)))
def test_a_block_of_python_compiles_and_its_names_exist(block):
    tree = ast.parse(block)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            module = importlib.import_module(node.module)
            assert all(hasattr(module, alias.name) for alias in node.names)
    names = set(re.findall(r"\bthinline\.(\w+)\(", block))
    assert names <= {"load_run", "evaluate", "trace", "build_objective", "read_runs"}
    if not COMING:
        assert all(hasattr(importlib.import_module("thinline"), name) for name in names)


@pytest.mark.parametrize("page", ["README.md", "docs/how-to/own-parts.md"])
def test_the_loss_of_the_documentation_is_a_loss_with_a_weight(page, monkeypatch):
    (code,) = [block for block in blocks((ROOT / page).read_text(encoding="utf-8"), "python") if "SquaredDice" in block]
    module = type(sys)("my_losses")
    monkeypatch.setitem(sys.modules, "my_losses", module)
    exec(compile(code, page, "exec"), module.__dict__)
    torch.manual_seed(0)
    logits = torch.randn(2, 3, 8, 8, requires_grad=True)
    labels = torch.randint(3, (2, 8, 8))
    strokes = torch.stack([labels == 1, labels == 2], dim=1)
    loss, head = module.SquaredDice(), Softmax(["background", "curve_1", "curve_2"])
    plain, weighted = (Objective(head, loss, weight=weight)(logits, labels, strokes) for weight in (None, [1, 9, 42]))
    truth, soft = torch.nn.functional.one_hot(labels, 3).movedim(-1, 1).double(), logits.double().softmax(1)
    terms = [1 - 2 * (soft[:, c] * truth[:, c]).sum() / (soft[:, c] ** 2 + truth[:, c]).sum() for c in range(3)]
    torch.testing.assert_close(plain.double(), sum(terms) / 3, rtol=1e-5, atol=0)
    torch.testing.assert_close(weighted.double(), (terms[0] + 9 * terms[1] + 42 * terms[2]) / 52, rtol=1e-5, atol=0)
    weighted.backward()
    assert logits.grad.abs().sum() > 0


def test_the_objective_of_the_documentation_is_built():
    (call,) = {call for block in PYTHON for call in re.findall(r"build_objective(\(\[.*\))", block)}
    objective = eval(f"build_objective{call}", {"build_objective": build_objective})
    assert objective(torch.zeros(1, 3, 4, 4), torch.ones(1, 4, 4, dtype=torch.long), torch.ones(1, 2, 4, 4) > 0) > 0


def test_yaml_of_own_parts_is_yaml_with_a_target():
    parts = [yaml.safe_load(block) for block in blocks(OWN_PARTS, "yaml")]
    assert len(parts) == 5
    assert all("_target_" in node or "_target_" in node["row_error"] for node in parts)
