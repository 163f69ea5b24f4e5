"""Many runs: Hydra's jobs and callback, the plan and its cost, the tables at the end.

jobs           the jobs of a sweep as lists of overrides, from a study or swept overrides; seeds
job            run one job: skip or retry (rule in pipeline/locate.py), own process, note a failure
callback       start and end of a sweep: MLflow parent run, list of ended cells, failed jobs
dry_run        plan of a sweep: cells, states (done, missing, failed, interrupted, running, other measures), total cost
cost           estimated time and memory of a cell from a short trial
shared_failure whether all cells of a sweep would fail as one did, so that the sweep stops
study_results  finished runs of a study with their provenance (commits, versions, dates)
best_cell      which cell leads by more than one seed gives: the star of the tables
tables         tables that a run and a sweep print at their end
"""
