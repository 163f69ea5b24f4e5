"""Studies: which cells a question needs. No torch, no Lightning, no MLflow."""
