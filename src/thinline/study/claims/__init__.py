"""Claims of the source texts: their criteria in `claims.yaml`, and the verdicts of studies on them.

claims           read and check claims.yaml
criteria         kinds of criteria (difference, interaction, order, trend, level, ...) of a claim
nodes            their measures, levels and margins as nodes of YAML; criteria on single conditions
comparisons      estimate the contrast that a criterion asks for, over matched conditions
simple_effects   the findings of a comparison at each level of the factors that it does not name
expectations     whether an expected rise, fall or equivalence (TOST, margin) holds, is refuted or is open
findings         a finding: estimate, expectation, setting
stack_questions  which conditions reach all thresholds, the best stack, our value beside a number of the source
rule             from findings to a verdict: supported, refuted, depends on a factor, undecided; Holm's correction
power            the probability that a true claim would have been supported
verdicts         the verdict of a study on a claim, as a table
sentences        the sentence of a verdict
remedies         which families of remedies a condition uses: A class weight, B region loss, C synthetic sheets
usable           conditions whose recall, precision and IoU reach declared thresholds
"""
