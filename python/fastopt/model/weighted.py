"""What has weights and an optimizer: what models of one input and of several have in common."""

import copy
import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt import _core
from fastopt.core import checks
from fastopt.core.habits import ATTRIBUTES_OF_MODELS, missing
from fastopt.core.plain import Real
from fastopt.core.registry import unknown_name, word
from fastopt.data.encoder import TableEncoder
from fastopt.layers import Layer, Shape
from fastopt.methods import Solver
from fastopt.metrics import Metric
from fastopt.model.built import Built
from fastopt.model.callbacks.history import History
from fastopt.model.columns import Features, checked_encoder, numbers_of
from fastopt.model.data import Reading
from fastopt.model.graph import Chain
from fastopt.model.labels import Classes, checked_classes, fixed
from fastopt.model.nested import Nested
from fastopt.model.plan import Plan
from fastopt.model.solving import Method, Slots, Solving, chosen
from fastopt.optimizers import Optimizer
from fastopt.optimizers.describe import MAX_EPOCHS

__all__ = ["Weighted", "checked_model"]

DTYPES = ("float32", "float64")


class Optimized(Protocol):
    """What a model is trained by."""

    optimizer: Method

    @property
    def metrics(self) -> dict[str, Metric]:
        """The metrics by the names that they are reported under."""

    @property
    def arguments(self) -> dict[str, Any]:
        """What `compile` takes to make it again, beside the optimizer."""

    @property
    def losses(self) -> list[Any]:
        """The loss of each output; None where there is none."""


C = TypeVar("C", bound=Optimized)


