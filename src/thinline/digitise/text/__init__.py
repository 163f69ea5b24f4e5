"""Read what is printed on a log, as proposals: the depths of its depth column."""
