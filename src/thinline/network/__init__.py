"""Networks: from an image of any size to logits.

`slim.py` a small U-Net for a laptop, `veernet.py` the network of the published study, `smp.py` every architecture and
encoder of segmentation_models_pytorch, `pretrained.py` weights of one of these encoders from a package. Their parts:
`attention.py` transformer layer, `row_column_mixing.py` strip pooling, `mirror_average.py` flip averaging, `sizes.py`
padding, cropping and the initial bias of the last layer.
`transfer.py` begins with the weights of a trained network. `onnx_model.py` exports a network with its head as ONNX,
checked by onnxruntime.

Conventions
-----------
A network maps `image [B,in_channels,H,W]` to `logits [B,channels,H,W]` at any H and W from 1 up. The image is padded at
the bottom and on the right, by repeating its last row and column, to a multiple of the network's stride and to two
strides at least (batch norm needs two values of a channel or more); the logits are cropped back.

`prior` is each channel's share of the pixels and sets the last bias (`sizes.set_prior`); null keeps PyTorch's.
"""

from thinline.network.attention import Attention
from thinline.network.mirror_average import FlipAverage
from thinline.network.sizes import AnySize
from thinline.network.slim import SlimUNet
from thinline.network.smp import smp_network, unet
from thinline.network.veernet import VeerNet

__all__ = ["AnySize", "Attention", "FlipAverage", "SlimUNet", "VeerNet", "smp_network", "unet"]
