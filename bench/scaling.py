"""Trainings that differ in one thing at a time, so that a cost that grows faster than its work shows as a slope."""

from dataclasses import dataclass

from .kind import Point
from .training import Training

INPUTS, HIDDEN, OUTPUTS, BATCH = 784, 128, 10, 128
TURN_FLOPS, MOST_SAMPLES, LEAST_STEPS, MOST_STEPS = 20_000_000_000, 4_096, 4, 2_048

AXES = {
    "batch": "samples a batch",
    "width": "units of the hidden layer",
    "depth": "hidden layers",
    "parameters": "parameters",
    "samples": "samples",
}


@dataclass(frozen=True)
class Scaling(Training):
    """A training that is one point of ``curve``; the time is of a step, on all curves."""

    curve: str = ""
    value: int = 0
    group = "scaling"
    # After few steps at a higher rate, the loss of a wide network depends on the order of the samples.
    learning_rate = 1e-4

    @property
    def name(self) -> str:
        return f"{self.curve} {self.value}: {self.network}"

    @property
    def point(self) -> Point:
        return Point(f"training step, {self.curve}", AXES[self.curve], self.value)


def scaling(curve: str, value: int, sizes: tuple[int, ...], batch: int = BATCH, samples: int = 0) -> Scaling:
    """Of so many samples, unless they are given, and epochs that a turn is about as much work on every curve."""
    if not samples:
        steps = TURN_FLOPS // Training(sizes, batch, samples=batch, epochs=1).flops
        samples = batch * max(LEAST_STEPS, min(steps, MOST_SAMPLES // batch))
    epoch = Training(sizes, batch, samples, epochs=1)
    epochs = max(1, min(TURN_FLOPS // epoch.flops, MOST_STEPS // epoch.operations))
    return Scaling(sizes, batch, samples, epochs, curve=curve, value=value)


def parameters(width: int) -> Scaling:
    """Two hidden layers as wide as the input: products and updates grow alike, and then come out of the caches."""
    sizes = (width, width, width, OUTPUTS)
    return scaling("parameters", 2 * width * (width + 1) + (width + 1) * OUTPUTS, sizes)


SCALINGS = [
    *(scaling("batch", n, (INPUTS, HIDDEN, OUTPUTS), batch=n) for n in (1, 4, 16, 64, 256, 1024, 4096)),
    *(scaling("width", n, (INPUTS, n, OUTPUTS)) for n in (16, 64, 256, 1024, 2048)),
    *(scaling("depth", n, (INPUTS, *[HIDDEN] * n, OUTPUTS)) for n in (1, 2, 4, 8, 16)),
    *map(parameters, (16, 64, 256, 1024, 2048)),
    *(scaling("samples", n, (INPUTS, HIDDEN, OUTPUTS), samples=n) for n in (1024, 4096, 16_384, 65_536)),
]
