from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...kind import Job
from ...training import BETA_1, BETA_2, EPSILON, LEARNING_RATE
from ...update import (
    ADADELTA_EPSILON,
    ADADELTA_RATE,
    DECAY,
    FAST_BETA_2,
    KAPPA,
    LAMB_EPSILON,
    LION_BETA_2,
    MOMENTUM,
    PHI,
    RHO,
    SLOTS,
    START,
    THETA,
    Arrays,
    Update,
    UpdateData,
    job,
)

PIECE = 16_384

Array = NDArray[Any]


class Rule:
    """A step in pieces that stay in cache: ``begin`` has what depends on the step, ``piece`` the rest."""

    start = 0.0  # of the first slot
    beta_2 = BETA_2

    def __init__(self, parameters: Array, gradient: Array, slots: int = 2) -> None:
        arrays = [parameters, gradient, *(np.zeros_like(parameters) for _ in range(slots))]
        if slots:
            arrays[2].fill(self.start)
        scratch = [np.empty_like(parameters[:PIECE]) for _ in range(2)]
        self.step = 0
        self.pieces = [
            tuple(array[start : start + PIECE] for array in arrays) for start in range(0, parameters.size, PIECE)
        ]
        self.pieces = [(w, g, *(a[: w.size] for a in scratch), *slots) for w, g, *slots in self.pieces]

    def begin(self) -> None:
        """Adam's rate and epsilon, with the corrections of both means in them."""
        second = (1 - self.beta_2**self.step) ** 0.5
        self.rate, self.epsilon = LEARNING_RATE * second / (1 - BETA_1**self.step), EPSILON * second

    def update(self) -> None:
        self.step += 1
        self.begin()
        for piece in self.pieces:
            self.piece(*piece)

    def piece(self, w: Array, g: Array, a: Array, b: Array, *slots: Array) -> None:
        raise NotImplementedError


def keep(mean: Array, value: Array, part: float, scratch: Array) -> None:
    """mean <- part mean + (1 - part) value; the scratch may be the value."""
    np.multiply(value, 1 - part, out=scratch)
    mean *= part
    mean += scratch


class SGD(Rule):
    def piece(self, w: Array, g: Array, a: Array, b: Array) -> None:
        w -= np.multiply(g, LEARNING_RATE, out=a)


class Momentum(Rule):
    def piece(self, w: Array, g: Array, a: Array, b: Array, v: Array) -> None:
        v *= MOMENTUM
        v -= np.multiply(g, LEARNING_RATE, out=a)
        w += v


class Nesterov(Rule):
    def piece(self, w: Array, g: Array, a: Array, b: Array, v: Array) -> None:
        np.multiply(g, LEARNING_RATE, out=a)
        v *= MOMENTUM
        v -= a
        w -= a
        w += np.multiply(v, MOMENTUM, out=a)


class Adagrad(Rule):
    start = START

    def piece(self, w: Array, g: Array, a: Array, b: Array, s: Array) -> None:
        s += np.multiply(g, g, out=a)
        np.sqrt(s, out=a)
        a += EPSILON
        np.divide(g, a, out=a)
        a *= LEARNING_RATE
        w -= a


class Adadelta(Rule):
    def piece(self, w: Array, g: Array, a: Array, b: Array, g2: Array, dx2: Array) -> None:
        keep(g2, np.multiply(g, g, out=a), RHO, a)
        np.add(dx2, ADADELTA_EPSILON, out=a)
        a /= np.add(g2, ADADELTA_EPSILON, out=b)
        np.sqrt(a, out=a)
        a *= g
        keep(dx2, np.multiply(a, a, out=b), RHO, b)
        w -= a if ADADELTA_RATE == 1 else np.multiply(a, ADADELTA_RATE, out=a)


class RMSprop(Rule):
    def piece(self, w: Array, g: Array, a: Array, b: Array, s: Array) -> None:
        keep(s, np.multiply(g, g, out=a), RHO, a)
        np.sqrt(s, out=a)
        a += EPSILON
        np.divide(g, a, out=a)
        a *= LEARNING_RATE
        w -= a


class Adam(Rule):
    def means(self, g: Array, a: Array, m: Array, v: Array) -> None:
        keep(m, g, BETA_1, a)
        keep(v, np.multiply(g, g, out=a), self.beta_2, a)

    def descend(self, w: Array, m: Array, v: Array, a: Array, b: Array) -> None:
        np.sqrt(v, out=a)
        a += self.epsilon
        np.multiply(m, self.rate, out=b)
        b /= a
        w -= b

    def piece(self, w: Array, g: Array, a: Array, b: Array, m: Array, v: Array) -> None:
        self.means(g, a, m, v)
        self.descend(w, m, v, a, b)


class AMSGrad(Adam):
    beta_2 = FAST_BETA_2

    def piece(self, w: Array, g: Array, a: Array, b: Array, m: Array, v: Array, most: Array) -> None:
        self.means(g, a, m, v)
        np.maximum(most, v, out=most)
        self.descend(w, m, most, a, b)


class AdamW(Adam):
    def piece(self, w: Array, g: Array, a: Array, b: Array, m: Array, v: Array) -> None:
        w *= 1 - LEARNING_RATE * DECAY
        super().piece(w, g, a, b, m, v)


