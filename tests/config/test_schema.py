import time
from pathlib import Path

import pytest
import torch
from hydra.errors import ConfigCompositionException
from hydra.utils import instantiate
from omegaconf import OmegaConf

from thinline.config.objective import build_objective
from thinline.config.schema import CONF, FACTORS, NOT_IDENTITY, ConfigError, checked, compose_config
from thinline.runs import cell_digest

GROUPS = {
    folder.name: sorted(path.stem for path in folder.glob("*.yaml")) for folder in CONF.iterdir() if folder.is_dir()
}
OPTIONS = [(group, option) for group, options in GROUPS.items() for option in options]


def identity(overrides):
    return cell_digest(OmegaConf.to_container(compose_config(overrides), resolve=True), leave_out=NOT_IDENTITY)


def test_every_factor_is_a_folder_of_options():
    assert set(FACTORS) <= set(GROUPS)
    assert all(GROUPS[factor] for factor in FACTORS)


@pytest.mark.parametrize(("group", "option"), OPTIONS)
def test_every_option_composes_and_fits_the_schema(group, option):
    added = "+" if group == "experiment" else ""
    conf = checked(compose_config([f"{added}{group}={option}"]))
    assert conf.budget.steps % conf.budget.validate_every == 0


@pytest.mark.parametrize("loss", GROUPS["loss"])
@pytest.mark.parametrize("head", GROUPS["head"])
def test_every_loss_and_head_is_built_and_differentiable(loss, head):
    objective = build_objective([f"loss={loss}", f"head={head}"], weight=None)
    labels = torch.randint(0, 3, (2, 9, 11), generator=torch.Generator().manual_seed(0))
    strokes = torch.stack([labels == 1, labels == 2], dim=1)
    logits = torch.randn(
        2, objective.head.channels, 9, 11, generator=torch.Generator().manual_seed(1), requires_grad=True
    )
    value = objective(logits, labels, strokes)
    value.backward()
    assert value.shape == ()
    assert value.dtype == torch.float32
    assert bool(logits.grad.isfinite().all())
    assert float(logits.grad.abs().sum()) > 0


