"""Image files (TIFF, PNG, JPEG) to grey levels or mask values: the one decoder of scans and of training images.

`pages.py` opens a file. A TIFF goes through `directory.py` (its tags), `layout.py` (how a page is stored), `bands.py`
(strips and tiles, decoded by `fax.py`, `lzw.py`, `images/jpeg/stream.py`), `samples.py` (numbers), `grey.py` (what
they look like); a
PNG or a JPEG through `whole_page.py`. `page.py` says what a page promises.
"""

from thinline.images.page import Damage, Page, ScanError, turned
from thinline.images.pages import KNOWN, LEAST_DPI, MOST_BYTES, MOST_DPI, Pages, pages_of

__all__ = ["KNOWN", "LEAST_DPI", "MOST_BYTES", "MOST_DPI", "Damage", "Page", "Pages", "ScanError", "pages_of", "turned"]
