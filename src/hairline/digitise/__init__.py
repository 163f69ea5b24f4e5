"""Digitise: a scan of a paper log -> curves as CSV and LAS, with pictures to look at.

`scan.py` and `pages.py` open files, `paper.py` and `deskew.py` lay the paper straight at the run's scale, `read.py`
reads it with a network, `scales.py` gives values, `judging.py` refuses what is not
known, `table_files.py` and `pictures.py` write, `partial.py` resumes, `whole.py` does one scan from end to end.
"""

from hairline.digitise.judging import Demands, Digitised
from hairline.digitise.paper import Frame
from hairline.digitise.partial import OutputError
from hairline.digitise.read import Reader
from hairline.digitise.scales import CurveScale, DepthScale, ScaleError
from hairline.digitise.scan import Scan, ScanError, open_scan
from hairline.digitise.whole import Finished, Job, digitise

__all__ = [
    "CurveScale",
    "Demands",
    "DepthScale",
    "Digitised",
    "Finished",
    "Frame",
    "Job",
    "OutputError",
    "Reader",
    "ScaleError",
    "Scan",
    "ScanError",
    "digitise",
    "open_scan",
]
