"""Gradient descent, with the slides' momentum."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autograd_core.errors import ConfigError

from ..hyperparameters import Decay, Memory, NonNegative
from ..optimizer import Optimizer

__all__ = ["SGD"]


class SGD(Optimizer):
    """Gradient descent on batches, mini-batches or single samples; momentum and Nesterov by option.

    With the slides' letters, g = ∇_W Err + λ W::

        plain      W ← W − η g
        momentum   ΔW ← β ΔW − η g        W ← W + ΔW
        Nesterov   ΔW ← β ΔW − η g        W ← W + β ΔW − η g

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        See `Optimizer`.
    lr : float, ≥ 0
        Learning rate η, per step.
    momentum : float, in [0, 1)
        β. The slides' typical value is 0.9; the default 0 is plain descent and keeps no slot.
    nesterov : bool
        Gradient after the extension by βΔW instead of before it; needs momentum.
    weight_decay : float, ≥ 0
        λ; adds λ W to the gradient, which is the gradient of ½ λ ‖W‖² [Regularizing the weights].
        Give groups to leave out biases, or use a regularizer in the loss.
    transforms, nonfinite
        See `Optimizer`.

    Raises
    ------
    ConfigError
        If a hyperparameter is outside its range, or Nesterov is asked for without momentum.

    Notes
    -----
    Slot: ``velocity``, ΔW, from 0. [Training with momentum] prints ΔW = 0 inside the loop, which
    would be plain descent for every β (erratum X26); here it is set once.

    Conventions that differ elsewhere:

    * η stands inside the velocity, as on the slides; PyTorch's is v ← βv + g, W ← W − ηv. They
      agree while η is constant. When η drops, PyTorch's whole step shrinks at once, the slides'
      velocity dies out with β.
    * Nesterov: parameters here are the look-ahead point W + βΔW, where the gradient is taken; that
      turns the slides' two-point recursion, its index corrected (erratum X3), into one that needs
      the gradient only where the parameters are.

    References
    ----------
    [Momentum Update], [Training with momentum], [Nestorov's Accelerated Gradient],
    [Incremental Update: Stochastic Gradient Descent], [Incremental Update: Mini-batch update].
    Polyak (1964), Some methods of speeding up the convergence of iteration methods.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag, optim
    >>> W = ag.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = optim.SGD([W], lr=0.5, momentum=0.5)
    >>> for _ in range(2):
    ...     optimizer.zero_grad()
    ...     (0.5 * W * W).sum().backward()
    ...     optimizer.step()
    >>> W  # 1 − ½ = ½, then ½ + (½·(−½) − ½·½) = 0
    Tensor([0., 0.], requires_grad=True)
    """

    examples = (
        {"lr": 0.1},
        {"lr": 0.05, "momentum": 0.8},
        {"lr": 0.05, "momentum": 0.8, "nesterov": True},
    )

    lr: NonNegative
    momentum: Memory = 0.0
    nesterov: bool = False
    weight_decay: Decay = 0.0

    @classmethod
    def slots(cls, options: Mapping[str, Any]) -> tuple[str, ...]:
        """``velocity``, if there is momentum."""
        return ("velocity",) if options["momentum"] else ()

    @classmethod
    def check(cls, options: Mapping[str, Any]) -> None:
        """Nesterov's is a way of using momentum."""
        if options["nesterov"] and not options["momentum"]:
            raise ConfigError("SGD", "nesterov=True needs momentum. Pass momentum=0.9.")

    @staticmethod
    def update(
        theta: Any,
        g: Any,
        velocity: Any = None,
        *,
        step: Any,
        lr: Any,
        momentum: Any,
        nesterov: bool,
        weight_decay: Any,
    ) -> tuple[Any, ...]:
        """One update: ``(theta, g, velocity) -> (theta, velocity)``, without side effects."""
        eta, beta, lam = lr, momentum, weight_decay
        if lam is not None:
            g = g + lam * theta
        if beta is None:
            return (theta - eta * g,)
        descent = eta * g
        velocity = beta * velocity - descent
        if nesterov:
            return theta + (beta * velocity - descent), velocity
        return theta + velocity, velocity
