"""Curves as numbers: traced from ink, compared with the truth, read from well-log files. No torch.

trace           trace curves from probabilities or a label map by a named method
viterbi         Viterbi trace: dynamic programming, two curves at a time; viterbi_kernel: its compiled search
centroid        trace by the mean column of the mask in every row
edge_follower   trace row by row to the nearest line (baseline)
row_runs        runs of ink (strands) of each row, the candidate positions of the Viterbi trace
laps            wraps (laps) of a traced curve at the edges of its track
gaps            fill gaps by lines or a spline; resample a curve at a fixed number of points
compare         error of a trace against the truth: MAE, RMSE, 95th percentile, R2, coverage, longest gap
course_agreement  correlation, SNR, depth error, and rows right, as other digitisers publish them
curve           the data type of a traced curve: x, confidence, lap; check of the input
many/           trace several curves of a track together, from ink and centre lines of any curve
las/            read curves and depth from LAS files
"""

from thinline.curves.las import LasCurve, LasError, read_las, read_las_dir

__all__ = ["LasCurve", "LasError", "read_las", "read_las_dir"]
