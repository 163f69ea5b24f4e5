"""Sample a sheet of the family `field`: windows of pages like scans of paper logs and like digital plots.

draws    random numbers of one sheet, drawn from NumPy in blocks
layout   tracks, depth columns and text columns of a page, cut to the window; grids
rulings  a few heavy lines over the grids, level and upright
traces   curves: shapes, pens, dashes
prints   texts, marks, fills, handwriting, bars
damage   tilt and bends, wear, scanner
family   the whole spec
"""

from __future__ import annotations

from thinline.sheets.field.family import sample_field

__all__ = ["sample_field"]
