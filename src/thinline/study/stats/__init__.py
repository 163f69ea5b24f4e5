"""Estimates of a study: contrasts with intervals, effects, ranks, components of variance.

estimates            confidence interval, standard error and p value of a contrast (paired difference of conditions, by
                     seed); Holm correction; minimum detectable effect; P(contrast > 0)
contrasts            which contrasts: main effects, interactions, as weights over conditions; aliases, incomplete grids
effects              tables of all effects of a study; families of tests of the Holm correction
ranks                P(A better than B), ranks with confidence intervals, Kendall's tau between measures
variance_components  analysis of variance: share of factors, interactions, seeds, sheets, residual
detectable           the smallest difference of two conditions that the seeds can tell
noise                the noise of cells and seeds, for simulations: moderated variances
samples              one measure as array conditions x seeds x sheets; weights of sheets; jackknife over sheets
series               the measures and classes of which effects are estimated
specification        the main contrast under every metric, aggregation, tracer and threshold
caveats              notes on what a study cannot estimate
"""
