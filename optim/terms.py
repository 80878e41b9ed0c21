"""What several update rules are made of: weight decay, the root with its ε, the norm of a parameter.

In Tensor operators, as the rules themselves.
"""

from __future__ import annotations

from typing import Any

import autograd_core as ag

__all__ = ["decayed", "length", "rooted"]


def decayed(theta: Any, g: Any, eta: Any, lam: Any, decoupled: bool = False) -> tuple[Any, Any]:
    """The parameter and the gradient with weight decay λ; it is None if there is none.

    In the gradient, g + λ θ, as that of ½ λ ‖θ‖²; or beside the step, θ (1 − ηλ), so that an adaptive
    step does not scale it.
    """
    if lam is None:
        return theta, g
    if decoupled:
        return (1 - eta * lam) * theta, g
    return theta, g + lam * theta


def rooted(v: Any, eps: Any, epsilon: str) -> Any:
    """√(v + ε), or √v + ε if ``epsilon`` says ``"outside"``."""
    return ag.sqrt(v + eps) if epsilon == "inside" else ag.sqrt(v) + eps


def length(x: Any) -> Any:
    """The Euclidean norm of all elements, 0 of none; no square overflows or vanishes."""
    if x.size == 0:
        return ag.sum(x)
    largest = ag.max(ag.absolute(x))
    flat = ag.reshape(x / ag.where(largest == 0, 1, largest), (x.size,))
    return largest * ag.sqrt(flat @ flat)
