"""Train one cell, or sweep many.

python train.py                                   one run
python train.py loss=tversky head=sigmoid_stack   one run, two choices changed
python train.py -m loss=dice,tversky,focal        a sweep: three runs under one parent in MLflow
python train.py --help                            every group and option

`thinline train` is the same command, also outside a checkout.
"""

from __future__ import annotations

from thinline.cli.network.train import main
from thinline.system.entry import program

__all__ = ["main"]

if __name__ == "__main__":
    with program():
        main()
