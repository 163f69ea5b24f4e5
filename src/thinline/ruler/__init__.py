"""How each metric reacts when a truth is perturbed.

truth             the truths: curves one pixel wide from drawn sheets, LAS files or masks
perturb           response to shift, jitter, thickness, gaps, swapped curves
scores            every metric of a predicted curve against its truth
degenerate        metrics that are blind, saturated, a cliff, or a copy of another metric
shift_experiment  IoU of a thin curve and of a square after the same shift
figures           figures of the responses
"""
