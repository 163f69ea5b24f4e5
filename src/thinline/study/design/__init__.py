"""Design of a study: its declaration, its cells, and the results collected from finished runs.

study      factors, levels, seeds, exclusions, plans; cells in their order; fractional factorial, resolution
yaml       read and check the `study` node of an experiment file
collect    match finished runs to cells; missing, duplicate and incomparable runs
tuning     a factor whose level is chosen on validation, as the learning rate of each loss
results    tables of a study: cells, rows, sheets; conditions and the grid
agreement  reproduce: a repeated cell against its published values (prediction interval, Bonferroni)
"""
