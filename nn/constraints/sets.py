"""Sets of allowed values: not below 0, between bounds, of a given sum."""

from __future__ import annotations

import math

import autograd_core as ag
from autograd_core.aliases import ArrayLike
from autograd_core.errors import ConfigError
from autograd_core.options import NON_NEGATIVE

from .. import functional
from ..inputs import as_quantities
from ..regularizers.penalty import Chosen
from .constraint import Constraint

__all__ = ["Box", "NonNegative", "Simplex"]


class NonNegative(Constraint):
    """w ≥ 0, element by element.

    Parameters
    ----------
    parameters
        See `nn.L2`.

    Examples
    --------
    >>> import autograd_core as ag, nn
    >>> w = ag.tensor([1.0, -2.0], requires_grad=True)
    >>> nn.NonNegative()([w])
    >>> w.numpy().tolist()
    [1.0, 0.0]
    """

    def __init__(self, *, parameters: Chosen = "weights") -> None:
        super().__init__(parameters=parameters)

    def project(self, w: ArrayLike) -> ag.Tensor:
        """max(w, 0)."""
        return ag.relu(as_quantities(w, "NonNegative"))

    def excess(self, w: ArrayLike) -> ag.Tensor:
        """The largest −w."""
        return ag.max(-as_quantities(w, "NonNegative"))


class Box(Constraint):
    """low ≤ w ≤ high, element by element.

    Parameters
    ----------
    low, high : float
        low ≤ high; one of them may be infinite.
    parameters
        See `nn.L2`.

    Raises
    ------
    ConfigError
        If there is nothing between the bounds, or one is nan.

    Examples
    --------
    >>> import autograd_core as ag, nn
    >>> w = ag.tensor([1.0, -2.0], requires_grad=True)
    >>> nn.Box(-0.5, 0.5)([w])
    >>> w.numpy().tolist()
    [0.5, -0.5]
    """

    examples = ({"low": -0.5, "high": 0.25}, {"low": 0.0, "high": 0.0})

    def __init__(self, low: float, high: float, *, parameters: Chosen = "weights") -> None:
        super().__init__(parameters=parameters)
        self.low, self.high = float(low), float(high)
        if not self.low <= self.high or math.inf in (self.low, -self.high):
            raise ConfigError(
                "Box",
                f"expected low ≤ high, with numbers between them; received {low!r}, {high!r}.",
            )

    def project(self, w: ArrayLike) -> ag.Tensor:
        """w cut off at the bounds."""
        return ag.clip(as_quantities(w, "Box"), self.low, self.high)

    def excess(self, w: ArrayLike) -> ag.Tensor:
        """How far the farthest element is outside."""
        w = as_quantities(w, "Box")
        return ag.maximum(ag.max(w) - self.high, self.low - ag.min(w))


class Simplex(Constraint):
    """w ≥ 0 with Σ w = s along an axis: shares of a whole.

    Parameters
    ----------
    total : float, ≥ 0
        s.
    axis : int
        Along which the sum is taken.
    parameters
        See `nn.L2`.

    Raises
    ------
    ConfigError
        If the total is negative or not finite, or the axis no integer.

    Examples
    --------
    >>> import autograd_core as ag, nn
    >>> w = ag.tensor([1.0, 0.5, -1.0], requires_grad=True)
    >>> nn.Simplex()([w])
    >>> w.numpy().tolist()
    [0.75, 0.25, 0.0]
    """

    examples = ({}, {"total": 2.0, "axis": 0}, {"total": 0.0})

    def __init__(
        self, total: float = 1.0, *, axis: int = -1, parameters: Chosen = "weights"
    ) -> None:
        super().__init__(parameters=parameters)
        self.total = NON_NEGATIVE.check("Simplex: total", total)
        if isinstance(axis, bool) or not isinstance(axis, int):
            raise ConfigError("Simplex", f"axis: expected an integer; received {axis!r}.")
        self.axis = axis

    def project(self, w: ArrayLike) -> ag.Tensor:
        """See `nn.functional.project_simplex`."""
        return functional.project_simplex(w, self.total, self.axis)

    def excess(self, w: ArrayLike) -> ag.Tensor:
        """The larger of the farthest below 0 and the farthest of a sum from s."""
        w = as_quantities(w, "Simplex")
        off = ag.max(ag.absolute(ag.sum(w, axis=self.axis) - self.total))
        return ag.maximum(ag.max(-w), off)