class Weighted(Generic[C]):
    """The base of models: the weights, the optimizer, and how far training has come."""

    def __init__(self, network: Chain | Plan, seed: int | None, dtype: str, name: str | None) -> None:
        self.network = network
        self.seed = int.from_bytes(os.urandom(8), "little") if seed is None else checks.integer("seed", seed, 0, 2**64)
        given: object = dtype
        try:
            self.dtype = "None" if given is None else np.dtype(dtype).name  # NumPy takes None for float64
        except (TypeError, SyntaxError):
            self.dtype = str(dtype)
        if self.dtype not in DTYPES:
            raise unknown_name("dtype", dtype, DTYPES)
        if not isinstance(name, str | None):
            raise TypeError(f"name must be a string, not {name!r}.")
        self.name = name
        self.history = History()
        self._epochs_trained = 0
        self.stop_training = False
        self._compiled: C | None = None
        self._given: Method | None = None  # of which the compiled optimizer is a copy
        self._solving: Solving | None = None
        self._built: Built | None = None
        self._noise: float = True
        self._nested: Nested | None = None  # the model as a layer of other models
        self._classes: Classes = {}
        self._features: Features = {}
        self._encoder: TableEncoder | None = None

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> None:
            raise missing(self, name, ATTRIBUTES_OF_MODELS)

    @classmethod
    def of_network(cls, network: Chain | Plan, seed: int | None, dtype: str, name: str | None) -> Self:
        """Return a model of layers that are already connected."""
        model = cls.__new__(cls)
        Weighted.__init__(model, network, seed, dtype, name)
        return model

    # Copies and pickles hold all that `save` writes, the history, and objects that are not fastopt's own.

    def __getstate__(self) -> dict[str, Any]:
        state = vars(self) | {"_built": None, "_given": None, "_solving": None}
        if self._built is not None:
            state["_weights"] = self._built.plan.input_shapes, self.get_weights(), self.draws
            state["_slots"] = self._solver_slots()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        shapes, weights, draws = state.get("_weights", (None, [], 0))
        slots = state.get("_slots")
        vars(self).update((name, value) for name, value in state.items() if name not in ("_weights", "_slots"))
        if shapes is not None:
            built = self._build(self.network.plan(shapes), initialize=False)
            for view, array in zip(built.tensors.values(), weights, strict=True):
                view[...] = array
            self.draws = draws
            if slots is not None:
                self._restore_solver(slots)

    def __copy__(self) -> Self:
        return copy.deepcopy(self)

    # Layers

    @property
    def layers(self) -> list[Layer]:
        """The layers; a model within this one is one of them."""
        return list(self.network.layers)

    @property
    def layer_names(self) -> list[str]:
        """The names of the layers."""
        return list(self.network.layer_names)

    @property
    def trainable(self) -> bool:
        """Whether one of the layers learns; setting it sets ``trainable`` of all of them."""
        return self.as_layer().trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self.as_layer().trainable = value

    def as_layer(self) -> Nested:
        """Return what the model is as a layer of another, the same each time, so that its weights are shared there."""
        if self._nested is None:
            self._nested = Nested(self.network, self.name, type(self).__name__)
            self._nested.model = self
        return self._nested

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """Return the layer of this name or at this place.

        Args:
            name: The name, as `layer_names` has it.
            index: The place, from 0; negative ones count from the end.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: There is no such layer, or not exactly one of the two is given.
        """
        if (name is None) == (index is None):
            raise ValueError(f"Give either name or index; name is {name!r} and index is {index!r}.")
        if index is not None:
            return self.layers[checks.integer("index", index, -len(self.layers), len(self.layers))]
        return self.layers[self.layer_names.index(word("name", name, self.layer_names))]

    def _build(self, plan: Plan, initialize: bool = True) -> Built:
        """Return the weights of a plan, made if there are none."""
        built = self._built
        if built is None:
            built = Built(plan, self.dtype, self.seed, initialize)
            built.network.noise = self._noise
            if isinstance(self.optimizer, Optimizer):
                self._bind(self.optimizer, built)
            self._built = built
        return built

    @property
    def built(self) -> bool:
        """Whether the layers have their weights."""
        return self._built is not None

    @property
    def input_shapes(self) -> list[Shape] | None:
        """The shapes of a sample of each input, or None before the model is built."""
        return None if self._built is None else list(self._built.plan.input_shapes)

    @property
    def input_shape(self) -> Any:
        """The shape of one sample, of several inputs a list of such, or None before the model is built."""
        shapes = self.input_shapes
        return shapes if shapes is None or len(shapes) > 1 else shapes[0]

    @property
    def last_activation(self) -> Any:
        """The name of the function that the outputs have gone through; of several outputs a dict by their names."""
        return self._by_output(dict(zip(self._heads, self.network.output_activations, strict=True)))

    @property
    def epochs_trained(self) -> int:
        """The number of epochs trained so far; a loop of one's own may set it."""
        return self._epochs_trained

    @epochs_trained.setter
    def epochs_trained(self, value: int) -> None:
        self._epochs_trained = checks.integer("epochs_trained", value, 0, MAX_EPOCHS)

    @property
    def noise(self) -> float:
        """The part of their noise that layers add in training, from 0 to 1, or whether; it may be set at any time.

        A part p is `Dropout` with p times its rate, and `GaussianNoise` with p times its standard deviation.
        """
        return self._noise

    @noise.setter
    def noise(self, value: float) -> None:
        self._noise = bool(value) if isinstance(value, checks.BOOLS) else checks.real("noise", value, 0.0, 1.0 + 1e-15)
        if self._built is not None:
            self._built.network.noise = self._noise

    @property
    def draws(self) -> int:
        """The number of batches trained, which with the seed decides the noise of the next."""
        return self._need_weights().network.draws

    @draws.setter
    def draws(self, value: int) -> None:
        self._need_weights().network.draws = checks.integer("draws", value, 0, 2**38)

    @property
    def optimizer(self) -> Any:
        """The model's own copy of the optimizer or the solver of `compile`, whose attributes may be set at any time."""
        return None if self._compiled is None else self._compiled.optimizer

    @property
    def loss(self) -> Any:
        """The loss of `compile`, or None; of several outputs a dict of losses by their names."""
        return None if None in self._losses else self._by_output(dict(zip(self._heads, self._losses, strict=True)))

    @property
    def metrics(self) -> dict[str, Metric]:
        """The metrics of `compile` by the names that they are reported under."""
        return {} if self._compiled is None else dict(self._compiled.metrics)

    @property
    def judged_by(self) -> dict[str, Any]:
        """What `compile` was given beside the optimizer, as its arguments."""
        return {} if self._compiled is None else self._compiled.arguments

    def apply_gradients(self) -> None:
        """Do one step of the optimizer along the gradients that `backward` has left.

        Raises:
            RuntimeError: The model has not been compiled or not been built.
        """
        compiled = self._compiled
        if compiled is None:
            raise RuntimeError("The model has no optimizer: call compile(optimizer) first.")
        optimizer = compiled.optimizer
        if isinstance(optimizer, Solver):
            raise RuntimeError(f"{type(optimizer).__name__} looks at the cost, not at one gradient: call fit.")
        trainer = self._bind(optimizer, self._need_weights())
        trainer.apply(optimizer.hyper_in_place())

    @property
    def parameters(self) -> dict[str, Real]:
        """The weights by name (``"dense/kernel"``): views that may be written, also by assignment to a name."""
        return self._need_weights().parameters

    @property
    def gradients(self) -> dict[str, Real]:
        """The gradients that `backward` has left, by the names of `parameters`: views."""
        return self._need_weights().gradients

    @property
    def state(self) -> dict[str, Real]:
        """What layers keep beside the weights, by name (``"batch_normalization/moving_mean"``): views to be written."""
        return self._need_weights().state

    @property
    def slots(self) -> dict[str, Real]:
        """The optimizer's arrays by name (``"dense/kernel/m"``): views that may be written."""
        if self._compiled is None or not isinstance(self._compiled.optimizer, Optimizer):
            return {}
        self._bind(self._compiled.optimizer, self._need_weights())
        return self._compiled.optimizer.slots

    # Outputs

    @property
    def _heads(self) -> list[str]:
        """The names of the outputs."""
        return [""] if isinstance(self.network, Chain) else self.network.output_names

    @property
    def _losses(self) -> list[Any]:
        """The loss of each output; None where there is none."""
        return [None] * len(self._heads) if self._compiled is None else self._compiled.losses

    def _by_output(self, values: dict[str, Any]) -> Any:
        """Return what there is of each output by their names; of a single output that itself, or None."""
        return values.get(self._heads[0]) if len(self._heads) == 1 else values

    # Classes

    @property
    def classes(self) -> Any:
        """The labels of the classes ``[classes]``, or None where classes are numbers from 0.

        `fit` finds them, in order, where the targets of a sparse cross-entropy, or of a binary loss with one output,
        are words. They may be set, as a whole, also to other numbers: ``model.classes = numpy.unique(y)``; then targets
        are such labels. None lets `fit` find them anew. With several outputs it is a dict by their names.

        Raises:
            TypeError: When it is set: it is no list of labels.
            ValueError: A label occurs twice or is missing, or there is no such output.

        Example:
            >>> import numpy as np, fastopt as fo
            >>> model = fo.Sequential([fo.layers.Dense(2)], seed=0)
            >>> model.compile(fo.optimizers.SGD(0.5), "sparse_categorical_crossentropy")
            >>> x = np.array([[-1.0], [-2.0], [1.0], [2.0]])
            >>> history = model.fit(x, ["no", "no", "yes", "yes"], epochs=20, verbose=0)
            >>> model.classes, model.predict_classes([[3.0], [-3.0]])
            (array(['no', 'yes'], dtype='<U3'), array(['yes', 'no'], dtype='<U3'))
        """
        return self._by_output({output: fixed(array) for output, array in self._classes.items()})

    @classes.setter
    def classes(self, value: Any) -> None:
        if value is None:
            self._classes = {}
        elif len(self._heads) == 1:
            self._classes = {self._heads[0]: checked_classes("classes", value)}
        elif isinstance(value, Mapping):
            self._classes = {
                word("output", name, self._heads): checked_classes(f"classes[{name!r}]", labels)
                for name, labels in value.items()
            }
        else:
            raise TypeError(f"classes must be a dict of labels by the outputs {', '.join(self._heads)}, not {value!r}.")

    # Columns

    @property
    def encoder(self) -> TableEncoder | None:
        """The encoder that makes numbers of whatever is given as `x`, in training and after; None for none.

        The model takes a copy of the one that it is set to, which must be fitted, and keeps it in its file. It is for
        models of one input.

        Raises:
            TypeError: When it is set: it is no `fastopt.data.TableEncoder`.
            ValueError: It is not fitted, or has another number of outputs than the model has inputs.

        Example:
            >>> import fastopt as fo
            >>> table = {"rooms": [1, 2, None, 4], "place": ["town", "land", "town", "town"]}
            >>> model = fo.Sequential([fo.layers.Dense(1)], seed=0)
            >>> model.encoder = fo.data.TableEncoder().fit(table)
            >>> model.compile("adam", "mse")
            >>> history = model.fit(table, [100.0, 150.0, 200.0, 400.0], verbose=0)
            >>> model.predict({"rooms": [3], "place": ["sea"]}).shape
            (1, 1)
        """
        return self._encoder

    @encoder.setter
    def encoder(self, value: TableEncoder | None) -> None:
        inputs = 1 if isinstance(self.network, Chain) else len(self.network.input_shapes)
        self._encoder = None if value is None else checked_encoder(value, self.input_shapes, inputs)

    @property
    def feature_names(self) -> list[str] | None:
        """The names of the columns that the model was trained with, as a frame; None where it was none.

        A frame that is given later must have them in the same order, as in scikit-learn; an array has no names, and its
        columns count as they stand. With several inputs they are those of the first.
        """
        names = self._features.get("0") if self._encoder is None else self._encoder.feature_names_in
        return None if names is None else list(names)

    def _numbers(self, name: str, x: Any, key: str = "0", how: Reading | None = None) -> Any:
        """Return an input as numbers, whose columns are those that the model knows."""
        features = self._features if how is None or how.features is None else how.features
        learn = how is not None and how.features is not None and (how.find or how.part)
        return numbers_of(name, x, self._encoder, features, key, learn)

    def _take_labels(self, other: "Weighted[Any]") -> None:
        """Know what another model knows of its data: classes, and the columns of inputs."""
        known = other._classes, other._features, other._encoder
        self._classes, self._features, self._encoder = copy.deepcopy(known)

    # Weights

    def get_weights(self) -> list[Real]:
        """Return copies of all weights, layer by layer, kernel before bias, and then of the `state`.

        Raises:
            RuntimeError: The model has not been built.
        """
        return [view.copy() for view in self._need_weights().tensors.values()]

    def set_weights(self, weights: Sequence[ArrayLike]) -> None:
        """Set all weights, or, if one does not fit, none.

        The optimizer keeps its slots, but `Lookahead` goes back to no point before this one.

        Args:
            weights: Arrays in the order and of the shapes of `get_weights`.

        Raises:
            RuntimeError: The model has not been built.
            TypeError: One does not hold numbers.
            ValueError: Their number or the shape of one does not fit, or a value is NaN or infinite.
        """
        built = self._need_weights()
        built.set_weights(weights)
        if isinstance(self.optimizer, Optimizer) and self.optimizer.step:
            self.optimizer.start_from(built.parameters)

    def count_params(self) -> int:
        """Return the number of weights.

        Raises:
            RuntimeError: The model has not been built.
        """
        return sum(view.size for view in self.parameters.values())

    def schedule(self, training: bool = True) -> list[str]:
        r"""Return in which order the core does what, a line for each stage; threads wait for each other between them.

        A stage is over rows, which go through all of its steps slab by slab, or over the columns of all rows, or over
        the parameters. ``forward 1 dense`` is a step of the first layer of the core, ``ends`` the loss.

        Args:
            training: Whether for a step of training; else for `predict`.

        Raises:
            RuntimeError: The model has not been built.

        Example:
            >>> import fastopt as fo
            >>> model = fo.Sequential([fo.layers.Dense(3, "relu"), fo.layers.Dense(2)])
            >>> model.build(4)
            >>> print(*model.schedule(), sep="\n")
            parameters: backward 2 dense
            rows: load 0 input, forward 1 dense, forward 2 dense, ends, backward 2 dense
            parameters: gradient 2 dense, gradient 2 dense, gradient 1 dense, gradient 1 dense
        """
        built = self._need_weights()
        built.freeze()
        return built.network.schedule(checks.flag("training", training))

    # What `fastopt` adds from the floor above, `fastopt.tools`

    if TYPE_CHECKING:

        def summary(self) -> None:
            """See `fastopt.tools.summary`."""

        def export(self, path: str | os.PathLike[str], probabilities: bool = False) -> None:
            """See `fastopt.export.files`."""

        def save(self, path: str | os.PathLike[str]) -> None:
            """See `fastopt.tools.saving`."""

        def fold(self) -> Self:
            """See `fastopt.tools.fold`."""

        def layer_outputs(self, x: Any, batch_size: int = 256) -> dict[str, Real]:
            """See `fastopt.tools.inspect`."""

        def recompute_statistics(self, x: Any, batch_size: int = 256) -> None:
            """See `fastopt.tools.inspect`."""

    # Pieces

    def _need_weights(self) -> Built:
        built = self._built
        if built is None:
            raise RuntimeError("The model has no weights yet: call build(input_shape) or fit(x, y) first.")
        return built

    def _flat_weights(self, w: ArrayLike | None) -> NDArray[np.float64] | None:
        """Return a vector of all weights as the core reads it."""
        if w is None:
            return None
        array = checks.array("w", w)
        if array.shape != (self.count_params(),):
            raise ValueError(
                f"w has shape {array.shape}; expected one number for each weight, ({self.count_params()},)."
            )
        checks.finite("w", array, self.dtype)
        return checks.in_form(array, "float64")

    def _compile(self, optimizer: str | Method, make: Callable[[Method], C]) -> None:
        """Train from now on by what is made of the model's own copy of an optimizer or a solver."""
        given, before = chosen(optimizer), self.optimizer
        own: Method
        if isinstance(given, Solver):
            own = given if given is before else given.replaced()
        else:
            own = given if given is before else given.fresh()
            if given is self._given and before is not None:
                own.take_state(before)
        compiled = make(own)
        if self._built is not None and isinstance(own, Optimizer):
            self._bind(own, self._built)
        if given is not before and given is not self._given:
            self._solving = None
        self._compiled = compiled
        if given is not before:
            self._given = given

    def _trainer(self, method: Method, built: Built) -> _core.Optimizer | Solving:
        """Return what does the steps; a solver begins anew where the weights are not those that it left."""
        if not isinstance(method, Solver):
            return self._bind(method, built)
        if self._solving is None or not self._solving.goes_on(method):
            self._solving = Solving(method, built.network)
        return self._solving

    def _solver_slots(self) -> Slots | None:
        """Return what the solver remembers, where the next `fit` goes on from it."""
        solving = self._solving
        self._need_weights().freeze()
        return solving.slots if solving is not None and solving.goes_on(self.optimizer) else None

    def _restore_solver(self, slots: Slots) -> None:
        built = self._need_weights()
        built.freeze()
        self._solving = Solving(self.optimizer, built.network, slots)

    def _bind(self, optimizer: Optimizer, built: Built) -> _core.Optimizer:
        """Return the core's optimizer of these weights; the given one learns the epoch."""
        epoch = self._epochs_trained
        if optimizer.epoch != epoch:
            vars(optimizer)["epoch"] = epoch  # checked when it was set
        return optimizer.bind(built.network, lambda: [*built.plan.parameters])


def checked_model(name: str, value: object) -> Any:
    """Return `value` if it is a model."""
    if not isinstance(value, Weighted):
        raise TypeError(f"{name} must be a fastopt.Sequential or a fastopt.Model, not {value!r}.")
    return value
