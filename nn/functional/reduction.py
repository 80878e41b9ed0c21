"""What is given of the divergences of all instances: their mean, their sum, or each."""

from __future__ import annotations

from typing import Literal

import autograd_core as ag
from autograd_core.options import Choice

__all__: list[str] = []

Reduction = Literal["mean", "sum", "none"]
REDUCTION: Choice[Reduction] = Choice(("mean", "sum", "none"))


def reduced(name: str, values: ag.Tensor, reduction: Reduction) -> ag.Tensor:
    """The mean of ``values``, their sum, or themselves.

    The slides average over instances in [Objective function for neural networks] and sum in
    [General approach to training]: T times as much, for T of them. A penalty's λ has the same
    weight beside a sum as λ/T beside a mean.

    Raises
    ------
    ConfigError
        If there is no such reduction.
    """
    REDUCTION.check(f"{name}: reduction", reduction)
    if reduction == "none":
        return values
    return ag.mean(values) if reduction == "mean" else ag.sum(values)
