"""The HTML report of a study. The only package that imports jinja2.

page    render the report: one HTML file without external files
data    everything that the report shows, as JSON
tables  decision matrix, effects and verdicts as tables of text
board   frontier board: value of every condition, and the switches that select one

`page_files/` holds the template, style and scripts of the page.
"""
