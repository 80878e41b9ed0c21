"""LAMB: Adam's direction, with steps in proportion to each parameter's own norm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY
from typing import Any, ClassVar, Literal

import autograd_core as ag

from ..declared import also
from ..hyperparameters import Decay, Fraction, NonNegative, Positive
from ..optimizer import Optimizer
from ..schedules.exponential import Exponential
from ..terms import length, rooted

__all__ = ["LAMB"]


class LAMB(Optimizer):
    """`AdamW`'s direction, with a length of η times the norm of the parameter.

    With the slides' letters, and norms over all of one parameter w::

        m_k = δ m_{k−1} + (1 − δ) g_k          m̂_k = m_k / (1 − δ^k)
        v_k = γ v_{k−1} + (1 − γ) g_k²         v̂_k = v_k / (1 − γ^k)
        r_k = m̂_k / √(v̂_k + ε) + λ w_k         w_{k+1} = w_k − η ‖w_k‖ · r_k / ‖r_k‖

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        See `Optimizer`.
    lr : float, ≥ 0
        Learning rate η: the share of its norm by which a parameter moves.
    delta, gamma : float, in [0, 1)
        δ and γ, the memory of the first and the second moment.
    eps : float, > 0
        ε, which keeps the quotient finite.
    weight_decay : float, ≥ 0
        λ, beside the adaptive part and inside of the scaling.
    epsilon : {"inside", "outside"}
        √(v̂ + ε) as in the slides' Adam, or √v̂ + ε as in the paper.
    adapt : bool
        Off, w_{k+1} = w_k − η r_k, which is `AdamW`: for biases and the parameters of normalization, see
        `optim.masked`.
    correction : bool
        Off, m̂ = m and v̂ = v.
    betas : (float, float), optional
        δ and γ under the paper's name.
    transforms, nonfinite, maximize
        See `Optimizer`.

    Raises
    ------
    ConfigError
        If a hyperparameter is outside its range, or ``betas`` is given beside delta or gamma.

    Notes
    -----
    Slots: ``m`` and ``v``, from 0. Where ‖w‖ or ‖r‖ is 0 the step is η r. The paper's φ is the identity here.

    References
    ----------
    [ADAM: RMSprop with momentum]. You et al. (2020), Large batch optimization for deep learning: training BERT in
    76 minutes.

    Examples
    --------
    >>> import autograd_core as ag, optim
    >>> w = ag.tensor([3.0, 4.0], requires_grad=True)
    >>> optimizer = optim.LAMB([w], lr=0.1)
    >>> (w * [0.0, 7.0]).sum().backward()
    >>> optimizer.step()
    >>> w.numpy().round(6).tolist()  # a tenth of its norm, 5
    [3.0, 3.5]
    """

    examples = (
        {"lr": Exponential(0.1, 0.02)},
        {"lr": Exponential(0.1, 0.02), "epsilon": "outside"},
    )

    on_quadratics: ClassVar[Mapping[str, Any]] = {"lr": Exponential(0.5, 0.01)}
    scope = "parameter"

    lr: NonNegative = 1e-3
    delta: Fraction = 0.9
    gamma: Fraction = 0.999
    eps: Positive = 1e-8
    weight_decay: Decay = 0.0
    _: KW_ONLY
    epsilon: Literal["inside", "outside"] = "inside"
    adapt: bool = True
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
        adapt: bool,
        correction: bool,
    ) -> tuple[Any, ...]:
        """One update: ``(theta, g, m, v) -> (theta, m, v)``, without side effects."""
        k, eta, lam = step, lr, weight_decay
        m = delta * m + (1 - delta) * g
        v = gamma * v + (1 - gamma) * (g * g)
        m_hat = m / (1 - delta**k) if correction else m
        v_hat = v / (1 - gamma**k) if correction else v
        r = m_hat / rooted(v_hat, eps, epsilon)
        if lam is not None:
            r = r + lam * theta
        if adapt:
            size, slope = length(theta), length(r)
            there = ag.minimum(size, slope) > 0
            eta = eta * ag.where(there, size, 1)
            r = r / ag.where(there, slope, 1)
        return theta - eta * r, m, v
