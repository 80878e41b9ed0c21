"""Clipping by the norm of each parameter's gradient."""

from __future__ import annotations

from typing import ClassVar

from ..scope import Scope
from .clip_by_norm import ClipByNorm

__all__ = ["ClipParameterByNorm"]


class ClipParameterByNorm(ClipByNorm):
    """g ← g · min(1, θ / ‖g‖), ‖g‖ the norm of one parameter's gradient: each has a factor of its own.

    Parameters
    ----------
    limit : float, > 0
        θ, in the unit of the gradient; 5 on the slide.

    Notes
    -----
    Within a parameter the step keeps its direction; between them it turns, since a parameter with a
    large gradient is held back and the others are not. `ClipByNorm` has one factor for all. It is
    Keras's ``clipnorm`` and TensorFlow's ``clip_by_norm``; `ClipByNorm` is ``global_clipnorm``,
    ``clip_by_global_norm`` and PyTorch's ``clip_grad_norm_``.

    References
    ----------
    [Additional heuristics: Gradient clipping].

    Examples
    --------
    >>> import autograd_core as ag, optim
    >>> w, b = ag.tensor([0.0, 0.0], requires_grad=True), ag.tensor([0.0], requires_grad=True)
    >>> optimizer = optim.SGD([w, b], lr=1.0, transforms=[optim.ClipParameterByNorm(5.0)])
    >>> ((w * [30.0, 40.0]).sum() + b.sum()).backward()
    >>> optimizer.step()
    >>> w, b
    (Tensor([-3., -4.], requires_grad=True), Tensor([-1.], requires_grad=True))
    """

    examples = ({"limit": 0.3}, {"limit": 50.0})

    scope: ClassVar[Scope] = "parameter"
