"""The training data of a run in numbers: sheets, repetitions, shares of the classes, coverage of the curve space."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from thinline.config.schema import Conf
from thinline.data.curve_coverage import coverage
from thinline.data.mix import summary
from thinline.pipeline.sheets import Planned, Rendered, reference_sheets
from thinline.pipeline.user_images import is_folder, photos_of
from thinline.vocabulary import Int64


def data_numbers(conf: Conf, planned: Planned, sheets: Rendered, showings: Int64) -> dict[str, float]:
    """Numbers of the training data by name, for example `data/unique` or `data/share/curve_1`.

    `showings [N]` says how often the run uses each sheet. The names after `data/`:

        unique, unique_FAMILY           number of sheets that are used; those of one family
        shown                           number of images used: steps x batch size, equal for every mix
        most_showings, mean_showings    how often a sheet is used
        share/CLASS                     share of the pixels; a sheet counts as often as it is used
        curve_coverage                  see data/curve_coverage.py; NaN for a folder without curve truth
    """
    splits = planned.splits
    row = summary(splits.train, showings)
    own = showings[: len(splits.train.specs)]  # drawn sheets beside own images have no part in the coverage
    used = [spec for spec, times in zip(splits.train.specs, own, strict=True) if times]
    reference = [*splits.val.specs, *splits.test.specs] if is_folder(conf) else reference_sheets(conf)
    shares = sheets.train.shares(len(conf.classes), order=np.repeat(np.arange(len(showings)), showings))
    numbers = {f"data/{name}": float(count) for name, count in row.items()}
    numbers["data/mean_showings"] = row["shown"] / row["unique"]
    numbers |= {f"data/share/{name}": share for name, share in zip(conf.classes, shares.tolist(), strict=True)}
    return numbers | {"data/curve_coverage": coverage(used, reference)}  # type: ignore[arg-type]  # one sort of sheets


def dataset_records(conf: Conf, planned: Planned) -> tuple[dict[str, Any], ...]:
    """A description of the images of each split, as plain values for the manifest and for MLflow.

    Keys: split, name, digest (of the specs of the sheets, or of the content of the images), source_type (a word of
    mlflow.data), source, profile. Sheet i of a family is drawn from the i-th number of the stream of its split and seed
    (data/mix.py), so seed, split, family and count determine every sheet.
    """
    return tuple(_record(conf, planned, name) for name in planned.splits.by_name())


def _record(conf: Conf, planned: Planned, split: str) -> dict[str, Any]:
    specs = planned.splits.by_name()[split].everything
    families = dict(Counter(spec.family for spec in specs))
    record: dict[str, Any] = {"split": split, "name": "+".join(families), "digest": planned.split_digests[split]}
    if is_folder(conf):
        root = Path(str(conf.data_mix["root"])).absolute()
        record |= {"name": root.name, "source_type": "local", "source": {"uri": str(root)}}
        profile: dict[str, Any] = {"num_rows": len(specs), "images": len(photos_of(planned.splits)[split])}
        if conf.data_set is not None:
            record["name"] = conf.data_set["name"]
            profile |= {key: conf.data_set[key] for key in ("source", "licence", "citation")}
        if planned.splits.by_name()[split].drawn:
            profile["families"] = families
        return record | {"profile": profile}
    source = {"drawn_by": "thinline.sheets", "data_mix": str(conf.data_mix["name"]), "split": split}
    source |= {"seed": str(conf.seed), "sheets": ", ".join(f"{name} {count}" for name, count in families.items())}
    profile = {"num_rows": len(specs), "families": families, "px_per_mm": conf.resolution.px_per_mm}
    return record | {"source_type": "code", "source": {"tags": source}, "profile": profile}


def print_data(numbers: dict[str, float], console: Console) -> None:
    """Print the numbers in one line."""
    plain = {name.removeprefix("data/"): value for name, value in numbers.items()}
    families = [(name.removeprefix("unique_"), value) for name, value in plain.items() if name.startswith("unique_")]
    shares = [(name.removeprefix("share/"), value) for name, value in plain.items() if name.startswith("share/")]
    parts = [
        f"training mix: {plain['unique']:,.0f} unique sheets ("
        + ", ".join(f"{count:,.0f} {name}" for name, count in families)
        + f"), {plain['shown']:,.0f} images seen, one sheet at most {plain['most_showings']:,.0f} times",
        "pixels " + ", ".join(f"{name} {100 * share:.2f} %" for name, share in shares[1:]),
    ]
    if not math.isnan(plain["curve_coverage"]):
        parts.append(f"curve-space coverage {100 * plain['curve_coverage']:.1f} %")
    console.print("; ".join(parts), style="dim", highlight=False, soft_wrap=True)
