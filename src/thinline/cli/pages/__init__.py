"""Parts of the commands `digitise`, `label`, `evaluate` and `sheets` that read a page of a log, or write about one.

layout           `thinline digitise scan.tif`: print the layout of the scan, write a proposal and a picture
job_file         a job file (`scan.yaml`) as options of `thinline digitise`
curve_scales     scales, names and hints of the curves, from the options and from a job file
scale_changes    scales that change down the scan (--scale-change, `pieces` of a job file)
depth_ocr        depths read from the depth column (--depth-from-ocr)
label            options of `thinline label`: labels for training from a scan and the LAS file of the same log
labels_of_scan   run `thinline label`
curve_agreement  `thinline evaluate curves.csv well.las`: digitised curves against true ones over depth
compare          `thinline sheets --compare DIR`: statistics of drawn sheets beside those of real scans
"""
