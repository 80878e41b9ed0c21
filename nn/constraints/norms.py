"""Balls: norms of at most r."""

from __future__ import annotations

import autograd_core as ag
from autograd_core.aliases import ArrayLike
from autograd_core.errors import ConfigError
from autograd_core.options import NON_NEGATIVE

from .. import functional
from ..functional.penalties import incoming
from ..inputs import as_quantities
from ..regularizers.penalty import Chosen
from .constraint import Constraint

__all__ = ["L1Ball", "L2Ball", "MaxNorm"]


class MaxNorm(Constraint):
    """‖w‖₂ ≤ c for the weights that come into each unit, each unit by itself.

    Parameters
    ----------
    c : float, ≥ 0
        Srivastava et al. find values from 3 to 4 good.
    axis : int, optional
        The axis of the units: left out, the last of a matrix (in, out) and the first of kernels
        (out, in, …). Of transposed kernels (in, out, …) it is 1, of the rows of an embedding 0.
    parameters
        See `nn.L2`.

    Raises
    ------
    ConfigError
        If an option is outside its range.

    References
    ----------
    Srivastava et al. (2014), Dropout, section 5.1. Keras's ``MaxNorm(axis=0)``.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag, nn
    >>> w = ag.tensor([[3.0, 0.3], [4.0, 0.4]], requires_grad=True)
    >>> nn.MaxNorm(1.0)([w])
    >>> w.numpy().round(12).tolist()
    [[0.6, 0.3], [0.8, 0.4]]
    """

    examples = ({"c": 0.5}, {"c": 0.5, "axis": 0}, {"c": 0.0})

    def __init__(
        self, c: float, *, axis: int | None = None, parameters: Chosen = "weights"
    ) -> None:
        super().__init__(parameters=parameters)
        self.c = NON_NEGATIVE.check("MaxNorm: c", c)
        if axis is not None and (isinstance(axis, bool) or not isinstance(axis, int)):
            raise ConfigError("MaxNorm", f"axis: expected an integer or None; received {axis!r}.")
        self.axis = axis

    def project(self, w: ArrayLike) -> ag.Tensor:
        """See `nn.functional.project_max_norm`."""
        return functional.project_max_norm(w, self.c, self.axis)

    def excess(self, w: ArrayLike) -> ag.Tensor:
        """The largest norm less c."""
        w = as_quantities(w, "MaxNorm")
        return ag.max(ag.norm(w, axis=incoming(w, self.axis))) - self.c


class L2Ball(Constraint):
    """‖θ‖₂ ≤ r for all weights together: the slide's ‖θ‖² ≤ r².

    Parameters
    ----------
    radius : float, ≥ 0
        r.
    parameters
        See `nn.L2`.
    each : bool
        Whether each parameter has a ball of its own.

    Raises
    ------
    ConfigError
        If an option is outside its range.

    References
    ----------
    [Regularization as hard constraint]

    Examples
    --------
    >>> import autograd_core as ag, nn
    >>> v, w = ag.tensor([3.0], requires_grad=True), ag.tensor([4.0], requires_grad=True)
    >>> nn.L2Ball(1.0)([v, w])
    >>> v.numpy().round(12).tolist(), w.numpy().round(12).tolist()
    ([0.6], [0.8])
    """

    examples = ({"radius": 0.5}, {"radius": 0.5, "each": True}, {"radius": 0.0})

    def __init__(
        self, radius: float, *, parameters: Chosen = "weights", each: bool = False
    ) -> None:
        super().__init__(parameters=parameters, each=each)
        self.radius = NON_NEGATIVE.check("L2Ball: radius", radius)

    def project(self, w: ArrayLike) -> ag.Tensor:
        """See `nn.functional.project_l2_ball`."""
        return functional.project_l2_ball(w, self.radius)

    def excess(self, w: ArrayLike) -> ag.Tensor:
        """‖w‖ − r."""
        return ag.norm(w) - self.radius


class L1Ball(Constraint):
    """Σ|θ| ≤ r for all weights together: most of them become 0.

    Parameters
    ----------
    radius : float, ≥ 0
        r.
    parameters
        See `nn.L2`.
    each : bool
        Whether each parameter has a ball of its own.

    Raises
    ------
    ConfigError
        If an option is outside its range.

    References
    ----------
    [Geometric Interpretation of L1 Minimization]. Duchi et al. (2008), Efficient projections onto the
    l1-ball for learning in high dimensions.

    Examples
    --------
    >>> import autograd_core as ag, nn
    >>> w = ag.tensor([3.0, -2.0, 0.5], requires_grad=True)
    >>> nn.L1Ball(2.0)([w])
    >>> w.numpy().tolist()
    [1.5, -0.5, 0.0]
    """

    examples = ({"radius": 0.5}, {"radius": 0.5, "each": True}, {"radius": 0.0})

    def __init__(
        self, radius: float, *, parameters: Chosen = "weights", each: bool = False
    ) -> None:
        super().__init__(parameters=parameters, each=each)
        self.radius = NON_NEGATIVE.check("L1Ball: radius", radius)

    def project(self, w: ArrayLike) -> ag.Tensor:
        """See `nn.functional.project_l1_ball`."""
        return functional.project_l1_ball(w, self.radius)

    def excess(self, w: ArrayLike) -> ag.Tensor:
        """Σ|w| − r."""
        return ag.sum(ag.absolute(w)) - self.radius
