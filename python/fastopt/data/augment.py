"""Images changed at random: as training goes, as added samples, or to look at; and the geometry by itself."""

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt import _core
from fastopt.core import checks
from fastopt.core.registry import Described, word
from fastopt.data.splits import checked_targets

__all__ = ["Augment", "distort", "rotate"]

Real: TypeAlias = NDArray[np.float32] | NDArray[np.float64]
Shape: TypeAlias = tuple[int, ...]

MOST = 2**20  # pixels along an axis, as the core keeps coordinates in 32 bits
MOST_CHANNELS = 4  # that an image has, where its shape is to say which axis is theirs
MOST_SIGMA = 256  # fields are made with eight times as many pixels around them
COUNTER = 2**32  # epochs
SEEDS = 2**64


class Augment(Described):
    """Random changes of images, for training: each sample of each epoch has its own.

    An image is mirrored from left to right with the probability `flip`; moved by whole pixels from U{-crop, ..., crop}
    along each axis, as if a place were cropped at random from the image with `crop` zeros around it; turned about its
    centre by an angle from U(-rotation, rotation); and distorted. All that is one mapping: a pixel at i, j takes what
    the image has at

        (c, d) + R(phi) (i - c, j - d) + (m, n) + (u_ij, v_ij)

    with the centre (c, d), the offset (m, n) and the fields u and v, between four pixels by bilinear interpolation, and
    0 beyond the outermost pixels. Then noise from N(0, noise^2) is added to each number. Nothing is clipped.

    A field is alpha times numbers from U(-1, 1) at all pixels, convolved with a Gaussian of the standard deviation
    sigma (in pixels): displacements of about alpha / (6.1 sigma), so 1.4 pixels for Simard's values. Two fields are
    made once, 128 pixels larger along both axes than an image, and each sample takes a part of each from a random place
    and with a random sign. Noise is the sum of two pieces of many numbers from N(0, noise^2 / 2), chosen likewise.

    Philox decides what happens to a sample by the seed, the epoch and the number of the sample; the batch, the order
    and the threads change nothing. In `fit` the seed is that of the model, the epoch the number of epochs that it was
    trained before, and the number of a sample its place in `x`, or in the epoch if `fit` is given batches: training
    that goes on from a file draws what it would have drawn. The threads that train change the rows of a batch as they
    read them; the data stay as they are, and validation data are not changed.

    Args:
        shape: ``(height, width)`` or ``(height, width, channels)`` of an image, or ``(channels, height, width)`` with
            the channels first, if samples are flat rows; None for that of the samples.
        flip: The probability of mirroring, from 0 to 1.
        crop: The most pixels to move by along an axis, at least 0.
        rotation: The largest angle, from 0 to 180 degrees; angles count against the clock.
        distortion: ``(alpha, sigma)``, at least 0, and more than 0 and at most 256; Simard et al. take ``(34, 4)`` for
            29 x 29 digits. None for none.
        noise: The standard deviation of the noise, at least 0, in the units of the images.
        data_format: ``"channels_last"``: images are ``[height, width, channels]``; or ``"channels_first"``:
            ``[channels, height, width]``, which `fit` does not take. None is ``"channels_last"``, but refuses shapes
            that look like the other, such as ``(3, 32, 32)``.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument is out of its range.

    Source:
        Simard, Steinkraus and Platt, Best practices for convolutional neural networks applied to visual document
        analysis, ICDAR 2003.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> x, y = fo.datasets.load_digits()
        >>> augment = fo.data.Augment(shape=(8, 8), crop=1, rotation=15)
        >>> augment
        Augment(shape=(8, 8), crop=1, rotation=15.0)
        >>> model = fo.Sequential([fo.layers.Dense(32, "relu"), fo.layers.Dense(10)], seed=0)
        >>> model.compile("adam", "sparse_categorical_crossentropy")
        >>> history = model.fit(x, y, epochs=3, augment=augment, verbose=0)
        >>> augment(x[:5], epoch=1).shape
        (5, 64)
    """

    def __init__(
        self,
        shape: Sequence[int] | None = None,
        flip: float = 0.0,
        crop: int = 0,
        rotation: float = 0.0,
        distortion: Sequence[float] | None = None,
        noise: float = 0.0,
        data_format: str | None = None,
    ) -> None:
        self.shape = None if shape is None else _image_shape(shape)
        self.flip = checks.real("flip", flip, 0)
        if self.flip > 1:
            raise ValueError(f"flip is a probability, at most 1, not {flip!r}.")
        self.crop = checks.integer("crop", crop, 0, MOST)
        self.rotation = checks.real("rotation", rotation, 0)
        if self.rotation > 180:
            raise ValueError(f"rotation must be at most 180 degrees, not {rotation!r}.")
        self.distortion = None if distortion is None else _distortion(distortion)
        self.noise = checks.real("noise", noise, 0)
        self.data_format = _checked_format(data_format)

    def __call__(self, x: ArrayLike, seed: int = 0, epoch: int = 0) -> Real:
        """Return changed images, as an epoch of training sees them.

        Args:
            x: Images ``[n, height, width]``, ``[n, height, width, channels]`` or as `data_format` says, or, if the
                shape is given, flat rows ``[n, height * width * channels]``, of float32, float64, integers or bool.
            seed: That of the model, 0 <= seed < 2**64.
            epoch: The number of epochs trained before, at least 0.

        Returns:
            As many images in the form of `x`, float64 if `x` is, else float32.

        Raises:
            TypeError: `x` does not hold numbers, or an argument has the wrong type.
            ValueError: The shape does not fit, or a value is NaN or infinite.
        """
        images, how = self._checked(x)
        return self._change(
            images, how, checks.integer("seed", seed, 0, SEEDS), checks.integer("epoch", epoch, 0, COUNTER)
        )

    def added(
        self, x: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None, copies: int = 1, seed: int = 0
    ) -> tuple[NDArray[Any], ...]:
        """Return the samples and behind them changed copies of all, with their targets and weights.

        The first copy is what epoch 0 sees, the second what epoch 1 does, and so on.

        Args:
            x: Images ``[n, ...]``, as a call takes them.
            y: Targets ``[n, ...]``.
            sample_weight: Weights ``[n]``.
            copies: Changed copies of each sample, at least 1.
            seed: Decides the changes, 0 <= seed < 2**64.

        Returns:
            ``(x, y)`` or, with weights, ``(x, y, sample_weight)``, of n (1 + copies) samples.

        Raises:
            TypeError: `x`, `y` or `sample_weight` does not hold numbers, or an argument has the wrong type.
            ValueError: Shapes or lengths do not fit, or a value of `x` is NaN or infinite.

        Example:
            >>> import fastopt as fo
            >>> x, y = fo.datasets.load_digits()
            >>> more_x, more_y = fo.data.Augment(shape=(8, 8), rotation=10).added(x, y, copies=2)
            >>> more_x.shape, more_y.shape
            ((5391, 64), (5391,))
        """
        images, how = self._checked(x)
        copies = checks.integer("copies", copies, 1)
        seed = checks.integer("seed", seed, 0, SEEDS)
        repeated = []
        for name, given in (("y", y), ("sample_weight", sample_weight)):
            if given is not None:
                array = checks.array(name, given) if name == "sample_weight" else checked_targets(name, given)
                if array.ndim == 0 or len(array) != len(images):
                    raise ValueError(f"{name} has shape {array.shape}; expected one for each of {len(images)} samples.")
                repeated.append(np.concatenate([array] * (1 + copies)))
        changed = [self._change(images, how, seed, epoch) for epoch in range(copies)]
        return np.concatenate([images.astype(changed[0].dtype), *changed]), *repeated

    def core(self, name: str, shape: Shape, dtype: str) -> _core.Augmentation:
        """Return what the core does to samples of this shape, which are called `name` in messages, channels last."""
        size = self._size(name, shape)
        if self.crop >= min(size[:2]):
            raise ValueError(f"crop={self.crop} moves all of an image of {size[0]} x {size[1]} pixels out of sight.")
        alpha, sigma = self.distortion or (0.0, 1.0)
        return _core.Augmentation(dtype, size, self.flip, self.crop, self.rotation, alpha, sigma, self.noise)

    def _size(self, name: str, shape: Shape) -> tuple[int, int, int]:
        """Return height, width and channels of an image."""
        if self.shape is None and len(shape) not in (2, 3):
            raise ValueError(
                f"{name} has samples of the shape {shape}, in which Augment sees no image: give it the images' shape, "
                "such as Augment(shape=(28, 28)) for flat rows of 784."
            )
        image = shape if self.shape is None else self.shape
        if len(shape) == 1 and shape[0] == math.prod(image):
            shape = image
        if image not in (shape, (*shape, 1)):
            raise ValueError(f"{name} has samples of the shape {shape}; Augment(shape={self.shape}) is for others.")
        if len(image) == 3 and _channels_first(name, image, self.data_format):
            image = (*image[1:], image[0])
        height, width, channels = (*image, 1)[:3]
        return height, width, channels

    def _checked(self, x: ArrayLike) -> tuple[NDArray[Any], _core.Augmentation]:
        images = checks.array("x", x)
        if images.ndim < 2 or not images.size:
            raise ValueError(f"x has shape {images.shape}; expected images [n, ...], at least one.")
        dtype = "float64" if images.dtype == np.float64 else "float32"
        how = self.core("x", images.shape[1:], dtype)
        checks.finite("x", images, dtype)
        return images, how

    def _change(self, images: NDArray[Any], how: _core.Augmentation, seed: int, epoch: int) -> Real:
        if self.data_format != "channels_first":
            return how(images.reshape(len(images), -1), seed, epoch).reshape(images.shape)
        height, width, channels = self._size("x", images.shape[1:])
        rows = np.moveaxis(images.reshape(-1, channels, height, width), 1, 3).reshape(len(images), -1)
        changed = how(rows, seed, epoch).reshape(-1, height, width, channels)
        return _as_given(changed, first=True).reshape(images.shape)


