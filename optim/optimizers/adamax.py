"""AdaMax: Adam with the largest remembered derivative in place of the root mean square."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY
from typing import Any, Literal

import autograd_core as ag

from ..declared import also
from ..hyperparameters import Decay, Fraction, NonNegative, Positive
from ..optimizer import Optimizer
from ..terms import decayed

__all__ = ["Adamax"]


class Adamax(Optimizer):
    """Steps along the smoothed gradient, over the largest derivative that is remembered.

    With the slides' letters, k = 1, 2, …, and g_k = ∂_w D + λ w_k::

        m_k = δ m_{k−1} + (1 − δ) g_k          m̂_k = m_k / (1 − δ^k)
        u_k = max(γ u_{k−1}, |g_k| + ε)
        w_{k+1} = w_k − η / u_k · m̂_k

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        See `Optimizer`.
    lr : float, ≥ 0
        Learning rate η, per step: no step is larger than about that.
    delta, gamma : float, in [0, 1)
        δ, the memory of the first moment; γ, by which the largest derivative fades.
    eps : float, > 0
        ε, which keeps the quotient finite; the paper has none.
    weight_decay : float, ≥ 0
        λ; adds λ w to the gradient (L2), or see ``decoupled``.
    epsilon : {"inside", "outside"}
        max(γ u, |g| + ε) as in PyTorch, or u + ε below the fraction bar.
    decoupled : bool
        Weight decay beside the step instead of in the gradient, w ← (1 − ηλ) w.
    betas : (float, float), optional
        δ and γ under PyTorch's name.
    transforms, nonfinite, maximize
        See `Optimizer`.

    Raises
    ------
    ConfigError
        If a hyperparameter is outside its range, or ``betas`` is given beside delta or gamma.

    Notes
    -----
    Slots: ``m`` and ``u``, from 0. u_k is the largest of γ^(k−j) |g_j|: what the p-th root of a running mean of
    p-th powers becomes as p grows (claim O32c). It is not corrected for its start, since a maximum with 0 is
    no average.

    References
    ----------
    [Other variants of the same theme]. Kingma and Ba (2015), Adam: a method for stochastic optimization,
    section 7.1.

    Examples
    --------
    >>> import autograd_core as ag, optim
    >>> w = ag.tensor([1.0, -1.0], requires_grad=True)
    >>> optimizer = optim.Adamax([w], lr=0.1)
    >>> (ag.tensor([30.0, 0.5]) * w).sum().backward()
    >>> optimizer.step()
    >>> w.numpy().round(6).tolist()
    [0.9, -1.1]
    """

    examples = ({"lr": 0.2}, {"lr": 0.2, "epsilon": "outside"})

    lr: NonNegative = 2e-3
    delta: Fraction = 0.9
    gamma: Fraction = 0.999
    eps: Positive = 1e-8
    weight_decay: Decay = 0.0
    _: KW_ONLY
    epsilon: Literal["inside", "outside"] = "inside"
    decoupled: bool = False
    betas: tuple[float, float] | None = also("delta", "gamma")

    @classmethod
    def slots(cls, options: Mapping[str, Any]) -> tuple[str, ...]:
        """``m`` and ``u``, always."""
        return ("m", "u")

    @staticmethod
    def update(
        theta: Any,
        g: Any,
        m: Any,
        u: Any,
        *,
        step: Any,
        lr: Any,
        delta: Any,
        gamma: Any,
        eps: Any,
        weight_decay: Any,
        epsilon: str,
        decoupled: bool,
    ) -> tuple[Any, ...]:
        """One update: ``(theta, g, m, u) -> (theta, m, u)``, without side effects."""
        k, eta = step, lr
        theta, g = decayed(theta, g, eta, weight_decay, decoupled)
        m = delta * m + (1 - delta) * g
        size = ag.absolute(g)
        u = ag.maximum(gamma * u, size + eps if epsilon == "inside" else size)
        below = u if epsilon == "inside" else u + eps
        return theta - eta / (1 - delta**k) * (m / below), m, u
