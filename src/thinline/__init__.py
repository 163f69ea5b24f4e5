"""thinline: a research harness for the segmentation of thin structures under extreme class imbalance.

The way of a datum: sample -> draw -> wear -> cut -> network -> loss -> counts -> rates -> trace -> compare -> run
folder -> table -> estimates -> verdicts -> figures. Packages import downwards only, lowest first: `vocabulary`,
`system`, `sheets` `curves` `images` `coherence`, `data` `losses` `heads` `network` `metrics`,
`ruler` `training` `runs`, `tracking`, `study`, `digitise` `config`, `pipeline`, `sweep`, `cli`.
"""
