"""Metrics beyond pixel counts, of one sheet at a time: surfaces, centrelines, error types, curves.

sheet_scores    score one sheet by every metric of this package; traces the curves by each method
sheet_rates     rates of all sheets under their stored names (sum of counts, one division)
surfaces        surface distance within a tolerance (NSD), tolerance precision/recall/F1, HD95, boundary IoU
centrelines     clDice, tolerance clDice, breaks of the centreline
topology        Betti-0 and Betti-1 errors, share of the misses in gaps, Betti-0 error after two ways to fill gaps
junctions       F1 of the junctions of the centreline
error_types     cause of each false positive (text, grid, thickness, ...) and of each miss (crossing, gap, end, ...)
zones           IoU, precision, recall, F1 at crossings, by slope, by distance to other curves
identity_swaps  traces that follow the wrong curve
transfer_scores ink and centrelines of a tile of a real log, under both namings of two curves
wrap_accuracy   traces with the wrong number of wraps

Inputs: truth (labels, strokes, layers of a sheet), prediction (counted pixels of a class map), distances (surface,
centreline, squared distances of two masks), curve_pixels (nearest pixel of a curve, slope, junctions). The error of a
traced curve (MAE, R2, coverage) is in `thinline.curves.compare`, pixel counts are in `thinline.metrics.pixels`, ECE and
Brier score in `thinline.metrics.calibration`.
"""
