"""Networks as scikit-learn estimators: for its pipelines, grid searches and cross-validation.

>>> from gradproof.estimators import NetworkClassifier
>>> from sklearn.datasets import make_moons
>>> x, y = make_moons(100, noise=0.1, random_state=0)
>>> bool(NetworkClassifier((16,), lr=0.03, random_state=0).fit(x, y).score(x, y) > 0.95)
True
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from . import guard

guard.check()

import autograd_core as ag  # noqa: E402 - only now is it certain that these are ours
import nn  # noqa: E402
import optim  # noqa: E402
from autograd_core.aliases import Array  # noqa: E402
from autograd_core.errors import ConfigError, MissingDependencyError  # noqa: E402
from autograd_core.modes import mode  # noqa: E402
from autograd_core.options import COUNT, NON_NEGATIVE, Choice, Interval  # noqa: E402

try:
    # A base class has to be there when a class is made: this module is what the extra is for.
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.utils import check_random_state, column_or_1d
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import (
        _check_sample_weight,
        check_is_fitted,
        validate_data,
    )
except ImportError as error:
    raise MissingDependencyError(
        "gradproof.estimators",
        'scikit-learn, 1.6 or later, is not installed. Expected the extra "data". '
        'Run: pip install "gradproof[data]".',
    ) from error

__all__ = ["NetworkClassifier", "NetworkRegressor"]

_FLOATS = [np.float64, np.float32]
_MOST = 200  # examples of a batch, where nobody says how many


class _Network(BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """What both have in common: layers, training, checks of input."""

    model_: nn.Module
    optimizer_: optim.Optimizer

    def __init__(
        self,
        hidden: Sequence[int] = (32,),
        activation: str = "relu",
        *,
        dropout: float = 0.0,
        batch_norm: bool = False,
        penalty: float = 1e-4,
        optimizer: str = "adam",
        lr: float = 0.01,
        epochs: int = 100,
        batch_size: int | None = None,
        validation_fraction: float | None = None,
        patience: int = 10,
        jit: bool = False,
        random_state: Any = None,
    ) -> None:
        self.hidden = hidden
        self.activation = activation
        self.dropout = dropout
        self.batch_norm = batch_norm
        self.penalty = penalty
        self.optimizer = optimizer
        self.lr = lr
        self.epochs = epochs
        self.batch_size = batch_size
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.jit = jit
        self.random_state = random_state

    # --- fitting ----------------------------------------------------------------------------------

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train from the beginning.

        Parameters
        ----------
        X : array_like, shape (n, features)
        y : array_like, shape (n,), or (n, outputs) for a regressor
        sample_weight : array_like, shape (n,), optional
            How much each example counts; means are Σ w Div / Σ w.
        """
        X, targets, weights = self._checked(X, y, sample_weight, first=True)
        self._begin(X)
        options: dict[str, Any] = {}
        if self.validation_fraction is not None:
            options["validation_split"] = self.validation_fraction
            options["callbacks"] = optim.EarlyStopping(patience=self.patience)
        return self._train(
            X, targets, weights, COUNT.check(self._where("epochs"), self.epochs), options
        )

    def _begin(self, X: Array) -> None:
        """Make network and optimizer."""
        source = check_random_state(self.random_state)
        self._rng = np.random.default_rng(source.randint(np.iinfo(np.int32).max))
        self.model_ = self._layers(X)
        kinds = {
            name.lower(): k
            for name in optim.optimizers.__all__
            if isinstance(k := getattr(optim, name), type) and issubclass(k, optim.Optimizer)
        }
        kind: Any = kinds[Choice(tuple(kinds)).check(self._where("optimizer"), self.optimizer)]
        lr = (
            {"lr": self.lr} if "lr" in kind.hyperparameters else {}
        )  # sign rules have sizes of their own
        self.optimizer_ = kind(self.model_.parameters(), **lr)

    def _layers(self, X: Array) -> nn.Sequential:
        hidden = self.hidden
        if not isinstance(hidden, Sequence | np.ndarray) or isinstance(hidden, str):
            raise ConfigError(
                type(self).__name__,
                f"hidden: expected a sequence of widths, such as (32, 16); received {hidden!r:.60}.",
            )
        NON_NEGATIVE.check(self._where("penalty"), self.penalty)
        rate = Interval(0.0, 1.0).check(self._where("dropout"), self.dropout)
        units = {
            name.lower(): getattr(nn, name)
            for name in nn.layers.activations.__all__
            if name not in ("GLU", "LogSoftmax", "Softmax", "Softmin", "Threshold")
        }
        unit = units[Choice(tuple(units)).check(self._where("activation"), self.activation)]
        layers: list[nn.Module] = []
        width = X.shape[1]
        for wanted in hidden:
            size = COUNT.check(self._where("hidden"), wanted)
            layers.append(nn.Linear(width, size, rng=self._rng, dtype=X.dtype))
            if self.batch_norm:
                layers.append(nn.BatchNorm1d(size, dtype=X.dtype))
            layers.append(unit())
            if rate:
                layers.append(nn.Dropout(rate, rng=self._rng))
            width = size
        layers.append(nn.Linear(width, self._outputs, rng=self._rng, dtype=X.dtype))
        return nn.Sequential(*layers)

    def _train(
        self, X: Array, targets: Array, weights: Array | None, epochs: int, options: dict[str, Any]
    ) -> Self:
        size = self.batch_size
        weighed = weights is not None
        self.history_ = optim.fit(
            self.model_,
            self._criterion("none" if weighed else "mean"),
            self.optimizer_,
            (X, targets, weights) if weighed else (X, targets),
            epochs=epochs,
            batch_size=min(_MOST, len(X))
            if size is None
            else COUNT.check(self._where("batch_size"), size),
            rng=self._rng,
            regularizer=nn.L2(self.penalty) if self.penalty else None,
            metrics={},
            verbose=0,
            jit=bool(self.jit),
            **options,
        )
        if self.history_.stopped_by == "Ctrl-C":  # scikit-learn would take it for a fitted one
            raise KeyboardInterrupt
        return self

    def _further(self, X: Array, targets: Array, weights: Array | None) -> Self:
        """One more epoch, in the dtype of the first."""
        X = X.astype(self._dtype, copy=False)
        if targets.dtype.kind == "f":
            targets = targets.astype(self._dtype, copy=False)
        return self._train(X, targets, weights, 1, {})

    @property
    def _dtype(self) -> Any:
        return next(iter(self.model_.parameters())).dtype

    def _where(self, option: str) -> str:
        return f"{type(self).__name__}: {option}"

    # --- input ------------------------------------------------------------------------------------

    def _checked(
        self, X: Any, y: Any, sample_weight: Any, first: bool, classes: Any = None
    ) -> tuple[Array, Array, Array | None]:
        """Inputs, targets as the criterion takes them, and weights."""
        X, y = validate_data(
            self,
            X,
            y,
            dtype=_FLOATS,
            multi_output=self._several,
            y_numeric=self._several,
            reset=first,
        )
        targets = self._targets(y, X, first, classes)
        if sample_weight is None:
            return X, targets, None
        weights = _check_sample_weight(sample_weight, X, dtype=X.dtype, ensure_non_negative=True)
        if not weights.any():
            raise ConfigError(
                type(self).__name__,
                "sample_weight: expected at least one over 0; received only zeros.",
            )
        kept = (
            weights > 0
        )  # what counts nothing is not there: not in a batch, nor in its statistics
        return X[kept], targets[kept], weights[kept]

    def _computed(self, X: Any) -> Array:
        check_is_fitted(self, "model_")
        X = validate_data(self, X, dtype=_FLOATS, reset=False)
        X = X.astype(self._dtype, copy=False)
        with mode(self.model_, training=False), ag.no_grad():
            return np.array(self.model_(X).numpy())

    # --- what a subclass says ---------------------------------------------------------------------

    _several = False
    _outputs: int

    def _criterion(self, reduction: Any) -> Any:
        raise NotImplementedError

    def _targets(self, y: Array, X: Array, first: bool, classes: Any) -> Array:
        raise NotImplementedError


