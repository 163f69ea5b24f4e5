"""Backbones: what maps an image to logits, whatever its size.

`slim.py` a small U-Net that trains on a laptop, `veernet.py` the network of the published study, `smp.py` every
architecture and encoder of segmentation_models_pytorch; `attention.py` the transformer layer of the first two,
`row_column_mixing.py` rows and columns, `mirror_average.py` the mean over mirror images, `sizes.py` padding and
cropping, `bias_from_prior.py` the
last bias.

Conventions
-----------
A network maps `image [B,in_channels,H,W]` to `logits [B,channels,H,W]` at any H and W from 1 up. The image is padded at
the bottom and on the right, by repeating its last row and column, to a multiple of the network's stride and to two
strides at least (a batch norm over one value is no norm); the logits are cropped back.

`prior` gives each channel's share of the pixels, see `bias_from_prior.py`; null leaves PyTorch's initialisation.
"""

from thinline.network.attention import Attention
from thinline.network.mirror_average import FlipAverage
from thinline.network.sizes import AnySize
from thinline.network.slim import SlimUNet
from thinline.network.smp import smp_network, unet
from thinline.network.veernet import VeerNet

__all__ = ["AnySize", "Attention", "FlipAverage", "SlimUNet", "VeerNet", "smp_network", "unet"]
