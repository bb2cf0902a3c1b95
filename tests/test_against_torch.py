"""Every rule that PyTorch has too, step by step against it."""

import numpy as np
import pytest

from fastopt.optimizers import SGD, Adadelta, Adagrad, Adam, Adamax, AdamW, Nadam, RAdam, RMSprop

torch = pytest.importorskip("torch")

STEPS = 500
SHAPES = ((7, 5), (33,), (2, 3, 4), (1,))
SCALES = (1e-3, 1, 30, 1)
TOLERANCE = {np.float32: 1e-5, np.float64: 1e-12}

# The name in torch.optim, our optimizer (made afresh for each test), the arguments there.
ODD_BETAS = {"lr": 0.03, "betas": (0.5, 0.97), "eps": 1e-3}
ODD = {"learning_rate": 0.03, "beta_1": 0.5, "beta_2": 0.97, "epsilon": 1e-3}
BALL = {"dampen_first": False, "momentum": 0.9}
RMSPROP = {"learning_rate": 0.01, "rho": 0.99}
ODD_RMSPROP = {"learning_rate": 0.003, "rho": 0.7, "epsilon": 1e-3}
ODD_ALPHA = {"lr": 0.003, "alpha": 0.7, "eps": 1e-3}
CASES = [
    ("SGD", lambda: SGD(), {"lr": 0.01}),
    ("SGD", lambda: SGD(0.01, 0.9), {"lr": 0.01, "momentum": 0.9}),
    ("SGD", lambda: SGD(0.3, 0.99, nesterov=True), {"lr": 0.3, "momentum": 0.99, "nesterov": True}),
    ("SGD", lambda: SGD(0.1, dampening=0.0, **BALL), {"lr": 0.1, "momentum": 0.9}),
    ("SGD", lambda: SGD(0.1, dampening=0.0, nesterov=True, **BALL), {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    ("SGD", lambda: SGD(0.1, dampening=0.9, **BALL), {"lr": 0.1, "momentum": 0.9, "dampening": 0.9}),
    ("SGD", lambda: SGD(0.1, dampening=0.3, **BALL), {"lr": 0.1, "momentum": 0.9, "dampening": 0.3}),
    ("Adagrad", lambda: Adagrad(), {}),
    ("Adagrad", lambda: Adagrad(0.5, 0.1, 1e-3), {"lr": 0.5, "initial_accumulator_value": 0.1, "eps": 1e-3}),
    ("Adadelta", lambda: Adadelta(rho=0.9), {}),
    ("Adadelta", lambda: Adadelta(0.1, 0.5, 1e-2), {"lr": 0.1, "rho": 0.5, "eps": 1e-2}),
    ("RMSprop", lambda: RMSprop(**RMSPROP), {}),
    ("RMSprop", lambda: RMSprop(**ODD_RMSPROP), ODD_ALPHA),
    ("RMSprop", lambda: RMSprop(**RMSPROP, momentum=0.9), {"momentum": 0.9}),
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
    ("AdamW", lambda: AdamW(), {}),
    ("AdamW", lambda: AdamW(weight_decay=0.3, **ODD), ODD_BETAS | {"weight_decay": 0.3}),
    ("AdamW", lambda: AdamW(amsgrad=True, **ODD), ODD_BETAS | {"amsgrad": True}),
    ("Adamax", lambda: Adamax(), {}),
    ("Adamax", lambda: Adamax(**ODD), ODD_BETAS),
    ("NAdam", lambda: Nadam(), {}),
    ("NAdam", lambda: Nadam(**ODD, momentum_decay=1.0), ODD_BETAS | {"momentum_decay": 1.0}),
    ("NAdam", lambda: Nadam(beta_1=0.999, momentum_decay=0.3), {"betas": (0.999, 0.999), "momentum_decay": 0.3}),
    ("RAdam", lambda: RAdam(), {}),
    ("RAdam", lambda: RAdam(**ODD), ODD_BETAS),
    ("RAdam", lambda: RAdam(beta_2=0.6), {"betas": (0.9, 0.6)}),
]


# In float32 PyTorch's factor 1 - lr decay is off by a part of the decay that shows after some hundred steps.
EXACT_DECAY = "AdamW()"


@pytest.fixture(autouse=True)
def scalars_in_double():
    """PyTorch keeps NAdam's product of the momenta in the default type."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize(("name", "make", "arguments"), CASES, ids=[f"{make()!r}" for _, make, _ in CASES])
def test_random_gradients(name, make, arguments, dtype, rng):
    ours = [rng.normal(size=shape).astype(dtype) for shape in SHAPES]
    optimizer = make()
    type_there = torch.float64 if repr(optimizer) == EXACT_DECAY or dtype == np.float64 else torch.float32
    theirs = [torch.tensor(w, dtype=type_there, requires_grad=True) for w in ours]
    peer = getattr(torch.optim, name)(theirs, foreach=False, **arguments)
    for _ in range(STEPS):
        grads = [(scale * rng.normal(size=w.shape)).astype(dtype) for scale, w in zip(SCALES, ours, strict=True)]
        for tensor, g in zip(theirs, grads, strict=True):
            tensor.grad = torch.tensor(g, dtype=type_there)
        optimizer.update(ours, grads)
        peer.step()
    for w, tensor in zip(ours, theirs, strict=True):
        expected = tensor.detach().numpy()
        assert np.isfinite(expected).all()
        assert np.abs(w - expected).max() <= TOLERANCE[dtype] * np.abs(expected).max()
