"""The command line: open this package to change how the words of `python -m thinline` are read."""