@pytest.mark.parametrize("classes", [2, 4, 7])
@pytest.mark.parametrize("loss", GROUPS["loss"])
@pytest.mark.parametrize("head", GROUPS["head"])
def test_no_loss_and_head_assume_three_classes(loss, head, classes):
    """With names in another order the same value comes out: nothing hangs on the number of a class."""
    names = ["background", *(f"c{k}" for k in range(1, classes))]
    built = build_objective([f"loss={loss}", f"head={head}", f"classes=[{','.join(names)}]"], weight=None)
    labels = torch.randint(0, classes, (2, 9, 11), generator=torch.Generator().manual_seed(0))
    channels = built.head.channels
    logits = torch.randn(2, channels, 9, 11, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    first = channels - (classes - 1)  # the channel of class 1
    order = torch.tensor([0, *range(classes - 1, 0, -1)])
    turned = torch.cat([logits[:, :first], logits[:, first:].flip(1)], dim=1) if channels > 1 else logits
    values = []
    for ids, given in ((labels, logits), (order[labels], turned)):
        strokes = torch.stack([ids == k for k in range(1, classes)], dim=1)
        values.append(float(built(given, ids, strokes)))
    assert values[0] == pytest.approx(values[1], rel=1e-9)
    assert values[0] > 0


@pytest.mark.parametrize("network", GROUPS["network"])
def test_every_network_is_built_for_every_number_of_channels(network):
    config = compose_config([f"network={network}"])
    for channels in (1, 3):
        built = instantiate(config.network, channels=channels, _convert_="all")
        assert built(torch.zeros(1, 1, 33, 40)).shape == (1, channels, 33, 40)


def test_objective_takes_its_keys_and_weights_from_the_call():
    """Tversky's formula by hand, on all classes, weights 1, 42, 42 dividing by their sum."""
    overrides = ["loss=tversky", "head=softmax", "loss.fp_weight=0.3", "loss.fn_weight=0.7"]
    labels = torch.tensor([[[0, 1, 2, 0, 1]]])
    strokes = torch.stack([labels == 1, labels == 2], dim=1)
    logits = torch.randn(1, 3, 1, 5, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    p = logits.softmax(1)
    terms = []
    for k in range(3):
        t = (labels == k).double()
        tp, fp, fn = (p[:, k] * t).sum(), (p[:, k] * (1 - t)).sum(), ((1 - p[:, k]) * t).sum()
        terms.append(1 - tp / (tp + 0.3 * fp + 0.7 * fn))
    expected = (terms[0] + 42 * terms[1] + 42 * terms[2]) / 85
    found = build_objective(overrides, weight=[1, 42, 42])(logits, labels, strokes)
    assert found.dtype == torch.float64
    assert float(found) == pytest.approx(float(expected), abs=1e-6)


def test_scale_raw_reaches_the_objective():
    labels = torch.tensor([[[0, 1, 2, 0]]])
    strokes = torch.stack([labels == 1, labels == 2], dim=1)
    logits = torch.zeros(1, 3, 1, 4)
    kept = build_objective(["loss=soft_ce", "loss.smoothing=0"], weight=[1, 3, 5])(logits, labels, strokes)
    raw = build_objective(["loss=soft_ce", "loss.smoothing=0", "class_weight.scale=raw"], weight=[1, 3, 5])
    # every pixel costs log 3: kept is a weighted mean, raw divides the weighted sum (1+3+5+1) log 3 by 4 pixels
    assert float(kept) == pytest.approx(torch.log(torch.tensor(3.0)).item())
    assert float(raw(logits, labels, strokes)) == pytest.approx(10 / 4 * torch.log(torch.tensor(3.0)).item())


def test_a_weight_that_cannot_act_raises_with_both_names():
    with pytest.raises(ValueError, match="dice") as told:
        build_objective(["loss=dice", "head=binary"], weight=[1, 42, 42])
    assert "binary" in str(told.value)


@pytest.mark.parametrize("head", GROUPS["head"])
@pytest.mark.parametrize("loss", GROUPS["loss"])
def test_logit_adjustment_wants_a_prior_and_no_other_level_takes_one(loss, head):
    asked = [f"loss={loss}", f"head={head}", "class_weight=logit_adjustment"]
    with pytest.raises(ValueError, match=f"`prior` must be given.*loss={loss} and head={head}"):
        build_objective(asked, weight=None)
    objective = build_objective([*asked, "class_weight.tau=2"], weight=None, prior=[0.4, 0.35, 0.25])
    once = build_objective(asked, weight=None, prior=[0.4, 0.35, 0.25])
    assert objective.shift.flatten().tolist() == pytest.approx([2 * it for it in once.shift.flatten().tolist()])
    with pytest.raises(ValueError, match="with no other level"):
        build_objective(asked[:2], weight=None, prior=[0.9, 0.07, 0.03])


@pytest.mark.parametrize("head", GROUPS["head"])
def test_the_smoothing_of_soft_ce_and_a_rare_prior_raise_with_both_names_and_plain_ce_does_not(head):
    asked, rare = [f"head={head}", "class_weight=logit_adjustment"], [0.9808, 0.0105, 0.0087]
    with pytest.raises(ValueError, match=f"loss=soft_ce with head={head} and loss.smoothing=0.1.*loss=ce"):
        build_objective(["loss=soft_ce", *asked], weight=None, prior=rare)
    assert build_objective(["loss=ce", *asked], weight=None, prior=rare).loss.smoothing == 0
    with pytest.raises(ValueError, match=r"loss=dice_ce .*loss\.terms\.ce\.smoothing=0\.2"):
        build_objective(["loss=dice_ce", "loss.terms.ce.smoothing=0.2", *asked], weight=None, prior=rare)


@pytest.mark.parametrize("weight", [[1, 42], [1, -1, 42], [1, float("nan"), 42]])
def test_bad_weights_raise(weight):
    with pytest.raises(ValueError, match="weight"):
        build_objective(["loss=soft_ce"], weight=weight)


def test_an_unknown_option_lists_the_options():
    with pytest.raises(Exception, match="nope") as told:
        compose_config(["loss=nope"])
    assert "tversky" in str(told.value)


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
    ],
)
def test_a_bad_value_is_refused_by_name(override, named):
    with pytest.raises(ConfigError, match=named):
        checked(compose_config([override]))


@pytest.mark.parametrize("seed", ["0", "4294967295", "'7'"])
def test_the_least_and_the_most_seed_are_seeds(seed):
    assert checked(compose_config([f"seed={seed}"])).seed == int(seed.strip("'"))


def test_identity_ignores_machine_and_paths_and_nothing_else():
    same = identity([])
    for override in ("trainer.processes=2", "paths.store=elsewhere", "force=true", "tracking.uri=''", "overlays=0"):
        assert identity([override]) == same
    for override in ("loss.eps=1e-6", "seed=1", "budget.steps=960", "trainer.precision=fp32", "optimiser.clip_norm=2"):
        assert identity([override]) != same


def test_reading_conf_needs_no_torch():
    """The command line stays quick: composing must not import the heavy libraries."""
    import subprocess
    import sys

    code = (
        "import sys; from thinline.config.schema import checked, compose_config; checked(compose_config([]));"
        "print([m for m in ('torch', 'pytorch_lightning', 'mlflow') if m in sys.modules])"
    )
    began = time.monotonic()
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(CONF).parent
    )
    assert told.stdout.strip() == "[]", time.monotonic() - began
