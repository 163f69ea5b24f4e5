"""Labels from a scan and a LAS file of the same log: `thinline label`.

las_course    the curves of a LAS file as columns of the straightened paper, row by row
registration  shift each curve along depth and sideways until it lies on the ink (dynamic time warping)
page_ink      the ink that the network finds, or the dark pixels, of the whole paper
masks         class values of the pixels: ink of registered curves, background, ignored
labelling     all steps for one scan
picture       the registered curves, the labels and the ignored parts on the paper
label_folder  write images, masks, pictures and a table as a folder for data_mix=folder
"""

from thinline.digitise.labels.label_folder import write_labels
from thinline.digitise.labels.labelling import LabelledScan, LabelSettings, label_scan
from thinline.digitise.labels.las_course import LabelError
from thinline.digitise.labels.registration import Bounds

__all__ = ["Bounds", "LabelError", "LabelSettings", "LabelledScan", "label_scan", "write_labels"]
