"""The figures of a study, drawn with matplotlib.

all           all figures as PNG, and why a figure was not drawn
frontier      precision against recall, IoU of every condition, usable area
cells         decision matrix of the losses, heat map of all conditions
tuning        measures over the levels of a factor that is chosen on validation
weight        F1, precision, recall over the class weight, beside a tuned threshold and logit adjustment
effects       forest plot of contrasts with intervals; components of variance
interactions  interaction plots of two factors
ranks         ranks of levels over measures; Kendall's tau between measures
resolution    metrics over the pen width in pixels
crossings     errors inside and outside of crossings; swaps
specification the main contrast under every analysis, sorted
sheets        best, median and worst test sheet
tables        means of conditions and levels with intervals, order of conditions
style         page, colours, markers, error bars
labels        label placement without overlaps
"""
