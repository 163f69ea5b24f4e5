"""Curves as numbers: traced from ink, compared with the truth, read from well-log files. No torch."""

from thinline.curves.las import LasCurve, LasError, read_las, read_las_dir

__all__ = ["LasCurve", "LasError", "read_las", "read_las_dir"]
