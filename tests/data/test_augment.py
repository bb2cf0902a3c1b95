"""Images changed at random: the geometry against SciPy, each change against its twin, and training with it."""

import copy
import json
import pickle
import re
from pathlib import Path

import numpy as np
import pytest
import twins

import fastopt as fo
from fastopt import _core
from fastopt.data import Augment, distort, rotate

ndimage = pytest.importorskip("scipy.ndimage")

SHAPES = [(1, 1), (2, 2), (3, 3), (8, 8), (28, 28), (5, 8), (9, 4), (1, 33), (40, 1), (17, 31), (28, 28, 1), (9, 16, 3)]
ANGLES = [0, 1e-3, 1, 15, 30, 44.9, 45, 60, 89.999, 90, 91, 135, 180, 270, 359, 360, 750, -7.5, -90, -450]
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)
TOLERANCE = {np.float32: 1e-6, np.float64: 1e-13}
CHANGES = {
    "nothing": {},
    "flip": {"flip": 0.5},
    "always": {"flip": 1.0},
    "crop": {"crop": 2},
    "rotation": {"rotation": 30.0},
    "distortion": {"distortion": (34.0, 4.0)},
    "rough": {"distortion": (2.0, 0.5)},
    "noise": {"noise": 0.5},
    "moves": {"flip": 0.5, "crop": 1, "rotation": 180.0},
    "all": {"flip": 0.3, "crop": 1, "rotation": 15.0, "distortion": (20.0, 3.0), "noise": 0.1},
}


def digit():
    return fo.datasets.load_digits()[0][0].reshape(8, 8).astype(np.float64)


def test_known_values():
    i, j = np.mgrid[:8, :8]
    assert rotate(digit(), 15).sum() == pytest.approx(15.755314157812947, rel=1e-14)
    assert distort(digit(), 0.5 * np.cos(i), 0.7 * np.sin(j)).sum() == pytest.approx(17.13848719076927, rel=1e-14)


@every_shape
@pytest.mark.parametrize("angle", ANGLES)
def test_rotation_is_scipys(isa, dtype, shape, angle, rng):
    images = rng.uniform(size=(3, *shape)).astype(dtype)
    got = rotate(images, angle)
    assert got.dtype == dtype
    want = ndimage.rotate(images.astype(np.float64), angle, axes=(2, 1), order=1, reshape=False)
    np.testing.assert_allclose(got, want, rtol=0, atol=TOLERANCE[dtype])


@pytest.mark.parametrize("size", [1, 2, 3, 8, 28, 31])
def test_right_angles_are_exact(dtype, size, rng):
    images = rng.normal(size=(2, size, size)).astype(dtype)
    for quarters in range(-4, 9):
        np.testing.assert_array_equal(rotate(images, 90.0 * quarters), np.rot90(images, quarters, (1, 2)))


@every_shape
@pytest.mark.parametrize("size", [0.0, 0.3, 2.0, 100.0])
def test_distortion_is_scipys(isa, dtype, shape, size, rng):
    images = rng.uniform(size=(3, *shape)).astype(dtype)
    dy, dx = (size * rng.normal(size=(2, 3, *shape[:2]))).astype(dtype)
    got = distort(images, dy, dx)
    grid = np.mgrid[: shape[0], : shape[1]].astype(np.float64)
    for image, y, x, result in zip(images.reshape(3, *shape[:2], -1), dy, dx, got, strict=True):
        for channel, there in zip(
            np.moveaxis(image, -1, 0), np.moveaxis(result.reshape(image.shape), -1, 0), strict=True
        ):
            want = ndimage.map_coordinates(channel.astype(np.float64), [grid[0] + y, grid[1] + x], order=1)
            np.testing.assert_allclose(there, want, rtol=0, atol=TOLERANCE[dtype])


def test_one_field_for_all_images(rng):
    images, (dy, dx) = rng.uniform(size=(4, 6, 5)), rng.normal(size=(2, 6, 5))
    np.testing.assert_array_equal(distort(images, dy, dx)[2], distort(images[2], dy, dx))


