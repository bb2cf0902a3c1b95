"""In which order the core does what: schedules as data, without running."""

import pytest

from fastopt import _core


def network(layers, **options):
    return _core.Network("float32", options.pop("input_size", 4), layers, **options)


def dense(units, **others):
    return {"kind": "dense", "units": units, "use_bias": True} | others


NORM = {
    "kind": "batch_normalization",
    "channels": 3,
    "channels_last": True,
    "momentum": 0.9,
    "epsilon": 1e-3,
    "scale": True,
    "center": True,
    "bias_correction": False,
}


def test_rows_go_through_all_layers_together():
    schedule = network([dense(3, activation="relu"), dense(2)]).schedule()
    assert schedule == [
        "parameters: backward 2 dense",
        "rows: load 0 input, forward 1 dense, forward 2 dense, ends, backward 2 dense",
        "parameters: gradient 2 dense, gradient 2 dense, gradient 1 dense, gradient 1 dense",
    ]


def test_predictions_are_one_stage():
    assert network([dense(3), NORM, dense(2)]).schedule(training=False) == [
        "parameters: forward 2 batch_normalization",
        "rows: load 0 input, forward 1 dense, forward 2 batch_normalization, forward 3 dense, ends",
    ]


def test_what_is_over_columns_parts_the_stages():
    assert network([dense(3), NORM, dense(2)]).schedule() == [
        "parameters: backward 3 dense",
        "rows: load 0 input, forward 1 dense",
        "columns: forward 2 batch_normalization",
        "rows: forward 2 batch_normalization, forward 3 dense, ends, backward 3 dense",
        "columns: backward 2 batch_normalization",
        "rows: backward 2 batch_normalization",
        "parameters: gradient 3 dense, gradient 3 dense, gradient 2 batch_normalization, gradient 1 dense, "
        "gradient 1 dense",
    ]


def test_values_used_twice_have_a_sum_of_gradients():
    schedule = network([dense(3), dense(3), {"kind": "add", "inputs": [-1, -2]}]).schedule()
    assert schedule[1] == (
        "rows: load 0 input, forward 1 dense, forward 2 dense, forward 3 add, ends, backward 3 add, backward 2 dense, "
        "sum 1 dense"
    )


def test_nothing_goes_back_below_what_learns():
    scaling = dense(4) | {"trained": False}
    assert network([scaling, dense(2)]).schedule() == [
        "rows: load 0 input, forward 1 dense, forward 2 dense, ends",
        "parameters: gradient 2 dense, gradient 2 dense",
    ]


@pytest.mark.parametrize("layer", [{"kind": "dropout", "rate": 0.5}, {"kind": "activation", "activation": "relu"}])
def test_what_hands_on_is_not_there(layer):
    schedule = network([dense(3), layer, dense(2)]).schedule(training=False)
    assert schedule == ["rows: load 0 input, forward 1 dense, forward 3 dense, ends"]


@pytest.mark.parametrize(
    ("layers", "options", "message"),
    [
        ([dense(3), {"kind": "add", "inputs": [-1, -2]}], {}, "inputs of 3 and of 4 values cannot be added"),
        ([dense(3), {"kind": "add"}], {}, "has at least two inputs, not 1"),
        ([dense(3), dense(3, inputs=[-1, -2])], {}, "has one input, not 2"),
        ([dense(3, inputs=[-2])], {}, "inputs must be a node before the layer, from -1 to -1, got -2"),
        ([dense(3), dense(2, inputs=[-2])], {}, "no output needs layer 0, of kind 'dense'"),
        ([dense(3)], {"input_size": [4, 5]}, "no output needs input 0"),
        ([dense(3), dense(2, shares=-1)], {}, "cannot use the tensors of one of kind 'dense'"),
        ([dense(3)], {"outputs": [2]}, "outputs must be nodes from 0 to 1, got 2"),
        ([dense(3)], {"outputs": [0, 1]}, "a network needs at least one layer that computes"),
        ([dense(3), {"kind": "dropout", "rate": 0.5}], {}, "the last layer may not add noise"),
        ([dense(3)], {"input_size": []}, "a network needs an input"),
    ],
)
def test_networks_that_do_not_go_together(layers, options, message):
    with pytest.raises(ValueError, match=message):
        network(layers, **options)
