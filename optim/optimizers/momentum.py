"""The slides' momentum by name."""

from __future__ import annotations

from ..hyperparameters import Memory
from .sgd import SGD

__all__ = ["Momentum"]


class Momentum(SGD):
    """Steps that add to a share of the step before: `SGD` with β = 0.9.

    With the slides' letters::

        ΔW^(k) = β ΔW^(k−1) − η ∇_W Err(W^(k−1))        W^(k) = W^(k−1) + ΔW^(k)

    Parameters
    ----------
    params, lr, nesterov, weight_decay, dampening, eta, transforms, nonfinite
        See `SGD`.
    momentum : float, in [0, 1)
        β; 0.9 is typical.

    Raises
    ------
    ConfigError
        As `SGD`.

    Notes
    -----
    Slot: ``velocity``, ΔW, from 0: −η Σ_j β^(k−1−j) g_j. Under one gradient a step grows to η g / (1 − β);
    under gradients that alternate in sign it shrinks to η g / (1 + β). On a parabola of curvature a it
    converges if and only if η a < 2 (1 + β) (claim O25).

    References
    ----------
    [The momentum methods], [Momentum Update], [Training with momentum]. Polyak (1964), Some methods of
    speeding up the convergence of iteration methods.

    Examples
    --------
    >>> import autograd_core as ag, optim
    >>> W = ag.tensor([0.0], requires_grad=True)
    >>> optimizer = optim.Momentum([W], lr=1.0)
    >>> for _ in range(2):
    ...     optimizer.zero_grad()
    ...     W.sum().backward()
    ...     optimizer.step()
    >>> W  # −1, and −1 − 0.9 on top
    Tensor([-2.9], requires_grad=True)
    """

    examples = ({"lr": 0.05, "momentum": 0.8},)

    momentum: Memory = 0.9
