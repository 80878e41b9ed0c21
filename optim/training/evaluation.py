"""Loss and metrics of a model on given examples, without training it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core.aliases import Array
from autograd_core.errors import AnomalyError, ConfigError, ShapeError
from autograd_core.modes import mode

from .batches import Examples, batch_bounds
from .metrics import Metric, applies_by_default, error_rate
from .model import Model

__all__ = ["evaluate"]

Criterion = Callable[[Any, Any], ag.Tensor]


def evaluate(
    model: Model,
    criterion: Criterion,
    data: Any,
    *,
    batch_size: int = 1024,
    metrics: Mapping[str, Metric] | None = None,
) -> dict[str, float]:
    """Mean loss and metrics over ``data``, in evaluation mode and without recording.

    Parameters
    ----------
    model : Model
        Afterwards in the mode that it was in.
    criterion : callable
        ``criterion(outputs, targets)``, the mean over the batch, of one element.
    data : (array_like, array_like)
        Inputs and targets.
    batch_size : int
        Examples at a time; changes the result by rounding only.
    metrics : mapping of str to Metric, optional
        Default: ``{"error": error_rate}`` where targets are class numbers, else none.

    Returns
    -------
    dict of str to float
        ``"loss"`` and one entry per metric: means over the examples.

    Raises
    ------
    AnomalyError
        If a mean is not finite.
    DataError
        If the data are not two arrays of equal length.

    Examples
    --------
    >>> class Double:
    ...     def __call__(self, x):
    ...         return 2.0 * ag.tensor(x)
    ...
    ...     def train(self): ...
    ...     def eval(self): ...
    >>> mean_square = lambda y, d: ((y - d) ** 2).mean()
    >>> evaluate(Double(), mean_square, (np.array([1.0, 2.0]), np.array([2.0, 5.0])))
    {'loss': 0.5}
    """
    criterion = checked_criterion("evaluate", criterion)
    examples = Examples.of("evaluate", "data", data)
    measured = chosen_metrics("evaluate", metrics, examples.targets)
    means = Means(measured)
    with mode(model), ag.no_grad():
        model.eval()
        for start, stop in batch_bounds(len(examples.inputs), batch_size, "keep"):
            targets = examples.targets[start:stop]
            outputs = model(examples.inputs[start:stop])
            loss = one_element("evaluate", "criterion", criterion(outputs, targets)).item()
            means.add(stop - start, {"loss": loss}, outputs, targets)
    averages = means.values()
    bad = [f"{name} is {value}" for name, value in averages.items() if not math.isfinite(value)]
    if bad:
        raise AnomalyError(
            "evaluate",
            f"{', '.join(bad)}. Expected finite numbers. Look at the model's parameters, or "
            "call it under ag.detect_anomaly().",
        )
    return averages


def checked_criterion(operation: str, criterion: Any) -> Criterion:
    """``criterion`` if it can be called with outputs and targets.

    Raises
    ------
    ConfigError
        If it is no function, or a class of which no object was made.
    """
    if callable(criterion) and not isinstance(criterion, type):
        return criterion
    made = isinstance(criterion, type)
    what = f"the class {criterion.__name__}" if made else repr(criterion)
    remedy = f"Make one: {criterion.__name__}()." if made else "Pass nn.CrossEntropyLoss(), say."
    raise ConfigError(
        operation,
        f"criterion: expected a function (outputs, targets) -> Tensor; received {what}. {remedy}",
    )


def one_element(operation: str, option: str, value: Any) -> ag.Tensor:
    """``value``, what a criterion or a penalty returned, if it is a Tensor of one element.

    Raises
    ------
    ConfigError
        If it is no Tensor.
    ShapeError
        If it has more elements, or none.
    """
    if not isinstance(value, ag.Tensor):
        raise ConfigError(
            operation,
            f"{option}: it returned {type(value).__name__} {_short(value)}. Expected a Tensor, "
            "through which gradients can flow. Compute it with functions of autograd_core, or NumPy's on "
            "tensors, and return it without float(), .item() or .numpy().",
        )
    if value.size != 1:
        raise ShapeError(
            operation,
            f"{option}: it returned a Tensor of shape {value.shape}. Expected one element, a "
            "mean over the batch. Return its .mean().",
        )
    return value


def _short(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 40 else text[:37] + "..."


class Means:
    """Means over examples of what is given as means over batches."""

    def __init__(self, metrics: Mapping[str, Metric]) -> None:
        self._metrics = metrics
        self._sums: dict[str, float] = {}
        self._count = 0

    def add(self, count: int, values: Mapping[str, float], outputs: Any, targets: Array) -> None:
        """Take in a batch of ``count`` examples: its ``values``, and the metrics of its outputs."""
        self._count += count
        for name, value in values.items():
            self._sums[name] = self._sums.get(name, 0.0) + count * float(value)
        if self._metrics:
            array = outputs.numpy() if isinstance(outputs, ag.Tensor) else np.asarray(outputs)
            for name, metric in self._metrics.items():
                self._sums[name] = self._sums.get(name, 0.0) + count * float(metric(array, targets))

    def totals(self, names: Sequence[str]) -> list[float]:
        """How many examples there were, and the sums of what is named."""
        return [float(self._count), *(self._sums.get(name, 0.0) for name in names)]

    def values(self) -> dict[str, float]:
        """The means so far."""
        return {name: total / self._count for name, total in self._sums.items()}


def chosen_metrics(
    operation: str, metrics: Mapping[str, Metric] | None, targets: Array
) -> dict[str, Metric]:
    """The user's metrics, checked, or the default ones."""
    if metrics is None:
        return {"error": error_rate} if applies_by_default(targets) else {}
    if not isinstance(metrics, Mapping) or not all(map(callable, metrics.values())):
        raise ConfigError(
            operation,
            "metrics: expected a dict of names and functions (outputs, targets) -> number; "
            f"received {metrics!r}. Pass {{'accuracy': optim.accuracy}}, say.",
        )
    taken = [
        name
        for name in metrics
        if name in ("loss", "penalty", "seconds") or name.startswith("val_")
    ]
    if taken:
        raise ConfigError(operation, f"metrics: the name {taken[0]!r} is taken. Choose another.")
    return dict(metrics)