Augmentations: TypeAlias = Sequence[_core.Augmentation | None] | None  # of each input


def augmentations(given: object, shapes: Sequence[Shape], dtype: str) -> Augmentations:
    """Return how the samples of each input are changed, of the argument `augment` of `fit`; None for not at all."""
    if given is None:
        return None
    items = given if isinstance(given, list | tuple) else [given]
    for item in items:
        if item is not None and not isinstance(item, Augment):
            raise TypeError(f"augment must be a fastopt.data.Augment, not {item!r}.")
        if item is not None and item.data_format == "channels_first":
            raise ValueError(
                "fit changes images whose channels are last: give it and its layers such, or changed samples, which "
                "Augment.added makes."
            )
    if len(items) != len(shapes):
        raise ValueError(
            f"The model has {len(shapes)} inputs: augment must be a list with an Augment or None for each."
        )
    return [
        None if item is None else item.core("x" if len(shapes) == 1 else f"x[{i}]", shape, dtype)
        for i, (item, shape) in enumerate(zip(items, shapes, strict=True))
    ]


def rotate(images: ArrayLike, degrees: float, data_format: str | None = None) -> Real:
    """Return images turned about their centre, against the clock.

    y_ij = x at (c, d) + R (i - c, j - d) with R = [[cos, sin], [-sin, cos]] and the centre (c, d), between four pixels
    by bilinear interpolation, and 0 beyond the image. 90 degrees are ``numpy.rot90`` exactly, if the image is square.
    It is ``scipy.ndimage.rotate(image, degrees, order=1, reshape=False)``.

    Args:
        images: One ``[height, width]`` or several ``[n, height, width]`` or ``[n, height, width, channels]``.
        degrees: The angle.
        data_format: Where the channels are, as `Augment` takes it.

    Returns:
        Images of the same shape, float64 if `images` are, else float32.

    Raises:
        TypeError: `images` do not hold numbers, or `degrees` is none.
        ValueError: The shape does not fit, or a value is NaN or infinite.

    Example:
        >>> import fastopt as fo
        >>> fo.data.rotate([[1.0, 2.0], [3.0, 4.0]], 90)
        array([[2., 4.],
               [1., 3.]])
    """
    x, first = _images(images, data_format)
    return _as_given(_core.rotate(_with_channels(x), checks.real("degrees", degrees)).reshape(x.shape), first)


