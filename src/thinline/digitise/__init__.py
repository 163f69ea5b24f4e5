"""Digitise a scan of a paper log: curves as CSV and LAS, a class map and an overlay.

job            run all steps on one scan; a digest of the inputs identifies a job
scan           open a scan of one or more pages, read rows as grey levels
paper          rescale the scan to the scale of the run (px per mm), straighten it; scan <-> paper coordinates
deskew         estimate skew (tilt, rotation, waves) from printed lines, as whole-pixel shifts
print_skew     the same on a page with streaks of the scanner, which are no print
reading        choose the scale at which the network reads a page; ink and centre lines at that scale
inference      run the network on overlapping tiles, blend their probabilities
axes           scan column -> value (linear, log, falling, wraps), scan row -> depth
tracks         trace the curves of each track, for a network that finds the ink of any curve
accept         reject rows and curves of low confidence or coverage
damaged_rows   rows that get no values because the file is damaged there
export         the bytes of the CSV and LAS files (header, null value)
overlays       class map PNG, and overlay of the curves on the paper
page/          what a whole page shows: header, tracks, depth column, scale; a job file to edit; statistics of the print
labels/        masks for training from a scan and the LAS file of the same log
text/          read the numbers of the depth column (extra `ocr`), and fit a line through them
output_folder  write CSV, LAS and pictures atomically (with system/atomic_files.py); resume an interrupted job

Tracing and wraps (laps) are in `thinline.curves`.
"""

from thinline.digitise.accept import Digitised, Limits
from thinline.digitise.axes import CurveScale, DepthScale, ScaleChange, ScaleError
from thinline.digitise.inference import Reader
from thinline.digitise.job import DigitisedScan, Job, digitise
from thinline.digitise.output_folder import OutputError
from thinline.digitise.paper import Frame
from thinline.digitise.scan import Scan, ScanError, open_scan

__all__ = [
    "CurveScale",
    "DepthScale",
    "Digitised",
    "DigitisedScan",
    "Frame",
    "Job",
    "Limits",
    "OutputError",
    "Reader",
    "ScaleChange",
    "ScaleError",
    "Scan",
    "ScanError",
    "digitise",
    "open_scan",
]
