"""Test whether published scores can come from one confusion matrix.

check             which reported scores contradict each other, and by how much; detect a mean over classes
operating_points  range of precision, recall, F1, IoU, area ratio, prevalence over all operating points that fit
rounding          parse a printed score (.41, 2.33%, <.02) into the interval of values that round to it
"""
