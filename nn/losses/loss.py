"""What all losses share: a reduction, weights as buffers, and a repr of what is not the default."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core.aliases import ArrayLike

from ..functional.reduction import REDUCTION, Reduction
from ..inputs import as_quantities, require_within
from ..module import Module

__all__: list[str] = []


class Loss(Module):
    """A divergence of outputs from targets, of role ``"loss"``.

    Parameters
    ----------
    reduction : {"mean", "sum", "none"}
        What is given of the divergences of all instances.

    Raises
    ------
    ConfigError
        If an option is outside its range.
    """

    reduction: Reduction

    def __init__(self, *, reduction: Reduction = "mean") -> None:
        self.reduction = REDUCTION.check(f"{type(self).__name__}: reduction", reduction)

    def _weigh(self, **weights: ArrayLike | None) -> None:
        """Keep factors of losses as buffers, in the dtype in which they are given; or None."""
        name = type(self).__name__
        for key, given in weights.items():
            if given is None:
                setattr(self, key, None)
                continue
            values = as_quantities(given, name)
            require_within(values, 0, float(np.finfo(values.dtype).max), name, key)
            self.register_buffer(key, values)

    def _marked(self, value: Any) -> ag.Tensor:
        return ag.mark(value, role="loss")

    def extra_repr(self) -> str:
        """Give what is not the default; of weights the shape."""
        shown = []
        for key, option in inspect.signature(type(self)).parameters.items():
            value = getattr(self, key)
            if isinstance(value, ag.Tensor):
                shown.append(f"{key}=array of shape {value.shape}")
            elif value != option.default:
                shown.append(f"{key}={value!r}")
        return ", ".join(shown)