@pytest.mark.parametrize(
    ("shape", "name"),
    [(shape, name) for shape in SHAPES for name, given in CHANGES.items() if given.get("crop", 0) < min(shape[:2])],
    ids=str,
)
def test_changes_are_those_of_the_twin(isa, dtype, shape, name, rng):
    images = rng.uniform(size=(5, *shape)).astype(dtype)
    got = Augment(**CHANGES[name])(images, seed=2**63 + 1, epoch=3)
    want = twins.augmented(images.reshape(5, *shape[:2], -1), 2**63 + 1, 3, range(5), **CHANGES[name])
    # Places in a field are sums that are rounded to T.
    tolerance = {np.float32: 1e-5, np.float64: 1e-12}[dtype]
    np.testing.assert_allclose(got.reshape(want.shape), want, rtol=0, atol=tolerance)


def test_fields_are_those_of_scipys_filter():
    field = twins.smooth_field(0, 40, 30, 4.0)
    numbers = 2 * twins.uniform(twins.KEY, 0, 74 * 64, np.float64).reshape(74, 64) - 1
    np.testing.assert_allclose(field, ndimage.gaussian_filter(numbers, 4.0, radius=17)[17:-17, 17:-17], atol=1e-14)


def test_statistics():
    """A flip in half of the samples, all offsets and angles alike often, noise of its deviation."""
    x = np.zeros((4000, 9, 9), np.float32)
    x[:, 4, 4] = 1
    moved = Augment(crop=1)(x).reshape(4000, -1)
    counts = np.bincount(moved.argmax(axis=1), minlength=81).reshape(9, 9)[3:6, 3:6]
    assert counts.sum() == 4000
    assert abs(counts - 4000 / 9).max() < 5 * np.sqrt(4000 / 9)
    x[:, 4, 6] = 1
    assert abs((Augment(flip=0.25)(x)[:, 4, 2] == 1).mean() - 0.25) < 5 * np.sqrt(0.25 * 0.75 / 4000)
    noise = Augment(noise=2.0)(np.zeros((500, 10, 10)))
    assert noise.std() == pytest.approx(2, rel=0.02)
    assert abs(noise.mean()) < 0.05
    assert abs(np.corrcoef(noise.reshape(500, 100))[np.triu_indices(500, 1)]).mean() < 0.1


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.int64, np.bool_, np.float32, np.float64])
def test_every_dtype_of_images(kind, rng):
    images = rng.integers(0, 2, size=(3, 6, 5)).astype(kind)
    got = Augment(**CHANGES["moves"])(images)
    assert got.dtype == (np.float64 if kind is np.float64 else np.float32)
    np.testing.assert_array_equal(got, Augment(**CHANGES["moves"])(images.astype(got.dtype)))


def test_flat_rows_are_the_same_images(rng):
    images = rng.uniform(size=(3, 6, 5, 2))
    flat = Augment(shape=(6, 5, 2), rotation=20)(images.reshape(3, -1))
    np.testing.assert_array_equal(flat.reshape(images.shape), Augment(rotation=20)(images))


