"""The published folder of a study, `experiments/<study>/`, and its tables in the README.

folder         read and write results.parquet, results.csv, environment.json; digests detect edited tables
write          write the whole folder: results, effects, verdicts, figures, report
readme_tables  Markdown blocks of README.md: frontier, verdicts, list of studies
"""
