"""NAdam: Adam with Nesterov's look ahead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY
from typing import Any, ClassVar, Literal

from ..declared import also
from ..hyperparameters import Decay, Fraction, NonNegative, Positive
from ..optimizer import Optimizer
from ..schedules.exponential import Exponential
from ..terms import decayed, rooted

__all__ = ["NAdam"]


class NAdam(Optimizer):
    """`Adam` whose step is extended as Nesterov's is, with a first moment that warms up.

    With the slides' letters, k = 1, 2, …, and g_k = ∂_w D + λ w_k::

        μ_k = δ (1 − ½ · 0.96^(kψ))            c_k = μ_k c_{k−1} + 1 − μ_k
        m_k = δ m_{k−1} + (1 − δ) g_k          v_k = γ v_{k−1} + (1 − γ) g_k²
        w_{k+1} = w_k − η / √(v_k / (1 − γ^k) + ε) · ((1 − μ_k) / c_k · g_k
                                                     + μ_{k+1} / (μ_{k+1} c_k + 1 − μ_{k+1}) · m_k)

    where c_k = 1 − μ_1 μ_2 … μ_k.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        See `Optimizer`.
    lr : float, ≥ 0
        Learning rate η, per step.
    delta, gamma : float, in [0, 1)
        δ and γ, the memory of the first and the second moment.
    eps : float, > 0
        ε, which keeps the quotient finite.
    weight_decay : float, ≥ 0
        λ; adds λ w to the gradient (L2), or see ``decoupled``.
    psi : float, ≥ 0
        ψ, how fast μ rises from about δ/2 to δ.
    epsilon : {"inside", "outside"}
        √(v̂ + ε) as in the slides' Adam, or √v̂ + ε as in PyTorch.
    decoupled : bool
        Weight decay beside the step instead of in the gradient, w ← (1 − ηλ) w.
    betas : (float, float), optional
        δ and γ under PyTorch's name.
    momentum_decay : float, optional
        ψ under PyTorch's name.
    transforms, nonfinite, maximize
        See `Optimizer`.

    Raises
    ------
    ConfigError
        If a hyperparameter is outside its range, or given under both of its names.

    Notes
    -----
    Slots: ``m`` and ``v``, from 0, and ``c``, a number for each parameter, from 0. The paper's running product
    is 1 − c; kept as c it starts at zero, as the total weight in an average does.

    References
    ----------
    [Other variants of the same theme]. Dozat (2016), Incorporating Nesterov momentum into Adam.

    Examples
    --------
    >>> import autograd_core as ag, optim
    >>> w = ag.tensor([1.0, -1.0], requires_grad=True)
    >>> optimizer = optim.NAdam([w], lr=0.1)
    >>> (ag.tensor([30.0, 0.5]) * w).sum().backward()
    >>> optimizer.step()
    >>> w.numpy().round(4).tolist()
    [0.8944, -1.1056]
    """

    examples = ({"lr": 0.1}, {"lr": 0.1, "epsilon": "outside"})

    on_quadratics: ClassVar[Mapping[str, Any]] = {"lr": Exponential(0.2, 0.005)}
    scope = "parameter"
    numbers = ("c",)

    lr: NonNegative = 2e-3
    delta: Fraction = 0.9
    gamma: Fraction = 0.999
    eps: Positive = 1e-8
    weight_decay: Decay = 0.0
    psi: NonNegative = 4e-3
    _: KW_ONLY
    epsilon: Literal["inside", "outside"] = "inside"
    decoupled: bool = False
    betas: tuple[float, float] | None = also("delta", "gamma")
    momentum_decay: float | None = also("psi")

    @classmethod
    def slots(cls, options: Mapping[str, Any]) -> tuple[str, ...]:
        """``m``, ``v`` and ``c``, always."""
        return ("m", "v", "c")

    @staticmethod
    def update(
        theta: Any,
        g: Any,
        m: Any,
        v: Any,
        c: Any,
        *,
        step: Any,
        lr: Any,
        delta: Any,
        gamma: Any,
        eps: Any,
        weight_decay: Any,
        psi: Any,
        epsilon: str,
        decoupled: bool,
    ) -> tuple[Any, ...]:
        """One update: ``(theta, g, m, v, c) -> (theta, m, v, c)``, without side effects."""
        k, eta = step, lr
        theta, g = decayed(theta, g, eta, weight_decay, decoupled)
        mu = delta * (1 - 0.96 ** (k * psi) / 2)
        next_mu = delta * (1 - 0.96 ** ((k + 1) * psi) / 2)
        c = mu * c + (1 - mu)
        m = delta * m + (1 - delta) * g
        v = gamma * v + (1 - gamma) * (g * g)
        ahead = next_mu / (next_mu * c + (1 - next_mu)) * m
        direction = (1 - mu) / c * g + ahead
        return theta - eta / rooted(v / (1 - gamma**k), eps, epsilon) * direction, m, v, c
