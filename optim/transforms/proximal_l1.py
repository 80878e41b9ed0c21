"""A proximal step of an L1 penalty after the step."""

from __future__ import annotations

from typing import Any

import autograd_core as ag

from ..hyperparameters import NonNegative
from .transform import Transform

__all__ = ["ProximalL1"]


class ProximalL1(Transform):
    """w ← sign(w) max(|w| − ηλ, 0) / (1 + ηα) after the step: what arrives at 0 stays there.

    Parameters
    ----------
    l1 : float, ≥ 0
        λ, of the penalty λ Σ|w|.
    l2 : float, ≥ 0
        α, of a penalty ½α Σw² beside it: with both it is the elastic net's proximal step.

    Notes
    -----
    Around `optim.SGD` without momentum this is the proximal gradient method (ISTA), whose fixed points
    are the minimisers of loss + λΣ|w| + ½αΣw² where the loss is convex. The step ηλ sign(w) of the
    gradient reaches no 0: it jitters around it (erratum X45). The penalty belongs here and not in the
    loss, or it counts twice. For an adaptive method the threshold is ηλ all the same, not scaled by
    its denominators.

    References
    ----------
    [Effect on the optimal solution]. Daubechies, Defrise and De Mol (2004), An iterative thresholding algorithm;
    Beck and Teboulle (2009), A fast iterative shrinkage-thresholding algorithm.

    Examples
    --------
    >>> import autograd_core as ag, optim
    >>> w = ag.tensor([1.0, 0.1], requires_grad=True)
    >>> optimizer = optim.SGD([w], lr=0.5, transforms=[optim.ProximalL1(0.5)])
    >>> (w * 0.0).sum().backward()
    >>> optimizer.step()
    >>> w.numpy().tolist()
    [0.75, 0.0]
    """

    examples = ({"l1": 0.05}, {"l1": 0.05, "l2": 0.1})

    l1: NonNegative
    l2: NonNegative = 0.0

    @staticmethod
    def update(
        inner: Any, theta: Any, g: Any, *, step: Any, lr: Any, l1: Any, l2: Any
    ) -> tuple[Any, ...]:
        """What the update inside gives, moved towards 0 and no further."""
        moved = inner(theta, g)
        left = ag.sign(moved) * ag.relu(ag.absolute(moved) - lr * l1)
        return (left / (1 + lr * l2),)
