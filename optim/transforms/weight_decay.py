"""Weight decay beside the step."""

from __future__ import annotations

from typing import Any

from ..hyperparameters import NonNegative
from .transform import Transform

__all__ = ["WeightDecay"]


class WeightDecay(Transform):
    """w ← (1 − ηλ) w before the step: decay beside the gradient instead of in it, as in AdamW.

    Parameters
    ----------
    weight_decay : float, ≥ 0
        λ, per unit of η.

    Notes
    -----
    The gradient inside is not changed by it, so an adaptive step is not scaled by the decay. For plain
    descent it is the same as the optimizer's own ``weight_decay``, which adds λ w to the gradient.
    ``Adam(decoupled=True)`` is this around `Adam`.

    References
    ----------
    Loshchilov and Hutter (2019), Decoupled weight decay regularization.

    Examples
    --------
    >>> import autograd_core as ag, optim
    >>> w = ag.tensor([1.0], requires_grad=True)
    >>> optimizer = optim.SGD([w], lr=0.5, transforms=[optim.WeightDecay(0.5)])
    >>> (w * 0.0).sum().backward()
    >>> optimizer.step()
    >>> w
    Tensor([0.75], requires_grad=True)
    """

    examples = ({"weight_decay": 0.1},)

    weight_decay: NonNegative

    @staticmethod
    def update(
        inner: Any, theta: Any, g: Any, *, step: Any, lr: Any, weight_decay: Any
    ) -> tuple[Any, ...]:
        """The update inside, of the decayed parameters."""
        return (inner((1 - lr * weight_decay) * theta, g),)
