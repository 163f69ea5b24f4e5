"""thinline: a research harness for the segmentation of thin structures under extreme class imbalance.

The way of a datum: sample -> draw -> wear -> cut -> network -> loss -> count -> rates -> run folder. Rooms, from the
ground up: `sheets`, `curves`; `data`, `losses`, `heads`, `network`, `measures`; `training`, `ledger`; and the roof,
which alone knows Hydra: `entry`, `config`, `path_options`, `cell`, `work`, `rendering`, `job`, `sweep`, `tables`,
`launch`, `signals`, `__main__`.
"""
