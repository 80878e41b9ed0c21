"""AdaDelta: steps in the unit of the weights, without a learning rate of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY
from typing import Any, Literal

from ..declared import also
from ..hyperparameters import Decay, Fraction, NonNegative, Positive
from ..optimizer import Optimizer
from ..terms import decayed, rooted

__all__ = ["Adadelta"]


class Adadelta(Optimizer):
    """Steps along the gradient, by the root mean square of steps over that of gradients.

    With the slides' letters and g_k = ∂_w D + λ w_k::

        E[∂²_w D]_k = γ E[∂²_w D]_{k−1} + (1 − γ) g_k²
        Δw_k = −√(E[Δw²]_{k−1} + ε) / √(E[∂²_w D]_k + ε) · g_k
        E[Δw²]_k = γ E[Δw²]_{k−1} + (1 − γ) Δw_k²
        w_{k+1} = w_k + η Δw_k

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        See `Optimizer`.
    lr : float, ≥ 0
        η; 1 in the paper, which has none.
    gamma : float, in [0, 1)
        γ, the memory of both mean squares; ρ in the paper.
    eps : float, > 0
        ε, in both roots: it is also what the first step is made of.
    weight_decay : float, ≥ 0
        λ; adds λ w to the gradient (L2).
    epsilon : {"inside", "outside"}
        √(E + ε) as in the paper and in PyTorch, or √E + ε.
    rho : float, optional
        γ under the paper's name.
    transforms, nonfinite, maximize
        See `Optimizer`.

    Raises
    ------
    ConfigError
        If a hyperparameter is outside its range, or γ is given under both names.

    Notes
    -----
    Slots: ``v``, E[∂²_w D], and ``u``, E[Δw²], from 0. A loss times a number makes the same steps, where ε is
    small beside the squares (claim O32b).

    References
    ----------
    [Other variants of the same theme]. Zeiler (2012), ADADELTA: an adaptive learning rate method.

    Examples
    --------
    >>> import autograd_core as ag, optim
    >>> w = ag.tensor([0.0], requires_grad=True)
    >>> optimizer = optim.Adadelta([w], gamma=0.75, eps=1.0)
    >>> (w * 0.0 - w * 2 * 3**0.5).sum().backward()
    >>> optimizer.step()
    >>> round(w.item(), 6)  # √1 / √(¼·12 + 1) · 2√3
    1.732051
    """

    examples = ({"eps": 1e-3}, {"eps": 1e-2, "epsilon": "outside"})

    lr: NonNegative = 1.0
    gamma: Fraction = 0.9
    eps: Positive = 1e-6
    weight_decay: Decay = 0.0
    _: KW_ONLY
    epsilon: Literal["inside", "outside"] = "inside"
    rho: float | None = also("gamma")

    @classmethod
    def slots(cls, options: Mapping[str, Any]) -> tuple[str, ...]:
        """``v`` and ``u``, always."""
        return ("v", "u")

    @staticmethod
    def update(
        theta: Any,
        g: Any,
        v: Any,
        u: Any,
        *,
        step: Any,
        lr: Any,
        gamma: Any,
        eps: Any,
        weight_decay: Any,
        epsilon: str,
    ) -> tuple[Any, ...]:
        """One update: ``(theta, g, v, u) -> (theta, v, u)``, without side effects."""
        theta, g = decayed(theta, g, lr, weight_decay)
        v = gamma * v + (1 - gamma) * (g * g)
        delta = rooted(u, eps, epsilon) / rooted(v, eps, epsilon) * g
        u = gamma * u + (1 - gamma) * (delta * delta)
        return theta - lr * delta, v, u
