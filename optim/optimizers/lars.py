"""LARS: steps in proportion to each parameter's own norm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY
from typing import Any, ClassVar

import autograd_core as ag

from ..hyperparameters import Decay, Memory, NonNegative, Positive
from ..optimizer import Optimizer
from ..schedules.exponential import Exponential
from ..terms import length

__all__ = ["LARS"]


class LARS(Optimizer):
    """Momentum, with a gradient that is scaled to a share of its parameter's norm: layer-wise adaptive rates.

    With the slides' letters, and norms over all of one parameter W::

        g = τ ‖W‖ · (∇_W Err + λ W) / (‖∇_W Err‖ + λ ‖W‖)
        ΔW ← β ΔW − η g        W ← W + ΔW

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        See `Optimizer`.
    lr : float, ≥ 0
        Learning rate η, common to all parameters.
    momentum : float, in [0, 1)
        β; 0 for none.
    weight_decay : float, ≥ 0
        λ; adds λ W to the gradient, inside of the scaling.
    trust : float, > 0
        τ, the share of the norm.
    adapt : bool
        Off, it is `Momentum`: for biases and the parameters of normalization, see `optim.masked`.
    transforms, nonfinite, maximize
        See `Optimizer`.

    Raises
    ------
    ConfigError
        If a hyperparameter is outside its range.

    Notes
    -----
    Slot: ``velocity``, ΔW, from 0. Where ‖W‖ or ‖∇_W Err‖ is 0 the gradient is taken as it is. There is no ε:
    what is divided by is 0 nowhere else, and the norms do not overflow.

    References
    ----------
    [More recent methods]. You, Gitman and Ginsburg (2017), Large batch training of convolutional networks.

    Examples
    --------
    Two parameters move by the same share of their norms, whatever their gradients:

    >>> import autograd_core as ag, optim
    >>> a, b = (ag.tensor([s * 3.0, s * 4.0], requires_grad=True) for s in (1, 10))
    >>> optimizer = optim.LARS([a, b], lr=1.0, trust=0.5)
    >>> (a * [0.0, 2.0] + b * [0.0, 2e9]).sum().backward()
    >>> optimizer.step()
    >>> a.tolist(), b.tolist()
    ([3.0, 1.5], [30.0, 15.0])
    """

    examples = (
        {"lr": Exponential(1.0, 0.02), "momentum": 0.0, "trust": 0.1},
        {"lr": Exponential(0.1, 0.02), "momentum": 0.9, "trust": 0.1},
    )

    on_quadratics: ClassVar[Mapping[str, Any]] = {"lr": Exponential(1.0, 0.01), "trust": 0.1}
    scope = "parameter"

    lr: NonNegative
    momentum: Memory = 0.9
    weight_decay: Decay = 0.0
    trust: Positive = 1e-3
    _: KW_ONLY
    adapt: bool = True

    @classmethod
    def slots(cls, options: Mapping[str, Any]) -> tuple[str, ...]:
        """``velocity``, if there is momentum."""
        return ("velocity",) if options["momentum"] else ()

    @staticmethod
    def update(
        theta: Any,
        g: Any,
        velocity: Any = None,
        *,
        step: Any,
        lr: Any,
        momentum: Any,
        weight_decay: Any,
        trust: Any,
        adapt: bool,
    ) -> tuple[Any, ...]:
        """One update: ``(theta, g, velocity) -> (theta, velocity)``, without side effects."""
        eta, beta, lam, tau = lr, momentum, weight_decay, trust
        whole = g if lam is None else g + lam * theta
        if adapt:
            size, slope = length(theta), length(g)
            below = slope if lam is None else slope + lam * size
            there = ag.minimum(size, slope) > 0
            # The quotient first: its elements are at most 1, however small the gradient.
            eta = eta * ag.where(there, tau * size, 1)
            whole = whole / ag.where(there, below, 1)
        if beta is None:
            return (theta - eta * whole,)
        velocity = beta * velocity - eta * whole
        return theta + velocity, velocity
