"""How each metric reacts when a truth is perturbed.

truth             the truths: curves one pixel wide from drawn sheets, LAS files or masks
perturb           response to shift and jitter along the rows or the normal, thickness, gaps, swapped curves
scores            every metric of a predicted curve against its truth
degenerate        metrics that carry no information on a truth: no reaction, full reaction at once, copy of a metric
shift_experiment  IoU of a thin curve and of a square after the same shift
figures           figures of the responses
"""
