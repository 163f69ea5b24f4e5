"""The training of a run: render the sheets, build the network, train it, score it, write results and pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import cv2
import pandas as pd
import torch
from hydra.utils import instantiate
from rich.console import Console
from torch import nn

from thinline.config.objective import objective_of, weighting_of
from thinline.config.schema import Conf
from thinline.data.cached_maps import CachedMaps
from thinline.data.tiles import Change, EvaluationTiles, Plan, TrainingTiles
from thinline.heads import Head
from thinline.losses.class_weight import Imbalance, far_from_measured, measured_ratio
from thinline.metrics.overlay import overlay
from thinline.network import FlipAverage
from thinline.pipeline.data_summary import data_numbers, print_data
from thinline.pipeline.load import begin_with
from thinline.pipeline.locate import initial_weights
from thinline.pipeline.perturbed_rows import perturbed_truth_rows
from thinline.pipeline.scorer import SheetScorer, own_metrics, scorer_of
from thinline.pipeline.sheets import Planned, Rendered, render_sheets
from thinline.pipeline.truth_maps import open_truth_maps
from thinline.pipeline.user_images import is_folder, print_folder
from thinline.runs import RunFolder
from thinline.runs.contact_sheet import contact_sheet, picture_name
from thinline.sheets import PEN_MM
from thinline.system.launch import rank_and_world
from thinline.training.batches import Sheets, TestSet, resident_bytes
from thinline.training.callbacks import Record
from thinline.training.evaluation import Outcome
from thinline.training.fit import halves_batch_norm, train
from thinline.training.memory import check_memory, free_bytes
from thinline.training.scoring_workers import ScoringWorkers
from thinline.training.settings import LAST
from thinline.training.shown_sheets import f1_of_sheets
from thinline.training.task import SegmentationTask

CONSOLE = Console(markup=False, highlight=False)


def train_cell(conf: Conf, planned: Planned, *, folder: RunFolder, record: Record, title: str) -> None:
    """Train the run of `conf` on its `planned` sheets; the first process writes the results into the folder.

    `record` gets the numbers of each step that has any; `title` is printed with the progress of training.
    """
    sheets = render_sheets(planned, conf, console=CONSOLE)
    head: Head = instantiate(conf.head)
    imbalance = _imbalance(conf, planned, sheets, head=head, record=record)
    scorer = scorer_of(conf, planned.splits.test.specs, sheets.test, head)
    scorers = ScoringWorkers(scorer, processes=conf.trainer.scorers)
    task = build_task(conf, head, imbalance, folder=folder.path, scorers=scorers)
    batches = batches_of(conf, planned, sheets, open_truth_maps(task.objective, sheets.train, conf, console=CONSOLE))
    batches.more_tests = _more_tests(conf, planned, sheets, scorer)
    _check_memory(conf, task, batches.training)
    first = rank_and_world()[0] == 0
    if first:
        _summarise(conf, planned, sheets, batches, record)
        if halves_batch_norm(conf.trainer, task.network):
            _warn(
                "on CPUs each process sees its own part of the batch in a batch norm, so the run differs from that of "
                "one process; network=veernet has group norms"
            )
    with scorers:
        outcome = train(
            task,
            batches,
            machine=conf.trainer,
            folder=folder.checkpoints,
            record=record,
            title=title,
            checkpoints=conf.checkpoint,
        )
    if first:
        perturbed = perturbed_truth_rows(scorer, cache=Path(conf.paths.cache))
        outcome = replace(outcome, per_class=pd.concat([outcome.per_class, perturbed], ignore_index=True))
        _write(outcome, head, sheets, folder)
        record(task.trainer.global_step, outcome.numbers())


def check_parts(conf: Conf) -> None:
    """Build head, loss, class weighting, network and own metrics once, before anything is written.

    The pixel counts of the classes are not known yet, so parts that depend on them (a prior, a weight that saturates)
    are checked when the run starts. Raises ValueError for parts that cannot work together, and Hydra's errors for
    unknown keys.
    """
    head: Head = instantiate(conf.head)
    conf.checkpoint.check(head.classes)
    own_metrics(conf, classes=len(head.classes))
    counts = [20_000, *range(300, 300 + len(conf.classes) - 1)]
    imbalance = weighting_of(conf).imbalance(counts)
    objective_of(conf, replace(imbalance, prior=None), head=head)
    initial_network(conf, head, console=None)


def initial_network(conf: Conf, head: Head, *, console: Console | None) -> nn.Module:
    """The network of `conf` with random weights, or with those of `init_from`; the first process prints which.

    Nothing is printed if `console` is None. Raises what `initial_weights` and `begin_with` raise.
    """
    network, initial = _network(conf, head), initial_weights(conf)
    if initial is not None:
        sentence = begin_with(network, conf, initial, channels=head.channels)
        if console is not None and rank_and_world()[0] == 0:
            console.print(sentence, style="dim", soft_wrap=True)
    return network


def _network(conf: Conf, head: Head) -> nn.Module:
    network: nn.Module = instantiate(conf.network, channels=head.channels, _convert_="all")
    return network


def build_task(
    conf: Conf, head: Head, imbalance: Imbalance, *, folder: Path, scorers: ScoringWorkers | None = None
) -> SegmentationTask:
    """Network, objective and schedule of `conf`. The random weights of the network depend only on the seed."""
    objective = objective_of(conf, imbalance, head=head)
    torch.manual_seed(conf.seed)
    resumed = (folder / "checkpoints" / LAST).exists()
    network = _network(conf, head) if resumed else initial_network(conf, head, console=CONSOLE)
    return SegmentationTask(
        FlipAverage(network) if conf.mirrored else network,
        objective,
        schedule=conf.optimiser,
        folder=folder,
        scorers=scorers,
        pictures=conf.overlays,
        tuned=imbalance.tuned,
    )


def batches_of(conf: Conf, planned: Planned, sheets: Rendered, maps: Mapping[str, CachedMaps] | None = None) -> Sheets:
    """The batches of the run. A tile has the same size in mm at every resolution, but at most that of each sheet."""
    budget = conf.budget
    scale, smallest = conf.resolution.px_per_mm * PEN_MM, sheets.train.sizes.min(axis=0).tolist()
    rows, columns = (min(side, round(wanted * scale)) for side, wanted in zip(smallest, budget.tile_px, strict=True))
    plan = Plan(conf.seed, budget.steps, budget.batch_size, (rows, columns), Change())
    rank, world = rank_and_world()
    return Sheets(
        TrainingTiles(sheets.train, planned.splits.train.order, plan, rank=rank, world=world, maps=maps),
        EvaluationTiles(sheets.val, batch_size=budget.batch_size, rank=rank, world=world),
        EvaluationTiles(sheets.test, batch_size=budget.batch_size, rank=rank, world=world),
        validate_every=budget.validate_every,
    )


def _more_tests(conf: Conf, planned: Planned, sheets: Rendered, scorer: SheetScorer) -> tuple[TestSet, ...]:
    """The further test sets of a folder, scored as the test split is by `scorer`."""
    rank, world = rank_and_world()
    return tuple(
        TestSet(
            name,
            EvaluationTiles(cached, batch_size=conf.budget.batch_size, rank=rank, world=world),
            SheetScorer(
                cached, planned.splits.more_tests[name].specs, scorer.head, px_per_mm=scorer.px_per_mm, own=scorer.own
            ),
        )
        for name, cached in sheets.more_tests.items()
    )


def _imbalance(conf: Conf, planned: Planned, sheets: Rendered, *, head: Head, record: Record) -> Imbalance:
    """The imbalance of the training mix, printed and recorded. A sheet counts as often as the run uses it."""
    labels = sheets.train.class_counts(len(conf.classes), order=planned.splits.train.order)
    counts = head.positives(torch.from_numpy(labels))
    imbalance = weighting_of(conf).imbalance(counts)
    ratios = dict(zip(conf.classes[1:], measured_ratio(counts).tolist(), strict=True))
    weights = dict(zip(conf.classes, imbalance.weight or (), strict=bool(imbalance.weight)))
    record(
        0,
        {f"train/measured_ratio/{name}": ratio for name, ratio in ratios.items()}
        | {f"train/class_weight/{name}": weight for name, weight in weights.items()},
    )
    if rank_and_world()[0] == 0:
        measured = ", ".join(f"{name} {ratio:.1f}" for name, ratio in ratios.items())
        used = "[" + ", ".join(f"{weight:.4g}" for weight in weights.values()) + "]" if weights else "none"
        text = f"background:curve ratio measured on the training mix: {measured}; class weight used: {used}"
        CONSOLE.print(text, style="dim", soft_wrap=True)
        warning = far_from_measured(imbalance.weight, counts)
        if warning is not None:
            _warn(warning)
    return imbalance


def _summarise(conf: Conf, planned: Planned, sheets: Rendered, batches: Sheets, record: Record) -> None:
    """Print and record the numbers of the training data."""
    if is_folder(conf):
        print_folder(planned.splits, CONSOLE)
    numbers = data_numbers(conf, planned, sheets, batches.training.showings())
    record(0, numbers)
    print_data(numbers, CONSOLE)


def _warn(text: str) -> None:
    CONSOLE.print(f"warning: {text}", style="yellow", soft_wrap=True)


def _check_memory(conf: Conf, task: SegmentationTask, tiles: TrainingTiles) -> None:
    """Refuse a budget that does not fit into memory, before the first step."""
    one = TrainingTiles(tiles.sheets, tiles.order, replace(tiles.plan, batch_size=1), maps=tiles.maps)[0]
    device = torch.device("cuda" if conf.trainer.accelerator != "cpu" and torch.cuda.is_available() else "cpu")
    rows = -(-conf.budget.batch_size // rank_and_world()[1])
    free = free_bytes(device) - resident_bytes(tiles, device)
    check_memory(task.network, task.objective, one, batch_size=rows, free=free)


def _write(outcome: Outcome, head: Head, sheets: Rendered, folder: RunFolder) -> None:
    """Write the tables, the pictures of truth, prediction and errors, and the page that shows them."""
    for index, labels in outcome.label_maps.items():
        truth = head.truth(torch.from_numpy(sheets.test.labels[index].copy())).numpy()
        picture = overlay(sheets.test.images[index], truth, labels, classes=head.classes)
        coded, png = cv2.imencode(".png", picture[..., ::-1])
        if coded:
            folder.write_overlay(picture_name(index), png.tobytes())
    if outcome.label_maps:
        page = contact_sheet(
            folder.name, f1_of_sheets(outcome.per_sheet), list(outcome.label_maps), classes=head.classes
        )
        folder.write_contact_sheet(page)
    folder.write_results(outcome.per_class, outcome.per_sheet)
