"""One run: from a configuration to sheets, network, scores and run folder; and opening a finished run.

A *cell* of a sweep or study is one of its runs.

locate           run name, identity and folder of a run; skip a finished one, continue a killed one, refuse a failed
cell             do one run: lock its folder, train, record status (FINISHED, FAILED, KILLED); resume from checkpoint
train            build network, objective, batches and scorer; seed of the initialisation; train; write results
sheets           plan the sheets of a configuration (data digest), render them into the cache
truth_maps       skeletons and distances that a loss needs, cached per sheet
user_images      splits of a user's own images, printed summary and warnings
data_summary     numbers of the training data: unique sheets, repetitions, class shares, coverage
scorer           score the test sheets by the metrics beyond pixels
perturbed_rows   scores of perturbed truth (`oracle_...`)
load             load a trained network by checkpoint, run folder, run name or MLflow id; predict an image with it
predict          labels, probabilities and curves of one image; `evaluate` of the Python API
finished_run     a finished run with its network and its validation and test sheets; overlay of a sheet
recall_points    equal-recall comparison: threshold on validation, precision, IoU and F1 on test
mlflow_run_names names, tags and columns of a sweep and its runs in MLflow
"""
