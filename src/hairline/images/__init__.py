"""Image files (TIFF, PNG, JPEG) to grey levels or mask values: the one decoder of scans and of training images.

Open `pages.py` to see which kinds of pages there are, `page.py` for what a page promises.
"""

from hairline.images.page import Damage, Page, ScanError, turned
from hairline.images.pages import LEAST_DPI, MOST_BYTES, MOST_DPI, pages_of

__all__ = ["LEAST_DPI", "MOST_BYTES", "MOST_DPI", "Damage", "Page", "ScanError", "pages_of", "turned"]
