"""Training: the Lightning module and data module, callbacks, and the tables of a run. Only here is Lightning imported.

fit               train and evaluate one run: resume from checkpoint, precision, devices, threads, determinism
task              training step (network -> loss), validation and test counts; NaN loss stops the run
precision         bf16 where the processor has it, else fp32
optimiser         AdamW, and Muon whose kernels are updated together, in few calls
settings          groups `trainer`, `optimiser`, `checkpoint`: learning rate schedule (warm-up, cosine decay)
batches           data module: seed and step determine the batch of a step; on CPU or GPU
distributed       global batch over several processes (DDP)
callbacks         write checkpoints `last.ckpt` and `best.ckpt` atomically, stop early, record the numbers of validation
progress          bar on a terminal, line after every validation in piped output; time left
evaluation        result tables per class and per sheet, from counts and predictions; tuned split
label_evaluation  every metric of one predicted class map against its truth, without a sheet
shown_sheets      the test sheets that get a picture, from the worst to the best by F1
scoring_workers   score test sheets in other processes while the network goes on
memory            memory needed by a budget, checked before the first step; freed heap memory kept (glibc)
"""
