"""What many models predict together."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt import _core
from fastopt.core import checks
from fastopt.core.plain import Real
from fastopt.fleet.member import refuse_one_pass
from fastopt.losses import Loss
from fastopt.model.labels import numbered, predicted
from fastopt.model.results import Results
from fastopt.model.weighted import checked_model

__all__ = ["Ensemble", "predict"]

AT_ONCE = 1 << 23  # outputs of all models together, as float64 64 MB


def predict(models: Sequence[Any], x: Any, batch_size: int = 256, workers: int | None = None) -> Any:
    """Return what each model predicts, side by side on all cores.

    Args:
        models: The models, built.
        x: Inputs ``[n, features]``; or batches, as ``predict`` of the models takes them, but no generator.
        batch_size: Samples computed at a time, at least 1.
        workers: How many models at a time; None is as many as `get_num_threads` allows.

    Returns:
        The outputs ``[models, n, outputs]``; or a list of them where their shapes differ.

    Raises:
        RuntimeError: A model has not been built.
        TypeError, ValueError: As ``predict`` of the models.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> models = [fo.Sequential([fo.layers.Dense(2)], seed=seed) for seed in range(3)]
        >>> for model in models:
        ...     model.build(4)
        >>> fo.fleet.predict(models, np.ones((5, 4))).shape
        (3, 5, 2)
    """
    found = _models(models)
    if len(found) > 1:
        refuse_one_pass("x", x)
    outputs = _side_by_side(found, workers, lambda model: model.predict(x, batch_size, 0))
    alike = all(isinstance(one, np.ndarray) for one in outputs) and len({(o.shape, o.dtype) for o in outputs}) == 1
    return np.stack(outputs) if alike else outputs


class Ensemble:
    """Several models that predict together: their mean, and how far they are apart.

    Args:
        models: The models, built, whose outputs have one shape.

    Raises:
        TypeError: Something is not a model.
        ValueError: There is none.

    Source:
        Breiman, Bagging predictors, Machine Learning 24, 1996; Lakshminarayanan, Pritzel and Blundell, Simple and
        scalable predictive uncertainty estimation using deep ensembles, NeurIPS 2017, arXiv:1612.01474.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> x = np.linspace(-1, 1, 64)[:, None]
        >>> models = [fo.Sequential([fo.layers.Dense(16, "tanh"), fo.layers.Dense(1)], seed=i) for i in range(8)]
        >>> for model in models:
        ...     model.compile(fo.optimizers.Adam(0.02), "mse")
        >>> members = fo.fleet.fit(models, x, np.sin(3 * x), epochs=200, verbose=0)
        >>> mean, spread = fo.Ensemble(models).predict_with_spread([[0.5], [3.0]])
        >>> bool(spread[1] > 5 * spread[0])
        True
    """

    def __init__(self, models: Sequence[Any]) -> None:
        self.models = _models(models)

    def __len__(self) -> int:
        return len(self.models)

    def __repr__(self) -> str:
        return f"<Ensemble of {len(self)}: {self.models[0]!r}{', ...' if len(self) > 1 else ''}>"

    def predict(self, x: ArrayLike, batch_size: int = 256) -> Real:
        """Return the mean of what the models predict, ``[n, outputs]``, in their dtype.

        Args:
            x: Inputs ``[n, features]``.
            batch_size: Samples computed at a time, at least 1.

        Raises:
            RuntimeError, TypeError, ValueError: As ``predict`` of the models; or their outputs differ in shape.
        """
        return self._joined("predict", x, batch_size, 0)[0]

    def predict_proba(self, x: ArrayLike, batch_size: int = 256) -> Real:
        """Return the mean of the probabilities that the models predict, ``[n, outputs]``.

        Args:
            x: Inputs ``[n, features]``.
            batch_size: Samples computed at a time, at least 1.

        Raises:
            RuntimeError, TypeError, ValueError: As ``predict_proba`` of the models; or their outputs differ in shape.
        """
        return self._joined("predict_proba", x, batch_size)[0]

    def predict_classes(self, x: ArrayLike, batch_size: int = 256) -> NDArray[Any]:
        """Return the class of each sample, as ``predict_classes`` of a model, by the mean of the probabilities.

        Where the models make none, as for hinge losses, it is that of the mean of what they predict.

        Args:
            x: Inputs ``[n, features]``.
            batch_size: Samples computed at a time, at least 1.

        Raises:
            RuntimeError, TypeError: As ``predict`` of the models.
            ValueError: As `predict`; or the models do not classify, or have other losses or classes.
        """
        loss, link, known = self._judged()
        labels = predicted(self._means(x, link, batch_size), loss, link or "linear", known)
        if labels is None:
            raise ValueError("The models do not classify: predict gives the mean of their outputs.")
        return labels

    def evaluate(
        self, x: ArrayLike, y: ArrayLike, batch_size: int = 256, sample_weight: ArrayLike | None = None
    ) -> Results:
        """Return the loss and the metrics of the mean of what the models predict, or of their probabilities.

        Args:
            x: Inputs ``[n, features]``.
            y: Targets, as the loss of the models wants them.
            batch_size: Samples computed at a time, at least 1.
            sample_weight: Weights ``[n]``, at least 0.

        Returns:
            The loss and the metrics of the first model, by their names, as ``evaluate`` of a model returns them.

        Raises:
            RuntimeError: A model has not been built, or not been compiled with a loss of `fastopt.losses`.
            TypeError: As ``evaluate`` of the models.
            ValueError: As ``evaluate`` of the models; or they have other losses or classes.

        Example:
            >>> import numpy as np, fastopt as fo
            >>> x, y = np.linspace(-1, 1, 64)[:, None], np.linspace(-2, 2, 64)
            >>> models = [fo.Sequential([fo.layers.Dense(1)], seed=seed) for seed in range(3)]
            >>> for model in models:
            ...     model.compile("adam", "mse", metrics=["r2"])
            >>> members = fo.fleet.fit(models, x, y, verbose=0)
            >>> list(fo.Ensemble(models).evaluate(x, y).keys())
            ['loss', 'r2']
        """
        loss, link, known = self._judged()
        if loss is None or loss.opaque:
            raise RuntimeError("The models have no loss of fastopt.losses: call compile(optimizer, loss) first.")
        mean = self._means(x, link, batch_size).astype(np.float64)
        mean = mean.reshape(len(mean), -1)
        outputs = mean.shape[1]
        target = loss.targets(
            "y", numbered("y", y, loss, outputs, {} if known is None else {"": known}), outputs, "float64"
        )
        if len(target) != len(mean):
            raise ValueError(f"x has {len(mean)} samples, y has {len(target)}; expected one target for each sample.")
        weight = None if sample_weight is None else checks.weights("sample_weight", sample_weight, len(mean), "float64")
        tiny = np.finfo(np.float64).tiny
        logits = np.log(np.maximum(mean, tiny)) if link else mean
        if link == "sigmoid":
            logits -= np.log(np.maximum(1 - mean, tiny))
        losses, _ = _core.kernels.loss(loss.name, logits, target, hyper=loss.hyper)
        values = {"loss": float(np.average(losses, weights=weight))}
        for name, metric in self.models[0].metrics.items():
            values[name] = metric(target, mean, weight, exclusive=link and link != "sigmoid")
        return Results(values)

    def predict_with_spread(self, x: ArrayLike, batch_size: int = 256) -> tuple[Real, Real]:
        """Return the mean of what the models predict, and their standard deviation, each ``[n, outputs]``.

        The deviation has the number of models less 1 in its denominator; it is 0 for one model. It tells how far
        models of other seeds, or of other samples, are apart, not how noisy the targets are.

        Args:
            x: Inputs ``[n, features]``.
            batch_size: Samples computed at a time, at least 1.

        Raises:
            RuntimeError, TypeError, ValueError: As ``predict`` of the models; or their outputs differ in shape.
        """
        return self._joined("predict", x, batch_size, 0)

    def _judged(self) -> tuple[Loss | None, str | None, NDArray[Any] | None]:
        """Return the loss of the models, the activation that makes probabilities, and the labels of classes."""
        found: list[tuple[Any, ...]] = []
        for model in self.models:
            activation, loss = model.network.output_activations[0], model._losses[0]
            link = activation if loss is None or activation in ("softmax", "sigmoid") else loss.link
            known = next(iter(model._classes.values()), None)
            found.append((loss, link if link in ("softmax", "sigmoid") else None, known))
        for place, (loss, link, known) in enumerate(found):
            if (loss, link) != found[0][:2] or not np.array_equal(known, found[0][2]):
                raise ValueError(f"models[{place}] has another loss or other classes than models[0].")
        return found[0]

    def _means(self, x: ArrayLike, link: str | None, batch_size: int) -> Real:
        """Return the mean of the probabilities that the models predict, or of their outputs where there is no link."""
        return self._joined("predict", x, batch_size, 0, link=link)[0]

    def _joined(self, method: str, x: ArrayLike, *arguments: Any, link: str | None = None) -> tuple[Real, Real]:
        means, spreads = [], []
        for outputs in self._by_part(method, x, *arguments):
            several = outputs.astype(np.float64)
            for i, model in enumerate(self.models):
                if link is not None and model.network.output_activations[0] == "linear":
                    several[i] = _core.kernels.activation_forward(link, several[i])
            means.append(several.mean(axis=0).astype(outputs.dtype))
            spreads.append(several.std(axis=0, ddof=min(1, len(self) - 1)).astype(outputs.dtype))
        joined: tuple[Real, Real] = np.concatenate(means), np.concatenate(spreads)
        return joined

    def _by_part(self, method: str, x: ArrayLike, *arguments: Any) -> Iterator[NDArray[Any]]:
        """Give what all models predict for some samples after the others."""
        inputs: Any = x
        if all(model.encoder is None for model in self.models):
            for model in self.models:
                inputs = model._numbers("x", x)  # which checks names of columns
            inputs = checks.samples("x", inputs, None)
        elif isinstance(x, Mapping):
            raise TypeError("x is a dict; an ensemble takes rows of it by turns: give a frame, or an array.")
        first, size = 0, 256
        while first < len(inputs):
            part = inputs[first : first + size]
            outputs = _side_by_side(self.models, None, _call(method, part, *arguments))
            shapes = {one.shape if isinstance(one, np.ndarray) else None for one in outputs}
            if len(shapes) > 1 or None in shapes:
                raise ValueError("The models of an ensemble must have one output each, of the same shape.")
            yield np.stack(outputs)
            first += size
            size = max(1, AT_ONCE * len(part) // np.size(outputs))


def _models(models: Sequence[Any]) -> list[Any]:
    found = [checked_model(f"models[{i}]", model) for i, model in enumerate(checks.items("models", models))]
    if not found:
        raise ValueError("There are no models.")
    return found


def _call(method: str, *arguments: Any) -> Callable[[Any], Any]:
    return lambda model: getattr(model, method)(*arguments)


def _side_by_side(models: list[Any], workers: int | None, call: Callable[[Any], Any]) -> list[Any]:
    """Return what each model gives, in their order."""
    count = _core.runtime.num_threads() if workers is None else checks.integer("workers", workers, 1, 2**31)
    if min(count, len(models)) == 1:
        return [call(model) for model in models]
    interruption = _core.runtime.Interruption()

    def begin() -> None:
        interruption.heed()
        _core.runtime.limit_threads(1)

    from concurrent.futures import ThreadPoolExecutor  # which takes milliseconds to import

    with ThreadPoolExecutor(count, "fleet", begin) as pool:
        try:
            return list(pool.map(call, models))
        except BaseException:
            interruption.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
