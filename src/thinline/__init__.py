"""thinline: a research harness for the segmentation of thin structures under extreme class imbalance.

The way of a datum: sample -> draw -> wear -> cut -> network -> loss -> counts -> rates -> trace -> compare -> run
folder -> table -> estimates -> verdicts -> figures. Packages import downwards only, lowest first:
`vocabulary`  class ids, shape letters    `system`  atomic writes, file locks, signals, processes, YAML validation
`sheets`      synthetic sheets: sample a spec, draw grid, text and curves, skew, wear and noise
`curves`      trace curves (Viterbi, centroid), wraps, gaps, MAE/R2 of a trace, read LAS files and their depth
`images`      decode TIFF, PNG, JPEG to grey levels; damage    `coherence`  can printed scores fit one confusion matrix?
`data`        data mix, splits, cache of sheets, truth maps, training tiles, augmentation, a user's images and masks
`losses`      loss functions, class weights, objective    `heads`  softmax and sigmoid: likelihood, decoding
`network`     U-Net, VeerNet, smp    `metrics`  IoU, F1, NSD, HD95, clDice, thresholds, error types, metric catalogue
`ruler`       response of every metric to a perturbed truth
`training`    Lightning: training step, optimiser, checkpoint, evaluation    `runs`  run folder, run identity, tables
`tracking`    MLflow    `study`  design, confidence intervals, Holm correction, claim verdicts, figures, report
`digitise`    from a scan to CSV and LAS: deskew, inference, scales    `config`  schema of conf/, factor levels
`pipeline`    one run: skip, retry, train, score, reopen    `sweep`  many runs: Hydra jobs, dry run, cost
`cli`         the commands of `thinline`
"""
