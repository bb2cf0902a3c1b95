"""Files of C compute what `predict` computes, of every layer and activation."""

import ctypes
import re
import shutil
import subprocess

import cases.export
import numpy as np
import pytest

import fastopt as fo
from fastopt import layers
from fastopt.export import operators, to_c
from fastopt.export.functions import EXPRESSIONS

CC = shutil.which("cc") or shutil.which("gcc")
FLAGS = ["-O2", "-Wall", "-Wextra", "-Werror", "-std=c99", "-pedantic"]
needs_cc = pytest.mark.skipif(CC is None, reason="needs a C compiler")


def compiled(path, *flags):
    library = path.with_suffix(".so")
    subprocess.run([CC, *FLAGS, *flags, "-shared", "-fPIC", path, "-o", library, "-lm"], check=True)
    return getattr(ctypes.CDLL(str(library)), f"{path.stem}_predict")


def called(function, model, x):
    """What the function computes of each sample."""
    plan = model._built.plan
    results = [np.full((len(x[0]), *shape), np.nan, model.dtype) for shape in plan.output_shapes]
    arrays = [np.ascontiguousarray(array, model.dtype) for array in x]
    for i in range(len(x[0])):
        function(*(ctypes.c_void_p(array[i:].ctypes.data) for array in [*arrays, *results]))
    return results


@needs_cc
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["side by side", "several inputs and outputs"])
def test_every_layer(name, dtype, tmp_path):
    model, x = cases.export.made(name, dtype)
    path = tmp_path / "all_layers.c"
    model.export(path)
    function = compiled(path, "-fno-inline")  # so it is done sooner
    for one, other, title in zip(called(function, model, x), model.predict(x), model.graph.output_names, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-6, err_msg=title)


def test_no_form_is_forgotten():
    """Only ensembles, whose members need to know the number of the row, have none."""
    assert operators.KINDS.keys() - to_c.KINDS.keys() - {*to_c.SAME} == {"member_dense", "member_scale"}
    assert operators.ACTIVATIONS.keys() - EXPRESSIONS.keys() == {"linear", "softmax"}


@needs_cc
def test_a_program(tmp_path):
    """Compiled with a main of one's own, memory being static; weights are the model's to the bit."""
    model = fo.Sequential([layers.Dense(3, "softsign"), layers.Dense(2)], seed=1)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(np.eye(4), [0, 1, 0, 1], verbose=0)
    model.export(tmp_path / "2 moons.c", probabilities=True)
    text = (tmp_path / "2 moons.c").read_text()
    numbers = re.search(r"c0\[12\] = {([^}]+)}", text)[1]
    assert (np.array([n.strip("\n f") for n in numbers.split(",")], "float32") == model.get_weights()[0].ravel()).all()
    main = """
#include <stdio.h>
void model_2_moons_predict(const float *x, float *y);
int main(void) {
  const float x[4] = {0.5f, 1.0f, -2.0f, 0.0f};
  float y[2];
  model_2_moons_predict(x, y);
  return printf("%.9g %.9g", (double)y[0], (double)y[1]) < 0;
}
"""
    (tmp_path / "main.c").write_text(main)
    files = [tmp_path / "main.c", tmp_path / "2 moons.c", "-o", tmp_path / "program", "-lm"]
    subprocess.run([CC, *FLAGS, "-Dmodel_2_moons_STORAGE=static", *files], check=True)
    printed = subprocess.run([tmp_path / "program"], check=True, capture_output=True, text=True).stdout
    expected = model.predict_proba([[0.5, 1.0, -2.0, 0.0]])[0]
    np.testing.assert_allclose([float(n) for n in printed.split()], expected, atol=1e-6)


def test_what_has_no_form(tmp_path):
    stack = [layers.MemberScale(2, name="first"), layers.Dense(2), layers.MemberDense(1, 2, name="last")]
    model = fo.Sequential(stack)
    model.build(3)
    with pytest.raises(ValueError, match="first, last have no form in C"):
        model.export(tmp_path / "m.c")
    assert [*tmp_path.iterdir()] == []
