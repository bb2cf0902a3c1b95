"""The table of defaults in docs/optimizers.md says what ours are, and theirs where they are installed."""

import inspect
import os
import re
from pathlib import Path

import pytest

from fastopt import optimizers

PAGE = Path(__file__).resolve().parents[2] / "docs/optimizers.md"
# The peers' names of rules and arguments where they differ from ours.
TORCH = {"Nadam": "NAdam"}
TORCH_ARGUMENTS = {"learning_rate": "lr", "epsilon": "eps", "beta_2_decay": "beta2_decay", "clip_threshold": "d"}
OPTAX_ARGUMENTS = {
    "beta_1": "b1",
    "beta_2": "b2",
    "epsilon": "eps",
    "epsilon_1": "eps",
    "clip_threshold": "clipping_threshold",
    "scale_parameter": "multiply_by_parameter_scale",
}
PLACES = {"beta_1": 0, "beta_2": 1}  # in PyTorch's betas


def table():
    lines = PAGE.read_text().split("## Defaults")[1].split("\n## ")[0].splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return [dict(zip(rows[0], row, strict=True)) for row in rows[2:]]


ROWS = table()


def default(make, name):
    """The default in the table's words: "" where there is no such argument, a dash where there is no default."""
    parameters = inspect.signature(make).parameters
    if name not in parameters:
        return ""
    value = parameters[name].default
    return "-" if value is inspect.Parameter.empty else value


def same(written, value):
    if isinstance(value, bool | str) or value is None:
        return written == str(value)
    return re.fullmatch(r"[-\d.e]+", written) is not None and float(written) == value


def row_name(row):
    return f"{row['rule']}-{row['argument']}"


@pytest.mark.parametrize("row", ROWS, ids=row_name)
def test_ours(row):
    assert same(row["fastopt"], default(getattr(optimizers, row["rule"]), row["argument"]))


def check(column, find):
    wrong = []
    for row in ROWS:
        value = find(row["rule"], row["argument"])
        if not same(row[column], value):
            wrong.append((row_name(row), row[column], value))
    assert not wrong


def test_keras():
    os.environ["KERAS_BACKEND"] = "jax"
    pytest.importorskip("jax")
    keras = pytest.importorskip("keras").optimizers
    check("Keras", lambda rule, argument: default(getattr(keras, rule), argument) if hasattr(keras, rule) else "")
    # Every rule and argument that both have stands there.
    written = {(row["rule"], row["argument"]) for row in ROWS}
    for rule, ours in vars(optimizers).items():
        if inspect.isclass(ours) and rule != "Optimizer" and hasattr(keras, rule):
            theirs = inspect.signature(getattr(keras, rule)).parameters
            assert {(rule, name) for name in inspect.signature(ours).parameters if name in theirs} <= written


def test_torch():
    torch = pytest.importorskip("torch").optim

    def find(rule, argument):
        make = getattr(torch, TORCH.get(rule, rule), None)
        if make is None:
            return ""
        parameters = inspect.signature(make).parameters
        if argument in PLACES and "betas" in parameters:
            return parameters["betas"].default[PLACES[argument]]
        return default(make, TORCH_ARGUMENTS.get(argument, argument))

    check("PyTorch", find)


def test_optax():
    optax = pytest.importorskip("optax")

    def find(rule, argument):
        make = getattr(optax, rule.lower(), None)
        return "" if make is None else default(make, OPTAX_ARGUMENTS.get(argument, argument))

    check("optax", find)
