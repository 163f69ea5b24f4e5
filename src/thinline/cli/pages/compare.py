"""Run `thinline sheets --compare DIR`: statistics of drawn sheets beside those of real scans."""

from __future__ import annotations

import argparse
import math

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from thinline.digitise.page.statistics import LENGTHS, Gap, gaps, page_statistics
from thinline.digitise.page.windows import folder_windows
from thinline.sheets import FAMILIES, render, sample

SIZE_MM = 64.0
_DEFAULT = "field"


def run_compare(options: argparse.Namespace, console: Console) -> int:
    """Print each statistic of drawn and real windows, and the distance of the two samples."""
    family = options.family or (_DEFAULT if _DEFAULT in FAMILIES else FAMILIES[0])
    if family not in FAMILIES:
        raise ValueError(f"--family: expected one of {', '.join(FAMILIES)}, got {family!r}; check the spelling")
    if options.measured < 1:
        raise ValueError(f"--measured must be above 0, got {options.measured}; for example --measured 200")
    px_per_mm = options.px_per_mm
    real = folder_windows(options.compare, size_mm=SIZE_MM, px_per_mm=px_per_mm, most=options.windows)
    for sentence in real.left_out:
        console.print(f"warning: {sentence}", style="yellow", soft_wrap=True)
    numbers = range(options.seed, options.seed + options.measured)
    sheets = [render(sample(family, n, size_mm=(SIZE_MM, SIZE_MM)), px_per_mm=px_per_mm).image for n in numbers]
    drawn = [page_statistics(image, px_per_mm=px_per_mm) for image in sheets]
    measured = [page_statistics(grey, px_per_mm=px_per_mm) for grey in real.windows]
    title = (
        f"{len(drawn)} drawn sheets ({family}) and {len(measured)} windows of {real.files} files, "
        f"{SIZE_MM:g} mm at {px_per_mm:g} px/mm: median (10 % to 90 %)"
    )
    console.print(_table(gaps(drawn, measured), title))
    return 0


def _table(rows: list[Gap], title: str) -> Table:
    table = Table("", title=title, title_justify="left", box=SIMPLE_HEAD)
    for heading in ("drawn", "real", "distance"):
        table.add_column(heading, justify="right", no_wrap=True)
    for gap in sorted(rows, key=lambda gap: -gap.distance if math.isfinite(gap.distance) else 2):
        name = f"{gap.name}, mm" if gap.name in LENGTHS else gap.name
        distance = f"{gap.distance:.2f}" if math.isfinite(gap.distance) else "-"
        table.add_row(name, _three(gap.drawn), _three(gap.real), distance)
    return table


def _three(values: tuple[float, float, float]) -> str:
    if not math.isfinite(values[0]):
        return "-"
    median, low, high = values
    return f"{median:.2f} ({low:.2f} to {high:.2f})"
