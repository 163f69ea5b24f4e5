"""`init_from`: a cell whose network begins with the weights of another run."""

import shutil

import pytest
import torch
from cell_cases import manifest, run
from hydra.utils import instantiate

from thinline.config.schema import ConfigError
from thinline.config.trained_run import NoRunError, file_digest
from thinline.losses.class_weight import Imbalance
from thinline.network.transfer import TransferError
from thinline.pipeline.locate import locate
from thinline.pipeline.train import build_task, check_parts


@pytest.fixture(scope="module")
def source(shared):
    return run(shared())


@pytest.fixture
def checkpoint(source):
    return source.folder / "checkpoints" / "last.ckpt"


def initial(conf, folder):
    """The tensors of the network before the first step."""
    return build_task(conf, instantiate(conf.head), Imbalance(), folder=folder).state_dict()


def differing(first, second):
    return {name for name in first if not torch.equal(first[name], second[name])}


def test_the_network_begins_with_all_tensors_of_the_run(shared, source, checkpoint, tmp_path, capsys):
    saved = torch.load(checkpoint, weights_only=True)["state_dict"]
    begun = initial(shared("seed=3", f"init_from={source.name}")[0], tmp_path)
    assert not differing(begun, saved)
    assert differing(begun, initial(shared("seed=3")[0], tmp_path))
    assert f"begins with {source.name}@{file_digest(checkpoint)}: 70 of 70 tensors taken\n" in capsys.readouterr().out
    # without flip averaging the names of the tensors are shorter
    bare = initial(shared("seed=3", f"init_from={source.name}", "mirrored=false")[0], tmp_path)
    assert all(
        torch.equal(tensor, saved[name.replace("network.", "network.network.", 1)]) for name, tensor in bare.items()
    )


@pytest.mark.parametrize("change", ["classes=[background,a,b]", "head=binary", "classes=[background,a]"])
def test_the_last_layer_of_other_classes_is_that_of_the_seed(shared, source, checkpoint, tmp_path, capsys, change):
    saved = torch.load(checkpoint, weights_only=True)["state_dict"]
    begun, fresh = (initial(shared(change, *more)[0], tmp_path) for more in ([f"init_from={source.folder}"], []))
    last = {"network.network.bias", "network.network.last.weight"}
    assert not differing({name: begun[name] for name in last}, fresh)
    assert not differing({name: tensor for name, tensor in begun.items() if name not in last}, saved)
    text = capsys.readouterr().out
    assert "68 of 70 tensors taken, newly initialised bias, last.weight; its head was thinline.heads.Softmax of" in text


def test_the_identity_has_the_content_of_the_checkpoint_and_not_its_path(shared, source, checkpoint, tmp_path):
    def name(run_or_path):
        return locate(*shared(f"init_from={run_or_path}")).folder.name

    copy = tmp_path / "copy"
    shutil.copytree(source.folder, copy)
    first = name(source.name)
    assert first == name(source.folder) == name(checkpoint) == name(copy)
    assert first != source.name
    saved = torch.load(copy / "checkpoints" / "last.ckpt", weights_only=True)
    saved["state_dict"]["network.network.bias"] += 1
    torch.save(saved, copy / "checkpoints" / "last.ckpt")
    assert name(copy) != first
    assert name("null") == source.name


def test_a_run_that_began_with_another_says_so(shared, source, checkpoint):
    ended = manifest(run(shared("seed=3", f"init_from={source.name}")))
    assert ended.origin.init_from == f"{source.name}@{file_digest(checkpoint)}"
    assert ended.cell.factors["init_from"] == ended.origin.init_from.rpartition("-")[2]
    assert manifest(source).origin.init_from is None


def test_a_run_that_cannot_be_begun_with_is_refused_before_anything_is_written(shared, source, tmp_path):
    with pytest.raises(NoRunError, match="run nothing: expected a run folder"):
        locate(*shared("init_from=nothing"))
    with pytest.raises(ConfigError, match="`init_from` must be a run"):
        shared("init_from=' '")
    with pytest.raises(TransferError, match=rf"^init_from={source.name}: .*of the same architecture"):
        check_parts(shared(f"init_from={source.name}", "network.widths=[8,8,16]")[0])
    shutil.copy(source.folder / "config.yaml", tmp_path)
    (tmp_path / "other.ckpt").write_text("no weights")
    with pytest.raises(NoRunError, match="expected the checkpoint of a run, could not load it"):
        check_parts(shared(f"init_from={tmp_path / 'other.ckpt'}")[0])
