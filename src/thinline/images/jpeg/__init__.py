"""JPEG streams: decoding, and checks for damage that libjpeg does not report."""
