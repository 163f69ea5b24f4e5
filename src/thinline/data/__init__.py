"""Data of a run: which sheets it sees (mix, folder/), the cache of rendered sheets, and batches of tensors (tiles)."""
