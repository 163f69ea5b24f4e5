"""The HTML report of a study. The only package that imports jinja2.

page    render the report: an HTML file that shows the figures and links the tables beside it
answer  the first screen: three sentences with intervals and one figure
data    everything that the report shows, as JSON
tables  decision matrix, effects and verdicts as tables of text
board   frontier board: value of every condition, and the switches that select one

`page_files/` holds the template, style and scripts of the page.
"""
