"""AdamW by name."""

from __future__ import annotations

from dataclasses import KW_ONLY

from ..hyperparameters import Decay
from .adam import Adam

__all__ = ["AdamW"]


class AdamW(Adam):
    """`Adam` with weight decay beside the adaptive step: ``decoupled=True``, and λ = 0.01.

    In `Adam`'s letters::

        w_{k+1} = (1 − ηλ) w_k − η / √(v̂_k + ε) · m̂_k        g_k = ∂_w D

    Parameters
    ----------
    params, lr, delta, gamma, eps, epsilon, correction, betas, transforms, nonfinite
        See `Adam`.
    weight_decay : float, ≥ 0
        λ, per unit of η.
    decoupled : bool
        Off, it is `Adam`.

    Raises
    ------
    ConfigError
        As `Adam`.

    Notes
    -----
    Slots: ``m`` and ``v``, from 0. Every parameter that it is given decays; `optim.masked` leaves out biases and
    the like.

    λ in the gradient and λ beside the step are one and the same for plain gradient descent, and for no adaptive
    method (claim O31c).

    References
    ----------
    [ADAM: RMSprop with momentum]. Loshchilov and Hutter (2019), Decoupled weight decay regularization.

    Examples
    --------
    Where the gradient is 0, the weight decays by ηλ:

    >>> import autograd_core as ag, optim
    >>> w = ag.tensor([1.0], requires_grad=True)
    >>> optimizer = optim.AdamW([w], lr=0.5, weight_decay=0.5)
    >>> (w * 0.0).sum().backward()
    >>> optimizer.step()
    >>> w
    Tensor([0.75], requires_grad=True)
    """

    examples = ({"lr": 0.2, "weight_decay": 0.0}, {"lr": 0.2, "weight_decay": 1e-5})

    weight_decay: Decay = 1e-2
    _: KW_ONLY
    decoupled: bool = True
