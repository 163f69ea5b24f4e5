"""Design of a study: its declaration, its cells, and the results collected from finished runs.

study      factors, levels, seeds, exclusions, plans; cells in their order; fractional factorial, resolution
yaml       read and check the `study` node of an experiment file
collect    match finished runs to cells; missing, duplicate and incomparable runs
results    tables of a study: cells, rows, sheets; conditions and the grid
agreement  reproduce: a repeated cell against its published values (prediction interval, Bonferroni)
"""
