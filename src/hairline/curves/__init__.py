"""Curves as numbers: read from well-log files. Imports numpy and lasio only."""

from hairline.curves.files import LasCurve, LasError, read_las, read_las_dir

__all__ = ["LasCurve", "LasError", "read_las", "read_las_dir"]
