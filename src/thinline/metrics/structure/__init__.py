"""Metrics beyond pixel counts, of one sheet at a time: surfaces, centrelines, error types, curves."""
