"""The error and the gradient of each example by itself, of which those of a batch are the mean."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

import autograd_core as ag
import nn
from autograd_core.aliases import Array
from autograd_core.errors import AnomalyError, AutogradError, ConfigError
from autograd_core.modes import mode
from optim.training.batches import Examples

__all__ = ["PerExample", "per_example"]

LARGEST = 50_000_000  # numbers that are kept at a time: T examples times P parameters
_AT_ONCE = 2_000_000  # numbers of one call of vmap


@dataclass(frozen=True, eq=False)
class PerExample:
    """What each example says of the weights.

    Attributes
    ----------
    errors : ndarray, shape (T,)
        div(f(X_t; W), d_t).
    gradients : ndarray, shape (T, P)
        Its gradient, all trained parameters end to end, in the order of ``named_parameters()``.
    vectorized : bool
        Whether they came out of `ag.vmap`; else one example at a time.
    """

    errors: Array
    gradients: Array
    vectorized: bool


def per_example(model: nn.Module, criterion: Callable[..., Any], data: Any) -> PerExample:
    """Error and gradient of each example by itself.

    Parameters
    ----------
    model : Module
        Looked at in evaluation mode, and left as it is: with masks or batch statistics an example has no
        error of its own.
    criterion : callable
        ``criterion(outputs, targets)``, the mean over a batch.
    data : (array_like, array_like)
        T examples: inputs and targets.

    Returns
    -------
    PerExample
        By `ag.vmap` over the examples where all operations have a rule for it, else by a loop.

    Raises
    ------
    ConfigError
        If no parameter is trained, if there would be more than 50,000,000 numbers (take fewer examples, or
        `gradient_noise`, which keeps no more than some at a time), or if the criterion is no mean: the whole
        has another error than its examples on average.
    AnomalyError
        If an error or a gradient is not finite.

    Examples
    --------
    >>> import numpy as np, nn
    >>> from analysis import per_example
    >>> model = nn.Linear(1, 1, bias=False, rng=0, dtype=np.float64)
    >>> _ = model.weight.assign([[2.0]])
    >>> found = per_example(model, nn.SquaredErrorLoss(), ([[1.0], [3.0]], [[0.0], [5.0]]))
    >>> found.errors.tolist(), found.gradients.tolist()
    ([4.0, 1.0], [[4.0], [6.0]])
    """
    examples = Examples.of("per_example", "data", data)
    with mode(model, training=False):
        whole = Whole("per_example", model, criterion, examples)
        if whole.count * whole.size > LARGEST:
            raise ConfigError(
                "per_example",
                f"{whole.count} examples of {whole.size} parameters are {whole.count * whole.size:,} numbers. "
                f"Expected at most {LARGEST:,}. Take fewer examples, or gradient_noise(...), which keeps few "
                "at a time.",
            )
        errors, gradients = map(np.concatenate, zip(*whole.parts(), strict=True))
        whole.check_mean(errors.mean(dtype=np.float64))
    return PerExample(errors, gradients, whole.vectorized)


class Whole:
    """Error and gradient of a model on batches of given examples, as pure functions of its state."""

    def __init__(
        self,
        operation: str,
        model: nn.Module,
        criterion: Callable[..., Any],
        examples: Examples,
    ) -> None:
        self.operation, self.examples = operation, examples
        self.state = {n: p.numpy() for n, p in model.named_parameters() if p.requires_grad}
        if not self.state:
            raise ConfigError(
                operation,
                "the model has no parameter that requires a gradient. Expected one at least. Unfreeze some "
                "with .requires_grad_(True).",
            )
        self.count = len(examples.inputs)
        self.size = sum(values.size for values in self.state.values())
        self.vectorized = True

        def error(state: Any, inputs: Any, targets: Any) -> Any:
            found = criterion(nn.functional_call(model, state, (inputs,)), targets)
            if not isinstance(found, ag.Tensor) or found.size != 1:
                raise ConfigError(
                    operation,
                    "criterion: expected one number as a Tensor; received "
                    f"{getattr(found, 'shape', type(found).__name__)}. Pass the mean over the batch.",
                )
            return ag.reshape(found, ())

        self._error = error
        self._both = ag.value_and_grad(error, unreachable="zero")
        one = lambda state, x, d: error(state, ag.expand_dims(x, 0), ag.expand_dims(d, 0))  # noqa: E731
        self._each = ag.vmap(ag.value_and_grad(one, unreachable="zero"), in_axes=(None, 0, 0))

    def error(self) -> float:
        """Of all examples."""
        with ag.no_grad():
            return float(
                self._error(self.state, self.examples.inputs, self.examples.targets).item()
            )

    def batch(self, rows: Any) -> tuple[float, Array]:
        """Error and gradient of one batch, shape (P,)."""
        batch = self.examples.take(rows)
        error, gradient = self._both(self.state, batch.inputs, batch.targets)
        return float(error.item()), np.concatenate([g.numpy().ravel() for g in gradient.values()])

    def parts(self) -> Iterator[tuple[Array, Array]]:
        """Errors and gradients of the examples, some at a time, in their order."""
        step = max(1, _AT_ONCE // self.size)
        for start in range(0, self.count, step):
            with np.errstate(all="ignore"):  # what is not finite is named below
                errors, gradients = self._of(np.arange(start, min(start + step, self.count)))
            if not (np.isfinite(errors).all() and np.isfinite(gradients).all()):
                finite = np.isfinite(errors) & np.isfinite(gradients).all(axis=1)
                raise AnomalyError(
                    self.operation,
                    f"error or gradient of example {start + int(np.argmin(finite))} is not finite. Expected "
                    "finite numbers. Look at the weights and at that example.",
                )
            yield errors, gradients

    def _of(self, rows: Any) -> tuple[Array, Array]:
        if self.vectorized:
            try:
                batch = self.examples.take(rows)
                errors, gradients = self._each(self.state, batch.inputs, batch.targets)
            except AutogradError:  # an operation without a rule, or a model that asks for values
                self.vectorized = False
            else:
                flat = [g.numpy().reshape(len(rows), -1) for g in gradients.values()]
                return errors.numpy(), np.concatenate(flat, axis=1)
        found = [self.batch(rows[i : i + 1]) for i in range(len(rows))]
        return np.array([e for e, _ in found]), np.array([g for _, g in found])

    def check_mean(self, of_examples: float) -> None:
        """Refuse a criterion that is a sum, or has weights of its own."""
        whole = self.error()
        if not math.isclose(whole, of_examples, rel_tol=1e-3, abs_tol=1e-6):
            raise ConfigError(
                self.operation,
                f"criterion: expected the mean over a batch; it is {whole:.6g} of all {self.count} examples, "
                f"and {of_examples:.6g} on the average of one. Pass one with reduction='mean', "
                "of a model whose examples do not see each other.",
            )
