"""The pages of docs/ against what they describe: metrics, options, links, order, citation."""

import os
import re

import pytest
import yaml
from composed import options
from doc_pages import PAGES, ROOT, blocks

from thinline.config.schema import FACTORS
from thinline.metrics.catalogue import ROWS, signatures

DOCS = ROOT / "docs"
METRICS = (DOCS / "reference/metrics.md").read_text(encoding="utf-8")
FACTOR_PAGE = (DOCS / "reference/factors.md").read_text(encoding="utf-8")


def cells(line):
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_every_metric_of_the_catalogue_has_its_row():
    rows = [cells(line) for line in METRICS.splitlines() if line.startswith("| `")]
    assert [row[0] for row in rows] == [f"`{metric.key}`" for metric in ROWS]
    for row, metric in zip(rows, ROWS, strict=True):
        unit = "px or mm" if metric.unit == "{unit}" else metric.unit
        assert row[1].strip("`") == metric.label
        assert row[2:] == [unit, metric.better or "-", str(metric.digits), metric.meaning]
    assert all(f"- `{signature}`" in METRICS for signature in signatures())


def test_every_option_of_conf_is_described_with_its_keys():
    sections = dict(re.findall(r"^### (\S+=\S+)\n(.*?)(?=^##|^<!--|\Z)", FACTOR_PAGE, re.MULTILINE | re.DOTALL))
    names = [(group, option) for group in (*FACTORS, "data_set", "trainer") for option in options(group)]
    assert list(sections) == [f"{group}={option}" for group, option in names]
    for group, option in names:
        (keys,) = blocks(sections[f"{group}={option}"], "yaml")
        assert yaml.safe_load(keys) == yaml.safe_load((ROOT / f"conf/{group}/{option}.yaml").read_text())
        assert len(sections[f"{group}={option}"].partition("```")[0].split()) > 2


@pytest.mark.parametrize("factor", [*FACTORS, "data_set", "trainer"])
def test_the_table_of_factors_names_every_option(factor):
    (row,) = [line for line in FACTOR_PAGE.splitlines() if line.startswith(f"| `{factor}` |")]
    assert set(options(factor)) == set(re.findall(r"`(\w+)`", row.split("|")[2]))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_links_of_a_page_lead_to_files(page):
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!\w+:)([^)#\s]+)", text):
        assert (page.parent / target).exists(), target


def test_every_page_is_in_the_navigation():
    order = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:\n")[2]
    ordered = re.findall(r": (\S+\.md)$", order, re.MULTILINE)
    pages = [path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")]
    assert sorted(ordered) == sorted([*pages, "experiments/README.md"])


def test_the_citation_is_that_of_the_repository():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    (entry,) = blocks((DOCS / "reference/cite.md").read_text(encoding="utf-8"), "bibtex")
    fields = dict(re.findall(r"(\w+) += \{+(.*?)\}+,?$", entry, re.MULTILINE))
    assert fields["title"] == citation["title"]
    assert fields["author"] == citation["authors"][0]["name"]
    assert (fields["version"], fields["date"]) == (str(citation["version"]), str(citation["date-released"]))
    assert fields["license"] == citation["license"]


def test_links_to_the_repository_become_links_of_the_site(monkeypatch):
    pytest.importorskip("mkdocs", reason="the extra `docs` is not installed")
    monkeypatch.syspath_prepend(os.fspath(DOCS))
    from repository_pages import with_site_links

    text = "[a](../../experiments/README.md) [b](cite.md#x) [c](../index.md) [d](https://e.org/f) [g](#h)"
    site = "[a](../experiments/README.md) [b](cite.md#x) [c](../index.md) [d](https://e.org/f) [g](#h)"
    assert with_site_links(text, "docs/reference/a.md") == site
    assert (
        with_site_links("[a](../docs/index.md) [b](LOG.md)", "experiments/README.md") == "[a](../index.md) [b](LOG.md)"
    )
