"""The table of what is measured. Add a line to measure more."""

from itertools import pairwise

from .call import Call
from .coding import Coding
from .conv import Conv
from .curvature import curvature
from .estimators import ESTIMATORS
from .full_batch import full_batch
from .images import Images
from .kernel import NORMS, POOLINGS, Kernel
from .kind import Kind
from .logistic import Logistic
from .models import Models
from .peers.numpy.activations import ACTIVATIONS
from .predict import Predict
from .product import Pass, Product
from .scaling import SCALINGS
from .solve import Solve
from .sparse import Sparse
from .threads import Threads
from .training import Training
from .update import SLOTS, SPLIT, Update

TRAININGS = [
    Training((4, 32, 32, 2), batch=32, samples=16_384, epochs=10),
    Training((784, 64, 16, 10), batch=64, samples=16_384, epochs=5),
    Training((28, 300, 300, 2), batch=256, samples=32_768, epochs=3),
    Training((784, 1024, 1024, 10), batch=128, samples=4_096, epochs=3),
]

# More networks, whose layers are not measured one by one.
NETWORKS = [
    Training((784, 128, 10), batch=128, samples=16_384, epochs=5),
    Training((64, *[128] * 10, 5), batch=100, samples=16_000, epochs=5),
    Training((28, *[128] * 10, 2), batch=500, samples=16_000, epochs=5, dropout=0.1),
    Training((784, 256, 256, 10), batch=128, samples=16_384, epochs=3, batch_norm=True),
    Training((4, 32, 16, 4), batch=10_000, samples=10_000, epochs=300, activation="tanh"),
    Training((4, 32, 32, 2), batch=1, samples=4_096, epochs=5),
    *(
        Training((54, *[width] * 3, 7), batch, samples=16_384, epochs=4)  # tables
        for width in (256, 624)
        for batch in (256, 1_024)
    ),
    Training((17, 64, 64, 6), batch=64, samples=16_384, epochs=8, activation="tanh"),  # policies, as in PPO
    Training((23, 256, 256, 1), batch=256, samples=16_384, epochs=5, regression=True),  # critics, as in SAC
]
THREADS = [Threads(**vars(training)) for training in (*TRAININGS, *NETWORKS)]

IMAGES = [Images(batch=128, samples=4_096, epochs=2)]

MODELS = [
    Models(training, 64, way)
    for training in (
        Training((4, 32, 32, 2), batch=32, samples=1_024, epochs=5),
        Training((784, 64, 16, 10), batch=64, samples=1_024, epochs=2),
    )
    for way in ("one by one", "side by side")
]

PREDICTIONS = [
    Predict((784, 64, 16, 10), samples=1),
    Predict((784, 64, 16, 10), samples=10_000),
    Predict((28, 300, 300, 2), samples=1),
    Predict((28, 300, 300, 2), samples=100_000),
]

CALLS = [
    Call((4, 64, 64, 2), batch=32, samples=32, epochs=1_000),
    Call((4, 64, 64, 2), batch=32, samples=32, epochs=1_000, regression=True, way="own loop"),
]

# Of the sizes of scikit-learn's digits (more iterations leave nothing) and diabetes, and one with more samples.
FULL_BATCH = [
    full_batch((64, 100, 10), samples=1_797, iterations=30),
    full_batch((10, 100, 1), samples=442, iterations=200, regression=True),
    full_batch((28, 100, 2), samples=20_000, iterations=60),
]
SPARSE = [Sparse((50_000, 100, 20), batch=200, samples=10_000, epochs=1)]
CODING = [Coding(penalty) for penalty in (1.0, 0.2, 0.05)]
LOGISTIC = [Logistic("lbfgs"), Logistic("newton-cg")]
SOLVES = [Solve("L-BFGS-B", 10_000), Solve("BFGS", 500)]
CURVATURES = [
    curvature((28, 300, 300, 2), samples=10_000, calls=3, way="gradient"),
    curvature((28, 300, 300, 2), samples=10_000, calls=3, way="Hessian product"),
]