class Adamax(Rule):
    def piece(self, w: Array, g: Array, a: Array, b: Array, m: Array, u: Array) -> None:
        keep(m, g, BETA_1, a)
        u *= BETA_2
        np.abs(g, out=a)
        a += EPSILON
        np.maximum(u, a, out=u)
        np.multiply(m, LEARNING_RATE / (1 - BETA_1**self.step), out=a)
        a /= u
        w -= a


class Nadam(Adam):
    """With the mean as it will be at the next step if the gradient is zero, and this gradient."""

    def piece(self, w: Array, g: Array, a: Array, b: Array, m: Array, v: Array) -> None:
        self.means(g, a, m, v)
        np.sqrt(v, out=a)
        a += self.epsilon
        np.multiply(m, self.rate * BETA_1 * (1 - BETA_1**self.step) / (1 - BETA_1 ** (self.step + 1)), out=b)
        b /= a
        w -= b
        np.multiply(g, self.rate * (1 - BETA_1), out=b)
        b /= a
        w -= b


class RAdam(Adam):
    beta_2 = FAST_BETA_2

    def begin(self) -> None:
        super().begin()
        limit, power = 2 / (1 - self.beta_2) - 1, self.beta_2**self.step
        r = limit - 2 * self.step * power / (1 - power)
        self.rectified = r > 5
        if self.rectified:
            self.rate *= ((r - 4) * (r - 2) * limit / ((limit - 4) * (limit - 2) * r)) ** 0.5
            self.epsilon = EPSILON

    def piece(self, w: Array, g: Array, a: Array, b: Array, m: Array, v: Array) -> None:
        self.means(g, a, m, v)
        if self.rectified:
            self.descend(w, m, v, a, b)
        else:
            w -= np.multiply(m, LEARNING_RATE / (1 - BETA_1**self.step), out=a)


class Lion(Rule):
    def piece(self, w: Array, g: Array, a: Array, b: Array, m: Array) -> None:
        np.multiply(m, BETA_1, out=a)
        a += np.multiply(g, 1 - BETA_1, out=b)
        # np.sign branches, which cannot be predicted.
        np.greater(a, 0, out=b, casting="unsafe")
        b -= np.less(a, 0, out=a, casting="unsafe")
        b *= LEARNING_RATE
        w -= b
        keep(m, g, LION_BETA_2, a)


class DeltaBarDelta(Rule):
    start = LEARNING_RATE

    def piece(self, w: Array, g: Array, a: Array, b: Array, rate: Array, bar: Array) -> None:
        np.multiply(bar, g, out=a)
        np.less(a, 0, out=b, casting="unsafe")
        b *= -PHI
        b += 1
        rate *= b
        np.greater(a, 0, out=a, casting="unsafe")
        a *= KAPPA
        rate += a
        w -= np.multiply(rate, g, out=a)
        keep(bar, g, THETA, a)


class Lamb(Adam):
    """Of one tensor: its steps are kept until their length is known."""

    def __init__(self, parameters: Array, gradient: Array, slots: int) -> None:
        super().__init__(parameters, gradient, slots)
        steps = np.empty_like(parameters)
        self.steps = [steps[start : start + PIECE] for start in range(0, steps.size, PIECE)]

    def begin(self) -> None:
        second = (1 - BETA_2**self.step) ** 0.5
        self.rate, self.epsilon = second / (1 - BETA_1**self.step), LAMB_EPSILON * second

    def update(self) -> None:
        self.step += 1
        self.begin()
        ww = uu = 0.0
        for (w, g, a, b, m, v), u in zip(self.pieces, self.steps, strict=True):
            self.means(g, a, m, v)
            np.sqrt(v, out=a)
            a += self.epsilon
            np.multiply(m, self.rate, out=u)
            u /= a
            u += np.multiply(w, DECAY, out=b)
            ww += float(w @ w)
            uu += float(u @ u)
        rate = LEARNING_RATE * (ww / uu) ** 0.5 if ww and uu else LEARNING_RATE
        for (w, *_), u in zip(self.pieces, self.steps, strict=True):
            u *= rate
            w -= u


OPTIMIZERS: dict[str, type[Rule]] = {
    "sgd": SGD,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "adagrad": Adagrad,
    "adadelta": Adadelta,
    "rmsprop": RMSprop,
    "adam": Adam,
    "amsgrad": AMSGrad,
    "adamw": AdamW,
    "adamax": Adamax,
    "nadam": Nadam,
    "radam": RAdam,
    "lion": Lion,
    "lamb": Lamb,
    "delta_bar_delta": DeltaBarDelta,
}


def prepare(row: Update, data: UpdateData) -> Job | None:
    if row.optimizer not in OPTIMIZERS:
        return None
    parameters = np.concatenate(data.params)
    gradient = np.empty_like(parameters)
    # All tensors are one vector, unless the rule tells them apart.
    parts = (np.split(array, row.tensors if row.optimizer == "lamb" else 1) for array in (parameters, gradient))
    optimizers = [OPTIMIZERS[row.optimizer](w, g, SLOTS[row.optimizer]) for w, g in zip(*parts, strict=True)]

    def take(grads: Arrays) -> None:
        np.concatenate(grads, out=gradient)

    def steps(count: int) -> None:
        for _ in range(count):
            for optimizer in optimizers:
                optimizer.update()

    return job(data, take, steps, lambda: np.split(parameters, row.tensors))
