"""The public module as such: its documentation, and the choice of instruction set and threads."""

import inspect

import cases
import pytest

from fastopt import kernels
from fastopt._core import runtime


@pytest.mark.parametrize("name", kernels.__all__)
def test_documentation(name):
    text = inspect.getdoc(getattr(kernels, name))
    assert all(part in text for part in ("Args:", "Raises:", ">>> "))
    for argument in inspect.signature(getattr(kernels, name)).parameters:
        assert f"\n    {argument}: " in text


def test_every_kernel_of_the_core_is_public():
    tested = {f"{name}_update" for name in ("sgd", "momentum", "adam")}
    assert tested | {"softmax_cross_entropy", "sigmoid_cross_entropy", "mean_squared_error"} <= set(kernels.__all__)
    assert {*cases.FUNCTIONS, *cases.ACTIVATIONS} <= set(kernels.__all__)


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
