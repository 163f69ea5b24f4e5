"""The commands of `thinline` that train a network or use a trained one.

train      train one cell or sweep many: Hydra parses the arguments, as those of train.py; also outside a checkout
predict    write the predicted classes of images of any size
evaluate   every metric of predicted label images against true ones
transfer   score runs on tiles of real logs with truth
export     write a trained network as ONNX
ship       pack a finished run as a network that comes with the package (shipping.py: its files; model_card.py: the
           card; curve_errors.py: errors of traced curves on drawn sheets, for the card)
"""
