"""Claims of the source texts: their criteria in `claims.yaml`, and the verdicts of studies on them.

claims           read and check claims.yaml
criteria         kinds of criteria (difference, interaction, order, trend, level, ...) of a claim
comparisons      estimate the contrast that a criterion asks for, over matched conditions
expectations     whether an expected rise, fall or equivalence (TOST, margin) holds, is refuted or is open
stack_questions  which conditions reach all thresholds, the best stack, our value beside a number of the source
remedies         which families of remedies a condition uses: A class weight, B region loss, C synthetic sheets
usable           conditions whose recall, precision and IoU reach declared thresholds
verdicts         claim verdict: supported, refuted, undecided, untestable; its sentence and findings
"""