def distort(images: ArrayLike, dy: ArrayLike, dx: ArrayLike, data_format: str | None = None) -> Real:
    """Return images of which each pixel is taken from somewhere else.

    y_ij = x at (i + dy_ij, j + dx_ij), between four pixels by bilinear interpolation, and 0 beyond the image. It is
    ``scipy.ndimage.map_coordinates(image, [i + dy, j + dx], order=1)``.

    Args:
        images: One ``[height, width]`` or several ``[n, height, width]`` or ``[n, height, width, channels]``.
        dy: How many pixels below, ``[height, width]`` or, for each image its own, ``[n, height, width]``.
        dx: How many pixels to the right, as `dy`.
        data_format: Where the channels are, as `Augment` takes it.

    Returns:
        Images of the same shape, float64 if `images` are, else float32.

    Raises:
        TypeError: An argument does not hold numbers.
        ValueError: The shapes do not fit, or a value is NaN or infinite.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> fo.data.distort([[1.0, 2.0], [3.0, 4.0]], np.zeros((2, 2)), [[0.5, 0.0], [0.5, 0.0]])
        array([[1.5, 2. ],
               [3.5, 4. ]])
    """
    x, first = _images(images, data_format)
    shaped = _with_channels(x)
    n, height, width, _ = shaped.shape

    def field(name: str, given: ArrayLike) -> Real:
        values = checks.array(name, given)
        if values.shape not in ((height, width), (n, height, width)):
            raise ValueError(f"{name} has shape {values.shape}; expected {(height, width)} or {(n, height, width)}.")
        checks.finite(name, values, x.dtype.name)
        # What is farther away than the image is large is beyond it.
        near = np.clip(values, -height - width, height + width)
        return checks.in_form(np.broadcast_to(near, (n, height, width)), x.dtype.name)

    return _as_given(_core.distort(shaped, field("dy", dy), field("dx", dx)).reshape(x.shape), first)