class NetworkClassifier(ClassifierMixin, _Network):  # type: ignore[misc]
    """A feed-forward network for two or more classes, by softmax and cross-entropy.

    Its attribute ``classes_`` are the labels of the classes, sorted. Inputs are taken as they are: put a
    StandardScaler before it, ``make_pipeline(StandardScaler(), NetworkClassifier())``.
    """

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """One more epoch, on these examples; the first call says which classes there are to be.

        Parameters
        ----------
        X : array_like, shape (n, features)
        y : array_like, shape (n,)
        classes : array_like, optional
            Needed in the first call only.
        sample_weight : array_like, shape (n,), optional
        """
        first = not hasattr(self, "model_")
        if first and classes is None:
            raise ConfigError(
                "NetworkClassifier.partial_fit",
                "classes: expected all classes in the first call, since later ones may bring others; received none.",
            )
        X, targets, weights = self._checked(X, y, sample_weight, first, classes)
        if first:
            self._begin(X)
        return self._further(X, targets, weights)

    def _criterion(self, reduction: Any) -> Any:
        return nn.CrossEntropyLoss(reduction=reduction)

    def _targets(self, y: Array, X: Array, first: bool, classes: Any) -> Array:
        check_classification_targets(y)
        y = column_or_1d(y, warn=True)
        given = None if classes is None else np.unique(classes)
        if first:
            self.classes_ = np.unique(y) if given is None else given
        elif given is not None and not np.array_equal(given, self.classes_):
            raise ValueError(
                f"NetworkClassifier.partial_fit: classes: expected those of the first call, {self.classes_!r}; "
                f"received {given!r}."
            )
        places = np.searchsorted(self.classes_, y).clip(max=len(self.classes_) - 1)
        unknown = self.classes_[places] != y
        if unknown.any():
            raise ValueError(
                f"{type(self).__name__}: y: expected classes among {self.classes_!r}; received {y[unknown][0]!r}."
            )
        self._outputs = len(self.classes_)
        return places.astype(np.int64)

    def predict_proba(self, X: Any) -> Array:
        """Probabilities of the classes, shape (n, classes), in the order of ``classes_``."""
        outputs = self._computed(X)
        powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))

    def predict(self, X: Any) -> Array:
        """The most probable class of each row."""
        outputs = self._computed(X)
        return np.asarray(self.classes_[outputs.argmax(axis=1)])


