"""The schema of `conf/`, and the names of factor levels.

schema        keys and types of a configuration, checks of its values and of the seed, and the keys that are no part of
              the run identity (NOT_IDENTITY); compose and parse a configuration
data_set      a published data set as one file of conf/data_set: licence, source, variants
levels        the level of every factor of a run, e.g. `class_weight: fixed(value=10)`
objective     build the objective (head, loss, class weighting) of a configuration
trained_run   the files of a trained run by its name, folder or checkpoint (`init_from`, `--run`)
shipped       networks that come with the package: their files
path_options  make path options absolute, refuse empty ones
typos         refuse misspelled groups, options and keys with the nearest name
"""
