"""Claims of the source texts: how `claims.yaml` is read, and the verdict on each claim."""
