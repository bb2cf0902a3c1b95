"""Every rule that PyTorch, optax, Keras or its authors have too, against their result after many steps in float64."""

import operator
import os

import numpy as np
import pytest

from fastopt.optimizers import (
    ASGD,
    SGD,
    AdaBelief,
    Adadelta,
    Adafactor,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    AdamWScheduleFree,
    Adan,
    AdEMAMix,
    Decay,
    Lamb,
    Lion,
    Nadam,
    Prodigy,
    RAdam,
    RAdamScheduleFree,
    RMSprop,
    Rprop,
    SGDScheduleFree,
    Yogi,
)

STEPS, MORE_STEPS = 200, 500  # more for Prodigy, whose rate grows for so long
SHAPES = ((7, 5), (33,), (2, 3, 4), (1,))
SCALES = (1e-3, 1, 30, 1)
TOLERANCE = {np.float32: 1e-5, np.float64: 1e-12}
# The first steps of Prodigy are of 1e-6: what float32 keeps of them, on which its rate depends, is two digits. On every
# instruction set errors of other gradients are up to 1.6e-4; of these 2.4e-5 to 3.7e-5.
FEW_DIGITS = {"contrib.prodigy": 5, "prodigyopt.Prodigy": 5}
# Keras's means are of float32 at any precision.
SINGLE = ("with_keras", "Adafactor")


def with_torch(name, arguments, start, gradients):
    return with_authors(f"torch.optim.{name}", arguments | {"foreach": False}, start, gradients)


def with_authors(name, arguments, start, gradients):
    torch = pytest.importorskip("torch")
    torch.set_default_dtype(torch.float64)  # NAdam keeps its product of the momenta in it
    weights = [torch.tensor(w, requires_grad=True) for w in start]
    package, _, rule = name.rpartition(".")
    optimizer = getattr(pytest.importorskip(package), rule)(weights, **arguments)
    if package == "schedulefree":
        optimizer.train()
    for grads in zip(*gradients, strict=True):
        for w, g in zip(weights, grads, strict=True):
            w.grad = torch.tensor(g)
        optimizer.step()
    return [w.detach().numpy() for w in weights]


def scan(step, state, gradients):
    """The state after step(state, grads) for the gradients of each step, in one compiled loop."""
    import jax

    return jax.jit(lambda *arguments: jax.lax.scan(lambda *now: (step(*now), None), *arguments)[0])(state, gradients)


def with_optax(name, arguments, start, gradients):
    jax, optax = pytest.importorskip("jax"), pytest.importorskip("optax")
    jax.config.update("jax_enable_x64", True)
    if name.startswith("scale_by"):
        rate = arguments["learning_rate"]
        rest = {key: value for key, value in arguments.items() if key != "learning_rate"}
        rule = optax.chain(getattr(optax, name)(**rest), optax.scale(-rate))
    else:
        rule = operator.attrgetter(name)(optax)(**arguments)

    def step(state, grads):
        weights, slots = state
        changes, slots = rule.update(grads, slots, weights)
        return optax.apply_updates(weights, changes), slots

    return scan(step, (start, rule.init(start)), gradients)[0]


def with_keras(name, arguments, start, gradients):
    pytest.importorskip("jax").config.update("jax_enable_x64", True)
    os.environ["KERAS_BACKEND"] = "jax"
    keras = pytest.importorskip("keras")
    keras.config.set_floatx("float64")  # that of the learning rate
    optimizer = getattr(keras.optimizers, name)(**arguments)
    optimizer.build([keras.Variable(w, dtype="float64") for w in start])

    def step(state, grads):
        weights, slots = state
        return optimizer.stateless_apply(slots, grads, weights)

    return scan(step, (start, [slot.value for slot in optimizer.variables]), gradients)[0]


def corrected(value, beta_2, power):
    """Schedule: the value times that power of 1 - b2^t at step t, which counts from 1."""
    return lambda done: value * (1 - beta_2 ** (done + 1)) ** power