FUNCTIONS = {
    "Augment": lambda x, **given: Augment(**CHANGES["all"], **given)(x, 3, 2),
    "flat": lambda x, **given: Augment(shape=x.shape[1:], **given, rotation=9)(x.reshape(len(x), -1)).reshape(x.shape),
    "added": lambda x, **given: Augment(**CHANGES["all"], **given).added(x, np.zeros(len(x)))[0],
    "rotate": lambda x, **given: rotate(x, 20, **given),
    "distort": lambda x, **given: distort(x, np.full((6, 5), 0.3), np.full((6, 5), -0.8), **given),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("channels", [1, 3, 7])
def test_channels_first_are_channels_last(name, channels, rng):
    call, last = FUNCTIONS[name], rng.uniform(size=(3, 6, 5, channels))
    first = np.ascontiguousarray(np.moveaxis(last, 3, 1))
    got = call(first, data_format="channels_first")
    assert got.flags.c_contiguous
    np.testing.assert_array_equal(np.moveaxis(got, 1, 3), call(last, data_format="channels_last"))
    np.testing.assert_array_equal(call(last), call(last, data_format="channels_last"))
    if channels < 5:
        with pytest.raises(ValueError, match=r"looks like \(channels, height, width\): say so by data_format"):
            call(first)


def test_channels_first_in_fit(rng):
    """No layer is trained with channels that were taken for something else."""
    x, y = rng.uniform(size=(8, 3, 6, 5)), np.zeros(8)
    conv = fo.layers.Conv2D(2, 3, data_format="channels_first")
    model = fo.Sequential([conv, fo.layers.Flatten(), fo.layers.Dense(1)])
    model.compile("adam", "mse")
    for augment, message in ((Augment(rotation=9), "looks like"), (Augment(data_format="channels_first"), "added")):
        with pytest.raises(ValueError, match=message):
            model.fit(x, y, augment=augment, verbose=0)
    assert not model.built
    model.fit(*Augment(rotation=9, data_format="channels_first").added(x, y), verbose=0)


def test_threads(rng, for_all_threads):
    images = rng.uniform(size=(203, 28, 28))
    for_all_threads(
        lambda: [Augment(**CHANGES["all"])(images), rotate(images, 10), distort(images, images[0], images[1])]
    )


def test_added_samples(rng):
    x, y, weight = rng.integers(0, 255, (7, 16)).astype(np.uint8), np.arange(7), rng.uniform(size=7)
    augment = Augment(shape=(4, 4), rotation=40)
    more, labels, weights = augment.added(x, y, weight, copies=2, seed=5)
    np.testing.assert_array_equal(more, np.concatenate([x, augment(x, 5, 0), augment(x, 5, 1)]))
    np.testing.assert_array_equal(labels, np.tile(y, 3))
    np.testing.assert_array_equal(weights, np.tile(weight, 3))
    assert len(augment.added(x, list("abcdefg"))) == 2


# Training


def model_of(features, *before, seed=3):
    model = fo.Sequential([*before, fo.layers.Dense(6, "tanh"), fo.layers.Dense(3)], seed=seed)
    model.compile(fo.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    model.build(features)
    return model


def data(rng, kind=np.float32, n=50):
    return rng.integers(0, 255, (n, 30)).astype(kind), rng.integers(0, 3, n)


AUGMENT = Augment(shape=(6, 5), flip=0.5, crop=1, rotation=20, distortion=(3, 2), noise=0.5)


@pytest.mark.parametrize("kind", [np.uint8, np.int32, np.float32, np.float64])
@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("shuffle", [False, True])
def test_training_sees_what_a_call_returns(kind, scaled, shuffle, rng):
    """A fit that changes the samples goes the way of fits, an epoch each, on samples that were changed before."""
    x, y = data(rng, kind)
    before = [fo.preprocessing.Standardizer().fit(x)] if scaled else []
    one, other = model_of(30, *before), model_of(30, *before)
    one.fit(x, y, batch_size=16, epochs=3, shuffle=shuffle, augment=AUGMENT, verbose=0)
    for epoch in range(3):
        changed = AUGMENT(x.astype(np.float32), seed=3, epoch=epoch)
        other.fit(changed, y, batch_size=16, epochs=1, shuffle=shuffle, verbose=0)
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_convolutions_see_what_a_call_returns(rng):
    """Images keep their axes; the shape is that of the samples."""
    x, y = rng.integers(0, 255, (30, 6, 5, 2)).astype(np.uint8), rng.integers(0, 3, 30)
    augment = Augment(flip=0.5, crop=1, rotation=20, distortion=(3, 2), noise=0.5)

    def model():
        layers = [fo.layers.Conv2D(4, 3, padding="same", activation="relu"), fo.layers.MaxPooling2D()]
        model = fo.Sequential([fo.layers.Rescaling(1 / 255), *layers, fo.layers.Flatten(), fo.layers.Dense(3)], seed=3)
        model.compile("adam", "sparse_categorical_crossentropy")
        return model

    one, other = model(), model()
    one.fit(x, y, batch_size=8, epochs=2, augment=augment, verbose=0)
    for epoch in range(2):
        other.fit(augment(x.astype(np.float32), 3, epoch), y, batch_size=8, epochs=1, verbose=0)
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_every_number_of_threads(rng, for_all_threads):
    x, y = data(rng, np.uint8, 700)

    def run():
        model = fo.Sequential([fo.layers.Dense(200, "relu"), fo.layers.Dense(3)], seed=1)
        model.compile("adam", "sparse_categorical_crossentropy")
        model.fit(x, y, batch_size=256, epochs=2, augment=AUGMENT, verbose=0)
        return model.get_weights()

    for_all_threads(run)


def test_the_batch_does_not_matter(rng):
    """Without a step, all batches see the same images."""
    x, y = data(rng)
    losses = []
    for size in (7, 50):
        model = model_of(30)
        model.compile(fo.optimizers.SGD(0.0), "sparse_categorical_crossentropy")
        losses.append(model.fit(x, y, batch_size=size, epochs=2, augment=AUGMENT, verbose=0).history["loss"])
    np.testing.assert_allclose(*losses, rtol=1e-6)
    assert losses[0][0] != losses[0][1]


def test_training_that_goes_on_is_undisturbed(rng, tmp_path):
    x, y = data(rng)
    whole, part = model_of(30), model_of(30)
    whole.fit(x, y, epochs=4, augment=AUGMENT, verbose=0)
    part.fit(x, y, epochs=2, augment=AUGMENT, verbose=0)
    part.save(tmp_path / "model")
    loaded = fo.load_model(tmp_path / "model")
    loaded.fit(x, y, epochs=4, initial_epoch=2, augment=AUGMENT, verbose=0)
    for a, b in zip(whole.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_iterable_sees_the_samples_of_arrays(rng):
    x, y = data(rng)
    arrays, batches = model_of(30), model_of(30)
    arrays.fit(x, y, batch_size=16, epochs=2, shuffle=False, augment=AUGMENT, verbose=0)
    parts = [(x[i : i + 16], y[i : i + 16]) for i in range(0, 50, 16)]
    batches.fit(parts, epochs=2, shuffle=False, augment=AUGMENT, verbose=0)
    for a, b in zip(arrays.get_weights(), batches.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_weights_and_validation(rng):
    """Samples weigh what they did, and those of validation stay as they are."""
    x, y = data(rng)
    weight = rng.uniform(size=50)
    one, other = model_of(30), model_of(30)
    history = one.fit(x, y, sample_weight=weight, validation_data=(x, y), augment=AUGMENT, verbose=0)
    other.fit(AUGMENT(x, seed=3), y, sample_weight=weight, verbose=0)
    assert history.history["val_loss"][-1] == other.evaluate(x, y)["loss"]


def test_several_inputs(rng):
    a, b = fo.Input(30), fo.Input(4)
    x, y = data(rng)
    other = rng.normal(size=(50, 4)).astype(np.float32)

    def made():
        both = fo.layers.Concatenate()([fo.layers.Dense(5)(a), fo.layers.Dense(5)(b)])
        model = fo.Model([a, b], fo.layers.Dense(3)(both), seed=3)
        model.compile("adam", "sparse_categorical_crossentropy")
        return model

    one, two = made(), made()
    one.fit([x, other], y, augment=[AUGMENT, None], verbose=0)
    two.fit([AUGMENT(x, seed=3), other], y, verbose=0)
    for p, q in zip(one.get_weights(), two.get_weights(), strict=True):
        np.testing.assert_array_equal(p, q)
    with pytest.raises(ValueError, match="2 inputs"):
        one.fit([x, other], y, augment=AUGMENT, verbose=0)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"flip": 1.5}, ValueError, "probability"),
        ({"flip": -0.1}, ValueError, "at least 0"),
        ({"flip": np.nan}, ValueError, "finite"),
        ({"crop": -1}, ValueError, "at least 0"),
        ({"crop": 1.5}, TypeError, "integer"),
        ({"rotation": 181}, ValueError, "180"),
        ({"rotation": "15"}, TypeError, "number"),
        ({"distortion": 3}, TypeError, "list"),
        ({"distortion": (3,)}, ValueError, "alpha, sigma"),
        ({"distortion": (3, 0)}, ValueError, "more than 0"),
        ({"noise": -1}, ValueError, "at least 0"),
        ({"shape": (28,)}, ValueError, "height, width"),
        ({"shape": (28, 0)}, ValueError, "at least 1"),
        ({"shape": 784}, TypeError, "list"),
        ({"data_format": "channel_first"}, ValueError, "Did you mean 'channels_first'"),
    ],
)
def test_bad_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        Augment(**arguments)


