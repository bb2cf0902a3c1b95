"""Pooling, padding and up-sampling: values and gradients over sizes, strides, padding and batches; bad input."""

import functools
import itertools

import numpy as np
import pytest
import twins

import fastopt as fo
from fastopt.layers import (
    Activation,
    AveragePooling1D,
    AveragePooling2D,
    Cropping1D,
    Cropping2D,
    Dense,
    Flatten,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    MaxPooling1D,
    MaxPooling2D,
    PReLU,
    UpSampling1D,
    UpSampling2D,
    ZeroPadding1D,
    ZeroPadding2D,
)

LAYERS = {("max", 1): MaxPooling1D, ("max", 2): MaxPooling2D, ("average", 1): AveragePooling1D}
LAYERS |= {("average", 2): AveragePooling2D}
# Places, window, strides; channels and batches go round.
GEOMETRIES = [
    ((4, 4), (2, 2), (2, 2)),
    ((5, 7), (2, 2), (2, 2)),
    ((28, 28), (2, 2), (2, 2)),
    ((7, 9), (3, 3), (2, 2)),
    ((6, 21), (3, 3), (1, 1)),
    ((5, 19), (1, 2), (1, 1)),
    ((9, 40), (2, 5), (3, 2)),
    ((8, 8), (2, 3), (4, 5)),
    ((3, 18), (3, 1), (2, 1)),
    ((17, 1), (4, 1), (3, 1)),
    ((7, 8), (7, 8), (1, 1)),
    ((1, 33), (1, 17), (1, 3)),
    ((9,), (2,), (2,)),
    ((40,), (3,), (2,)),
    ((23,), (5,), (1,)),
    ((8,), (2,), (7,)),
]
CHANNELS = (1, 2, 3, 6, 8, 16, 19)
BATCHES = (1, 2, 3, 5, 8, 17, 32, 65)


def close(got, want, dtype):
    assert got.shape == want.shape
    bound = 1e-12 if dtype == "float64" else 1e-5
    np.testing.assert_allclose(got, want, rtol=0, atol=bound * max(1, abs(want).max()))


def by_torch(twin, x, dy):
    torch = pytest.importorskip("torch")
    tensor = torch.tensor(x, requires_grad=True)
    y = twin(tensor)
    y.backward(torch.tensor(dy))
    return y.detach().numpy(), tensor.grad.numpy()


def check(layer, twin, shape, batch, rng, dtype="float64"):
    """Values and gradient of a layer; the twin takes x and dy with channels first and returns both."""
    model = fo.Sequential([layer], dtype=dtype)
    x = batch if isinstance(batch, np.ndarray) else rng.normal(size=(batch, *shape)).astype(dtype)
    y = model(x)
    dy = rng.normal(size=y.shape).astype(dtype)
    last = layer.data_format == "channels_last"
    given = (np.moveaxis(wide, -1, 1) if last else wide for wide in (x.astype("float64"), dy.astype("float64")))
    want, dx = (np.moveaxis(one, 1, -1) if last else one for one in twin(*given))
    close(y, want, dtype)
    close(model.backward(dy), dx, dtype)
    close(model.predict(x), want, dtype)


def shape_of(sizes, channels, data_format):
    return (*sizes, channels) if data_format == "channels_last" else (channels, *sizes)


