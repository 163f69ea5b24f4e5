"""The command line `thinline COMMAND`: one module for each command, whose docstring is the text of its --help.

at_recall    compare the runs of a study at equal recall: precision, IoU and F1 at thresholds set on validation
coherence    check whether printed scores can come from one confusion matrix
data         summarise a user's images and masks: pairs, splits, class shares, grey levels, warnings
digitise     run `thinline digitise`: from options to a job, result table; digitise_options: its options and help
las          list the curves that can be read from LAS files
publish      generate the tables of docs/ and experiments/README.md
replay       send runs and sweeps to MLflow that it lacks
reproduce    train published cells again and compare the results with the published ones
ruler        measure the response of every metric to a perturbed truth
sheets       draw synthetic sheets, or measure the truth lost by resizing
status       list every run of a store with its status and error
study        analyse a study and write its folder: effects, verdicts, figures, report
pages/       label: labels from a scan and a LAS file; what digitise and sheets do with whole pages
network/     train, predict, evaluate, export: commands that train a network or use a trained one

main         builds the parser of all commands; exit codes; "did you mean" for an unknown command
parser       argument parser: repeated options, negative numbers, empty paths
"""
