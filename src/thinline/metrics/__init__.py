"""Measures of a segmentation: integer counts first, summed over a split, and rates last, divided once."""
