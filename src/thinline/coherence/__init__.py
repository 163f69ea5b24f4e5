"""Test whether published scores can come from one confusion matrix."""
