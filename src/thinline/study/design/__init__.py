"""What a study is and what it measured: its cells, and the results collected from finished runs."""
