"""Nesterov's accelerated gradient by name."""

from __future__ import annotations

from ..hyperparameters import Memory
from .sgd import SGD

__all__ = ["Nesterov"]


class Nesterov(SGD):
    """Momentum with the gradient taken after the extension: `SGD` with β = 0.9 and ``nesterov=True``.

    With the slides' letters, the index of their gradient corrected (erratum X3)::

        ΔW^(k) = β ΔW^(k−1) − η ∇_W Err(W^(k−1) + β ΔW^(k−1))        W^(k) = W^(k−1) + ΔW^(k)

    The parameters are θ^(k) = W^(k) + β ΔW^(k), where the next gradient is taken. Of them alone that is::

        ΔW^(k) = β ΔW^(k−1) − η g        θ^(k) = θ^(k−1) + β ΔW^(k) − η g        g = ∇_W Err(θ^(k−1))

    Parameters
    ----------
    params, lr, nesterov, weight_decay, dampening, eta, transforms, nonfinite
        See `SGD`.
    momentum : float, in [0, 1)
        β.

    Raises
    ------
    ConfigError
        As `SGD`.

    Notes
    -----
    Slot: ``velocity``, ΔW, from 0. The slides' W is θ − β ΔW; with the parameters at W themselves, run
    `Momentum` and take gradients inside of `SGD.look_ahead`. Both are the same run (claim X3b).

    On a parabola of curvature a it converges if and only if η a < 2 (1 + β) / (1 + 2β), which is less than
    momentum alone allows (claims O26, X37).

    References
    ----------
    [Nestorov's Accelerated Gradient]. Nesterov (1983), A method for solving the convex programming problem
    with convergence rate O(1/k²). Sutskever, Martens, Dahl and Hinton (2013), On the importance of
    initialization and momentum in deep learning.

    Examples
    --------
    >>> import autograd_core as ag, optim
    >>> W = ag.tensor([1.0], requires_grad=True)
    >>> optimizer = optim.Nesterov([W], lr=0.5, momentum=0.5)
    >>> for _ in range(2):
    ...     optimizer.zero_grad()
    ...     (0.5 * W * W).sum().backward()
    ...     optimizer.step()
    >>> (
    ...     W - 0.5 * optimizer.slots_of(W)["velocity"]
    ... )  # the slides' W, as in the example of look_ahead
    Tensor([0.125], op=subtract)
    """

    examples = ({"lr": 0.05, "momentum": 0.8},)

    momentum: Memory = 0.9
    nesterov: bool = True
