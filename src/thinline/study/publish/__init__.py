"""The published folder of a study, `experiments/<study>/`, and its tables in the README."""
