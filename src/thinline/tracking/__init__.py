"""Read and write MLflow. The only package that imports mlflow.

tracker          log a run to MLflow while it trains; a failure of MLflow never stops the run
deliver          send a whole run folder or sweep to MLflow; create MLflow runs, parent and child
push             params, tags and metrics of an MLflow run; find the MLflow run of a run folder
page_content     which numbers MLflow gets as metrics, the table of all, descriptions of runs
lineage          datasets and checkpoint of a run as MLflow datasets and model
condition_runs   a run for each configuration over the seeds of a sweep, with intervals
system_metrics   load of the machine during a run
resend           `thinline replay`: send what MLflow lacks, mark killed runs KILLED
database         create and check the MLflow database and experiment; error if the server does not answer
addresses        accepted tracking URIs and their canonical form
moved_artifacts  update artifact addresses of a moved or copied store
download         download the finished runs of a study from MLflow
attach           log report, verdicts and tables of a study as MLflow artifacts
views            saved views (columns, charts) of MLflow's runs page, and links to them
"""