def _images(given: ArrayLike, data_format: str | None) -> tuple[Real, bool]:
    """Return images with their channels last, and whether they were first."""
    x = checks.array("images", given)
    if x.ndim not in (2, 3, 4) or not x.size:
        raise ValueError(
            f"images have the shape {x.shape}; expected [height, width], [n, height, width] or "
            "[n, height, width, channels], without a 0."
        )
    dtype = "float64" if x.dtype == np.float64 else "float32"
    checks.finite("images", x, dtype)
    data_format = _checked_format(data_format)
    first = x.ndim == 4 and _channels_first("images", x.shape[1:], data_format)
    return checks.in_form(np.moveaxis(x, 1, 3) if first else x, dtype), first


def _as_given(x: Real, first: bool) -> Real:
    moved: Any = np.moveaxis(x, 3, 1) if first else x
    return checks.in_form(moved, x.dtype.name)


def _with_channels(x: Real) -> Real:
    return x[None, :, :, None] if x.ndim == 2 else x[..., None] if x.ndim == 3 else x


def _checked_format(data_format: str | None) -> str | None:
    return None if data_format is None else word("data_format", data_format, checks.DATA_FORMATS)


def _channels_first(name: str, shape: Shape, data_format: str | None) -> bool:
    """Return whether the first of three axes is that of the channels.

    Raises:
        ValueError: It looks so, and the format is not said.
    """
    if data_format is None and shape[0] <= MOST_CHANNELS < min(shape[1:]):
        raise ValueError(
            f"{name} has samples of the shape {shape}, which looks like (channels, height, width): say so by "
            "data_format='channels_first', or data_format='channels_last' if it is (height, width, channels)."
        )
    return data_format == "channels_first"


def _image_shape(given: Sequence[int]) -> Shape:
    sizes = tuple(checks.integer(f"shape[{i}]", size, 1, MOST) for i, size in enumerate(checks.items("shape", given)))
    if len(sizes) not in (2, 3):
        raise ValueError(f"shape must be (height, width) or of three axes with the channels, not {given!r}.")
    return sizes


def _distortion(given: Sequence[float]) -> tuple[float, float]:
    items = checks.items("distortion", given)
    if len(items) != 2:
        raise ValueError(f"distortion must be (alpha, sigma), not {given!r}.")
    alpha = checks.real("alpha of distortion", items[0], 0, MOST)
    sigma = checks.real("sigma of distortion", items[1], 0, above=True)
    if sigma > MOST_SIGMA:
        raise ValueError(f"sigma of distortion must be at most {MOST_SIGMA}, not {sigma:g}.")
    return alpha, sigma
