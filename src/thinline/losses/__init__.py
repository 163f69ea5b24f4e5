"""One published loss per file; `objective.py` combines a loss, a head and class weights into the objective of a run.

Losses: boundary, cb_focal, cldice, dice, focal, lovasz, skeleton_recall, soft_ce, spatial_soft_ce, tversky; `compound`
is a weighted sum of them. Class weights: class_weight, logit_adjustment.

Support: protocols (interfaces of head, losses and truth maps), weight_checks, soft_counts (soft areas of region losses
and the check of probabilities), soft_skeleton (for cldice), thinning (for skeleton_recall), and the compiled kernels
lovasz_kernel and soft_skeleton_kernel.
"""
