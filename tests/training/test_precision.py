import pytest
import torch

from thinline.training.precision import cpu_has_bf16, precision_of
from thinline.training.settings import Machine


def test_precisions_have_the_names_of_lightning():
    def machine(word):
        return Machine("cpu", 1, word, True, False)

    assert precision_of(machine("fp32")) == "32-true"
    assert precision_of(machine("fp64")) == "64-true"
    assert precision_of(machine("bf16")) == "bf16-mixed"
    with pytest.raises(ValueError, match="half"):
        precision_of(machine("half"))


@pytest.mark.parametrize(("features", "native"), [(("avx2",), False), (("avx2", "amx_bf16"), True), (("bf16",), True)])
def test_auto_is_bf16_where_the_processor_has_it(features, native, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: dict.fromkeys(features, True))
    assert cpu_has_bf16() == native
    assert precision_of(Machine("cpu", 1, "auto", True, False)) == ("bf16-mixed" if native else "32-true")
