"""RMSprop: steps scaled by the root of the mean squared derivative."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY
from typing import Any, Literal

import autograd_core as ag

from ..hyperparameters import Decay, Fraction, NonNegative, Positive
from ..optimizer import Optimizer

__all__ = ["RMSprop"]


class RMSprop(Optimizer):
    """Steps along the gradient, over the root of its running mean square.

    With the slides' letters and g_k = ∂_w D + λ w_k::

        E[∂²_w D]_k = γ E[∂²_w D]_{k−1} + (1 − γ) g_k²
        w_{k+1} = w_k − η / √(E[∂²_w D]_k + ε) · g_k

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        See `Optimizer`.
    lr : float, ≥ 0
        Learning rate η, per step: about the size of a step while the gradient keeps its size.
    gamma : float, in [0, 1)
        γ, the memory of the mean square.
    eps : float, > 0
        ε, which keeps the quotient finite.
    weight_decay : float, ≥ 0
        λ; adds λ w to the gradient (L2). Beside the step: ``transforms=[WeightDecay(λ)]``.
    epsilon : {"inside", "outside"}
        √(E + ε) as on the slides, or √E + ε as in PyTorch. The same number means more inside:
        ε = 1e-8 there is a floor of 1e-4 under the root.
    transforms, nonfinite
        See `Optimizer`.

    Raises
    ------
    ConfigError
        If a hyperparameter is outside its range.

    Notes
    -----
    Slot: ``v``, E[∂²_w D], from 0. It is not corrected for that start, as `Adam` is: the first step
    is η / √(1 − γ) in size, whatever the gradient, 3.2 η by default.

    The slides' procedure sets k = 1 and E = 0 inside the loop over epochs (erratum X27); here it is
    done once. PyTorch's γ is 0.99, called alpha.

    References
    ----------
    [RMS Prop], [RMS Prop (updates are for each weight of each layer)]. Tieleman and Hinton (2012),
    Lecture 6.5, rmsprop.

    Examples
    --------
    >>> import autograd_core as ag, optim
    >>> w = ag.tensor([1.0, -1.0], requires_grad=True)
    >>> optimizer = optim.RMSprop([w], lr=0.1, gamma=0.75)
    >>> (ag.tensor([30.0, 0.5]) * w).sum().backward()
    >>> optimizer.step()
    >>> w.numpy().round(6).tolist()
    [0.8, -1.2]
    """

    examples = ({"lr": 0.05, "gamma": 0.99}, {"lr": 0.05, "gamma": 0.99, "epsilon": "outside"})

    lr: NonNegative = 1e-3
    gamma: Fraction = 0.9
    eps: Positive = 1e-8
    weight_decay: Decay = 0.0
    _: KW_ONLY
    epsilon: Literal["inside", "outside"] = "inside"

    @classmethod
    def slots(cls, options: Mapping[str, Any]) -> tuple[str, ...]:
        """``v``, always."""
        return ("v",)

    @staticmethod
    def update(
        theta: Any,
        g: Any,
        v: Any,
        *,
        step: Any,
        lr: Any,
        gamma: Any,
        eps: Any,
        weight_decay: Any,
        epsilon: str,
    ) -> tuple[Any, ...]:
        """One update: ``(theta, g, v) -> (theta, v)``, without side effects."""
        eta, lam = lr, weight_decay
        if lam is not None:
            g = g + lam * theta
        v = gamma * v + (1 - gamma) * (g * g)
        root = ag.sqrt(v + eps) if epsilon == "inside" else ag.sqrt(v) + eps
        return theta - eta / root * g, v
