"""Metrics of a segmentation: integer counts, summed over a split and divided once. `structure/` is beyond pixel counts."""
