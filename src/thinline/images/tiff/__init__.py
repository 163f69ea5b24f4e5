"""TIFF pages: their tags, and their strips and tiles decoded."""
