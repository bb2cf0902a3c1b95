"""The update rules: of each the twin, cases of its hyperparameters, its optimizer, and rates to converge with."""

import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from twins import rules as twins

from fastopt.optimizers import (
    ASGD,
    SGD,
    SOAP,
    SWATS,
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
    DeltaBarDelta,
    Lamb,
    Lion,
    Muon,
    Nadam,
    Optimizer,
    Prodigy,
    RAdam,
    RAdamScheduleFree,
    RMSprop,
    Rprop,
    SGDScheduleFree,
    Yogi,
)
from fastopt.schedules import Cosine

__all__ = ["ADAM", "ONE_OF_EACH_RULE", "RULES", "RULES_THAT_DECAY", "Rule"]


class Rule(NamedTuple):
    """Update rule: its name, its twin, its slots, the hyperparameters of this case, slots that start above 0.

    `optimizer`: one that goes by the rule; the tests run over one or more for each rule. `converges`: three that find
    the minima of `optimizers/test_convergence.py`. `state`: the numbers that go from step to step. `by_tensor`: an
    element's change depends on the others of its array. `of_matrices`: slots that matrices alone have. `decay`: what
    the parameters decay by beside the step.
    `subtracted`: slots that enter the formula with a minus. `decays`: the formula has the decay in it.
    """

    name: str
    update: Callable
    slots: tuple[str, ...]
    hyper: dict[str, float]
    initial: dict[str, float] = {}  # noqa: RUF012
    optimizer: Optimizer | None = None
    converges: tuple[Optimizer, ...] = ()
    state: tuple[float, ...] = ()
    by_tensor: bool = False
    of_matrices: tuple[str, ...] = ()
    decay: float = 0.0
    subtracted: tuple[str, ...] = ()
    decays: bool = False

    def __str__(self) -> str:
        return "-".join([self.name, *map(str, self.hyper.values()), *([f"decay{self.decay}"] if self.decay else [])])

    def change(self, w, g, slots, step: int):
        if self.decays:
            return self.update(w, g, slots, self.hyper | {"weight_decay": self.decay}, step)
        change, new = self.update(w, g, slots, self.hyper, step)
        return change - self.hyper["learning_rate"] * self.decay * w, new

    def state_array(self) -> np.ndarray | None:
        return np.array(self.state) if self.state else None

    def start(self, shape, dtype) -> dict[str, np.ndarray]:
        names = [name for name in self.slots if name not in self.of_matrices]
        return {name: np.full(shape, self.initial.get(name, 0), dtype) for name in names}


def three(make: Callable, *rates: float, **options) -> tuple[Optimizer, ...]:
    """The optimizers for a parabola, a curved valley and a logistic regression."""
    return tuple(make(rate, **options) for rate in rates)


