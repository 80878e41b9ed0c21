"""Lion: the sign of a smoothed gradient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY
from typing import Any, ClassVar

import autograd_core as ag

from ..declared import also
from ..hyperparameters import Decay, Fraction, NonNegative
from ..optimizer import Optimizer
from ..schedules.exponential import Exponential
from ..terms import decayed

__all__ = ["Lion"]


class Lion(Optimizer):
    """Steps of one size, along the sign of the smoothed gradient.

    With the slides' letters and g_k = ∂_w D::

        w_{k+1} = (1 − ηλ) w_k − η sign(δ m_{k−1} + (1 − δ) g_k)
        m_k = γ m_{k−1} + (1 − γ) g_k

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        See `Optimizer`.
    lr : float, ≥ 0
        Learning rate η, the size of each step. It has to decay for a run to come to rest.
    delta, gamma : float, in [0, 1)
        δ, the share of the memory in the step; γ, the memory itself. β1 and β2 in the paper.
    weight_decay : float, ≥ 0
        λ, see ``decoupled``.
    decoupled : bool
        Weight decay beside the step, as in the paper, w ← (1 − ηλ) w; off, it is in the gradient.
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
    Slot: ``m``, from 0. There is no ε: the sign of 0 is 0, so a weight without a gradient stays.

    References
    ----------
    [Other variants of the same theme]. Chen et al. (2023), Symbolic discovery of optimization algorithms.

    Examples
    --------
    >>> import autograd_core as ag, optim
    >>> w = ag.tensor([1.0, -1.0, 0.0], requires_grad=True)
    >>> optimizer = optim.Lion([w], lr=0.25)
    >>> (ag.tensor([30.0, 0.5, 0.0]) * w).sum().backward()
    >>> optimizer.step()
    >>> w
    Tensor([ 0.75, -1.25,  0.  ], requires_grad=True)
    """

    examples = ({"lr": Exponential(0.2, 0.02)},)

    on_quadratics: ClassVar[Mapping[str, Any]] = {"lr": Exponential(0.1, 0.01)}

    lr: NonNegative = 1e-4
    delta: Fraction = 0.9
    gamma: Fraction = 0.99
    weight_decay: Decay = 0.0
    _: KW_ONLY
    decoupled: bool = True
    betas: tuple[float, float] | None = also("delta", "gamma")

    @classmethod
    def slots(cls, options: Mapping[str, Any]) -> tuple[str, ...]:
        """``m``, always."""
        return ("m",)

    @staticmethod
    def update(
        theta: Any,
        g: Any,
        m: Any,
        *,
        step: Any,
        lr: Any,
        delta: Any,
        gamma: Any,
        weight_decay: Any,
        decoupled: bool,
    ) -> tuple[Any, ...]:
        """One update: ``(theta, g, m) -> (theta, m)``, without side effects."""
        theta, g = decayed(theta, g, lr, weight_decay, decoupled)
        direction = ag.sign(delta * m + (1 - delta) * g)
        return theta - lr * direction, gamma * m + (1 - gamma) * g
