"""Adam: RMSprop with momentum, and corrected for its start at zero."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY
from typing import Any, ClassVar, Literal

from ..declared import also
from ..hyperparameters import Decay, Fraction, NonNegative, Positive
from ..optimizer import Optimizer
from ..terms import decayed, rooted

__all__ = ["Adam"]


class Adam(Optimizer):
    """Steps along the smoothed gradient, over the root of the smoothed squared gradient.

    With the slides' letters, k = 1, 2, …, and g_k = ∂_w D + λ w_k::

        m_k = δ m_{k−1} + (1 − δ) g_k          m̂_k = m_k / (1 − δ^k)
        v_k = γ v_{k−1} + (1 − γ) g_k²         v̂_k = v_k / (1 − γ^k)
        w_{k+1} = w_k − η / √(v̂_k + ε) · m̂_k

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        See `Optimizer`.
    lr : float, ≥ 0
        Learning rate η, per step: about the size of a step while the gradient keeps its sign.
    delta, gamma : float, in [0, 1)
        δ and γ, the memory of the first and the second moment.
    eps : float, > 0
        ε, which keeps the quotient finite.
    weight_decay : float, ≥ 0
        λ; adds λ w to the gradient (L2), or see ``decoupled``.
    epsilon : {"inside", "outside"}
        √(v̂ + ε) as on the slides, or √v̂ + ε as in the paper and in PyTorch. The same number means
        more inside: ε = 1e-8 there is a floor of 1e-4 under the root.
    decoupled : bool
        Weight decay beside the adaptive step instead of in the gradient, w ← (1 − ηλ) w, as in
        AdamW.
    correction : bool
        Divide by 1 − δ^k and 1 − γ^k, as above; without it m̂ = m and v̂ = v, which start at zero.
    betas : (float, float), optional
        δ and γ under PyTorch's name, instead of ``delta`` and ``gamma``.
    transforms, nonfinite, maximize
        See `Optimizer`.

    Raises
    ------
    ConfigError
        If a hyperparameter is outside its range, or ``betas`` is given beside delta or gamma.

    Notes
    -----
    Slots: ``m`` and ``v``, from 0. k counts a parameter's own updates, so one that gets its first
    gradient late is corrected from there.

    With δ = 0 and no correction it is `RMSprop` (claim O31b).

    The slide prints m_k = m̂_k + (1 − δ) g_k, and likewise v_k, which is circular: solved for m_k, it
    climbs (erratum X1). The recursion above is the paper's.

    References
    ----------
    [ADAM: RMSprop with momentum], [Other variants of the same theme]. Kingma and Ba (2015), Adam: a
    method for stochastic optimization. Loshchilov and Hutter (2019), Decoupled weight decay
    regularization.

    Examples
    --------
    The first step is η in size, whatever the gradient:

    >>> import autograd_core as ag, optim
    >>> w = ag.tensor([1.0, -1.0], requires_grad=True)
    >>> optimizer = optim.Adam([w], lr=0.1)
    >>> (ag.tensor([30.0, 0.5]) * w).sum().backward()
    >>> optimizer.step()
    >>> w.numpy().round(6).tolist()
    [0.9, -1.1]
    """

    examples: ClassVar[Sequence[Mapping[str, Any]]] = (
        {"lr": 0.2},
        {"lr": 0.2, "epsilon": "outside"},
    )

    lr: NonNegative = 1e-3
    delta: Fraction = 0.9
    gamma: Fraction = 0.999
    eps: Positive = 1e-8
    weight_decay: Decay = 0.0
    _: KW_ONLY
    epsilon: Literal["inside", "outside"] = "inside"
    decoupled: bool = False
    correction: bool = True
    betas: tuple[float, float] | None = also("delta", "gamma")

    @classmethod
    def slots(cls, options: Mapping[str, Any]) -> tuple[str, ...]:
        """``m`` and ``v``, always."""
        return ("m", "v")

    @staticmethod
    def update(
        theta: Any,
        g: Any,
        m: Any,
        v: Any,
        *,
        step: Any,
        lr: Any,
        delta: Any,
        gamma: Any,
        eps: Any,
        weight_decay: Any,
        epsilon: str,
        decoupled: bool,
        correction: bool = True,
    ) -> tuple[Any, ...]:
        """One update: ``(theta, g, m, v) -> (theta, m, v)``, without side effects."""
        k, eta = step, lr
        theta, g = decayed(theta, g, eta, weight_decay, decoupled)
        m = delta * m + (1 - delta) * g
        v = gamma * v + (1 - gamma) * (g * g)
        m_hat = m / (1 - delta**k) if correction else m
        v_hat = v / (1 - gamma**k) if correction else v
        return theta - eta / rooted(v_hat, eps, epsilon) * m_hat, m, v
