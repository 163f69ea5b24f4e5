"""Read a whole page of a scan: what lies where on it, and statistics of its print.

layout         the result: header end, tracks, depth column, curves a track, scale; opens the others in order
reduced_page   the scan at 4 px/mm, straightened
block_maps     horizontal lines, upright lines and thick ink in blocks of 4 mm
grid_pattern   rows of the log, columns with a grid
columns        tracks, depth column, text and fills from grid, lines and ink
heading        the same from the heading, where the grid has faded
window_ink     ink that is on no line: curves and text
curve_count    the number of curves of a track, from what a network finds
grid_pitch     pitch of the grid, linear or log
proposal       the layout as a job file to edit, and back
proposal_yaml  the text of a job file, with comments
layout_picture the layout drawn over the page, with numbers
statistics     statistics of ink and lines, and distances between two samples of them
windows        grey windows of image files, for the statistics
"""
