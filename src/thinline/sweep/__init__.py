"""Many runs: Hydra's jobs and callback, the plan and its cost, the tables at the end. A *cell* is a run of a sweep.

jobs           the jobs of a sweep as lists of overrides, from a study or swept overrides; seeds
job            run one job: skip or retry (rule in pipeline/locate.py), own process, record a failure
callback       start and end of a sweep: MLflow parent run, list of ended cells, failed jobs
dry_run        plan of a sweep: list of cells, state of each cell (done, missing, failed, ...), total cost
cost           estimated time and memory of a cell, from finished runs or a few timed passes
shared_failure whether all cells of a sweep would fail with the error of one, so that the sweep stops
study_results  finished runs of a study with their provenance (commits, versions, dates)
published_cells  cells of a study that published tables have
conditions     each configuration of an ended sweep over its seeds: mean, deviation, interval; for MLflow
best_cell      the cell with a star in the tables: its lead is larger than the spread over seeds
tables         tables that a run and a sweep print at their end
"""
