"""What describes a model is a value: it can be printed and built again, compared, copied, pickled and shared."""

import copy
import json
import pickle
from functools import reduce
from itertools import permutations

import cases
import pytest
from cases.constraints import CONSTRAINTS
from cases.initializers import INITIALIZERS
from cases.schedules import SCHEDULES

import fastopt as fo
from fastopt import constraints, initializers, layers, losses, metrics, optimizers, regularizers, schedules, search
from fastopt.model.nested import Nested

# The modules, with objects of them; a name in a `repr` is looked for in the own module first, then from the last on.
VALUES = {
    schedules: [row[0] for row in SCHEDULES],
    layers: [layer for stack in cases.LAYERS.values() for layer in stack.make(stack.shapes[0])]
    + [
        layers.Dense(
            3, "relu", kernel_regularizer="l1", bias_regularizer=regularizers.L2(0.5), kernel_constraint="max_norm"
        ),
        layers.Dense(2, bias_initializer=initializers.Constant([1.0, 2.0]), name="last", trainable=False),
        layers.Add(),
        layers.Concatenate(name="both"),
        layers.Embedding(7, 3, lazy=True, embeddings_constraint="unit_norm"),
        layers.Embedding([7, 2], 3, embeddings_regularizer="l2"),
        layers.AveragePooling1D(2),
        layers.GlobalAveragePooling1D(),
        layers.GlobalMaxPooling1D(),
        layers.GlobalMaxPooling2D(),
        layers.Cropping2D(1),
        layers.ZeroPadding1D(1),
        layers.UpSampling1D(2),
        layers.MemberScale(4, "relu", True, "lecun_uniform", name="factors"),
        layers.MemberDense(3, 4, "tanh", use_bias=False),
    ],
    losses: [cls() for cls in dict.fromkeys(losses.LOSSES.classes.values())] + [losses.Huber(0.5)],
    metrics: [cls() for cls in dict.fromkeys(metrics.METRICS.classes.values())]
    + [metrics.TopKAccuracy(3), metrics.F1("macro")],
    initializers: [row.initializer for row in INITIALIZERS],
    regularizers: [regularizers.L1(), regularizers.L2(0.5), regularizers.L1L2(0.1, 0.2)],
    constraints: [constraint for constraint, _ in CONSTRAINTS],
    search: [
        search.Linear(0.0, 0.5),
        search.Log(1e-4, 1.0),
        search.OneMinusLog(0.9, 0.999),
        search.Integer(1, 9),
        search.Integer(16, 1024, log=True),
        search.Choice(["relu", 0.5, None, [64, 32]]),
    ],
    optimizers: [make() for make in cases.OPTIMIZERS.values()]
    + [optimizers.SGD(schedules.Warmup(schedules.Cosine(0.1, 9), 3), momentum=schedules.Piecewise([2], [0.5, 0.9]))],
}
ALL = [(module, value) for module, values in VALUES.items() for value in values]


@pytest.mark.parametrize(("module", "value"), ALL, ids=[repr(value) for _, value in ALL])
def test_value(module, value):
    names = {name: cls for other in (*VALUES, module) for name, cls in vars(other).items()}
    config = json.loads(json.dumps(value.get_config()))
    others = [
        eval(repr(value), names),
        type(value).from_config(config),
        copy.copy(value),
        copy.deepcopy(value),
        pickle.loads(pickle.dumps(value)),
    ]
    for other in others:
        assert other is not value
        assert other == value
        assert hash(other) == hash(value)
        assert repr(other) == repr(value)
        assert other.get_config() == value.get_config()


REGISTRIES = {
    layers: layers.LAYERS,
    losses: losses.LOSSES,
    metrics: metrics.METRICS,
    initializers: initializers.INITIALIZERS,
    regularizers: regularizers.REGULARIZERS,
    constraints: constraints.CONSTRAINTS,
    schedules: schedules.SCHEDULES,
    search: search.SCALES,
    optimizers: optimizers.OPTIMIZERS,
}


@pytest.mark.parametrize("module", VALUES, ids=lambda module: module.__name__)
def test_every_enrolled_class_is_exported_and_tested(module):
    enrolled = set(REGISTRIES[module].classes.values()) - {Nested}  # which a model becomes in another
    assert enrolled == {type(value) for value in VALUES[module]}
    assert all(getattr(module, cls.__name__) is cls for cls in enrolled)


@pytest.mark.parametrize("module", VALUES, ids=lambda module: module.__name__)
def test_values_differ(module):
    distinct = {repr(value): value for value in VALUES[module]}
    for text, value in distinct.items():
        assert [other for other in distinct if distinct[other] == value] == [text]


def test_a_layer_with_a_scaler_is_equal_to_one_with_the_same_map():
    one, same, other = (
        layers.Scaling(fo.preprocessing.Standardizer().fit([[0.0], [high]])) for high in (2.0, 2.0, 3.0)
    )
    assert one == same == copy.deepcopy(one)
    assert one != other


def test_optimizers_that_differ_in_nesting_are_equal():
    """The core does what surrounds a rule in one order."""
    wraps = [
        lambda inner: optimizers.Decay(inner, l2=0.1),
        lambda inner: optimizers.Accumulate(inner, 2),
        lambda inner: optimizers.Average(inner),
        lambda inner: optimizers.Clip(inner, norm=1.0),
        lambda inner: optimizers.LayerRates(inner, {"bias": 2.0}),
        lambda inner: optimizers.Lookahead(inner),
    ]
    values = [reduce(lambda inner, wrap: wrap(inner), order, optimizers.Adam()) for order in permutations(wraps)]
    text = "Adam()"
    for name, given in (
        ("LayerRates", ", rates={'bias': 2.0}"),
        ("Decay", ", l2=0.1"),
        ("Clip", ", norm=1.0"),
        ("Accumulate", ", steps=2"),
        ("Lookahead", ""),
        ("Average", ""),
    ):
        text = f"{name}(optimizer={text}{given})"
    assert {repr(value) for value in values} == {text}
    assert set(values) == {eval(text, vars(optimizers))}
    assert values[0] != optimizers.Clip("adam", norm=1.0) != optimizers.Clip("adam", norm=2.0) != optimizers.Adam()


def test_models_share_descriptions():
    shared = [layers.Dense(4, "relu"), layers.Dense(1)]
    models = [fo.Sequential(shared, seed=seed) for seed in (0, 1)]
    for model in models:
        model.build(3)
    assert [model.layers for model in models] == [shared, shared]
    assert (models[0].parameters["dense/kernel"] != models[1].parameters["dense/kernel"]).any()