PASSES: tuple[Pass, ...] = ("forward", "backward_input", "backward_kernel")
SQUARES = [
    *(Product(which, n, n, n) for n in (96, 128, 192, 256, 384, 512, 1024) for which in PASSES),
    Product("forward", 2048, 2048, 2048),
]
FLAT = [Product("forward", m, k, n) for m in (1, 2, 4, 8) for k in (64, 256, 1024) for n in (64, 256, 1024)]
NARROW = [Product(which, 4096, 256, n) for n in (2, 16) for which in PASSES]

LAYERS = [
    Product(which, training.batch, inputs, outputs)
    for training in TRAININGS
    for layer, (inputs, outputs) in enumerate(pairwise(training.sizes))
    for which in PASSES
    if layer or which != "backward_input"
]

CONVS = [
    Conv(which, batch, size, channels, filters, kernel)
    for batch, size, channels, filters, kernel in (
        (32, 28, 64, 64, 3),
        (32, 28, 64, 64, 1),
        (128, 28, 1, 6, 5),
        (32, 14, 256, 256, 3),
    )
    for which in ("forward", "both")
]

DECADES = [10**power for power in range(3, 8)]
CLASSES = [(256, 10), (65_536, 10), (256, 1_000)]
ACTIVATION_SIZES = {
    name: DECADES if name in ("relu", "tanh", "gelu") else DECADES[::2] for name in ACTIVATIONS if name != "linear"
}

KERNELS = [
    *(Kernel("activation", (size,), name) for name, sizes in ACTIVATION_SIZES.items() for size in sizes),
    *(Kernel("activation", shape, "softmax") for shape in CLASSES),
    Kernel("PReLU", (256, 512)),
    *(Kernel("softmax cross-entropy", shape) for shape in CLASSES),
    *(Kernel("dropout", (size // 1_000, 1_000)) for size in DECADES),
    *(Kernel(norm, (256, features)) for norm in NORMS[:3] for features in (64, 256, 512, 1024)),
    *(Kernel(norm, (256, features // 16, 16)) for norm in NORMS[3:] for features in (256, 512, 1024)),
    *(Kernel(norm, (262_144, 256)) for norm in NORMS[:3]),
    *(Kernel(norm, (16_384, 64, 64)) for norm in NORMS[3:]),
    *(Kernel(pooling, shape) for pooling in POOLINGS for shape in ((128, 24, 24, 6), (32, 28, 28, 64))),
    *(Kernel("dense", (128, 64, 64), name) for name in ACTIVATIONS),
    *(Kernel("dense", (256, 512, 512), name) for name in ("linear", "relu", "tanh", "gelu")),
]

UPDATES = [
    *(Update("adam", tensors=1, size=10**power) for power in range(3, 9)),
    *(Update("adam", tensors, SPLIT // tensors) for tensors in (1, 8, 100, 1_000)),
    *(Update(name, tensors=8, size=12_500) for name in SLOTS),
    *(Update(name, tensors=1, size=10**7) for name in SLOTS if name != "adam"),
]

ALL: list[Kind] = [
    *TRAININGS,
    *NETWORKS,
    *IMAGES,
    *MODELS,
    *PREDICTIONS,
    *CALLS,
    *ESTIMATORS,
    *FULL_BATCH,
    *SPARSE,
    *CODING,
    *LOGISTIC,
    *SOLVES,
    *CURVATURES,
    *SCALINGS,
    *THREADS,
    *SQUARES,
    *FLAT,
    *NARROW,
    *LAYERS,
    *CONVS,
    *KERNELS,
    *UPDATES,
]
ROWS = {row.name: row for row in ALL}


def select(only: str) -> list[Kind]:
    """The rows or groups of these names, between commas, or that have them in their names; all for an empty text."""
    words = [word.strip() for word in only.split(",") if word.strip()]
    whole = ROWS.keys() | {row.group for row in ROWS.values()}

    def chosen(row: Kind, word: str) -> bool:
        return word in (row.name, row.group) if word in whole else word in row.name

    return [row for row in ROWS.values() if not words or any(chosen(row, word) for word in words)]
