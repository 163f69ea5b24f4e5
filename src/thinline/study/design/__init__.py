"""Design of a study: its declaration, its cells, and the results collected from finished runs."""
