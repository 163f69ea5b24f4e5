"""Training: the Lightning module and data module, callbacks, and the tables of a run. Only here is Lightning imported.

`task.py` one step and what an evaluation counts; `batches.py` the batches; `callbacks.py` checkpoint and progress;
`fit.py` the whole run; `evaluation.py` from counts and predictions to tables.
"""
