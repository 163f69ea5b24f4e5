"""One published loss per file; `objective.py` combines a loss, a head and class weights into the objective of a run.

objective        loss of a batch: class weight normalisation (`class_weight.scale` kept or raw: what divides a weighted
                 loss), absent classes, ignored pixels, mean over pixels or channels
class_weight     class weights from pixel counts: fixed, measured, sqrt, effective number; prior
logit_adjustment shift of the logits by the log prior
compound         weighted sum of losses (dice_ce, ...)
gradient_shares  shares of such a sum that hold the ratio of the gradients of its terms
scnp             pooling of the logits before any loss: each pixel is punished for its worst neighbour

Losses of pixels: soft_ce (cross-entropy, label smoothing), spatial_soft_ce (blurred truth), focal, cb_focal
(class-balanced focal). Of regions: dice, tversky, lovasz (Jaccard/IoU). With truth maps: skeleton_recall, cldice
(soft clDice), clce (cross-entropy on skeletons), boundary (signed distance).

Support: protocols (interfaces of head, losses and truth maps), loss_checks (what a loss must have and return),
weight_checks (form and effect of class weights),
soft_counts (soft areas of region losses and the check of probabilities), soft_skeleton (for cldice), thinning (for
skeleton_recall), map_pixels (pixels on a truth map), and the compiled kernels lovasz_errors (from logits, all classes),
lovasz_kernel (one class) and soft_skeleton_kernel.
"""
