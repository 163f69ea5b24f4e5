"""Decode image files (TIFF, PNG, JPEG) to grey levels or mask values, and report damage that libraries pass over.

pages        open a file: format, number of pages, resolution (dpi), limit on decoded bytes
page         interface of a page: rows, damage, errors; orientation tag (rotation)
grey         grey levels from numbers: bit depth, luma of colours, transparency; values of a mask
whole_page   decode a PNG or JPEG page
png          header chunks of a PNG, CRC check
jpeg/        JPEG streams: decoding, header, check of the codes
tiff/        TIFF pages: tags, strips and tiles, G3/G4 fax, LZW
"""

from thinline.images.page import Damage, Page, ScanError, turned
from thinline.images.pages import KNOWN, LEAST_DPI, MOST_BYTES, MOST_DPI, Pages, pages_of

__all__ = ["KNOWN", "LEAST_DPI", "MOST_BYTES", "MOST_DPI", "Damage", "Page", "Pages", "ScanError", "pages_of", "turned"]
