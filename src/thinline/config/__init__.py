"""The schema of `conf/`, and the names of factor levels."""
