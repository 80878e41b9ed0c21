"""Loss and metrics of a model on given examples, without training it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core.aliases import Array
from autograd_core.errors import AnomalyError, ConfigError, DataError, ShapeError
from autograd_core.modes import mode

from ..optimizer import State
from .batches import Examples, batch_bounds
from .feeding import streams
from .metrics import Metric, Summed, takes_weights
from .model import Model
from .naming import chosen_metrics

__all__ = ["evaluate"]

Criterion = Callable[[Any, Any], ag.Tensor]

_MOST_WAITING = 128  # batches
_MOST_BYTES = 2**20  # of their outputs


def evaluate(
    model: Model,
    criterion: Criterion,
    data: Any,
    *,
    batch_size: int = 1024,
    metrics: Any = None,
) -> dict[str, float]:
    """Mean loss and metrics over ``data``, in evaluation mode and without recording.

    Parameters
    ----------
    model : Model
        Afterwards in the mode that it was in.
    criterion : callable
        ``criterion(outputs, targets)``, the mean over the batch, of one element.
    data : (array_like, array_like), (array_like, array_like, array_like), or iterable of such
        Inputs and targets, and weights of the examples, if they count differently: the criterion then gives a
        loss for each, ``reduction="none"``. Or batches of these.
    batch_size : int
        Examples at a time; changes the result by rounding only. Batches that are given are taken as they are.
    metrics : mapping, sequence or str, optional
        ``{"accuracy": optim.accuracy}``, ``["accuracy", "f1"]``. Default: ``{"error": error_rate}``
        where targets are class numbers, else none.

    Returns
    -------
    dict of str to float
        ``"loss"`` and one entry per metric: means over the examples, `Summed` metrics of all of them.

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
    examples = None if streams(data) else Examples.of("evaluate", "data", data, weights=True)
    measured = chosen_metrics("evaluate", metrics, None if examples is None else examples.targets)
    tally = Tally(measured)
    with mode(model), ag.no_grad():
        model.eval()
        for batch in _batches(data, examples, batch_size):
            outputs = model(batch.inputs)
            found = criterion(outputs, batch.targets)
            if batch.weights is None:
                loss = one_element("evaluate", "criterion", found).item()
            elif whole := batch.weight:
                loss = weighed("evaluate", found, batch.weights / whole).item()
            else:
                loss = 0.0
            tally.loss(batch, float(loss), outputs)
    averages = tally.means()
    bad = [f"{name} is {value}" for name, value in averages.items() if not math.isfinite(value)]
    if bad:
        raise AnomalyError(
            "evaluate",
            f"{', '.join(bad)}. Expected finite numbers. Look at the model's parameters, or "
            "call it under ag.detect_anomaly().",
        )
    return averages


def _batches(data: Any, examples: Examples | None, size: int) -> Iterator[Examples]:
    if examples is None:
        number = 0
        for number, batch in enumerate(data if isinstance(data, Iterable) else data(), 1):
            yield Examples.of("evaluate", f"data: batch {number}", batch, weights=True)
        if not number:
            raise DataError("evaluate", "data: there was no batch. Expected at least one.")
        return
    for start, stop in batch_bounds(len(examples.inputs), size, "keep"):
        yield examples.part(start, stop)


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


def weighed(operation: str, value: Any, shares: Any) -> ag.Tensor:
    """The weighted mean of what a criterion returned for each example.

    Parameters
    ----------
    value : Tensor, shape (B, …)
        Of an example with several numbers, as for several outputs, their mean counts.
    shares : array, shape (B,)
        Weights that add up to 1.

    Raises
    ------
    ConfigError
        If the criterion gives no number for each example.
    """
    if not isinstance(value, ag.Tensor) or value.shape[:1] != shares.shape:
        what = f"shape {value.shape}" if isinstance(value, ag.Tensor) else type(value).__name__
        raise ConfigError(
            operation,
            f"criterion: examples that have weights need a loss each, of shape ({shares.shape[0]},); it returned "
            f'{what}. Pass one without a mean: nn.CrossEntropyLoss(reduction="none"), say.',
        )
    each = value
    if each.ndim > 1:
        each = ag.mean(each, axis=tuple(range(1, each.ndim)))
    return ag.sum(each * ag.cast(shares, each.dtype))


