"""Clipping element by element."""

from __future__ import annotations

from typing import Any

import autograd_core as ag

from ..hyperparameters import Positive
from .transform import Transform

__all__ = ["ClipByValue"]


class ClipByValue(Transform):
    """g ← min(max(g, −θ), θ): the slide's ceiling on the derivative's value, element by element.

    Parameters
    ----------
    limit : float, > 0
        θ, in the unit of the gradient; 5 on the slide.

    Notes
    -----
    The step may turn: (30, 1) becomes (5, 1). `ClipByNorm` keeps its direction.

    References
    ----------
    [Additional heuristics: Gradient clipping].

    Examples
    --------
    >>> import autograd_core as ag, optim
    >>> w = ag.tensor([0.0, 0.0], requires_grad=True)
    >>> optimizer = optim.SGD([w], lr=1.0, transforms=[optim.ClipByValue(5.0)])
    >>> (w * [30.0, 1.0]).sum().backward()
    >>> optimizer.step()
    >>> w
    Tensor([-5., -1.], requires_grad=True)
    """

    examples = ({"limit": 0.2},)

    limit: Positive = 5.0

    @staticmethod
    def update(inner: Any, theta: Any, g: Any, *, step: Any, limit: Any) -> tuple[Any, ...]:
        """The update inside, of the clipped gradient."""
        return (inner(theta, ag.minimum(ag.maximum(g, -limit), limit)),)
