"""Digitise: a scan of a paper log -> curves as CSV and LAS, with pictures to look at.

`scan.py` and `pages.py` open files, `paper.py` and `deskew.py` lay the paper straight at the run's scale,
`inference.py`
reads it with a network, `scales.py` gives values, `accept.py` refuses what is not
known, `export.py` and `overlays.py` write, `resume.py` resumes, `job.py` does one scan from end to end.
"""

from thinline.digitise.accept import Digitised, Limits
from thinline.digitise.inference import Reader
from thinline.digitise.job import Finished, Job, digitise
from thinline.digitise.paper import Frame
from thinline.digitise.resume import OutputError
from thinline.digitise.scales import CurveScale, DepthScale, ScaleError
from thinline.digitise.scan import Scan, ScanError, open_scan

__all__ = [
    "CurveScale",
    "DepthScale",
    "Digitised",
    "Finished",
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
