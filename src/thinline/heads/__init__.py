"""Heads: likelihood models of a pixel. A head gives targets, negative log-likelihood, probabilities and decoding.

Conventions
-----------
`logits [B,c,H,W]`, `labels [B,H,W]` integer ids with 255 = ignored, `strokes [B,K,H,W]` bool; C classes, background
first, K = C - 1 curves. The vocabulary is an argument: nothing here assumes two curves.

    head            c   decision                targets             probabilities  nll of a channel
    softmax         C   class of the pixel      one-hot of labels   softmax        -t_c log p_c
    sigmoid_stack   K   curve k is on it        strokes             sigmoid        -t_k log p_k - (1-t_k) log(1-p_k)
    binary          1   any curve is on it      union of strokes    sigmoid        the same

A crossing is therefore positive in two channels of the sigmoid stack, and in one class of the softmax.
Targets are float and may be soft (those of the softmax sum to one over the channels); at ignored pixels they are zero.

`pixel_nll` has one plane per *decision*: for the softmax the sum of `nll` over the classes (cross-entropy of the
pixel), for the sigmoid heads `nll` itself. With hard targets it is -log p_t, p_t the probability of the truth.

Weights (`[C]`, background first, for every head). The weight of a decision is that of its true class: softmax w[label];
channel k of the stack w[k+1] on curve k and w[0] elsewhere; binary w[label] on curves (at a crossing the curve drawn
last) and w[0] elsewhere. The weight of a channel of a region loss is w, w[1:], and for binary the mean of w[1:].

Accuracy: log-probabilities have an absolute error of about one epsilon of the dtype, as torch's log_softmax.

Checks: shapes and dtypes always; ids of `labels` on CPU only, because reading them on a GPU makes the host wait for the
device in every step. (On a GPU torch's own index check stops the run.)
"""

from thinline.heads.head import POSITIVE_ABOVE, ChannelConflicts, Head, Truth, valid_pixels
from thinline.heads.sigmoid import Binary, SigmoidStack
from thinline.heads.softmax import Softmax

__all__ = ["POSITIVE_ABOVE", "Binary", "ChannelConflicts", "Head", "SigmoidStack", "Softmax", "Truth", "valid_pixels"]