def test_bad_images(rng):
    x, y = data(rng)
    with pytest.raises(ValueError, match="sees no image"):
        Augment()(x)
    with pytest.raises(ValueError, match="is for others"):
        Augment(shape=(5, 5))(x)
    with pytest.raises(ValueError, match="out of sight"):
        Augment(shape=(6, 5), crop=5)(x)
    with pytest.raises(ValueError, match="not finite"):
        Augment(shape=(1, 1))([[np.nan]])
    with pytest.raises(ValueError, match="too large"):
        Augment(shape=(2**14, 2**14))(np.broadcast_to(np.float32(0), (1, 2**28)))
    model = model_of(30)
    before = model.get_weights()
    for wrong, error, message in (
        (Augment(), ValueError, "sees no image"),
        (Augment(shape=(7, 5)), ValueError, "is for others"),
        ("flip", TypeError, r"augment must be a fastopt\.data\.Augment, not 'flip'"),
        (len, TypeError, r"augment must be a fastopt\.data\.Augment, not <built-in"),
        ([3], TypeError, r"augment must be a fastopt\.data\.Augment, not 3"),
    ):
        with pytest.raises(error, match=message):
            model.fit(x, y, augment=wrong, verbose=0)
    model.compile(fo.solvers.LBFGS(), "sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match=r"Augment\.added"):
        model.fit(x, y, augment=AUGMENT, verbose=0)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(ValueError, match="one for each of 50"):
        AUGMENT.added(x, y[:4])
    with pytest.raises(ValueError, match="expected"):
        rotate(x[0], 3)
    with pytest.raises(ValueError, match="dy has shape"):
        distort(np.zeros((4, 4)), np.zeros((3, 4)), np.zeros((4, 4)))


def test_the_core_refuses_too():
    network = model_of(30)._built.network
    epoch = _core.Epoch(
        network, [_core.Goal("mean_squared_error")], np.zeros((2, 30), np.float32), np.zeros((2, 3), np.float32)
    )
    how = _core.Augmentation("float32", (5, 5, 1), 0, 0, 0, 0, 1, 0)
    with pytest.raises(ValueError, match="another size"):
        epoch.augment([how], 0, 0, 0)
    with pytest.raises(ValueError, match="list of 1"):
        epoch.augment([], 0, 0, 0)
    with pytest.raises(ValueError, match="out of its range"):
        _core.Augmentation("float32", (5, 5, 1), 2, 0, 0, 0, 1, 0)


@pytest.mark.parametrize(
    "augment", [Augment(), AUGMENT, Augment([3, 4, 1], distortion=[1, 2], data_format="channels_first")], ids=repr
)
def test_value(augment):
    config = json.loads(json.dumps(augment.get_config()))
    others = [eval(repr(augment)), Augment.from_config(config), copy.deepcopy(augment)]
    for other in [*others, pickle.loads(pickle.dumps(augment))]:
        assert other == augment
        assert repr(other) == repr(augment)
    assert augment != Augment(noise=3)


def test_examples_of_the_page():
    page = (Path(__file__).resolve().parents[2] / "docs/augmentation.md").read_text()
    names = {}
    for example in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(example, names)
    assert names["model"].history.history["val_accuracy"][-1] > 0.85
    assert len(names["more_x"]) == 4000
