"""Check whether reported scores can belong to one confusion matrix, and how far they are off if they cannot.

Exit code 0: one operating point can have all scores; 1: no operating point can; 2: the command line is invalid.

Type numbers as printed, because their digits give the rounding: .41 means .405 to .415, 2.33% is a share in per cent,
.41+-.02 has a stated deviation, <.02 is a bound. Example from the source (001_*.txt, multiclass Dice, curve 1, with the
F1 of its table of losses):

    thinline coherence --precision .41 --iou .26 --f1 .37
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Final

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from thinline.coherence.check import Account, Answer, Range, check, mean_of_classes
from thinline.coherence.rounding import LABELS, NAMES, RATES, Reported, ReportedError, reported

_NARROW: Final = 0.1
"""Largest width (absolute, or relative to the upper end) of an implied range of an unreported rate that is printed."""
_SHORT: Final = {"precision": "P", "recall": "R"}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.set_defaults(parser=parser)
    texts = {"area_ratio": "predicted / true pixels", "prevalence": "share of pixels that belong to the class"}
    texts |= {"class_weight": "background : foreground, see --weight-is"}
    for name in NAMES:
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, metavar="X", type=_readable(name), help=texts.get(name, LABELS[name]))
    parser.add_argument(
        "--plus-minus", metavar="D", type=_readable("iou"), help="deviation of every rate that states none"
    )
    parser.add_argument(
        "--weight-is",
        choices=("ratio", "inverse"),
        default="ratio",
        help="(1 - p) / p, background to foreground, or 1 / p (ratio)",
    )
    for name in ("f1", "iou"):
        parser.add_argument(
            f"--{name}-of-classes",
            metavar="X,X,..",
            type=_readables(name),
            default=[],
            help=f"{LABELS[name]} of every class, background first: checks whether the score is their mean",
        )


def _readable(name: str) -> Callable[[str], str]:
    """A type for argparse that checks the text and returns it, so that argparse names the wrong option."""

    def read(text: str) -> str:
        try:
            reported(name, text)
        except ReportedError as error:
            raise argparse.ArgumentTypeError(str(error)) from error
        return text

    return read


def _readables(name: str) -> Callable[[str], list[Reported]]:
    read = _readable(name)
    return lambda text: [reported(name, read(part)) for part in text.split(",")]


def run(options: argparse.Namespace, console: Console) -> int:
    """Print the implied rates and the conflicts of the scores."""
    parser: argparse.ArgumentParser = options.parser
    texts = {name: getattr(options, name) for name in NAMES if getattr(options, name) is not None}
    spread = {name: options.plus_minus if name in RATES else None for name in texts}
    scores = [reported(name, text, plus_minus=spread[name]) for name, text in texts.items()]
    if len(scores) < 2:
        parser.error(f"expected two or more numbers of one run, got {len(scores)}; add --recall, --iou or another")
    inverse = options.weight_is == "inverse"
    try:
        answer = check(scores, inverse=inverse)
    except ReportedError as error:
        parser.error(str(error))
    console.print(_table(answer))
    lines = [*_sentences(answer, inverse=inverse), *_means(scores, options)]
    if "class_weight" in texts:
        reading = "1 / prevalence" if inverse else "background : foreground, (1 - p) / p"
        lines.append(f"The weight is read as {reading}; --weight-is has the other reading.")
    for line in lines:
        console.print(line, soft_wrap=True)
    return 0 if answer.coherent else 1


def _table(answer: Answer) -> Table:
    """One line for each rate that a set of scores forces into a narrow range, or that was reported outside it."""
    title = "implied rates" if answer.coherent else "sets of scores that fit together, and the rates they imply"
    table = Table("scores", title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("imply", no_wrap=True)
    for name in ("exactly", "with rounding", "reported", "off by"):
        table.add_column(name, justify="right", no_wrap=True)
    scores = chain.from_iterable((*answer.conflicts, *(account.kept for account in answer.accounts)))
    texts = {score.name: score.text for score in scores}
    for account in answer.accounts:
        first = ", ".join(f"{_SHORT.get(score.name, LABELS[score.name])} {score.text}" for score in account.kept)
        for rate in account.implied:
            low, high = rate.exact
            off = rate.off > 0
            if off or (high < float("inf") and high - low <= min(_NARROW * max(1.0, high), high / 2)):
                cells = (texts.get(rate.name, ""), _number(rate.off) if off else "")
                table.add_row(first, LABELS[rate.name], _range(rate.exact), _range(rate.range), *cells)
                first = ""
    return table


def _sentences(answer: Answer, *, inverse: bool) -> Iterator[str]:
    """One sentence for each conflict, and for each of its scores the range that the other scores force on it."""
    if answer.coherent:
        yield "coherent: one operating point can have all of these numbers."
    for conflict in answer.conflicts:
        names = f"{', '.join(score.label for score in conflict[:-1])} and {conflict[-1].label}"
        yield f"incoherent: {names} cannot be one operating point."
        for odd in conflict:
            rest = [score for score in conflict if score is not odd]
            yield f"    {_verdict(check([*rest, odd], inverse=inverse).accounts, rest, odd)}"


def _verdict(accounts: tuple[Account, ...], rest: list[Reported], odd: Reported) -> str:
    """The value that `rest` forces on the score `odd`, and how far its reported value is off."""
    (account,) = (account for account in accounts if set(account.kept) == set(rest))
    (rate,) = (rate for rate in account.implied if rate.name == odd.name)
    force = "forces" if len(rest) == 1 else "force"
    return (
        f"{' with '.join(score.label for score in rest)} {force} {LABELS[rate.name]} {_range(rate.exact)} "
        f"({_range(rate.range)} with rounding); {odd.text} is reported: off by {_number(rate.off)}, "
        f"{_number(rate.beyond)} of it beyond any rounding"
    )


def _means(scores: list[Reported], options: argparse.Namespace) -> Iterator[str]:
    for score in scores:
        if sentence := mean_of_classes(score, getattr(options, f"{score.name}_of_classes", [])):
            yield sentence


def _range(ends: Range) -> str:
    low, high = (_number(end) for end in ends)
    if ends[1] == float("inf"):
        return f"{low} or more"
    return low if low == high else f"{low} to {high}"


def _number(value: float) -> str:
    """A number with three decimals; four if it is small, one if it is large."""
    if value >= 10:
        return f"{value:.1f}"
    return f"{value:.3f}" if value >= 0.03 or value < 5e-5 else f"{value:.4f}"
