"""The HTML report of a study. The only package that imports jinja2."""
