"""Claims of the source texts: their criteria in `claims.yaml`, and the verdicts of studies on them."""
