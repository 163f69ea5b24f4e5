"""The command line `thinline COMMAND`: one module for each command."""