BALL = {"learning_rate": 0.01, "momentum": 0.9, "dampening": 0.0, "dampen_first": 1.0}
RMSPROP = {"learning_rate": 0.001, "rho": 0.9, "epsilon": 1e-8, "epsilon_in_root": 0.0}
ADAM = {"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, "epsilon_in_root": 0.0}
IN_ROOT = {"epsilon_in_root": 1.0}
BOUNDS = {"min_rate": 0.002, "max_rate": 0.1}
PLAIN_ADAM = {name: value for name, value in ADAM.items() if name != "epsilon_in_root"}
NADAM = PLAIN_ADAM | {"momentum_decay": 0.004}
LAMB = PLAIN_ADAM | {"weight_decay": 0.01}
SWATS_ = PLAIN_ADAM | {"tolerance": 1e-9}
ADABELIEF = PLAIN_ADAM | {"epsilon": 1e-16}
YOGI = PLAIN_ADAM | {"epsilon": 1e-3}
ADEMAMIX = {
    "learning_rate": 0.001,
    "beta_1": 0.9,
    "beta_2": 0.999,
    "beta_3": 0.9999,
    "alpha": 5.0,
    "epsilon": 1e-8,
    "alpha_warmup": 0.0,
    "beta_3_warmup": 0.0,
}
ADAN = {"learning_rate": 0.001, "beta_1": 0.98, "beta_2": 0.92, "beta_3": 0.99, "epsilon": 1e-8}
MUON = {
    "learning_rate": 0.01,
    "momentum": 0.95,
    "nesterov": 1.0,
    "adam_lr_ratio": 0.5,
    "adam_beta_1": 0.9,
    "adam_beta_2": 0.99,
    "epsilon": 1e-7,
    "ns_steps": 5.0,
    "adjust_lr": 1.0,
}
SOAP_HYPER = {
    "learning_rate": 0.001,
    "beta_1": 0.9,
    "beta_2": 0.95,
    "shampoo_beta": 0.9,
    "epsilon": 1e-8,
    "precondition_frequency": 2.0,
}
ADAFACTOR = {
    "learning_rate": 0.01,
    "beta_2_decay": -0.8,
    "epsilon_1": 1e-30,
    "epsilon_2": 1e-3,
    "clip_threshold": 1.0,
    "relative_step": 1.0,
    "scale_parameter": 1.0,
}
LION = {"learning_rate": 0.0001, "beta_1": 0.9, "beta_2": 0.99}
RPROP = {"learning_rate": 0.01, "eta_minus": 0.5, "eta_plus": 1.2, "min_step": 1e-6, "max_step": 50.0}
DELTA = {"learning_rate": 1.0, "kappa": 0.001, "phi": 0.1, "theta": 0.7}
BOUNDED_RATES = ((0.3, 0.01, 1.0), (0.003, 0.0, 0.002), (0.3, 0.1, 1.0))
# With momentum, centered, with both: the optimizer, and the rates with which it converges.
RMSPROPS = {
    (False, None): (RMSprop(0.01, 0.8, epsilon=1e-6), (0.03, 0.001, 0.01)),
    (False, "momentum"): (RMSprop(0.01, momentum=0.5), (0.003, 0.0003, 0.001)),
    (False, "nesterov"): (RMSprop(0.01, momentum=0.5, nesterov=True), (0.003, 0.0001, 0.001)),
    (True, None): (RMSprop(0.01, centered=True), (0.01, 0.0003, 0.03)),
    (True, "momentum"): (RMSprop(0.01, momentum=0.5, centered=True), (0.003, 0.0001, 0.01)),
    (True, "nesterov"): (RMSprop(0.01, momentum=0.5, centered=True, nesterov=True), (0.003, 0.0001, 0.01)),
}


def rmsprop(centered: bool, velocity: str | None, optimizer: Optimizer, rates: tuple[float, ...]) -> list[Rule]:
    name = "_".join(filter(None, ["rmsprop", "centered" if centered else "", velocity]))
    twin = functools.partial(twins.rmsprop, centered=centered, velocity=velocity)
    slots = ("s", *("m" for _ in range(centered)), *("v" for _ in range(velocity is not None)))
    hypers = (RMSPROP, {"learning_rate": 0.3, "rho": 0.5, "epsilon": 0.1} | IN_ROOT)
    if velocity is not None:
        moving = ({"momentum": 0.9, "rate_in_velocity": 0.0}, {"momentum": 0.3, "rate_in_velocity": 1.0})
        hypers = tuple(hyper | more for hyper, more in zip(hypers, moving, strict=True))
    options = {"epsilon": 1e-2} if centered else {}
    if velocity is not None:
        options["momentum"] = 0.9
    make = functools.partial(RMSprop, centered=centered, nesterov=velocity == "nesterov", **options)
    first = Rule(name, twin, slots, hypers[0], optimizer=optimizer, converges=three(make, *rates))
    return [first, Rule(name, twin, slots, hypers[1])]


def bounded(name: str, twin: Callable, slots: tuple[str, ...]) -> list[Rule]:
    form = {"adam": False, "amsgrad": True, "amsgrad_rising": "rising"}[name]
    make = functools.partial(Adam, amsgrad=form)
    converges = tuple(make(rate, min_rate=low, max_rate=high) for rate, low, high in BOUNDED_RATES)
    return [
        Rule(f"{name}_bounded", twin, slots, ADAM | BOUNDS, optimizer=make(0.01, **BOUNDS), converges=converges),
        Rule(f"{name}_bounded", twin, slots, ADAM | BOUNDS | {"learning_rate": 0.3, "epsilon": 0.1} | IN_ROOT),
    ]


PRODIGY = {
    "learning_rate": 1.0,
    "beta_1": 0.9,
    "beta_2": 0.999,
    "beta_3": 0.999**0.5,
    "epsilon": 1e-8,
    "d0": 1e-6,
    "d_coef": 1.0,
    "growth_rate": 1e300,
    "safeguard_warmup": 0.0,
    "use_bias_correction": 0.0,
}
FREE = {"learning_rate": 0.01, "beta_1": 0.9, "r": 0.0, "weight_lr_power": 2.0}
ADAM_FREE = FREE | {"warmup_steps": 0.0, "beta_2": 0.999, "epsilon": 1e-8}
RADAM_FREE = FREE | {"silent_sgd_phase": 1.0, "beta_2": 0.999, "epsilon": 1e-8}
SGD_FREE = {"learning_rate": 0.01, "momentum": 0.9, "r": 0.0, "weight_lr_power": 2.0, "warmup_steps": 0.0}


def schedule_free(form: str, hypers: list[dict], optimizer: Optimizer, rates: tuple[float, ...]) -> list[Rule]:
    name, slots = f"schedule_free_{form}", ("z", *(["v"] if form != "sgd" else []), "y")
    state = (0.001, 0.02, 0.0, 0.8, 0.0)
    twin = functools.partial(twins.schedule_free, form=form, state=state)
    make = functools.partial(Rule, name, twin, slots, initial={"z": 1.0}, state=state, subtracted=("z",), decays=True)
    first = make(hypers[0], optimizer=optimizer, converges=three(type(optimizer), *rates))
    return [first, *(make(hyper) for hyper in hypers[1:])]


def adafactor(name: str, slots: tuple[str, ...], hyper: dict, optimizer: Optimizer | None = None) -> Rule:
    make = functools.partial(Adafactor, momentum=hyper.get("momentum", 0.0))
    converges = three(make, 0.3, 0.003, 0.3, scale_parameter=False) if optimizer else ()
    return Rule(
        *(name, twins.adafactor, slots, hyper, {}, optimizer, converges), by_tensor=True, of_matrices=("r", "c")
    )


RULES = [
    Rule("sgd", twins.sgd, (), {"learning_rate": 0.01}, {}, SGD(0.05), three(SGD, 0.3, 0.002, 1.0)),
    Rule("sgd", twins.sgd, (), {"learning_rate": 3.0}),
    Rule(
        "sgd",
        twins.sgd,
        (),
        {"learning_rate": 0.01},
        optimizer=ASGD(0.05, 0.1, t0=2),
        converges=three(ASGD, 0.3, 0.002, 1.0, lambd=1e-6),
        decay=0.1,
    ),
    Rule(
        "momentum",
        twins.momentum,
        ("v",),
        {"learning_rate": 0.01, "momentum": 0.9},
        optimizer=SGD(0.05, momentum=0.9),
        converges=three(SGD, 0.03, 0.002, 0.3, momentum=0.9),
    ),
    Rule("momentum", twins.momentum, ("v",), {"learning_rate": 0.7, "momentum": 0.0}),
    Rule(
        "nesterov",
        twins.nesterov,
        ("v",),
        {"learning_rate": 0.01, "momentum": 0.9},
        optimizer=SGD(0.05, momentum=0.9, nesterov=True),
        converges=three(SGD, 0.3, 0.001, 0.3, momentum=0.9, nesterov=True),
    ),
    Rule("nesterov", twins.nesterov, ("v",), {"learning_rate": 0.7, "momentum": 0.999}),
    Rule(
        "heavy_ball",
        twins.heavy_ball,
        ("v",),
        BALL,
        optimizer=SGD(0.05, momentum=0.9, dampening=0.9),
        converges=three(SGD, 0.03, 0.002, 0.3, momentum=0.9, dampening=0.0),
    ),
    Rule("heavy_ball", twins.heavy_ball, ("v",), BALL | {"dampening": 0.7, "dampen_first": 0.0}),
    Rule(
        "heavy_ball_nesterov",
        twins.heavy_ball_nesterov,
        ("v",),
        BALL,
        optimizer=SGD(0.05, momentum=0.9, nesterov=True, dampening=0.5, dampen_first=False),
        converges=three(SGD, 0.3, 0.001, 0.3, momentum=0.9, dampening=0.0, nesterov=True),
    ),
    Rule("heavy_ball_nesterov", twins.heavy_ball_nesterov, ("v",), BALL | {"momentum": 0.5, "dampening": 0.5}),
    Rule(
        "lion",
        twins.lion,
        ("m",),
        LION,
        optimizer=Lion(1e-3, 0.8, 0.9),
        converges=(Lion(0.02, 0.5, 0.5), Lion(0.001), Lion(0.02, 0.5, 0.5)),
    ),
    Rule("lion", twins.lion, ("m",), {"learning_rate": 0.3, "beta_1": 0.99, "beta_2": 0.0}),
    Rule(
        "adagrad",
        twins.adagrad,
        ("s",),
        {"learning_rate": 0.01, "epsilon": 1e-10, "epsilon_in_root": 0.0},
        optimizer=Adagrad(0.05, 0.1, 1e-6),
        converges=three(Adagrad, 1.0, 0.3, 1.0),
    ),
    Rule("adagrad", twins.adagrad, ("s",), {"learning_rate": 2.0, "epsilon": 0.1} | IN_ROOT, {"s": 0.1}),
    *(rule for kind, row in RMSPROPS.items() for rule in rmsprop(*kind, *row)),
    Rule(
        "adadelta",
        twins.adadelta,
        ("g2", "dx2"),
        {"learning_rate": 1.0, "rho": 0.95, "epsilon": 1e-6},
        optimizer=Adadelta(0.5, 0.9, 1e-3),
        converges=tuple(Adadelta(rate, 0.5, epsilon) for rate, epsilon in ((1.0, 0.1), (0.3, 1e-8), (1.0, 0.1))),
    ),
    Rule("adadelta", twins.adadelta, ("g2", "dx2"), {"learning_rate": 0.3, "rho": 0.0, "epsilon": 0.1}),
    Rule(
        "delta_bar_delta",
        twins.delta_bar_delta,
        ("rate", "delta_bar"),
        DELTA,
        {"rate": 0.01},
        DeltaBarDelta(0.5, 0.05, 0.01, 0.2, 0.6),
        (DeltaBarDelta(1.0, 0.1, 0.01), DeltaBarDelta(1.0, 0.0003, 0.00003), DeltaBarDelta(1.0, 0.1, 0.01)),
    ),
    Rule(
        "delta_bar_delta",
        twins.delta_bar_delta,
        ("rate", "delta_bar"),
        {"learning_rate": 0.5, "kappa": 0.1, "phi": 0.9, "theta": 0.0},
    ),
    Rule(
        "rprop",
        twins.rprop,
        ("size", "g0"),
        RPROP,
        {"size": 1.0},
        Rprop(0.01, 0.4, 1.3, 1e-3, 0.1),
        three(Rprop, 0.1, 0.01, 0.1),
    ),
    Rule("rprop", twins.rprop, ("size", "g0"), RPROP | {"learning_rate": 0.3, "min_step": 0.2, "max_step": 0.5}),
    Rule(
        "adam",
        twins.adam,
        ("m", "v"),
        ADAM,
        optimizer=Adam(0.01, beta_1=0.8, epsilon=1e-6),
        converges=three(Adam, 0.3, 0.003, 0.3),
    ),
    Rule("adam", twins.adam, ("m", "v"), ADAM | {"learning_rate": 0.3, "beta_1": 0.0, "epsilon": 0.1}),
    Rule("adam", twins.adam, ("m", "v"), ADAM | {"beta_1": 0.99, "beta_2": 0.999999, "epsilon": 1e-12}),
    Rule("adam", twins.adam, ("m", "v"), ADAM | {"epsilon": 0.1} | IN_ROOT),
    *bounded("adam", twins.adam, ("m", "v")),
    *bounded("amsgrad", twins.adam, ("m", "v", "vmax")),
    *bounded("amsgrad_rising", functools.partial(twins.adam, rising=True), ("m", "v")),
    Rule(
        "amsgrad_rising",
        functools.partial(twins.adam, rising=True),
        ("m", "v"),
        ADAM,
        optimizer=Adam(0.01, amsgrad="rising", epsilon_in_root=True),
        converges=three(Adam, 0.3, 0.03, 0.1, amsgrad="rising"),
    ),
    Rule("amsgrad_rising", functools.partial(twins.adam, rising=True), ("m", "v"), ADAM | {"epsilon": 0.1} | IN_ROOT),
    Rule(
        "amsgrad",
        twins.adam,
        ("m", "v", "vmax"),
        ADAM,
        optimizer=Adam(0.01, amsgrad=True),
        converges=three(Adam, 0.3, 0.1, 0.1, amsgrad=True),
    ),
    Rule("amsgrad", twins.adam, ("m", "v", "vmax"), ADAM | {"beta_1": 0.0, "beta_2": 0.3, "epsilon": 0.1}),
    Rule(
        "adam",
        twins.adam,
        ("m", "v"),
        ADAM,
        optimizer=AdamW(0.01, 0.1, 0.8, 0.99, 1e-6),
        converges=three(AdamW, 0.3, 0.003, 0.3, weight_decay=1e-6),
        decay=0.01,
    ),
    Rule("adam", twins.adam, ("m", "v"), ADAM | {"learning_rate": 0.3}, decay=0.7),
    Rule(
        "amsgrad",
        twins.adam,
        ("m", "v", "vmax"),
        ADAM | {"beta_2": 0.3},
        optimizer=AdamW(0.01, amsgrad=True),
        converges=three(AdamW, 0.3, 0.1, 0.1, weight_decay=1e-6, amsgrad=True),
        decay=0.01,
    ),
    Rule(
        "adabelief",
        twins.adabelief,
        ("m", "s"),
        ADABELIEF,
        optimizer=AdaBelief(0.01, 0.8, 0.9, 1e-8),
        converges=three(AdaBelief, 0.3, 0.003, 0.3),
    ),
    Rule("adabelief", twins.adabelief, ("m", "s"), PLAIN_ADAM | {"beta_1": 0.5, "beta_2": 0.3, "epsilon": 0.1}),
    Rule(
        "yogi",
        twins.yogi,
        ("m", "v"),
        YOGI,
        {"v": 1e-6},
        Yogi(0.01, 0.8, 0.9, 1e-6, 1e-3),
        three(Yogi, 0.3, 0.003, 0.3),
    ),
    Rule("yogi", twins.yogi, ("m", "v"), YOGI | {"beta_1": 0.0, "beta_2": 0.3, "epsilon": 0.1}),
    Rule(
        "ademamix",
        twins.ademamix,
        ("m1", "m2", "v"),
        ADEMAMIX,
        optimizer=AdEMAMix(0.01, 0.8, 0.9, 0.95, 2.0, 1e-6, 5, 7),
        converges=three(AdEMAMix, 0.3, 0.003, 0.3),
    ),
    Rule(
        "ademamix",
        twins.ademamix,
        ("m1", "m2", "v"),
        ADEMAMIX | {"beta_1": 0.5, "beta_3": 0.99, "alpha": 8.0, "alpha_warmup": 50.0, "beta_3_warmup": 120.0},
    ),
    Rule(
        "adan",
        twins.adan,
        ("m", "v", "n", "g0"),
        ADAN,
        optimizer=Adan(0.01, 0.9, 0.8, 0.95, 1e-6),
        converges=three(Adan, 0.3, 0.003, 0.3),
        subtracted=("g0",),
    ),
    Rule(
        "adan",
        twins.adan,
        ("m", "v", "n", "g0"),
        ADAN | {"beta_1": 0.0, "beta_2": 0.5, "beta_3": 0.9},
        subtracted=("g0",),
    ),
    Rule(
        "adamax",
        twins.adamax,
        ("m", "u"),
        PLAIN_ADAM,
        optimizer=Adamax(0.01, 0.8, 0.9, 1e-6),
        converges=three(Adamax, 0.3, 0.003, 0.3),
    ),
    Rule("adamax", twins.adamax, ("m", "u"), PLAIN_ADAM | {"beta_1": 0.0, "beta_2": 0.3, "epsilon": 0.1}),
    Rule(
        "nadam",
        twins.nadam,
        ("m", "v"),
        NADAM,
        optimizer=Nadam(0.01, 0.8, 0.9, 1e-6, 0.1),
        converges=three(Nadam, 0.3, 0.002, 0.03),
        state=(0.0,),
    ),
    Rule(
        "nadam", twins.nadam, ("m", "v"), NADAM | {"beta_1": 0.99, "beta_2": 0.9, "momentum_decay": 1.0}, state=(0.0,)
    ),
    Rule(  # cannot look ahead on bare arrays either
        "nadam_look_ahead",
        twins.nadam_look_ahead,
        ("m", "v", "theta"),
        PLAIN_ADAM,
        optimizer=Nadam(0.01, 0.8, 0.9, look_ahead=True),
    ),
    Rule(
        "radam",
        twins.radam,
        ("m", "v"),
        PLAIN_ADAM,
        optimizer=RAdam(0.01, 0.8, 0.9, 1e-6),
        converges=three(RAdam, 0.3, 0.003, 0.3),
    ),
    Rule("radam", twins.radam, ("m", "v"), PLAIN_ADAM | {"beta_1": 0.0, "beta_2": 0.6, "epsilon": 0.1}),
    Rule("radam", twins.radam, ("m", "v"), PLAIN_ADAM | {"beta_2": 0.95, "learning_rate": 0.3}),
    Rule(  # on bare arrays, as those that converge, it cannot look ahead
        "nesterov_look_ahead",
        twins.look_ahead,
        ("v", "theta"),
        {"learning_rate": 0.01, "momentum": 0.9},
        optimizer=SGD(0.05, momentum=0.9, nesterov="look_ahead"),
    ),
    *schedule_free(
        "sgd",
        [SGD_FREE, SGD_FREE | {"learning_rate": 0.3, "momentum": 0.5, "r": 1.0, "warmup_steps": 70.0}],
        SGDScheduleFree(0.1, 0.8, 0.01, 5, 0.5, 1.0),
        (0.3, 0.001, 1.0),
    ),
    *schedule_free(
        "adamw",
        [ADAM_FREE, ADAM_FREE | {"beta_2": 0.5, "epsilon": 0.1, "r": 1.0, "warmup_steps": 70.0}],
        AdamWScheduleFree(0.02, 0.8, 0.9, 1e-6, 0.01, 5, 0.5, 1.0),
        (0.3, 0.003, 0.3),
    ),
    *schedule_free(
        "radam",
        [RADAM_FREE, RADAM_FREE | {"beta_2": 0.95, "silent_sgd_phase": 0.0, "epsilon": 0.1, "weight_lr_power": 1.0}],
        RAdamScheduleFree(0.02, 0.8, 0.9, 1e-6, 0.01, False),
        (0.3, 0.01, 0.3),
    ),
    Rule(
        "prodigy",
        functools.partial(twins.prodigy, state=(0.0, 0.0, 0.0)),
        ("m", "v", "s", "x0"),
        PRODIGY,
        optimizer=Prodigy(0.5, 0.8, 0.9, 0.7, 1e-6, 0.01, 1e-3, 2.0, 1.5, True, True),
        converges=three(Prodigy, 1.0, 0.3, 1.0),
        state=(0.0, 0.0, 0.0),
        by_tensor=True,
        decays=True,
    ),
    Rule(
        "prodigy",
        functools.partial(twins.prodigy, state=(0.02, 0.03, 0.001)),
        ("m", "v", "s", "x0"),
        PRODIGY | {"growth_rate": 1.1, "safeguard_warmup": 1.0, "use_bias_correction": 1.0, "d_coef": 2.0},
        state=(0.02, 0.03, 0.001),
        by_tensor=True,
        decays=True,
    ),
    Rule(
        "lamb",
        twins.lamb,
        ("m", "v"),
        LAMB,
        optimizer=Lamb(0.01, 0.1, 0.8, 0.9, 1e-6),
        converges=three(Lamb, Cosine(0.3, 300), Cosine(0.03, 4000), Cosine(0.3, 300), weight_decay=0.0),
        by_tensor=True,
    ),
    Rule("lamb", twins.lamb, ("m", "v"), LAMB | {"learning_rate": 0.3, "weight_decay": 0.0}, by_tensor=True),
    Rule(
        "muon",
        twins.muon,
        ("m", "v"),
        MUON,
        optimizer=Muon(0.01, 0.1, matrices="all"),
        converges=three(Muon, 0.3, 0.003, 0.3, weight_decay=0.0),
    ),
    Rule(
        "soap",
        twins.soap,
        ("m", "v", "l", "r", "ql", "qr"),
        SOAP_HYPER,
        optimizer=SOAP(0.01, 0.8, 0.9, precondition_frequency=2, max_precond_dim=200),
        converges=three(SOAP, 0.3, 0.003, 0.3, weight_decay=0.0),
        decays=True,
        of_matrices=("l", "r", "ql", "qr"),
    ),
    adafactor("adafactor", ("v", "r", "c"), ADAFACTOR, Adafactor(0.01, -0.7, 1e-20, 0.1, 1.5, weight_decay=0.1)),
    adafactor(
        "adafactor",
        ("v", "r", "c"),
        ADAFACTOR | {"learning_rate": 0.3, "clip_threshold": 0.1, "relative_step": 0.0, "scale_parameter": 0.0},
    ),
    adafactor("adafactor_momentum", ("v", "r", "c", "m"), ADAFACTOR | {"momentum": 0.9}, Adafactor(0.1, momentum=0.9)),
    Rule(
        "swats",
        functools.partial(twins.swats, state=(0.0, 0.0, 0.0)),
        ("m", "v"),
        SWATS_,
        optimizer=SWATS(0.01, 0.8, 0.9, 1e-6),
        converges=(SWATS(0.3, tolerance=1e-2), SWATS(0.003), SWATS(0.3, tolerance=1e-2)),
        state=(0.0, 0.0, 0.0),
    ),
    Rule(
        "swats",
        functools.partial(twins.swats, state=(0.1, 2.0, 3.0)),
        ("m", "v"),
        SWATS_ | {"beta_1": 0.8},
        state=(0.1, 2.0, 3.0),
    ),
]
ONE_OF_EACH_RULE = list({rule.name: rule for rule in reversed(RULES) if not rule.decay}.values())
RULES_THAT_DECAY = [rule._replace(decay=decay) for rule in ONE_OF_EACH_RULE for decay in (0.01, 0.7)]
