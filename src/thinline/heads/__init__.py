"""Heads: likelihood models of a pixel. A head gives targets, negative log-likelihood, probabilities and decoding.

`softmax.py` one class a pixel; `sigmoid.py` binary decisions (sigmoid_stack, binary, curves); `head.py` base class:
checks, ignored pixels, label smoothing, weights, channel conflicts; `cross_entropy.py` cross-entropy with its gradient
p - t.

`logits [B,c,H,W]`, `labels [B,H,W]` integer ids with 255 = ignored, `strokes [B,K,H,W]` bool; C classes, background
first, K = C - 1 curves, any number. Targets are float, may be soft (softmax: sum of one), and are zero where ignored.
    head            c   decision                targets             probabilities  nll of a channel
    softmax         C   class of the pixel      one-hot of labels   softmax        -t_c log p_c
    sigmoid_stack   K   curve k is on it        strokes             sigmoid        -t_k log p_k - (1-t_k) log(1-p_k)
    binary          1   any curve is on it      union of strokes    sigmoid        the same
    curves          2   ink, centre line on it  strokes             sigmoid        the same
A crossing is positive in two channels of the sigmoid stack, in one class of the softmax. `pixel_nll` has one plane per
*decision*: softmax, the sum of `nll` over the classes (cross-entropy of the pixel); sigmoid heads, `nll` itself. With
hard targets it is -log p_t, p_t the probability of the truth. Log-probabilities: error of about one epsilon of the
largest logit.
Weights are `w [C]`, background first, for every head. A decision at a pixel has the weight of its true class. A channel
of a region loss has one weight for all pixels:
    head            weight of a decision                                                    weight of a channel
    softmax         w[label]                                                                w[c]
    sigmoid_stack   w[k+1] where curve k is, else w[0]                                      w[k+1]
    curves          w[k+1] where stroke k (ink, centre) is, else w[0]                       w[k+1]
    binary          w[label] where a curve is (the one drawn last at a crossing), else w[0]   mean of w[1:]
Checks: shapes and dtypes always; ids of `labels` on CPU only, because reading them on a GPU makes the host wait in
every step.
"""

from thinline.heads.head import POSITIVE_ABOVE, ChannelConflicts, Head, Truth, valid_pixels
from thinline.heads.sigmoid import Binary, Curves, SigmoidStack
from thinline.heads.softmax import Softmax

__all__ = [
    "POSITIVE_ABOVE",
    "Binary",
    "ChannelConflicts",
    "Curves",
    "Head",
    "SigmoidStack",
    "Softmax",
    "Truth",
    "valid_pixels",
]
