"""What models compute of inputs: what they predict, and outputs and gradients for a loop of one's own."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt.core import checks
from fastopt.core.plain import Real
from fastopt.layers import Shape
from fastopt.layers.base import is_symbolic, size_of
from fastopt.losses import Loss
from fastopt.model.built import Built
from fastopt.model.data import Reading, arrays_of, concatenated, in_shapes
from fastopt.model.labels import predicted, probabilities
from fastopt.model.plan import Plan
from fastopt.model.progress import shown
from fastopt.model.source import Batches, Source, are_batches, inputs_of, refuse_steps
from fastopt.model.weighted import Optimized, Weighted

__all__ = ["Inputs", "Predicting"]

Inputs = ArrayLike | Sequence[ArrayLike] | Mapping[str, ArrayLike]
C = TypeVar("C", bound=Optimized)

# Called with an output, its loss, its last activation and its name; returns what is made of it, or None.
Judge = Callable[[Real, Loss | None, str, str], NDArray[Any] | None]


class Predicting(Weighted[C]):
    """The base of models: what they compute of inputs."""

    def predict(
        self, x: Inputs | Batches, batch_size: int = 256, verbose: int | bool | str = "auto", steps: int | None = None
    ) -> Any:
        """Return the outputs ``[n, outputs]``; of several outputs a list of them.

        They are what the last activation makes: probabilities after ``"softmax"`` or ``"sigmoid"``, logits after
        ``"linear"`` if the loss is a cross-entropy.

        Args:
            x: Inputs ``[n, features]``; or an iterable of batches, x or ``(x, y)``, as `fit` takes them, whose outputs
                are returned as one array.
            batch_size: Samples computed at a time, at least 1; it changes memory and speed only.
            verbose: 0 or 2 for nothing, 1 for a bar if it lasts longer than a second, ``"auto"`` the same in a terminal
                or a notebook, where the bar is removed at the end.
            steps: How many batches of an iterable; None for all of a pass.

        Raises:
            RuntimeError: The model has not been built.
            TypeError: `x` does not hold numbers.
            ValueError: The shape does not fit, or a value is NaN or infinite.
        """
        built = self._of_vectors(x)
        if (
            built is not None
            and type(batch_size) is int
            and batch_size < checks.SIZE
            and steps is None
            and verbose in ("auto", 0, 1, 2)
        ):
            found = built.network.predict_matrix(x, batch_size)
            if found is not None:
                return found
        if steps is not None or (type(x) is not np.ndarray and are_batches(x)):
            return self._predict_batches(x, steps, batch_size, verbose)
        built = self._need_weights()
        inputs, plan = self._inputs("x", x)
        batch_size = checks.integer("batch_size", batch_size, 1, checks.SIZE)
        outputs = shown(verbose, "predict", len(inputs[0]), batch_size, built.network.predict, inputs, batch_size)
        return in_shapes(outputs, plan.output_shapes)

    def predict_on_batch(self, x: Any) -> Any:
        """Return what `predict` does, all samples at a time.

        Args:
            x: Inputs, as `fit` takes them.

        Raises:
            RuntimeError, TypeError, ValueError: As `predict`.
        """
        return self.predict(x, checks.SIZE - 1)

    def predict_proba(self, x: Inputs, batch_size: int = 256) -> Any:
        """Return probabilities, ``[n, outputs]``.

        They are the outputs of a last softmax or sigmoid, or what the loss makes of logits.

        Args:
            x: Inputs ``[n, features]``.
            batch_size: Samples computed at a time, at least 1.

        Returns:
            Probabilities ``[n, outputs]``; of several outputs a dict, by their names, of those that have some.

        Raises:
            RuntimeError: The model has not been built.
            TypeError: `x` does not hold numbers.
            ValueError: As `predict`; or the model does not classify.
        """

        def found(outputs: Real, loss: Loss | None, activation: str, _: str) -> Real | None:
            return probabilities(outputs, loss, activation)

        return self._judged(x, batch_size, found, "There are no probabilities")

    def predict_classes(self, x: Inputs, batch_size: int = 256) -> Any:
        """Return the class of each sample: its label in `classes`, or else its number.

        That of the largest output, where a softmax or its loss says that each output is one class. Where a sigmoid or a
        binary loss does, one output tells the second class from the first, by a probability of more than 1/2; several
        are judged each by itself. For hinge losses classes without labels are 1 and -1.

        Args:
            x: Inputs ``[n, features]``.
            batch_size: Samples computed at a time, at least 1.

        Returns:
            Labels ``[n]``; ``[n, outputs]`` for several outputs of a binary loss. Of several outputs of the model a
            dict, by their names, of those that classify.

        Raises:
            RuntimeError: The model has not been built.
            TypeError: `x` does not hold numbers.
            ValueError: As `predict`; or the model does not classify; or an output is NaN or infinite.
        """

        def found(outputs: Real, loss: Loss | None, activation: str, name: str) -> NDArray[Any] | None:
            return predicted(outputs, loss, activation, self._classes.get(name))

        return self._judged(x, batch_size, found, "The model does not classify")

    # A loop of one's own

    def __call__(self, x: Inputs) -> Any:
        """Return the outputs, as `predict` does, and keep what `backward` needs; builds the model at the first call.

        Args:
            x: Inputs ``[n, features]``.

        Raises:
            TypeError: `x` does not hold numbers.
            ValueError: The shape does not fit, or a value is NaN or infinite.

        Example:
            >>> import numpy as np, fastopt as fo
            >>> model = fo.Sequential([fo.layers.Dense(1)], seed=0)
            >>> model.compile(fo.optimizers.SGD(0.1))
            >>> x, y = np.array([[1.0], [2.0], [3.0]]), np.array([[3.0], [5.0], [7.0]])
            >>> for _ in range(500):
            ...     error = model(x) - y
            ...     dx = model.backward(2 * error / len(x))
            ...     model.apply_gradients()
            >>> model.predict([[10.0]]).round(3)
            array([[21.]], dtype=float32)
        """
        built = self._of_vectors(x)
        if built is not None and (rows := len(x)) > 0:  # type: ignore[arg-type]  # a matrix
            built.plan.check_batches(rows, rows)
            built.freeze()
            found = built.network.forward_matrix(x)
            if found is not None:
                return found
        if is_symbolic(x):
            return self.as_layer()(x)  # type: ignore[arg-type]
        inputs, plan = self._inputs("x", x)
        plan.check_batches(len(inputs[0]), len(inputs[0]))
        built = self._build(plan)
        built.freeze()
        return in_shapes(built.network.forward(inputs), plan.output_shapes)

    def backward(self, dy: Inputs) -> Any:
        """Fill the gradients of the last call of the model, and return those of its inputs.

        Each call of the model has one: with it the running statistics of batch normalisation take their step.

        Args:
            dy: The gradient of one's own loss with respect to the outputs, ``[n, outputs]``; of several outputs a list,
                or a dict by their names.

        Returns:
            The gradient with respect to the inputs, ``[n, features]``; of several inputs a list.

        Raises:
            RuntimeError: The model has not been called since it was built, trained or the last `backward`; or the
                instruction set was changed after the call.
            TypeError: `dy` does not hold numbers.
            ValueError: A shape is not that of the output, or a value is NaN or infinite.
        """
        built = self._need_weights()
        if built.of_vectors and (found := built.network.backward_matrix(dy)) is not None:
            return found
        plan, shapes = built.plan, built.plan.output_shapes
        named = arrays_of("dy", dy, plan.output_names, shapes)
        gradients = [self._gradient(*one, shape) for one, shape in zip(named, shapes, strict=True)]
        return in_shapes(built.network.backward(gradients), plan.input_shapes)

    # Pieces

    def _of_vectors(self, x: Any) -> Built | None:
        """Return the weights if there are some and x is a matrix, which may be read as it is.

        A call for a few rows takes microseconds, of which the checks for all else would be the half.
        """
        built = self._built
        if built is None or not built.of_vectors or self._encoder is not None:
            return None
        return built if type(x) is np.ndarray and x.ndim == 2 else None

    if TYPE_CHECKING:

        def _inputs(self, name: str, x: Any, plan: Plan | None = None, how: Reading | None = None) -> tuple[Any, Plan]:
            """Return the samples of each input, each in a row, and the given plan, that of the model, or of them."""

    def _judged(self, x: Any, batch_size: int, judge: Judge, problem: str) -> Any:
        """Return what this makes of each output."""
        outputs = self.predict(x, batch_size)
        heads, losses, activations = self._heads, self._losses, self.network.output_activations
        several = outputs if isinstance(outputs, list) else [outputs]
        judged = map(judge, several, losses, activations, heads)
        found = {name: one for name, one in zip(heads, judged, strict=True) if one is not None}
        if not found:
            names = [None if loss is None else loss.name for loss in losses]
            told = f"its last activation is {activations[0]!r} and its loss {names[0]!r}"
            if len(heads) > 1:
                told = f"its last activations are {activations} and its losses {names}"
            raise ValueError(f"{problem}: {told}; predict gives the outputs.")
        return self._by_output(found)

    def _gradient(self, name: str, dy: Any, shape: Shape) -> Real:
        """Return the gradient of an output as the core reads it, checked."""
        array = checks.array(name, dy)
        if len(shape) > 1 and array.shape[1:] == shape:
            array = array.reshape(len(array), -1)
        array = checks.matrix(name, array, size_of(shape))
        checks.finite(name, array, self.dtype)
        return checks.in_form(array, self.dtype)

    def _predict_batches(self, x: object, steps: int | None, batch_size: int, verbose: Any) -> Any:
        """Return the outputs for all batches together."""
        if not are_batches(x):
            refuse_steps("steps", steps)
        shapes, outputs = self._need_weights().plan.input_shapes, []
        for number, batch in enumerate(Source("x", x, steps).parts()):
            try:
                outputs.append(self.predict(inputs_of(batch, len(shapes), len(shapes[0]) + 1), batch_size, verbose))
            except (TypeError, ValueError) as error:
                raise type(error)(f"batch {number}: {error}") from None
        return concatenated(outputs)
