"""Adaptive clipping: by the norm of a gradient over that of the weights."""

from __future__ import annotations

from typing import Any

import autograd_core as ag

from ..hyperparameters import Positive
from .transform import Transform

__all__ = ["ClipAdaptively"]


class ClipAdaptively(Transform):
    """g ← g · min(1, λ max(‖w‖, ε) / ‖g‖) for the weights w into each unit: no step is long beside its weights.

    Parameters
    ----------
    limit : float, > 0
        λ: 0.01 in the paper at batches of 4096, more for small ones.
    eps : float, > 0
        ε, below which the norm of weights counts as ε, so that weights of 0 can leave it.

    Notes
    -----
    A unit is a column of a matrix (in, out), a kernel (out, in, …), and a vector or number as a
    whole, as of biases. The paper leaves the last layer out: give it a group of its own, with
    ``transforms=[]``. Norms are taken over their largest element, so no square overflows.

    References
    ----------
    Brock, De, Smith and Simonyan (2021), High-performance large-scale image recognition without
    normalization, equation 3. The slides clip by a number alone [Additional heuristics: Gradient
    clipping].

    Examples
    --------
    >>> import autograd_core as ag, optim
    >>> w = ag.tensor([3.0, 4.0], requires_grad=True)
    >>> optimizer = optim.SGD([w], lr=1.0, transforms=[optim.ClipAdaptively(0.2)])
    >>> (w * [30.0, 40.0]).sum().backward()
    >>> optimizer.step()  # ‖w‖ = 5, so ‖g‖ = 50 becomes 1
    >>> w
    Tensor([2.4, 3.2], requires_grad=True)
    """

    examples = ({"limit": 0.1}, {"limit": 10.0, "eps": 0.5})

    scope = "parameter"
    limit: Positive = 0.01
    eps: Positive = 1e-3

    @staticmethod
    def update(
        inner: Any, theta: Any, g: Any, *, step: Any, limit: Any, eps: Any
    ) -> tuple[Any, ...]:
        """The update inside, of the clipped gradient."""
        if g.size == 0:  # of nothing there is no largest element
            return (inner(theta, g),)
        axes = (0,) if g.ndim == 2 else tuple(range(1, g.ndim)) if g.ndim > 2 else None

        def norm_over(x: Any, largest: Any) -> Any:
            return ag.sqrt(ag.sum(ag.square(x / largest), axis=axes, keepdims=True))

        def largest_of(x: Any, floor: Any) -> Any:
            return ag.maximum(ag.max(ag.absolute(x), axis=axes, keepdims=True), floor)

        weights = largest_of(theta, eps)
        bound = limit * ag.maximum(weights * norm_over(theta, weights), eps)
        largest = largest_of(g, bound)
        bound = bound / largest
        # A factor of 1 is exact.
        return (inner(theta, g * (bound / ag.maximum(norm_over(g, largest), bound))),)
