"""Heads: how logits answer the question "what is on this pixel?", so that no loss has to know it.

Conventions
-----------
`logits [B,c,H,W]`, `labels [B,H,W]` integer ids with 255 = ignored, `strokes [B,K,H,W]` bool; C classes, background
first, K = C - 1 curves. The vocabulary is an argument: nothing here assumes two curves.

    head            c   one decision             targets             probabilities  nll of a channel
    softmax         C   which class a pixel has  one-hot of labels   softmax        -t_c log p_c
    sigmoid_stack   K   is curve k's ink here    strokes             sigmoid        -t_k log p_k - (1-t_k) log(1-p_k)
    binary          1   is any curve's ink here  union of strokes    sigmoid        the same

A crossing is therefore positive in two channels of the sigmoid stack, and in one class of the softmax.
Targets are float and may be soft (rows of the softmax sum to one); at ignored pixels they are zero in every channel.

`pixel_nll` has one plane per *decision*: for the softmax the sum of `nll` over the classes (the cross-entropy of the
pixel), for the sigmoid heads `nll` itself. With hard targets it is -log p_t, p_t the probability of the truth.

Weights (`[C]`, background first, for every head). A pixel decision is weighted by its true class: softmax by
w[label]; channel k of the stack by w[k+1] where its ink is and by w[0] elsewhere; binary by w[label] where ink is (the
curve drawn last, on a crossing) and by w[0] elsewhere. A channel of a region loss is weighted by its class: w, w[1:],
and for binary, whose one channel holds every curve, the mean of w[1:].

Accuracy: log-probabilities are right to about one unit of the dtype's epsilon in absolute terms, as torch's
log_softmax is.

Checks: shapes and dtypes always; ids of `labels` on CPU only, because reading them on a GPU would make the host wait
for the device in every step. (On a GPU torch's own index check stops the run, with a worse message.)
"""

from thinline.heads.head import CLAIM, ChannelConflicts, Head, Truth, valid_pixels
from thinline.heads.sigmoid import Binary, SigmoidStack
from thinline.heads.softmax import Softmax

__all__ = ["CLAIM", "Binary", "ChannelConflicts", "Head", "SigmoidStack", "Softmax", "Truth", "valid_pixels"]
