"""Training: the only room that imports pytorch_lightning.

`task.py` what one step does, `batches.py` which batches it sees, `callbacks.py` checkpoint and progress,
`results.py` from counts to rows, `fit.py` from the parts to the numbers of one run.
"""
