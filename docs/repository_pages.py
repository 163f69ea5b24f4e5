"""A hook of mkdocs: pages of the repository that lie outside docs/ become pages of the site.

The links of a page are those of the repository, so that they work on a code host as well; `docs/` is cut from them
here, because the site has the content of docs/ at its top.
"""

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
OUTSIDE = (
    *("CONTRIBUTING.md", "CHANGELOG.md", "notebooks/README.md", "mlruns/README.md"),
    *("experiments/**/*.md", "experiments/claims.yaml", "experiments/**/*.png", "experiments/*/report.html"),
    *("experiments/*/*.csv", "experiments/*/results.parquet"),
)
"""Patterns of the files that are shown or linked."""

LINK = re.compile(r"(\]\()(?!\w+:|#)([^)#\s]+)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the files of `OUTSIDE`."""
    for path in sorted({path for pattern in OUTSIDE for path in ROOT.glob(pattern)}):
        name = path.relative_to(ROOT).as_posix()
        files.append(File(name, str(ROOT), config.site_dir, config.use_directory_urls))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The page with links as the site has them."""
    name = page.file.src_uri
    inside = Path(page.file.src_dir) == Path(config.docs_dir)
    return with_site_links(markdown, f"docs/{name}" if inside else name)


def with_site_links(markdown: str, name: str) -> str:
    """The text of the file `name` of the repository, with the relative links that it has on the site."""
    folder = posixpath.dirname(name.removeprefix("docs/"))

    def link(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(name), match[2]))
        return match[1] + posixpath.relpath(target.removeprefix("docs/"), folder or ".")

    return LINK.sub(link, markdown)
