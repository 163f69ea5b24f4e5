"""Roof: `python -m thinline coherence`: which reported scores cannot be one operating point, and by how much.

Exit code 0: one operating point can have all of them; 1: none can; 2: the command line makes no sense.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Final

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from thinline.coherence.check import Account, Answer, Implied, Range, check, mean_of_classes
from thinline.coherence.rounding import LABELS, NAMES, RATES, Reported, ReportedError, reported

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

_NARROW: Final = 0.1
"""How wide an implied range may be, absolutely or of its greater end, to be told though nobody reported the number."""
_SHORT: Final = {"precision": "P", "recall": "R"}
_EPILOG: Final = """
Numbers are typed as printed, for their digits say how far they were rounded: .41 is .405 to .415, 2.33% a share in per
cent, .41+-.02 a stated deviation, <.02 a bound. The case of the source (001_*.txt, multiclass Dice, curve 1, with the
F1 of its table of losses):

    python -m thinline coherence --precision .41 --iou .26 --f1 .37
"""


def add_coherence(commands: Commands, console: Console) -> None:
    """The subcommand, printing to `console`."""
    parser = commands.add_parser(
        "coherence",
        help="which reported scores cannot be one operating point, and by how much",
        description=(__doc__ or "").removeprefix("Roof: "),
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    texts = {"area_ratio": "predicted / true pixels", "prevalence": "share of the pixels that are of the class"}
    texts |= {"class_weight": "background : foreground, see --weight-is"}
    for name in NAMES:
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, metavar="X", type=_readable(name), help=texts.get(name, LABELS[name]))
    parser.add_argument("--plus-minus", metavar="D", type=_readable("iou"), help="deviation of each rate without one")
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
            help=f"{LABELS[name]} of every class, background first: is the one given their mean?",
        )
    parser.set_defaults(run=partial(_answer, parser=parser, console=console))


def _readable(name: str) -> Callable[[str], str]:
    """The text itself, once it has been read: so that argparse says which option is wrong."""

    def read(text: str) -> str:
        try:
            reported(name, text)
        except ReportedError as error:
            raise argparse.ArgumentTypeError(str(error)) from error
        return text

    return read


def _readables(name: str) -> Callable[[str], list[Reported]]:
    read = _readable(name)
    return lambda text: [reported(name, read(one)) for one in text.split(",")]


def _answer(options: argparse.Namespace, *, parser: argparse.ArgumentParser, console: Console) -> int:
    texts = {name: getattr(options, name) for name in NAMES if getattr(options, name) is not None}
    spread = {name: options.plus_minus if name in RATES else None for name in texts}
    given = [reported(name, text, plus_minus=spread[name]) for name, text in texts.items()]
    if len(given) < 2:
        parser.error(f"expected two or more numbers of one run, got {len(given)}; add --recall, --iou or another")
    inverse = options.weight_is == "inverse"
    try:
        answer = check(given, inverse=inverse)
    except ReportedError as error:
        parser.error(str(error))
    console.print(_table(answer))
    said = list(_sentences(answer, inverse=inverse))
    said += list(_means(given, options))
    if "class_weight" in texts:
        reading = "1 / prevalence" if inverse else "background : foreground, (1 - p) / p"
        said.append(f"The weight is read as {reading}; --weight-is has the other reading.")
    for line in said:
        console.print(line, soft_wrap=True)
    return 0 if answer.coherent else 1


def _table(answer: Answer) -> Table:
    """One line for each number that an account forces into a narrow range or that was reported outside of it."""
    title = "what follows" if answer.coherent else "what may be right together, and what follows"
    table = Table("if right", title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("then", no_wrap=True)
    for name in ("exactly", "with rounding", "reported", "off by"):
        table.add_column(name, justify="right", no_wrap=True)
    told = {it.name: it.text for it in chain.from_iterable((*answer.conflicts, *(a.kept for a in answer.accounts)))}
    for account in answer.accounts:
        first = ", ".join(f"{_SHORT.get(it.name, LABELS[it.name])} {it.text}" for it in account.kept)
        for it in account.implied:
            low, high = it.exact
            off = it.off > 0
            if off or (high < float("inf") and high - low <= min(_NARROW * max(1.0, high), high / 2)):
                cells = (told[it.name], _number(it.off)) if off else (told.get(it.name, ""), "")
                table.add_row(first, LABELS[it.name], _range(it.exact), _range(it.range), *cells)
                first = ""
    return table


def _sentences(answer: Answer, *, inverse: bool) -> Iterator[str]:
    """For each conflict, what all but one of its numbers make of that one."""
    if answer.coherent:
        yield "coherent: one operating point can have all of these numbers."
    for conflict in answer.conflicts:
        names = " and ".join(f"{', '.join(it.label for it in conflict[:-1])};{conflict[-1].label}".split(";"))
        yield f"incoherent: {names} cannot be one operating point."
        for odd in conflict:
            rest = [it for it in conflict if it is not odd]
            yield f"    {_verdict(check([*rest, odd], inverse=inverse).accounts, rest, odd)}"


def _verdict(accounts: tuple[Account, ...], rest: list[Reported], odd: Reported) -> str:
    """`rest` forces a value on `odd`, which was reported otherwise."""
    (account,) = (it for it in accounts if set(it.kept) == set(rest))
    (it,) = (it for it in account.implied if it.name == odd.name)
    with_what = " with ".join(one.label for one in rest)
    force = "forces" if len(rest) == 1 else "force"
    return (
        f"{with_what} {force} {LABELS[it.name]} {_range(it.exact)} ({_range(it.range)} with rounding); "
        f"{odd.text} is reported: off by {_number(it.off)}{_beyond(it)}"
    )


def _beyond(it: Implied) -> str:
    return f", {_number(it.beyond)} of it beyond any rounding"


def _means(given: list[Reported], options: argparse.Namespace) -> Iterator[str]:
    for it in given:
        if sentence := mean_of_classes(it, getattr(options, f"{it.name}_of_classes", [])):
            yield sentence


def _range(ends: Range) -> str:
    low, high = (_number(end) for end in ends)
    if ends[1] == float("inf"):
        return f"{low} or more"
    return low if low == high else f"{low} to {high}"


def _number(value: float) -> str:
    """Three digits after the point, of what is small more, of what is large fewer."""
    if value >= 10:
        return f"{value:.1f}"
    return f"{value:.3f}" if value >= 0.03 or value < 5e-5 else f"{value:.4f}"
