"""The part of a study that the tests of the command line train: 4 of its 8 conditions with 2 of its 5 seeds."""

from pathlib import Path

from thinline import runs

STUDY = "data_mix"
CONDITIONS = {"data_mix": ("scarce", "fresh"), "loss": ("dice", "soft_ce")}
SEEDS = (0, 1)
LEFT_OUT_SEED = 2
"""One cell of this seed is trained as well, so that the study is unbalanced."""
SETTINGS = ("budget.steps=2", "budget.validate_every=2", "trainer.threads=1", "trainer.precision=fp32")
CELLS = 8
DECLARED_CELLS = 40


def budget(store: Path) -> str:
    """The name of the tiny budget."""
    return str(runs.status(store)["budget"].iloc[0])


def study_options(store: Path) -> list[str]:
    """`thinline study` for these conditions."""
    only = ["--only", f"budget={budget(store)}", "--only", f"data_mix={','.join(CONDITIONS['data_mix'])}"]
    return ["study", STUDY, "--store", str(store), *only]
