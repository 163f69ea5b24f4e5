"""From the description of a sheet to its image and truth: form, print, curves, and the wear of age and scanner.

draw           draw a spec without wear: order of layers, ink of a pen, true curves
grids          grid lines and track edges
lines          straight lines in three styles, the pixels of cv2.polylines
printed_marks  text, rules, ticks, stains
strokes        curve values -> polyline -> pixels of a pen; wraps, dashes, pen width
stroke_kernels compiled loops of strokes
capsules       the exact ink of a round pen, and the true course of the line that it was led along (`field`)
field_print    grids of two line styles, dots, fills, handwriting and bars (`field`)
layers         join the layers of print, paint strokes over them
skew           tilt (rotation), shear, waves and stretch of the paper, applied to vertices
polygons       filled convex polygons, the pixels of cv2.fillConvexPoly
wear           wear of a sheet: faded ink, uneven paper, blur, grain, threshold, salt and pepper
wear_kernels   compiled loops of wear: the arithmetic of OpenCV's filters, row by row
noise          noise tiles (grain, patches) that wear and broken grid lines read
"""
