"""The two evaluators that a Program brings with it: by NumPy, and recorded again as tensors.

An application is whatever has ``primitive``, ``params``, ``result`` and ``scope``: see `program`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .aliases import Params
from .context import within
from .primitives import apply
from .shapes import substitute
from .tensors import Tensor

__all__ = ["RECORDING", "Reference", "bound"]


class Reference:
    """NumPy, by each primitive's own forward: what other evaluators are held to.

    Parameters
    ----------
    sizes : dict of str to int
        What named sizes are.
    """

    def __init__(self, sizes: dict[str, int]) -> None:
        self.sizes = sizes

    def capture(self, var: Any, tensor: Tensor) -> Any:
        """The tensor's values, in this machine's order of bytes."""
        value = tensor._concrete("program")
        return value if value.dtype == var.dtype else np.asarray(value, var.dtype)

    def literal(self, value: Any) -> Any:
        """The number, also of a size."""
        return substitute(value, self.sizes)

    def apply(self, application: Any, operands: tuple[Any, ...]) -> Any:
        """The step's result; a weak one stays a Python number."""
        result = application.primitive.forward(*operands, **bound(application.params, self.sizes))
        return float(result) if application.result.weak else result


class _Recording:
    """The evaluator that runs a program as tensors again."""

    def capture(self, var: Any, tensor: Tensor) -> Any:
        return tensor

    def literal(self, value: Any) -> Any:
        return value

    def apply(self, application: Any, operands: tuple[Any, ...]) -> Any:
        if application.primitive.outputs > 1:
            return apply(application.primitive, operands, application.params)
        if application.primitive.picks:
            return operands[0][application.params["index"]]
        with within(scope=application.scope):
            result = apply(application.primitive, operands, application.params)
        if application.result.role or application.result.name:
            result.role, result.name = application.result.role, application.result.name
        return result


RECORDING = _Recording()


def bound(params: Params, sizes: dict[str, int]) -> Params:
    """Params with Dims replaced by their sizes."""
    if not sizes:
        return params
    return {
        k: v.substitute(sizes) if hasattr(v, "substitute") else substitute(v, sizes)
        for k, v in params.items()
    }
