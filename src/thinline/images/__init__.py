"""Decode image files (TIFF, PNG, JPEG) to grey levels or mask values, and report damage that libraries pass over.

`pages.py` opens a file. A TIFF goes through `tiff/`: `directory.py` (tags), `layout.py` (storage of a page), `bands.py`
(strips and tiles to numbers, with `fax.py`, `lzw.py` and `jpeg/stream.py`), `page.py`. A PNG or JPEG goes through
`whole_page.py`. `grey.py` turns numbers into grey levels; `page.py` defines the interface of a page.
"""

from thinline.images.page import Damage, Page, ScanError, turned
from thinline.images.pages import KNOWN, LEAST_DPI, MOST_BYTES, MOST_DPI, Pages, pages_of

__all__ = ["KNOWN", "LEAST_DPI", "MOST_BYTES", "MOST_DPI", "Damage", "Page", "Pages", "ScanError", "pages_of", "turned"]
