"""RMSprop: steps scaled by the root of the mean squared derivative."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY
from typing import Any, ClassVar, Literal

from ..declared import also
from ..hyperparameters import Decay, Fraction, Memory, NonNegative, Positive
from ..optimizer import Optimizer
from ..schedules.exponential import Exponential
from ..terms import decayed, rooted

__all__ = ["RMSprop"]


class RMSprop(Optimizer):
    """Steps along the gradient, over the root of its running mean square.

    With the slides' letters and g_k = ∂_w D + λ w_k::

        E[∂²_w D]_k = γ E[∂²_w D]_{k−1} + (1 − γ) g_k²
        w_{k+1} = w_k − η / √(E[∂²_w D]_k + ε) · g_k

    Centred, the variance stands in place of the mean square; with momentum, Δw is added::

        V_k = γ V_{k−1} + γ (1 − γ) (g_k − m_{k−1})²      m_k = γ m_{k−1} + (1 − γ) g_k
        Δw_k = β Δw_{k−1} − η / √(… + ε) · g_k            w_{k+1} = w_k + Δw_k

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
    momentum : float, in [0, 1)
        β, of the scaled steps; η is inside, as in `SGD`.
    centered : bool
        Divide by the root of the running variance of the derivatives instead of their mean square.
    alpha : float, optional
        γ under PyTorch's name.
    transforms, nonfinite, maximize
        See `Optimizer`.

    Raises
    ------
    ConfigError
        If a hyperparameter is outside its range, or ``alpha`` is given beside gamma.

    Notes
    -----
    Slots: ``v``, E[∂²_w D], from 0; centred ``variance`` and ``m`` instead; with momentum ``velocity``, Δw. E is not corrected for that start, as `Adam` is: the first step
    is η / √(1 − γ) in size, whatever the gradient, 3.2 η by default.

    The variance is E[∂²_w D] − m² (claim O30b), in a form that is a sum of squares: taken as that difference,
    as in PyTorch, it may come out below 0 by rounding.

    The slides' procedure sets k = 1 and E = 0 inside the loop over epochs (erratum X27); here it is
    done once. PyTorch's γ is 0.99, called alpha, and its η stands outside of the velocity.

    References
    ----------
    [RMS Prop], [RMS Prop (updates are for each weight of each layer)]. Tieleman and Hinton (2012),
    Lecture 6.5, rmsprop. Graves (2013), Generating sequences with recurrent neural networks (centred).

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

    examples = (
        {"lr": 0.05, "gamma": 0.99},
        {"lr": 0.05, "gamma": 0.99, "epsilon": "outside"},
    )

    on_quadratics: ClassVar[Mapping[str, Any]] = {"lr": Exponential(0.05, 0.005), "gamma": 0.99}

    lr: NonNegative = 1e-3
    gamma: Fraction = 0.9
    eps: Positive = 1e-8
    weight_decay: Decay = 0.0
    _: KW_ONLY
    epsilon: Literal["inside", "outside"] = "inside"
    momentum: Memory = 0.0
    centered: bool = False
    alpha: float | None = also("gamma")

    @classmethod
    def slots(cls, options: Mapping[str, Any]) -> tuple[str, ...]:
        """``v``, or ``variance`` and ``m``; then ``velocity``, if there is momentum."""
        spread = ("variance", "m") if options["centered"] else ("v",)
        return (*spread, *(("velocity",) if options["momentum"] else ()))

    @staticmethod
    def update(
        theta: Any,
        g: Any,
        v: Any,
        *others: Any,
        step: Any,
        lr: Any,
        gamma: Any,
        eps: Any,
        weight_decay: Any,
        epsilon: str,
        momentum: Any = None,
        centered: bool = False,
    ) -> tuple[Any, ...]:
        """One update: ``(theta, g, v, …) -> (theta, v, …)``, without side effects."""
        eta, beta = lr, momentum
        theta, g = decayed(theta, g, eta, weight_decay)
        spread: tuple[Any, ...]
        if centered:
            away = g - others[0]
            v = gamma * (v + (1 - gamma) * (away * away))
            spread = (v, others[0] + (1 - gamma) * away)
        else:
            v = gamma * v + (1 - gamma) * (g * g)
            spread = (v,)
        descent = eta / rooted(v, eps, epsilon) * g
        if beta is None:
            return theta - descent, *spread
        velocity = beta * others[-1] - descent
        return theta + velocity, *spread, velocity
