import pytest

from hairline.training.run import Machine, precision_of


def test_precision_words():
    def machine(word):
        return Machine("cpu", 1, word, True, False)

    assert precision_of(machine("fp32")) == "32-true"
    assert precision_of(machine("bf16")) == "bf16-mixed"
    assert precision_of(machine("auto")) in ("32-true", "bf16-mixed")
    with pytest.raises(ValueError, match="half"):
        precision_of(machine("half"))
