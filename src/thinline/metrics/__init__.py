"""Metrics of a segmentation: integer counts, summed over a split and divided once.

pixels             pixel counts (confusion matrix); IoU, precision, recall, F1, area ratio, support per class
absent             rates from counts, and their value (NaN or 0) where a class is absent
calibration        do probabilities agree with frequencies: ECE, Brier score
thresholds         best-F1 threshold of validation, threshold for a given recall, tuned labels; score histograms
channel_conflicts  share of pixels with several curves, or none, above probability 0.5
gradients          gradient norm of the loss per class
perturbed_truth    truth with a known error: shift and jitter along the rows or the normal, 3 px thick
normal_moves       moves the pixels of a curve along its normal (perturbed truth, ruler)
catalogue          every metric: label, unit, direction (higher or lower is better), digits, signature (version)
own                metrics of the user, named in the configuration
number_format      numbers as text in tables and figures
overlay            picture of truth, prediction and errors
structure/         beyond pixels: NSD, HD95, boundary IoU, clDice, Betti errors, error types, zones, swaps, wraps
"""