class NetworkRegressor(RegressorMixin, _Network):  # type: ignore[misc]
    """A feed-forward network for one or several real numbers, by the mean squared error.

    Inputs and targets are taken as they are: scale both, by ``TransformedTargetRegressor(make_pipeline(
    StandardScaler(), NetworkRegressor()), transformer=StandardScaler())``.
    """

    _several = True

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """One more epoch, on these examples.

        Parameters
        ----------
        X : array_like, shape (n, features)
        y : array_like, shape (n,) or (n, outputs)
        sample_weight : array_like, shape (n,), optional
        """
        first = not hasattr(self, "model_")
        X, targets, weights = self._checked(X, y, sample_weight, first)
        if first:
            self._begin(X)
        return self._further(X, targets, weights)

    def _criterion(self, reduction: Any) -> Any:
        return nn.MSELoss(reduction=reduction)

    def _targets(self, y: Array, X: Array, first: bool, classes: Any) -> Array:
        rows = y.reshape(len(y), -1).astype(X.dtype)
        if first:
            self._outputs, self._flat = rows.shape[1], y.ndim == 1
        elif (rows.shape[1], y.ndim == 1) != (self._outputs, self._flat):
            raise ValueError(
                f"NetworkRegressor.partial_fit: y: expected {self._outputs} outputs a row, as before; received shape {y.shape}."
            )
        return np.asarray(rows)

    def predict(self, X: Any) -> Array:
        """The numbers for each row, shape (n,) or (n, outputs) as those that it was fitted to."""
        outputs = self._computed(X)
        return outputs.ravel() if self._flat else outputs

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


_PARAMETERS = """
    Parameters
    ----------
    hidden : sequence of int
        Widths of the hidden layers.
    activation : str
        Name of a layer of `nn` in small letters: "relu", "tanh", "sigmoid", "gelu" …
    dropout : float, in [0, 1)
        Probability that a hidden unit is dropped in training.
    batch_norm : bool
        Whether each hidden layer is normalized over the batch, before its activation.
    penalty : float, ≥ 0
        λ of ½λ ΣW², added to the mean loss.
    optimizer : str
        Name of an optimizer of `optim` in small letters: "adam", "sgd", "rmsprop" …
    lr : float
        Learning rate η, of optimizers that have one.
    epochs : int, ≥ 1
        Passes through the data, at most.
    batch_size : int, ≥ 1, optional
        Default: 200, or as many examples as there are.
    validation_fraction : float, in (0, 1), optional
        Hold out so much, and stop early: the best weights come back. Default: train to the end.
    patience : int, ≥ 1
        Epochs without improvement that are waited then.
    jit : bool
        Whether to compile the training step: worth it for long runs.
    random_state : int, numpy.random.RandomState or None
        Where initial weights, the order of examples and dropped units come from.

    Attributes
    ----------
    model_ : nn.Sequential
        The network: draw it, prove its gradient, export it.
    optimizer_ : optim.Optimizer
    history_ : optim.History
        Of the last call of fit or partial_fit.
    n_features_in_ : int
"""

for _kind in (NetworkClassifier, NetworkRegressor):
    _kind.__doc__ = f"{_kind.__doc__}{_PARAMETERS}"
