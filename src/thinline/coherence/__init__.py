"""Whether published scores can belong to one confusion matrix."""