class Tally:
    """What was measured on some examples, on the way to means over all of them."""

    def __init__(self, metrics: Mapping[str, Metric], skips: bool = False) -> None:
        self._skipped = 0 if skips else None
        self._metrics = [
            (name, metric, isinstance(metric, Summed), takes_weights(metric))
            for name, metric in metrics.items()
        ]
        self._sums: dict[str, Any] = {}
        self._waiting: list[tuple[Any, Examples]] = []
        self._most = 0  # of these, once it is known how large they are
        self._count = self._weight = self._loss = 0.0
        self._values: dict[str, float] = {}
        self._updates = 0

    def loss(self, batch: Examples, loss: float, outputs: Any) -> None:
        """Take in a batch: its mean loss, and the metrics of its outputs."""
        count = len(batch.inputs)
        weight = count if batch.weights is None else batch.weight
        self._count += count
        self._weight += weight
        self._loss += weight * loss
        if self._metrics:
            self._wait(batch, outputs)

    def equal_losses(
        self, whole: Examples, count: int, losses: Sequence[float], outputs: Any
    ) -> None:
        """The same of so many batches without weights, of one size, that lie in one array: to the same bits."""
        size = len(whole.inputs) // count
        self._count += len(whole.inputs)
        self._weight += len(whole.inputs)
        for loss in losses:
            self._loss += size * loss
        if self._metrics:
            for i, given in enumerate(outputs):
                self._wait(whole.part(i * size, (i + 1) * size), given)

    def _wait(self, batch: Examples, outputs: Any) -> None:
        """Put a batch aside to be measured: between updates one batch takes three times as long as among others.

        The first is measured at once, so that a metric that does not fit is known soon.
        """
        self._waiting.append((outputs, batch))
        if len(self._waiting) >= self._most:
            self._measure()
        if not self._most:
            size = max(1, _array(outputs).nbytes)
            self._most = max(1, min(_MOST_WAITING, _MOST_BYTES // size))

    def _measure(self) -> None:
        """Measure what waits, batch by batch; whole numbers of all together."""
        waiting, self._waiting = [(_array(y), batch) for y, batch in self._waiting], []
        alike = {(a.shape[1:], b.targets.shape[1:], b.weights is None) for a, b in waiting}
        together: list[tuple[Array, Examples]] = []
        if len(waiting) > 1 and len(alike) == 1 and waiting[0][1].weights is None:
            array = np.concatenate([a for a, _ in waiting])
            together = [(array, Examples(array, np.concatenate([b.targets for _, b in waiting])))]
        for metric in self._metrics:
            exact = isinstance(metric[1], Summed) and metric[1].exact
            for array, batch in together if exact and together else waiting:
                self._add(metric, array, batch)

    def _add(self, metric: tuple[str, Metric, bool, bool], array: Array, batch: Examples) -> None:
        name, measured, summed, weighted = metric
        count, weight = len(batch.inputs), batch.weight
        given: tuple[Array, ...] = (array, batch.targets)
        if weighted and batch.weights is not None:
            given = (*given, batch.weights)
        if summed:
            found: Any = measured.sums(*given)  # type: ignore[attr-defined]
        elif len(given) == 3 and not weight:
            return  # a mean over nothing
        else:
            found = (weight if weighted else count) * _number(name, measured(*given))
        self._sums[name] = self._sums[name] + found if name in self._sums else found

    def updates(self, values: Sequence[Mapping[str, float]]) -> None:
        """Take in what belongs to updates, each of which counts as much as any other."""
        self._updates += len(values)
        if values[-1]:
            for row in values:
                for name, value in row.items():
                    self._values[name] = self._values.get(name, 0.0) + value

    def skip(self) -> None:
        """Count an update that was not made, whose examples are in no mean."""
        self._skipped = (self._skipped or 0) + 1

    def means(self) -> dict[str, float]:
        """Means over the examples, then over the updates; and how many of these were not made."""
        self._measure()
        if self._skipped and not self._count:
            raise AnomalyError(
                "fit",
                f"none of the {self._skipped} updates of an epoch was made: each had a loss or a gradient that is "
                "not finite. Lower the learning rate, pass clip=, or find the operation with "
                "`with ag.detect_anomaly(): optim.fit(...)`.",
            )
        if not self._weight:
            raise DataError(
                "weights",
                "they are 0 for all examples. Expected one above 0: a mean over nothing is none.",
            )
        found = {"loss": self._loss / self._weight}
        found |= {name: total / self._updates for name, total in self._values.items()}
        for name, metric, summed, weighted in self._metrics:
            total = self._sums[name]
            if summed:
                found[name] = _number(name, metric.value(total))  # type: ignore[attr-defined]
            else:
                found[name] = total / (self._weight if weighted else self._count)
        return found if self._skipped is None else {**found, "skipped": float(self._skipped)}

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Of the sums of each metric."""
        self._measure()
        return {name: np.shape(total) for name, total in self._sums.items()}

    @shapes.setter
    def shapes(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        for name, shape in shapes.items():
            self._sums.setdefault(name, np.zeros(shape) if shape else 0.0)

    def totals(self) -> Array:
        """What adds up over processes, in one flat array; what belongs to updates is the same in all."""
        self._measure()
        sums = [np.ravel(self._sums[name]) for name in sorted(self._sums)]
        return np.concatenate([[self._count, self._weight, self._loss], *sums]).astype(np.float64)

    def take(self, totals: Array) -> None:
        """Have the sums of all processes in place of one's own."""
        self._count, self._weight, self._loss = totals[:3].tolist()
        start = 3
        for name in sorted(self._sums):
            shape = np.shape(self._sums[name])
            stop = start + int(np.prod(shape))
            part = totals[start:stop].reshape(shape)
            self._sums[name] = part if shape else float(part)
            start = stop

    def state_dict(self) -> State:
        """All of it."""
        self._measure()
        return {
            "arrays": {name: np.asarray(total) for name, total in self._sums.items()},
            "scalars": {
                "count": self._count,
                "weight": self._weight,
                "loss": self._loss,
                "values": dict(self._values),
                "updates": self._updates,
                "skipped": self._skipped,
            },
        }

    def load_state_dict(self, state: State | Mapping[str, Any]) -> None:
        """Go on where `state_dict` was called."""
        self._sums = {
            name: total if total.ndim else total.item() for name, total in state["arrays"].items()
        }
        scalars = state["scalars"]
        self._count, self._weight = scalars["count"], scalars["weight"]
        self._loss, self._updates = scalars["loss"], scalars["updates"]
        self._values, self._skipped = dict(scalars["values"]), scalars["skipped"]


def _array(outputs: Any) -> Array:
    return outputs.numpy() if isinstance(outputs, ag.Tensor) else np.asarray(outputs)


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        what = getattr(value, "shape", None)
        what = f"an array of shape {what}" if what else repr(value)
        raise ConfigError(
            "metrics",
            f"{name}: expected a number; received {what}. A table of confusions is optim.confusion(outputs, "
            "targets), of a model's predictions.",
        ) from None
