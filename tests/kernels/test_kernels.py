"""The public module as such: its documentation, and the choice of instruction set and threads."""

import inspect

import cases
import pytest

from fastopt import _core, kernels
from fastopt._core import runtime

PUBLIC = sorted(name for name, value in vars(kernels).items() if inspect.isfunction(value) and name != "__dir__")


@pytest.mark.parametrize("name", PUBLIC)
def test_documentation(name):
    text = inspect.getdoc(getattr(kernels, name))
    assert all(part in text for part in ("Args:", "Raises:", ">>> "))
    for argument in inspect.signature(getattr(kernels, name)).parameters:
        assert f"\n    {argument}: " in text


def test_every_kernel_of_the_core_is_public():
    tested = {f"{name}_update" for name in ("sgd", "momentum", "adam")}
    tested |= {"softmax_cross_entropy", "sigmoid_cross_entropy", *cases.FUNCTIONS, *cases.ACTIVATIONS}
    in_other_words = {name for name in _core.kernels.losses() if name.endswith("_crossentropy")}
    tested |= {*_core.kernels.activations(), *_core.kernels.losses()} - in_other_words
    assert tested <= set(PUBLIC)


def test_choice_of_instruction_set(isa):
    assert runtime.isa() == isa
    with pytest.raises(ValueError, match="z80"):
        runtime.set_isa("z80")
    assert runtime.isa() == isa


@pytest.mark.parametrize("count", [0, -1])
def test_number_of_threads(count):
    before = runtime.num_threads()
    with pytest.raises(ValueError, match=str(count)):
        runtime.set_num_threads(count)
    assert runtime.num_threads() == before
