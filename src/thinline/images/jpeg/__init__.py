"""JPEG streams: decoding, and checks for damage that libjpeg does not report.

stream    decode a file or a TIFF strip; damage that libjpeg warns of
header    frame size and components; quantisation and Huffman tables that differ slightly from standard ones
huffman   check the entropy-coded data of a baseline JPEG
"""
