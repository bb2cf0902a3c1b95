"""Models for the campaigns, and all of what a model is, to compare."""

import cases
import numpy as np

import fastopt as fo

FEATURES, CLASSES = 5, 3
RNG = np.random.default_rng(0)
X = RNG.normal(size=(37, FEATURES)).astype(np.float32)
Y = RNG.integers(0, CLASSES, 37)

BODIES = {
    "linear": lambda: [],
    "dense": lambda: [fo.layers.Dense(4, "tanh")],
    "norm": lambda: [fo.layers.Dense(6), fo.layers.BatchNormalization(), fo.layers.Activation("relu")],
    "noise": lambda: [fo.layers.Dense(8, "silu"), fo.layers.Dropout(0.2), fo.layers.LayerNormalization()],
    "residual": lambda: [fo.layers.Residual([fo.layers.Dense(FEATURES, "gelu")]), fo.layers.PReLU()],
    "image": lambda: [fo.layers.Reshape((FEATURES, 1)), fo.layers.Conv1D(3, 2, activation="relu"), fo.layers.Flatten()],
    "penalty": lambda: [fo.layers.Dense(4, kernel_regularizer="l2", kernel_constraint=fo.constraints.MaxNorm(2.0))],
}


def built(body="dense", optimizer="adam", *, dtype="float32", seed=0):
    """Return a built model."""
    made = fo.Sequential([*BODIES[body](), fo.layers.Dense(CLASSES)], seed=seed, dtype=dtype)
    made.compile(
        cases.OPTIMIZERS[optimizer]() if optimizer in cases.OPTIMIZERS else optimizer,
        "sparse_categorical_crossentropy",
        ["accuracy"],
    )
    made.build(FEATURES)
    return made


def state(model):
    """Return all that training changes, equal if and only if two models train on alike."""
    arrays = model.parameters | model.state | model.slots
    optimizer = model.optimizer
    return (
        {name: view.tobytes() for name, view in arrays.items()},
        (optimizer.state, repr(optimizer)) if isinstance(optimizer, fo.optimizers.Optimizer) else None,
        model.draws,
        model.epochs_trained,
        {
            name: layer.trainable
            for name, layer in zip(model.layer_names, model.layers, strict=True)
            if any(array.startswith(f"{name}/") for array in arrays)
        },
    )
