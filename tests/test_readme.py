"""Published numbers are those of the results they came from."""

import re
from pathlib import Path

import pandas as pd
import pytest

from hairline.config import CONF, FACTORS
from hairline.tables import COLUMNS

ROOT = Path(CONF).parent
README = (ROOT / "README.md").read_text()
RESULTS = pd.read_csv(ROOT / "experiments/first_sweep/results.csv")


def published():
    """(class, loss, numbers) of every line of the tables in the README."""
    block = README.split("<!-- output -->")[1].split("<!-- /output -->")[0]
    name = ""
    for line in block.splitlines():
        if found := re.match(r" +(\w+): unseen test sheets", line):
            name = found[1]
        elif found := re.match(r" +\*? +(\w+) +((?:\d\.\d{3} *)+)$", line):
            yield name, found[1], found[2].split()


def test_there_is_a_line_for_every_class_and_loss():
    assert len(list(published())) == 9


@pytest.mark.parametrize(("name", "loss", "numbers"), list(published()))
def test_a_line_of_the_readme_stands_in_the_results(name, loss, numbers):
    rows = RESULTS[(RESULTS["class"] == name) & (RESULTS["loss"] == loss)].set_index(["split", "measure"])["value"]
    assert numbers == [f"{rows[column]:.3f}" for column in COLUMNS]


@pytest.mark.parametrize("factor", [*FACTORS, "trainer"])
def test_the_factor_table_names_every_option(factor):
    (row,) = [line for line in README.splitlines() if line.startswith(f"| `{factor}` |")]
    options = {path.stem for path in (CONF / factor).glob("*.yaml")}
    assert options == set(re.findall(r"`(\w+)`", row.split("|")[2]))


def test_pictures_and_links_are_there():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
