"""The published folder of a study, `experiments/<study>/`, and the generated blocks of pages.

folder            read and write results.parquet, conditions.csv, environment.json; digests detect edited tables
write             write the whole folder: results, effects, verdicts, figures, report
readme_tables     Markdown blocks of published studies: frontier, verdicts, list of studies
reference_tables  Markdown blocks of docs/reference: metrics, options of conf/
speed_table       Markdown block of docs/explanation/speed.md: ratios of `make bench`
"""
