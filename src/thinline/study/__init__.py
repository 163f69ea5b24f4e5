"""Studies: declaration, statistics, claims, figures, report and publication. No torch, Lightning or MLflow.

design/   declared factors, levels, seeds and cells of a study; results collected from finished runs
stats/    effects: confidence interval of a paired difference, p value, Holm correction, ranks, variance components
claims/   claims of the source texts, criteria, equivalence tests, claim verdicts
figures/  figures: frontier, forest plot, interactions, ranks, ...
report/   HTML report
publish/  the folder experiments/<study>/ and the generated blocks of pages
"""