def falling(done):
    return 0.1 / (1 + 0.01 * done)


# The peer's name for the rule, our optimizer (made afresh for each run), the peer's arguments. Where epsilon or the
# rate stands elsewhere in the peer's formula, one of the two takes a value that makes up for it.
NEGLIGIBLE = 1e-30
AT_ONCE = 1e4
BALL = {"dampen_first": False, "momentum": 0.9}
IN_ROOT = {"epsilon_in_root": True}
FREE = {"rate_in_velocity": False}
ODD_FREE = {"lr": 0.1, "weight_decay": 0.3, "warmup_steps": 20}
ABSOLUTE = {"relative_step": False, "scale_parameter": False}
ODD_ADAFACTOR = {
    "learning_rate": 0.3,
    "beta_2_decay": -0.5,
    "epsilon_1": 1e-3,
    "epsilon_2": 0.1,
    "clip_threshold": 0.5,
}
RMSPROP = {"learning_rate": 0.01, "rho": 0.99, "epsilon": 1e-8}
ODD_RMSPROP = {"learning_rate": 0.003, "rho": 0.7, "epsilon": 1e-3}
ODD = {"learning_rate": 0.03, "beta_1": 0.5, "beta_2": 0.97, "epsilon": 1e-3}
ODD_BETAS = {"lr": 0.03, "betas": (0.5, 0.97), "eps": 1e-3}
ODD_ALPHA = {"lr": 0.003, "alpha": 0.7, "eps": 1e-3}
ODD_B = {"learning_rate": 0.03, "b1": 0.5, "b2": 0.97, "eps": 1e-3}
ODD_DECAY = {"learning_rate": 0.003, "decay": 0.7, "eps": 1e-3, "eps_in_sqrt": False}
TORCH = [
    ("SGD", lambda: SGD(), {"lr": 0.01}),
    ("SGD", lambda: SGD(0.01, 0.9), {"lr": 0.01, "momentum": 0.9}),
    ("SGD", lambda: SGD(0.3, 0.99, nesterov=True), {"lr": 0.3, "momentum": 0.99, "nesterov": True}),
    ("SGD", lambda: SGD(0.1, dampening=0.0, **BALL), {"lr": 0.1, "momentum": 0.9}),
    ("SGD", lambda: SGD(0.1, dampening=0.0, nesterov=True, **BALL), {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    ("SGD", lambda: SGD(0.1, dampening=0.9, **BALL), {"lr": 0.1, "momentum": 0.9, "dampening": 0.9}),
    ("SGD", lambda: SGD(0.1, dampening=0.3, **BALL), {"lr": 0.1, "momentum": 0.9, "dampening": 0.3}),
    ("Adagrad", lambda: Adagrad(0.01, 0.0, 1e-10), {}),
    ("Adagrad", lambda: Adagrad(0.5, 0.1, 1e-3), {"lr": 0.5, "initial_accumulator_value": 0.1, "eps": 1e-3}),
    ("Adadelta", lambda: Adadelta(rho=0.9), {}),
    ("Adadelta", lambda: Adadelta(0.1, 0.5, 1e-2), {"lr": 0.1, "rho": 0.5, "eps": 1e-2}),
    ("RMSprop", lambda: RMSprop(**RMSPROP), {}),
    ("RMSprop", lambda: RMSprop(**ODD_RMSPROP), ODD_ALPHA),
    ("RMSprop", lambda: RMSprop(**RMSPROP, **FREE, momentum=0.9), {"momentum": 0.9}),
    ("RMSprop", lambda: RMSprop(**RMSPROP, centered=True), {"centered": True}),
    ("RMSprop", lambda: RMSprop(**ODD_RMSPROP, centered=True), ODD_ALPHA | {"centered": True}),
    (
        "RMSprop",
        lambda: RMSprop(**ODD_RMSPROP, centered=True, momentum=0.6),
        ODD_ALPHA | {"centered": True, "momentum": 0.6},
    ),
    ("Adam", lambda: Adam(), {}),
    ("Adam", lambda: Adam(**ODD), ODD_BETAS),
    ("Adam", lambda: Adam(beta_1=0.0, beta_2=0.999999), {"betas": (0.0, 0.999999)}),
    ("Adam", lambda: Adam(amsgrad=True), {"amsgrad": True}),
    ("Adam", lambda: Adam(**ODD, amsgrad=True), ODD_BETAS | {"amsgrad": True}),
    ("AdamW", lambda: AdamW(weight_decay=0.01), {}),
    ("AdamW", lambda: AdamW(weight_decay=0.3, **ODD), ODD_BETAS | {"weight_decay": 0.3}),
    ("AdamW", lambda: AdamW(weight_decay=0.01, amsgrad=True, **ODD), ODD_BETAS | {"amsgrad": True}),
    ("Adamax", lambda: Adamax(epsilon=1e-8), {}),
    ("Adamax", lambda: Adamax(**ODD), ODD_BETAS),
    ("NAdam", lambda: Nadam(0.002, epsilon=1e-8), {}),
    ("NAdam", lambda: Nadam(**ODD, momentum_decay=1.0), ODD_BETAS | {"momentum_decay": 1.0}),
    (
        "NAdam",
        lambda: Nadam(0.002, 0.999, epsilon=1e-8, momentum_decay=0.3),
        {"betas": (0.999, 0.999), "momentum_decay": 0.3},
    ),
    ("RAdam", lambda: RAdam(), {}),
    ("RAdam", lambda: RAdam(**ODD), ODD_BETAS),
    ("RAdam", lambda: RAdam(beta_2=0.6), {"betas": (0.9, 0.6)}),
    ("ASGD", lambda: ASGD(), {}),
    ("ASGD", lambda: ASGD(0.5, 0.1, 0.6, 100), {"lr": 0.5, "lambd": 0.1, "alpha": 0.6, "t0": 100}),
    ("Rprop", lambda: Rprop(), {}),
    (
        "Rprop",
        lambda: Rprop(0.3, 0.7, 1.1, 0.01, 0.5),
        {"lr": 0.3, "etas": (0.7, 1.1), "step_sizes": (0.01, 0.5)},
    ),
    # Where squares are as large as here, its other epsilon does not matter.
    ("Adafactor", lambda: Adafactor(), {}),
    (
        "Adafactor",
        lambda: Adafactor(0.5, -0.5, epsilon_2=0.1, clip_threshold=2.0, weight_decay=0.03),
        {"lr": 0.5, "beta2_decay": -0.5, "eps": (1e-30, 0.1), "d": 2.0, "weight_decay": 0.03},
    ),
]
OPTAX = [
    ("sgd", lambda: SGD(), {"learning_rate": 0.01}),
    # The velocity is free of the rate there, as here with dampening; while the rate stays, it may hold it.
    ("sgd", lambda: SGD(0.01, 0.9), {"learning_rate": 0.01, "momentum": 0.9}),
    ("sgd", lambda: SGD(0.3, 0.99, nesterov=True), {"learning_rate": 0.3, "momentum": 0.99, "nesterov": True}),
    ("sgd", lambda: SGD(falling, 0.9, dampening=0.0), {"learning_rate": falling, "momentum": 0.9}),
    (
        "sgd",
        lambda: SGD(falling, 0.9, dampening=0.0, nesterov=True),
        {"learning_rate": falling, "momentum": 0.9, "nesterov": True},
    ),
    ("adagrad", lambda: Adagrad(0.01, 0.1, 1e-7, **IN_ROOT), {"learning_rate": 0.01}),
    (
        "adagrad",
        lambda: Adagrad(0.5, 0.3, 1e-2, **IN_ROOT),
        {"learning_rate": 0.5, "initial_accumulator_value": 0.3, "eps": 1e-2},
    ),
    ("adadelta", lambda: Adadelta(rho=0.9), {"learning_rate": 1.0}),
    ("adadelta", lambda: Adadelta(0.1, 0.5, 1e-2), {"learning_rate": 0.1, "rho": 0.5, "eps": 1e-2}),
    ("rmsprop", lambda: RMSprop(epsilon=1e-8, **IN_ROOT), {"learning_rate": 1e-3}),
    (
        "rmsprop",
        lambda: RMSprop(falling, 0.7, 0.6, 1e-3, nesterov=True, **IN_ROOT),
        {"learning_rate": falling, "decay": 0.7, "eps": 1e-3, "momentum": 0.6, "nesterov": True},
    ),
    (
        "rmsprop",
        lambda: RMSprop(falling, 0.7, 0.6, 1e-3),
        ODD_DECAY | {"learning_rate": falling, "momentum": 0.6},
    ),
    ("rmsprop", lambda: RMSprop(**ODD_RMSPROP), ODD_DECAY),
    ("rmsprop", lambda: RMSprop(**ODD_RMSPROP, momentum=0.9), ODD_DECAY | {"momentum": 0.9}),
    (
        "rmsprop",
        lambda: RMSprop(**ODD_RMSPROP, momentum=0.6, nesterov=True),
        ODD_DECAY | {"momentum": 0.6, "nesterov": True},
    ),
    ("rmsprop", lambda: RMSprop(**ODD_RMSPROP, centered=True), ODD_DECAY | {"centered": True}),
    (
        "rmsprop",
        lambda: RMSprop(**ODD_RMSPROP, centered=True, momentum=0.6),
        ODD_DECAY | {"centered": True, "momentum": 0.6},
    ),
    (
        "rmsprop",
        lambda: RMSprop(**ODD_RMSPROP, centered=True, momentum=0.9, nesterov=True),
        ODD_DECAY | {"centered": True, "momentum": 0.9, "nesterov": True},
    ),
    ("adam", lambda: Adam(), {"learning_rate": 1e-3}),
    ("adam", lambda: Adam(**ODD), ODD_B),
    ("adam", lambda: Adam(beta_1=0.0, beta_2=0.999999), {"learning_rate": 1e-3, "b1": 0.0, "b2": 0.999999}),
    ("adam", lambda: Adam(**ODD, **IN_ROOT), ODD_B | {"eps": 0.0, "eps_root": 1e-3}),
    # sqrt(max_i(v_i / (1 - b2^i))) + eps by default there, sqrt(max_i(v_i) / (1 - b2^t)) + eps here: only without their
    # correction, sqrt(max_i(v_i)) + eps.
    (
        "amsgrad",
        lambda: Adam(corrected(1e-3, 0.999, -0.5), epsilon=corrected(1e-8, 0.999, -0.5), amsgrad=True),
        {"learning_rate": 1e-3, "bias_correction_nu": False},
    ),
    (
        "amsgrad",
        lambda: Adam(corrected(0.03, 0.97, -0.5), 0.5, 0.97, corrected(1e-3, 0.97, -0.5), amsgrad=True),
        ODD_B | {"bias_correction_nu": False},
    ),
    ("adamw", lambda: AdamW(weight_decay=1e-4), {"learning_rate": 1e-3}),
    ("adamw", lambda: AdamW(weight_decay=0.3, **ODD), ODD_B | {"weight_decay": 0.3}),
    ("adamax", lambda: Adamax(epsilon=1e-8), {"learning_rate": 2e-3}),
    ("adamax", lambda: Adamax(**ODD), ODD_B),
    # b1 stays there: a momentum that grows to b1 at once.
    ("nadam", lambda: Nadam(epsilon=1e-8, momentum_decay=AT_ONCE), {"learning_rate": 1e-3}),
    ("nadam", lambda: Nadam(**ODD, momentum_decay=AT_ONCE), ODD_B),
    # a k / (sqrt(v) + k eps) there with k = sqrt(1 - b2^t), a k / (sqrt(v) + eps) here.
    ("radam", lambda: RAdam(epsilon=corrected(1e-8, 0.999, 0.5)), {"learning_rate": 1e-3}),
    ("radam", lambda: RAdam(0.03, 0.5, 0.97, corrected(1e-3, 0.97, 0.5)), ODD_B),
    ("radam", lambda: RAdam(beta_2=0.6), {"learning_rate": 1e-3, "b2": 0.6}),
    ("adabelief", lambda: AdaBelief(), {"learning_rate": 1e-3}),
    ("adabelief", lambda: AdaBelief(**ODD), ODD_B | {"eps_root": 1e-3}),
    # There the mean of the gradient starts as that of its square does: as 0.
    (
        "scale_by_yogi",
        lambda: Yogi(initial_accumulator_value=0.0),
        {"learning_rate": 0.01, "initial_accumulator_value": 0.0},
    ),
    ("scale_by_yogi", lambda: Yogi(**ODD, initial_accumulator_value=0.0), ODD_B | {"initial_accumulator_value": 0.0}),
    ("contrib.ademamix", lambda: AdEMAMix(), {"learning_rate": 1e-3}),
    (
        "contrib.ademamix",
        lambda: Decay(AdEMAMix(**ODD, beta_3=0.9, alpha=falling), decoupled=0.3),
        ODD_B | {"b3": 0.9, "alpha": falling, "weight_decay": 0.3},
    ),
    # (1 - b2) d there, b2 d here: b2 = 1 / 2 is the same.
    ("adan", lambda: Adan(beta_2=0.5), {"learning_rate": 1e-3, "b2": 0.5, "eps_root": 0.0}),
    (
        "adan",
        lambda: Decay(Adan(0.03, 0.5, 0.5, 0.97, 1e-3), decoupled=0.3),
        {"learning_rate": 0.03, "b1": 0.5, "b2": 0.5, "b3": 0.97, "eps": 1e-3, "eps_root": 0.0, "weight_decay": 0.3},
    ),
    ("contrib.schedule_free_sgd", lambda: SGDScheduleFree(), {"learning_rate": 1.0}),
    (
        "contrib.schedule_free_sgd",
        lambda: SGDScheduleFree(0.1, 0.6, 0.3, weight_lr_power=1.0),
        {"learning_rate": 0.1, "b1": 0.6, "weight_decay": 0.3, "weight_lr_power": 1.0},
    ),
    ("contrib.schedule_free_adamw", lambda: AdamWScheduleFree(), {}),
    (
        "contrib.schedule_free_adamw",
        lambda: AdamWScheduleFree(**ODD, weight_decay=0.3),
        ODD_B | {"weight_decay": 0.3},
    ),
    ("contrib.prodigy", lambda: Prodigy(use_bias_correction=True), {}),
    (
        "contrib.prodigy",
        lambda: Prodigy(0.5, 0.8, 0.97, 0.9, 1e-3, 0.3, 1e-3, 2.0, use_bias_correction=True, safeguard_warmup=True),
        {
            "learning_rate": 0.5,
            "betas": (0.8, 0.97),
            "beta3": 0.9,
            "eps": 1e-3,
            "weight_decay": 0.3,
            "estim_lr0": 1e-3,
            "estim_lr_coef": 2.0,
            "safeguard_warmup": True,
        },
    ),
    ("lamb", lambda: Lamb(weight_decay=0.0), {"learning_rate": 1e-3}),
    ("lamb", lambda: Lamb(weight_decay=0.3, **ODD), ODD_B | {"weight_decay": 0.3}),
    # The power of the step is float32 there, but if its exponent is of float64.
    (
        "adafactor",
        lambda: Adafactor(relative_step=False),
        {"learning_rate": 0.01, "min_dim_size_to_factor": 2, "decay_rate": np.float64(0.8)},
    ),
    (
        "adafactor",
        lambda: Adafactor(0.3, -0.5, 1e-3, clip_threshold=0.5, momentum=0.9, weight_decay=0.1, **ABSOLUTE),
        {
            "learning_rate": 0.3,
            "min_dim_size_to_factor": 2,
            "decay_rate": np.float64(0.5),
            "eps": 1e-3,
            "clipping_threshold": 0.5,
            "momentum": 0.9,
            "dtype_momentum": np.float64,
            "weight_decay_rate": 0.03,
            "multiply_by_parameter_scale": False,
        },
    ),
    ("lion", lambda: Lion(), {"learning_rate": 1e-4, "weight_decay": 0.0}),
    ("lion", lambda: Lion(0.3, 0.5, 0.0), {"learning_rate": 0.3, "b1": 0.5, "b2": 0.0, "weight_decay": 0.0}),
]
KERAS = [
    ("SGD", lambda: SGD(), {}),
    ("SGD", lambda: SGD(0.01, 0.9), {"momentum": 0.9}),
    ("SGD", lambda: SGD(0.3, 0.99), {"learning_rate": 0.3, "momentum": 0.99}),
    ("SGD", lambda: SGD(0.3, 0.99, nesterov=True), {"learning_rate": 0.3, "momentum": 0.99, "nesterov": True}),
    ("Adagrad", lambda: Adagrad(**IN_ROOT), {}),
    (
        "Adagrad",
        lambda: Adagrad(0.5, 0.3, 1e-2, **IN_ROOT),
        {"learning_rate": 0.5, "initial_accumulator_value": 0.3, "epsilon": 1e-2},
    ),
    ("Adadelta", lambda: Adadelta(0.001, epsilon=1e-7), {}),
    ("Adadelta", lambda: Adadelta(0.1, 0.5, 1e-2), {"learning_rate": 0.1, "rho": 0.5, "epsilon": 1e-2}),
    ("RMSprop", lambda: RMSprop(**IN_ROOT), {}),
    ("RMSprop", lambda: RMSprop(**ODD_RMSPROP, **IN_ROOT, momentum=0.9), ODD_RMSPROP | {"momentum": 0.9}),
    ("RMSprop", lambda: RMSprop(**ODD_RMSPROP, **IN_ROOT, centered=True), ODD_RMSPROP | {"centered": True}),
    (
        "RMSprop",
        lambda: RMSprop(**ODD_RMSPROP, **IN_ROOT, centered=True, momentum=0.6),
        ODD_RMSPROP | {"centered": True, "momentum": 0.6},
    ),
    # k m / (sqrt(v) + eps) there with k = sqrt(1 - b2^t), k m / (sqrt(v) + k eps) here.
    ("Adam", lambda: Adam(epsilon=corrected(1e-7, 0.999, -0.5)), {}),
    ("Adam", lambda: Adam(0.03, 0.5, 0.97, corrected(1e-3, 0.97, -0.5)), ODD),
    ("Adam", lambda: Adam(epsilon=corrected(1e-7, 0.999, -0.5), amsgrad=True), {"amsgrad": True}),
    ("Adam", lambda: Adam(0.03, 0.5, 0.97, corrected(1e-3, 0.97, -0.5), amsgrad=True), ODD | {"amsgrad": True}),
    ("AdamW", lambda: AdamW(epsilon=corrected(1e-7, 0.999, -0.5)), {}),
    ("AdamW", lambda: AdamW(0.03, 0.3, 0.5, 0.97, corrected(1e-3, 0.97, -0.5)), ODD | {"weight_decay": 0.3}),
    # m / (u + eps) there, and eps within the maximum here: only with an epsilon that does not matter.
    ("Adamax", lambda: Adamax(0.001, epsilon=NEGLIGIBLE), {"epsilon": NEGLIGIBLE}),
    ("Adamax", lambda: Adamax(**ODD | {"epsilon": NEGLIGIBLE}), ODD | {"epsilon": NEGLIGIBLE}),
    ("Nadam", lambda: Nadam(momentum_decay=1.0), {}),
    ("Nadam", lambda: Nadam(**ODD, momentum_decay=1.0), ODD),
    ("Adafactor", lambda: Adafactor(0.001), {}),
    ("Adafactor", lambda: Adafactor(**ODD_ADAFACTOR), ODD_ADAFACTOR),
    ("Lamb", lambda: Lamb(1e-3, 0.0, epsilon=1e-7), {}),
    ("Lamb", lambda: Lamb(weight_decay=0.0, **ODD), ODD),
    ("Lion", lambda: Lion(0.001), {}),
    ("Lion", lambda: Lion(0.3, 0.5, 0.0), {"learning_rate": 0.3, "beta_1": 0.5, "beta_2": 0.0}),
]
AUTHORS = [
    ("schedulefree.SGDScheduleFree", lambda: SGDScheduleFree(0.1, 0.6, 0.3, 20), ODD_FREE | {"momentum": 0.6}),
    ("schedulefree.AdamWScheduleFree", lambda: AdamWScheduleFree(), {}),
    ("schedulefree.RAdamScheduleFree", lambda: RAdamScheduleFree(), {}),
    (
        "schedulefree.RAdamScheduleFree",
        lambda: RAdamScheduleFree(**ODD, weight_decay=0.3, silent_sgd_phase=False, r=0.5, weight_lr_power=1.0),
        ODD_BETAS | {"weight_decay": 0.3, "silent_sgd_phase": False, "r": 0.5, "weight_lr_power": 1.0},
    ),
    ("prodigyopt.Prodigy", lambda: Prodigy(d0=0.01), {"d0": 0.01}),
    (
        "prodigyopt.Prodigy",
        lambda: Prodigy(0.5, 0.8, 0.97, 0.9, 1e-3, 0.3, 1e-3, 2.0, 1.02, True, True),
        {
            "lr": 0.5,
            "betas": (0.8, 0.97),
            "beta3": 0.9,
            "eps": 1e-3,
            "weight_decay": 0.3,
            "d0": 1e-3,
            "d_coef": 2.0,
            "growth_rate": 1.02,
            "use_bias_correction": True,
            "safeguard_warmup": True,
        },
    ),
]
CASES = [
    *((with_torch, *row) for row in TORCH),
    *((with_optax, *row) for row in OPTAX),
    *((with_keras, *row) for row in KERAS),
    *((with_authors, *row) for row in AUTHORS),
]


def call(peer, name, make, arguments):
    given = ", ".join(f"{key}={getattr(value, '__name__', value)}" for key, value in arguments.items())
    return f"{peer.__name__.removeprefix('with_')} {name}({given})"


@pytest.mark.parametrize(("peer", "name", "make", "arguments"), CASES, ids=[call(*case) for case in CASES])
def test_random_gradients(peer, name, make, arguments, rng):
    """Inputs are of float32, so that both precisions train on the same."""
    start = [rng.normal(size=shape).astype(np.float32) for shape in SHAPES]
    steps = MORE_STEPS if "prodigy" in name else STEPS
    gradients = [
        (scale * rng.normal(size=(steps, *shape))).astype(np.float32)
        for scale, shape in zip(SCALES, SHAPES, strict=True)
    ]
    theirs = peer(name, arguments, *([a.astype(np.float64) for a in arrays] for arrays in (start, gradients)))
    theirs = [np.asarray(w) for w in theirs]
    assert all(w.dtype == np.float64 and np.isfinite(w).all() for w in theirs)
    for dtype, tolerance in TOLERANCE.items():
        if dtype is np.float32:
            tolerance *= FEW_DIGITS.get(name, 1)
        elif (peer.__name__, name) == SINGLE:
            tolerance = 1e-7
        ours, optimizer = [w.astype(dtype) for w in start], make()
        for grads in zip(*(g.astype(dtype) for g in gradients), strict=True):
            optimizer.update(ours, grads)
        for w, expected in zip(ours, theirs, strict=True):
            assert np.abs(w - expected).max() <= tolerance * np.abs(expected).max()
