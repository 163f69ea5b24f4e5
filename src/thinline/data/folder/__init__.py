"""The user's own images and masks (`data_mix=folder`): pair, check, split and cut them into pieces.

keys          the keys of conf/data_mix/folder.yaml, checked
reading       read one image with its mask as trained on
image_folder  read and check the whole folder; all problems in one error
image_pairs   pair images with masks by file name templates
image_files   read PNG, TIFF and JPEG as grey levels or mask values; resize
class_map     mask value -> class name -> class id; ignored values
curve_truth   read the CSV of true curve positions (row, curve, x)
scaling       make images and masks smaller by one factor
groups        the group of an image (patient, well, record), from its name or a CSV
splits        train / val / test split by a file, by a ratio or by folds (seed and hash of the pixels)
crops         cut large images into pieces, render them into the sheet cache
class_greys   pixels and grey levels of each class, contrast with the background around it
summary       class shares, sizes and grey levels of each split; warnings
"""
