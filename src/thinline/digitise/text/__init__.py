"""Read what is printed on a log, as proposals: the depths of its depth column, and the scales over its tracks.

recogniser     texts of an image, by the package rapidocr (extra `ocr`)
depth_numbers  the numbers of a column, read in pieces along the log
depth_line     the straight line through these numbers, or a refusal
header_scales  numbers at both ends of the lines of the heading, over the tracks
"""
