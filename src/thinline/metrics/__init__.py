"""Metrics of a segmentation: integer counts, summed over a split and divided once. See structure/sheet_scores.py."""