def pooling_of_torch(kind, window, strides, padding):
    """Pooling where padding counts in no mean."""
    functional = pytest.importorskip("torch").nn.functional
    function = getattr(functional, f"{kind[:3].replace('ave', 'avg')}_pool{len(window)}d")

    def call(x):
        sides = []
        for size, width, step in zip(x.shape[2:], window, strides, strict=True):
            missing = max((-(-size // step) - 1) * step + width - size, 0) if padding == "same" else 0
            sides = [missing // 2, missing - missing // 2, *sides]
        if kind == "max":
            return function(functional.pad(x, sides, value=-np.inf), window, strides)
        inside = function(functional.pad(x * 0 + 1, sides), window, strides).detach()
        return function(functional.pad(x, sides), window, strides) / inside

    return call


@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("kind", ["max", "average"])
def test_pooling(kind, padding, data_format, library, isa, rng):
    channels, batches = itertools.cycle(CHANNELS), itertools.cycle(BATCHES)
    for (sizes, window, strides), dtype in itertools.product(GEOMETRIES, ["float64", "float32"]):
        if library == "numpy":
            twin = functools.partial(twins.pool, kind, window=window, strides=strides, padding=padding)
        else:
            twin = functools.partial(by_torch, pooling_of_torch(kind, window, strides, padding))
        layer = LAYERS[kind, len(sizes)](window, strides, padding, data_format)
        check(layer, twin, shape_of(sizes, next(channels), data_format), next(batches), rng, dtype)


def padded(x, *sides):
    return pytest.importorskip("torch").nn.functional.pad(x, sides)


def interpolated(x, factors):
    """As Keras does it: from the centres of pixels."""
    interpolate = pytest.importorskip("torch").nn.functional.interpolate
    return interpolate(x, scale_factor=factors, mode="bilinear", align_corners=False)


OTHERS = {
    "global average": (GlobalAveragePooling2D, {"keepdims": True}, lambda x: x.mean((2, 3), keepdim=True)),
    "global max": (GlobalMaxPooling2D, {"keepdims": True}, lambda x: x.amax((2, 3), keepdim=True)),
    "zeros": (ZeroPadding2D, {"padding": ((1, 2), (0, 3))}, lambda x: padded(x, 0, 3, 1, 2)),
    "zeros of axes": (ZeroPadding2D, {"padding": (1, 2)}, lambda x: padded(x, 2, 2, 1, 1)),
    "zeros of all sides": (ZeroPadding2D, {}, lambda x: padded(x, 1, 1, 1, 1)),
    "cropping": (Cropping2D, {"cropping": ((1, 0), (1, 2))}, lambda x: x[:, :, 1:, 1:-2]),
    "up-sampling": (UpSampling2D, {"size": (3, 2)}, lambda x: x.repeat_interleave(3, 2).repeat_interleave(2, 3)),
    "interpolation": (UpSampling2D, {"size": (3, 4), "interpolation": "bilinear"}, lambda x: interpolated(x, (3, 4))),
    "interpolation along the width": (
        UpSampling2D,
        {"size": (1, 2), "interpolation": "bilinear"},
        lambda x: interpolated(x, (1, 2)),
    ),
    "global average of series": (GlobalAveragePooling1D, {"keepdims": True}, lambda x: x.mean(2, keepdim=True)),
    "global max of series": (GlobalMaxPooling1D, {"keepdims": True}, lambda x: x.amax(2, keepdim=True)),
    "zeros of series": (ZeroPadding1D, {"padding": (2, 1)}, lambda x: padded(x, 2, 1)),
    "cropping of series": (Cropping1D, {"cropping": 1}, lambda x: x[:, :, 1:-1]),
    "up-sampling of series": (UpSampling1D, {}, lambda x: x.repeat_interleave(2, 2)),
}


@pytest.mark.parametrize("name", OTHERS)
def test_others(name, rng):
    layer, options, twin = OTHERS[name]
    sizes = ((3, 5), (6, 4), (8, 9)) if layer.axes == 2 else ((3,), (6,), (31,))
    batches = itertools.cycle(BATCHES)
    for one, channels, data_format in itertools.product(sizes, (1, 4, 9), ("channels_last", "channels_first")):
        shape = shape_of(one, channels, data_format)
        check(layer(**options, data_format=data_format), functools.partial(by_torch, twin), shape, next(batches), rng)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_the_first_of_equals_has_the_gradient(data_format, rng):
    def whole(x, dy):
        return twins.pool("max", x, dy, (3, 3), (2, 2), "valid")

    for shape in ((6, 50, 1), (7, 9, 5)):
        shape = shape_of(shape[:2], shape[2], data_format)
        x = rng.integers(0, 3, (9, *shape)).astype(float)
        check(MaxPooling2D(3, 2, data_format=data_format), whole, shape, x, rng)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_nan_is_the_largest(data_format, rng):
    """A rectifier with slopes of NaN makes them of negative values."""
    for shape in ((6, 50, 1), (7, 9, 5)):
        shape = shape_of(shape[:2], shape[2], data_format)
        model = fo.Sequential([PReLU(), MaxPooling2D(data_format=data_format)], dtype="float64")
        model.build(shape)
        model.parameters["prelu/alpha"][...] = np.nan
        x = rng.uniform(-0.5, 1.0, (9, *shape))
        lowest = -fo.Sequential([MaxPooling2D(data_format=data_format)], dtype="float64")(-x)
        np.testing.assert_array_equal(np.isnan(model(x)), lowest < 0)


def test_same_bits_for_every_number_of_threads(for_all_threads, rng):
    x, y = rng.normal(size=(203, 12, 11, 3)).astype("float32"), rng.integers(0, 3, 203)

    def train():
        layers = [
            Activation("tanh"),
            MaxPooling2D(2, 1),
            AveragePooling2D(3, 2, "same"),
            UpSampling2D(),
            ZeroPadding2D(),
        ]
        model = fo.Sequential([*layers, Flatten(), Dense(3)], 0)
        model.compile("adam", "sparse_categorical_crossentropy")
        losses = model.fit(x, y, 50, 2, verbose=0).history["loss"]
        return [*model.get_weights(), losses, model.backward(model(x)), model.predict(x)]

    for_all_threads(train)


BAD_ARGUMENTS = [
    (lambda: MaxPooling2D(0), ValueError, "pool_size must be at least 1"),
    (lambda: MaxPooling2D((2, 3, 4)), ValueError, "pool_size must be a number or 2"),
    (lambda: MaxPooling1D((2, 3)), ValueError, "pool_size must be a number, not"),
    (lambda: AveragePooling2D(2, strides=2.0), TypeError, "strides must be an integer"),
    (lambda: AveragePooling2D(padding="full"), ValueError, "Unknown padding 'full'.*same, valid"),
    (lambda: GlobalMaxPooling2D("channels"), ValueError, "Unknown data_format 'channels'.*channels_first"),
    (lambda: GlobalMaxPooling2D(keepdims=1), TypeError, "keepdims must be True or False"),
    (lambda: ZeroPadding2D((1, 2, 3)), ValueError, "padding must be a number or two, or two pairs"),
    (lambda: ZeroPadding2D(((1, 2), (3, -1))), ValueError, r"padding\[1\]\[1\] must be at least 0"),
    (lambda: ZeroPadding1D((1, 2, 3)), ValueError, "padding must be a number or two, not"),
    (lambda: Cropping2D(-1), ValueError, "cropping must be at least 0"),
    (lambda: UpSampling2D(0), ValueError, "size must be at least 1"),
    (lambda: UpSampling2D(interpolation="cubic"), ValueError, "Unknown interpolation 'cubic'.*bilinear, nearest"),
]
BAD_SHAPES = [
    (
        MaxPooling2D(),
        (28, 28),
        r"needs samples \(n, height, width, channels\), not of shape \(n, 28, 28\): put Reshape",
    ),
    (MaxPooling2D(data_format="channels_first"), (28, 28), r"needs samples \(n, channels, height, width\)"),
    (MaxPooling2D((3, 4)), (8, 3, 16), r"has a kernel of 4 along the width, where its input has 3"),
    (MaxPooling1D(4), (3, 16), r"has a kernel of 4 along the steps, where its input has 3"),
    (Cropping2D(2), (4, 9, 1), "leaves nothing of 4 x 9 places"),
    (UpSampling1D(), (4, 9, 1), r"needs samples \(n, steps, channels\), not of shape \(n, 4, 9, 1\)\.$"),
]


@pytest.mark.parametrize(("call", "kind", "message"), BAD_ARGUMENTS, ids=[message for _, _, message in BAD_ARGUMENTS])
def test_bad_arguments(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


@pytest.mark.parametrize(("layer", "shape", "message"), BAD_SHAPES, ids=[message for _, _, message in BAD_SHAPES])
def test_bad_shapes(layer, shape, message):
    with pytest.raises(ValueError, match=message):
        fo.Sequential([layer]).build(shape)


def test_too_large_images():
    """Places of the largest values are kept in 32 bits."""
    with pytest.raises(ValueError, match="too large for pooling"):
        fo.Sequential([MaxPooling2D()]).build((50_000, 50_000, 1))


FORMS = {
    MaxPooling2D(): "MaxPooling2D()",
    MaxPooling2D((3, 3), (1, 2)): "MaxPooling2D(pool_size=3, strides=(1, 2))",
    ZeroPadding2D(((1, 1), (2, 2))): "ZeroPadding2D(padding=(1, 2))",
    ZeroPadding2D([[1, 0], [2, 2]]): "ZeroPadding2D(padding=((1, 0), (2, 2)))",
    ZeroPadding1D((1, 1)): "ZeroPadding1D()",
    UpSampling2D(data_format=None): "UpSampling2D()",
}


def test_forms_of_arguments():
    assert [repr(layer) for layer in FORMS] == [*FORMS.values()]
    assert all(type(layer).from_config(layer.get_config()) == layer for layer in FORMS)
