"""Clipping by the norm of the whole gradient."""

from __future__ import annotations

from typing import Any, ClassVar

import autograd_core as ag

from ..hyperparameters import Positive
from ..scope import Scope
from .transform import Transform

__all__ = ["ClipByNorm"]


class ClipByNorm(Transform):
    """g ← g · min(1, θ / ‖g‖), ‖g‖ the norm of all gradients of a group together.

    Parameters
    ----------
    limit : float, > 0
        θ, in the unit of the gradient; 5 on the slide.

    Notes
    -----
    The global norm, PyTorch's ``clip_grad_norm_``; `ClipParameterByNorm` takes that of each parameter.
    Scope ``"all"``: the parameters of a group are clipped by one factor, so the step keeps its
    direction; give one group to clip by the norm of everything. Clipping each element
    (`ClipByValue`) turns it. The norm is taken of g over its largest element, so no square
    overflows.

    References
    ----------
    [Additional heuristics: Gradient clipping]. Pascanu, Mikolov and Bengio (2013), On the difficulty
    of training recurrent neural networks.

    Examples
    --------
    >>> import autograd_core as ag, optim
    >>> w = ag.tensor([0.0, 0.0], requires_grad=True)
    >>> optimizer = optim.SGD([w], lr=1.0, transforms=[optim.ClipByNorm(5.0)])
    >>> (w * [30.0, 40.0]).sum().backward()
    >>> optimizer.step()
    >>> w
    Tensor([-3., -4.], requires_grad=True)
    """

    examples = ({"limit": 0.5}, {"limit": 100.0})

    scope: ClassVar[Scope] = "all"
    limit: Positive = 5.0

    @staticmethod
    def update(inner: Any, theta: Any, g: Any, *, step: Any, limit: Any) -> tuple[Any, ...]:
        """The update inside, of the clipped gradient."""
        if g.size == 0:  # of nothing there is no largest element
            return (inner(theta, g),)
        largest = ag.maximum(ag.max(ag.absolute(g)), limit)
        limit = limit / largest
        norm = ag.sqrt(ag.sum(ag.square(g / largest)))
        return (inner(theta, g * (limit / ag.maximum(norm, limit))),)  # a factor of 1 is exact
