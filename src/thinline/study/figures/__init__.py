"""The figures of a study, drawn with matplotlib."""
