"""Make labels for training from a scan and the LAS file of the same log.

    thinline label scan.yaml curves.las   draw each curve of the job file onto the scan, register it, write masks

scan.yaml is the job file of `thinline digitise`: tracks, curves with the names that they have in the LAS file, values
at the edges of the tracks, and the depths of two rows. Depths in m and ft are converted; null values are gaps.

Each curve is shifted until it lies on the ink: along depth by at most --depth-tolerance and sideways by at most
--side-tolerance, differently from row to row (dynamic time warping). The ink is what the network takes for the ink of
curves (--ink network), or every dark pixel (--ink dark), for a print in which the network finds nothing.

The mask of a curve is the full width of the ink along its course. Not counted (value 255) are rows in which a curve was
not found, over the whole width of its track, and ink that no curve of the file explains.

The output folder has images, masks, registration.csv with the shifts of every row, overlay.png, and
conf/data_set/labels.yaml with the classes. The images are the straightened scan at the scale of the network, so a run
that begins with that network reads them as they are:

    python train.py --config-dir OUT/conf +experiment=own_scans data_set=labels data_mix.root=OUT

Exit code 0: labels were written; 1: an error.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console


def run(options: argparse.Namespace, console: Console) -> int:
    """Write the labels of one scan."""
    # torch takes seconds to import; the other commands do not need it
    from thinline.cli.pages.labels_of_scan import run_label

    return run_label(options, console)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("scan", type=Path, metavar="JOB", help="job file of the scan (.yaml), as for digitise")
    parser.add_argument("las", type=Path, metavar="LAS", help="LAS file with the curves of the job file")
    parser.add_argument("--depth-tolerance", type=float, default=5.0, metavar="MM", help="along depth (5 mm of paper)")
    parser.add_argument("--side-tolerance", type=float, default=1.0, metavar="MM", help="sideways (1 mm of paper)")
    parser.add_argument("--ink", choices=("network", "dark"), default="network", help="what counts as ink (network)")
    parser.add_argument("--run", dest="run_name", help="run folder, name or MLflow id, or a checkpoint file (reader)")
    parser.add_argument("--store", type=Path, default=Path("mlruns"), help="the store of runs (mlruns)")
    parser.add_argument("--rows", type=float, nargs=2, metavar=("TOP", "BOTTOM"), help="rows of the scan to label")
    parser.add_argument("--dpi", type=float, help="resolution of the scan (from the file)")
    parser.add_argument("--no-deskew", action="store_true", help="do not correct the skew")
    parser.add_argument("--out", type=Path, help="folder for the labels (name of the job file with _labels)")
    parser.add_argument("--force", action="store_true", help="replace labels that are there")
