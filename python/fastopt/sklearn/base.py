"""What all estimators share: how they read samples, targets, weights and what they are judged by."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, is_classifier
from sklearn.callback import CallbackSupportMixin
from sklearn.utils import column_or_1d
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import unique_labels
from sklearn.utils.validation import _check_sample_weight, validate_data

from fastopt.sklearn.targets import Labels, Values

__all__ = ["Data", "Estimator", "relative", "weighted_by_class"]


class Data(NamedTuple):
    """Checked samples ``[n, features]``, targets as the core reads them, and weights ``[n]``, None if all are 1."""

    x: Any
    y: NDArray[Any]
    weight: NDArray[Any] | None


class Estimator(CallbackSupportMixin, BaseEstimator):
    """The base of all estimators: their data are checked here.

    Attributes:
        classes_: The labels of a classifier's classes, in order.
        n_features_in_: The number of features.
        feature_names_in_: Their names, where the samples had names that are all strings.
        n_outputs_: The number of outputs of the network.
    """

    def _read(
        self,
        X: Any,  # noqa: N803
        y: Any,
        sample_weight: Any = None,
        *,
        anew: bool = True,
        classes: Any = None,
    ) -> Data:
        """Return checked data for training.

        Args:
            X: Samples.
            y: Targets.
            sample_weight: Weights of the samples, at least 0.
            anew: Whether the number of features, their names and the classes are those of these data; else they must
                be those that there are.
            classes: All classes of a classifier, where `y` need not have them all.

        Raises:
            TypeError, ValueError: The data do not fit.
        """
        X, y = validate_data(  # noqa: N806
            self,
            X,
            y,
            accept_sparse="csr",
            multi_output=True,
            y_numeric=not is_classifier(self),
            dtype=(np.float64, np.float32),
            reset=anew,
        )
        if y.ndim == 2 and y.shape[1] == 1 and isinstance(y, np.ndarray):
            y = column_or_1d(y, warn=True)
        if anew or not hasattr(self, "_targets"):
            self._targets: Labels | Values = Labels(y, classes) if is_classifier(self) else Values(y)
            self.n_outputs_ = self._targets.outputs
            if isinstance(self._targets, Labels):
                self.classes_ = self._targets.classes
        elif getattr(self, "warm_start", False) and is_classifier(self):
            found = unique_labels(y)
            if set(found) != set(self.classes_):
                raise ValueError(
                    "warm_start can only be used where `y` has the same classes as in the previous call to fit. "
                    f"Previously got {self.classes_}, `y` has {found}"
                )
        weight = _checked_weight(sample_weight, X)
        weight = weighted_by_class(getattr(self, "class_weight", None), y, weight)
        return Data(X, self._targets.encoded(y, X.dtype), weight)

    def _read_part(self, name: str, given: Any) -> Data:
        """Return checked data that training is judged by: ``(X, y)`` or ``(X, y, sample_weight)``.

        Raises:
            TypeError, ValueError: The data do not fit.
        """
        if not isinstance(given, list | tuple) or len(given) not in (2, 3):
            raise ValueError(f"{name} must be (X, y) or (X, y, sample_weight).")
        X, y, sample_weight = (*given, None)[:3]  # noqa: N806
        dtype = (np.float64, np.float32)
        X, y = validate_data(  # noqa: N806
            self, X, y, accept_sparse="csr", multi_output=True, dtype=dtype, reset=False
        )
        if y.ndim == 2 and y.shape[1] == 1 and isinstance(y, np.ndarray):
            y = y[:, 0]
        return Data(X, self._targets.encoded(y, X.dtype), _checked_weight(sample_weight, X))

    def _read_inputs(self, X: Any) -> Any:  # noqa: N803
        """Return checked samples to predict for."""
        return validate_data(self, X, accept_sparse="csr", reset=False)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        if tags.classifier_tags is not None:
            tags.classifier_tags.multi_label = True
        return tags


def relative(weight: NDArray[Any] | None, rows: NDArray[np.int64] | None = None) -> NDArray[Any] | None:
    """Return weights whose mean over these rows is 1, so that it does not matter in which unit they are given.

    Raises:
        ValueError: They are all 0.
    """
    if weight is None:
        return None
    mean = (weight if rows is None else weight[rows]).mean()
    if not mean > 0:
        raise ValueError("sample_weight is 0 for all samples; at least one must be positive.")
    scaled: NDArray[Any] = weight / mean
    return scaled


def weighted_by_class(class_weight: Any, y: Any, weight: NDArray[Any] | None) -> NDArray[Any] | None:
    """Return weights times the factors of their classes, as scikit-learn's classifiers take `class_weight`."""
    if class_weight is None:
        return weight
    factors: NDArray[Any] = compute_sample_weight(class_weight, y)
    return factors if weight is None else factors * weight


def _checked_weight(given: Any, X: Any) -> NDArray[Any] | None:  # noqa: N803
    if given is None:
        return None
    weight: NDArray[Any] = _check_sample_weight(given, X, dtype=np.float64, ensure_non_negative=True)
    return weight
