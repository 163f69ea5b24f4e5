"""Data: which sheets a run sees, rendered once, cut into batches of tensors. Torch enters here."""
