"""A set that is said by a function: R(θ) ≤ r."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core.aliases import Array, ArrayLike
from autograd_core.errors import CaptureError, ConfigError
from autograd_core.options import Interval

from ..inputs import as_quantities
from ..regularizers.penalty import Chosen
from .constraint import Constraint
from .newton import constrained

__all__ = ["AtMost", "Projection"]


@dataclass(frozen=True, eq=False)
class Projection:
    """A projection onto R(θ) ≤ r, and what shows that it is one.

    Attributes
    ----------
    at : ndarray
        The nearest point, of the shape of what was projected.
    multiplier : float
        μ ≥ 0; 0 where the point was in the set.
    value : float
        R there.
    residual : float
        The largest element of θ' − θ + μ ∇R(θ'): what is left of the conditions of Karush, Kuhn and
        Tucker.
    """

    at: Array
    multiplier: float
    value: float
    residual: float


class AtMost(Constraint):
    """R(θ) ≤ r for a function R of one's own, convex and smooth.

    Parameters
    ----------
    function : callable
        R: of the weights, all end to end as a vector of shape (n,), to one number, in Tensor
        operators. Convex, with second derivatives; of |θ| see `L1Ball`.
    bound : float
        r, above the least value of R.
    parameters
        See `nn.L2`.
    each : bool
        Whether each parameter has a set of its own; R is then given its shape.

    Raises
    ------
    ConfigError
        If an option is no function or number; when it is called: if R gives more than one number or is
        seen not to be convex, or no point with R ≤ r is found.
    CaptureError
        In a compiled step: the search has no fixed number of steps.

    Notes
    -----
    θ' is the minimum of ½‖θ' − θ‖² + μ R(θ'), found by Newton's method; R(θ') falls as μ grows, so
    the μ with R(θ') = r is found by Newton's method between bounds. Of what is returned R(θ') ≤ r is checked, and
    `solve` gives μ and the residual of the conditions.

    References
    ----------
    [Regularization as hard constraint], for any R. Boyd and Vandenberghe (2004), Convex optimization,
    section 5.5.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag, nn
    >>> ellipse = nn.AtMost(lambda w: w[0] ** 2 + 4 * w[1] ** 2, 1.0)
    >>> found = ellipse.solve(np.array([2.0, 0.0]))
    >>> found.at.round(9).tolist(), round(found.multiplier, 6)
    ([1.0, 0.0], 0.5)
    """

    examples = ({"function": lambda w: ag.mean(ag.logaddexp(w, -2 * w)), "bound": 0.7},)

    def __init__(
        self,
        function: Callable[[Any], Any],
        bound: float,
        *,
        parameters: Chosen = "weights",
        each: bool = False,
    ) -> None:
        super().__init__(parameters=parameters, each=each)
        if not callable(function):
            raise ConfigError(
                "AtMost",
                f"function: expected a function of the weights; received {function!r:.60}.",
            )
        self.function = function
        self.bound = Interval().check("AtMost: bound", bound)

    def project(self, w: ArrayLike) -> ag.Tensor:
        """The nearest point; see `solve`. It is not differentiated."""
        w = as_quantities(w, "AtMost")
        found = self.solve(w)
        return ag.tensor(found.at.astype(w.dtype))

    def excess(self, w: ArrayLike) -> ag.Tensor:
        """R(w) − r."""
        return self._value(ag.tensor(w) if not isinstance(w, ag.Tensor) else w) - self.bound

    def solve(self, w: ArrayLike) -> Projection:
        """The nearest point with its multiplier.

        Parameters
        ----------
        w : array_like, finite
        """
        given = as_quantities(w, "AtMost")
        try:
            values = np.array(
                given.detach().numpy() if isinstance(given, ag.Tensor) else given, np.float64
            )
        except CaptureError as error:
            raise CaptureError(
                "AtMost",
                "a projection onto a set of one's own is a search, and looks at values. Expected a call "
                "outside of compiled steps; inside of them use MaxNorm, L2Ball, L1Ball, Simplex or Box.",
            ) from error
        if not np.isfinite(values).all():
            raise ConfigError("AtMost", "expected finite weights; received nan or infinity.")
        shape, start = values.shape, values.ravel()

        def penalty(v: Any) -> ag.Tensor:
            return self._value(ag.reshape(v, shape))

        def value(v: Array) -> float:
            return float(penalty(ag.tensor(v)).item())

        if value(start) <= self.bound:
            return Projection(values, 0.0, value(start), 0.0)

        def distance(v: Any) -> ag.Tensor:
            return ag.sum(ag.square(v - start)) / 2

        found = constrained("AtMost", distance, penalty, self.bound, start)
        return Projection(found.at.reshape(shape), found.multiplier, found.value, found.residual)

    def _value(self, w: Any) -> ag.Tensor:
        value = self.function(w)
        if not isinstance(value, ag.Tensor) or value.size != 1:
            raise ConfigError(
                "AtMost",
                "function: expected one number in Tensor operators; received "
                f"{getattr(value, 'shape', type(value).__name__)}.",
            )
        return ag.reshape(value, ())
