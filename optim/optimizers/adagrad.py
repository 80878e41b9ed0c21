"""Adagrad: steps scaled by the root of the sum of all squared derivatives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY
from typing import Any, Literal

from ..declared import also
from ..hyperparameters import Decay, NonNegative, Positive
from ..optimizer import Optimizer
from ..terms import decayed, rooted

__all__ = ["Adagrad"]


class Adagrad(Optimizer):
    """Steps along the gradient, over the root of the sum of its squares so far.

    With the slides' letters and g_k = ∂_w D + λ w_k::

        s_k = s_{k−1} + g_k²        w_{k+1} = w_k − η / √(s_k + ε) · g_k

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        See `Optimizer`.
    lr : float, ≥ 0
        Learning rate η: the size of the first step, whatever the gradient.
    initial : float, ≥ 0
        s_0, which makes the first steps smaller.
    eps : float, > 0
        ε, which keeps the quotient finite.
    weight_decay : float, ≥ 0
        λ; adds λ w to the gradient (L2). Beside the step: ``transforms=[WeightDecay(λ)]``.
    epsilon : {"inside", "outside"}
        √(s + ε) as in the slides' RMSprop, or √s + ε as in PyTorch.
    initial_accumulator_value : float, optional
        s_0 under PyTorch's name.
    transforms, nonfinite, maximize
        See `Optimizer`.

    Raises
    ------
    ConfigError
        If a hyperparameter is outside its range, or s_0 is given under both names.

    Notes
    -----
    Slot: ``sum``, s_k − s_0, from 0. Nothing is forgotten: under one and the same gradient the k-th step is
    η / √k (claim O32). PyTorch's ``lr_decay`` is a schedule here.

    References
    ----------
    [Other variants of the same theme]. Duchi, Hazan and Singer (2011), Adaptive subgradient methods for
    online learning and stochastic optimization.

    Examples
    --------
    >>> import autograd_core as ag, optim
    >>> w = ag.tensor([0.0], requires_grad=True)
    >>> optimizer = optim.Adagrad([w], lr=1.0)
    >>> for _ in range(4):
    ...     optimizer.zero_grad()
    ...     (w * -30.0).sum().backward()
    ...     optimizer.step()
    >>> round(w.item(), 6)  # 1 + 1/√2 + 1/√3 + 1/2
    2.784457
    """

    examples = ({"lr": 1.0}, {"lr": 1.0, "initial": 1.0, "epsilon": "outside"})

    lr: NonNegative = 1e-2
    initial: Decay = 0.0
    eps: Positive = 1e-8
    weight_decay: Decay = 0.0
    _: KW_ONLY
    epsilon: Literal["inside", "outside"] = "inside"
    initial_accumulator_value: float | None = also("initial")

    @classmethod
    def slots(cls, options: Mapping[str, Any]) -> tuple[str, ...]:
        """``sum``, always."""
        return ("sum",)

    @staticmethod
    def update(
        theta: Any,
        g: Any,
        sum: Any,
        *,
        step: Any,
        lr: Any,
        initial: Any,
        eps: Any,
        weight_decay: Any,
        epsilon: str,
    ) -> tuple[Any, ...]:
        """One update: ``(theta, g, sum) -> (theta, sum)``, without side effects."""
        theta, g = decayed(theta, g, lr, weight_decay)
        sum = sum + g * g
        s = sum if initial is None else sum + initial
        return theta - lr / rooted(s, eps, epsilon) * g, sum
