"""An optimizer's own `step`, called as a user calls it, on symbols."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sympy

import autograd_core as ag
from autograd_core.symbolic.equations import OnSymbols

from ..optimizer import Optimizer

__all__ = ["landed", "steps_of"]


def steps_of(kind: type[Optimizer], numbers: Mapping[str, Any], **options: Any) -> OnSymbols:
    """W after a step for each gradient, from an optimizer that is new: ``(W, g, h, …) -> W``.

    The gradients come from ``backward()``; slots start as the optimizer makes them, and the count of
    steps is the one that it keeps.

    Parameters
    ----------
    kind : type
        The optimizer.
    numbers : mapping of str to expression
        What stands for its hyperparameters.
    **options
        What the optimizer is made with. A hyperparameter in ``numbers`` has to be on here, at any
        value, for its term not to be dropped.
    """
    weight = ag.tensor(0.0, requires_grad=True, name="W")

    def steps(start: ag.Tensor, *gradients: ag.Tensor) -> ag.Tensor:
        weight.assign(start)
        optimizer = kind([weight], **options)
        for g in gradients:
            optimizer.zero_grad()
            (weight * g).backward()
            optimizer.step()
        return weight * 1

    return OnSymbols(steps, numbers=numbers, exact=True)


def landed(kind: type[Optimizer], gradients: Any, **options: Any) -> sympy.Rational:
    """Where an optimizer takes a weight of 0 on floats, step by step; exactly."""
    weight = ag.tensor(0.0, requires_grad=True)
    optimizer = kind([weight], **options)
    for g in gradients:
        optimizer.zero_grad()
        (weight * float(g)).backward()
        optimizer.step()
    return sympy.Rational(*weight.item().as_integer_ratio())
