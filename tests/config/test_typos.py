"""A misspelled name of the command line is refused with the nearest one."""

import pytest
from composed import OPTION_ROWS, options

from thinline.config.typos import refuse_typos, typo_in


@pytest.mark.parametrize("many", [[], ["-m"]])
@pytest.mark.parametrize(
    ("argument", "hint"),
    [
        ("los=dice", "did you mean loss=dice?"),
        ("los=dice,focal", "did you mean loss=dice,focal?"),
        ("optimizer=adamw", "did you mean optimiser=adamw?"),
        ("loss=dise", "did you mean loss=dice?"),
        ("loss=focal,dise", "got dise; did you mean loss=dice?"),
        ("optimiser.lr=1", "did you mean optimiser.learning_rate=1?"),
        ("optimiser.lr=1,2", "did you mean optimiser.learning_rate=1,2?"),
        ("trainer.proceses=2", "did you mean trainer.processes=2?"),
        ("optimizer.learning_rate=1", "did you mean optimiser.learning_rate=1?"),
        ("path.store=x", "did you mean paths.store=x?"),
        ("mirored=false", "did you mean mirrored=false?"),
        ("lr=1", "did you mean optimiser.learning_rate=1?"),
        ("steps=100", "did you mean budget.steps=100?"),
        ("model=veernet", "did you mean network=veernet?"),
        ("+experimnt=three_family", "did you mean +experiment=three_family?"),
        ("+experiment=three_famly", "did you mean +experiment=three_family?"),
    ],
)
def test_the_nearest_name_is_suggested(argument, hint, many):
    sentence = typo_in([*many, "budget=smoke", argument])
    assert hint in sentence
    assert "expected" in sentence
    assert "got" in sentence


def test_without_a_near_name_the_names_are_listed():
    assert all(option in typo_in(["loss=zzz"]) for option in options("loss"))
    assert "keys: smoothing" in typo_in(["loss=soft_ce", "loss.zzz=1"])
    assert "groups: budget, class_weight" in typo_in(["zzz=1"])


def test_a_key_must_be_one_of_every_option_that_a_sweep_takes():
    """`strips` is a key of unet_slim alone."""
    assert typo_in(["-m", "network=unet_slim", "network.strips=1,2"]) is None
    assert "network=veernet, got strips" in typo_in(["-m", "network=unet_slim,veernet", "network.strips=1,2"])


@pytest.mark.parametrize(
    "arguments",
    [
        ["loss=dice_ce", "loss.terms.dice.eps=1e-6"],  # a key that dice_ce takes from dice
        ["-m", "+experiment=target_shape", "seed=0", "study.seeds=[0]"],
        ["-m", "hydra/launcher=ray", "hydra.sweep.dir=x", "seed=range(3)"],
        ["~loss", "+loss.new=1", "network.widths=[4,4,8]", "classes=[a,b]", "tracking.uri="],
        ["loss=", "=", "loss=[", "loss=null"],
        ["--config-name", "other", "anything=1"],
        ["hydra.searchpath=[file://elsewhere]", "anything=1"],
        ["--help"],
        [],
    ],
)
def test_arguments_that_are_right_or_checked_by_hydra_are_no_typo(arguments):
    assert typo_in(arguments) is None


@pytest.mark.parametrize("row", OPTION_ROWS)
def test_every_option_is_known(row):
    assert typo_in(row) is None


def test_options_of_the_users_folder_are_known(tmp_path):
    """`--config-dir` adds options to groups, and keys with them."""
    (tmp_path / "loss").mkdir()
    (tmp_path / "loss/mine.yaml").write_text("_target_: mine.Loss\nsharpness: 1.0\n")
    own = ["--config-dir", str(tmp_path)]
    assert typo_in([*own, "loss=mine", "loss.sharpness=2"]) is None
    assert "did you mean loss=mine?" in typo_in([*own, "loss=mime"])
    assert "did you mean loss.sharpness=2?" in typo_in([*own, "loss=mine", "loss.sharpnes=2"])
    assert "options: boundary" in typo_in(["loss=mine"])


def test_a_typo_ends_the_program_on_the_error_stream(capsys):
    with pytest.raises(SystemExit) as stop:
        refuse_typos(["los=dice"])
    assert stop.value.code == 1
    assert capsys.readouterr().err.startswith("error: los=dice: expected a group or a key")
    refuse_typos(["loss=dice"])
