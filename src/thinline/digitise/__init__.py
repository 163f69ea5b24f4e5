"""Digitise a scan of a paper log: curves as CSV and LAS, a class map and an overlay.

`scan.py` opens files, `paper.py` and `deskew.py` rescale and straighten the paper, `inference.py` runs the network,
`scales.py` converts columns to values, `accept.py` rejects uncertain rows and curves, `damaged_rows.py` excludes
damaged rows, `export.py` and `overlays.py` make the files, `output_folder.py` writes them atomically and resumes a job,
`job.py` runs all steps.
"""

from thinline.digitise.accept import Digitised, Limits
from thinline.digitise.inference import Reader
from thinline.digitise.job import DigitisedScan, Job, digitise
from thinline.digitise.output_folder import OutputError
from thinline.digitise.paper import Frame
from thinline.digitise.scales import CurveScale, DepthScale, ScaleError
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
    "ScaleError",
    "Scan",
    "ScanError",
    "digitise",
    "open_scan",
]
