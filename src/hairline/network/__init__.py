"""Backbones: what maps an image to logits, whatever its size.

`slim.py` a small U-Net that trains on a laptop, `veernet.py` the network of the published study, `smp.py` every
architecture and encoder of segmentation_models_pytorch; `attention.py` the transformer layer of the first two,
`strips.py` rows and columns, `mirrored.py` the mean over mirror images, `sizes.py` padding and cropping, `prior.py` the
last bias.

Conventions
-----------
A network maps `image [B,in_channels,H,W]` to `logits [B,channels,H,W]` at any H and W from 1 up. The image is padded at
the bottom and on the right, by repeating its last row and column, to a multiple of the network's stride and to two
strides at least (a batch norm over one value is no norm); the logits are cropped back.

`prior` gives each channel's share of the pixels, see `prior.py`; null leaves PyTorch's initialisation.
"""

from hairline.network.attention import Attention
from hairline.network.mirrored import Mirrored
from hairline.network.sizes import AnySize
from hairline.network.slim import SlimUNet
from hairline.network.smp import smp_network, unet
from hairline.network.veernet import VeerNet

__all__ = ["AnySize", "Attention", "Mirrored", "SlimUNet", "VeerNet", "smp_network", "unet"]
