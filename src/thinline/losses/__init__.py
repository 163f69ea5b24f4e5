"""One published loss per file; `objective.py` puts a loss, a head and class weights together."""
