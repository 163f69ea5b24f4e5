"""Every option of conf/ fits the schema, and bad values are refused by name."""

import pytest
from composed import OPTION_ROWS, composed, options
from hydra.errors import ConfigCompositionException
from omegaconf import OmegaConf

from thinline.config.schema import CONF, FACTORS, NOT_IDENTITY, ConfigError, checked, compose_config
from thinline.runs import cell_digest


def identity(overrides):
    return cell_digest(checked(composed(*overrides)).tree, leave_out=NOT_IDENTITY)


def test_every_group_of_conf_is_a_factor_or_the_trainer_or_an_experiment():
    assert {folder.name for folder in CONF.iterdir() if folder.is_dir()} == {
        *FACTORS,
        "data_set",
        "trainer",
        "experiment",
    }
    assert all(options(factor) for factor in FACTORS)


OTHERS = [(f"+experiment={name}",) for name in options("experiment")]
OTHERS += [(f"trainer={name}",) for name in options("trainer")]


@pytest.mark.parametrize("row", [*OPTION_ROWS, *OTHERS])
def test_every_option_composes_and_fits_the_schema(row):
    config = composed(*row)
    conf = checked(config)
    assert conf.budget.steps % conf.budget.validate_every == 0
    assert conf.tree == OmegaConf.to_container(config, resolve=True)


def test_an_unknown_option_lists_the_options():
    with pytest.raises(Exception, match="nope") as error:
        compose_config(["loss=nope"])
    assert "tversky" in str(error.value)


def test_an_unknown_key_is_refused():
    with pytest.raises(ConfigCompositionException, match="gamma"):
        compose_config(["loss=dice", "loss.gamma=2"])


SEEDS = ("-1", "99999999999999999999", "4294967296", "1.5", "1e3", "abc", "zero", "null", "true", "''")


@pytest.mark.parametrize(
    ("override", "named"),
    [
        ("budget.steps=many", "steps"),
        ("budget.batch_size=0", "batch_size"),
        ("budget.steps=7", "validate_every"),
        ("classes=[background]", "classes"),
        ("classes=[background,a/b]", "classes"),
        ("classes=[background,all]", "classes"),
        ("trainer.accelerator=gpuu", "accelerator"),
        *((f"seed={value}", "`seed` must be a whole number from 0 to 4294967295, got") for value in SEEDS),
        ("resolution.px_per_mm=-1", "px_per_mm"),
        ("trainer.scorers=-1", "trainer.scorers"),
        ("budget.counts.val=0", "budget.counts"),
        ("optimiser.momentum=null", "`optimiser.momentum` must be a number for muon"),
    ],
)
def test_a_bad_value_is_refused_by_name(override, named):
    with pytest.raises(ConfigError, match=named):
        checked(composed(override))


@pytest.mark.parametrize("seed", ["0", "4294967295", "'7'"])
def test_the_least_and_the_most_seed_are_seeds(seed):
    assert checked(composed(f"seed={seed}")).seed == int(seed.strip("'"))


def test_identity_ignores_machine_and_paths_and_nothing_else():
    same = identity([])
    machine = ["trainer.processes=2", "paths.store=elsewhere", "force=true", "tracking.uri=''", "overlays=0"]
    assert identity([*machine, "fail_fast=false"]) == same
    for override in ("loss.eps=1e-6", "seed=1", "budget.steps=2016", "trainer.precision=fp32", "optimiser.clip_norm=2"):
        assert identity([override]) != same
