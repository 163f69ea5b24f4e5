"""TIFF pages: their tags, and their strips and tiles decoded.

directory   read the tags of every page (classic TIFF, BigTIFF)
layout      check the tags of a page: bits, compression, sizes, strips or tiles, palette, dpi
bands       decode one strip or row of tiles to numbers; damage of a band; predictor
page        rows of a page as grey levels or mask values; damaged rows
fax         decode G3 and G4 (CCITT), detect damage; fax_codes: the tables of its run-length codes
lzw         decode LZW and PackBits, detect damage
"""
