"""Layer normalization."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

import autograd_core as ag
from autograd_core.aliases import ArrayLike
from autograd_core.errors import ConfigError, ShapeError
from autograd_core.options import FLOATS, POSITIVE

from ... import functional
from ...contract import Example
from ...functional.normalization import shape_of
from ...inputs import as_reals, in_dtype
from ...module import Module

__all__ = ["LayerNorm"]


class LayerNorm(Module):
    """Moves each instance to mean 0 and variance 1 over its last axes; γ u + β at each place.

    Parameters
    ----------
    normalized_shape : int or tuple of int
        The sizes of the last axes, over which mean and variance are taken: two values or more.
    eps : float
        ε > 0, added to the variance, inside the root.
    elementwise_affine : bool
        Whether there are γ and β.
    bias : bool
        Whether there is β, beside γ.
    dtype : dtype
        Of parameters and computation; a float dtype.

    Attributes
    ----------
    gamma, beta : Tensor, shape ``normalized_shape``, or None
        Scale, at first 1, and shift, at first 0 (PyTorch: ``weight`` and ``bias``).

    Raises
    ------
    ConfigError, DTypeError
        If an option is outside its range.
    ShapeError
        When called with an input whose last axes are others.

    Notes
    -----
    The variance divides by the number of values. There are no running statistics: an instance does
    not depend on the rest of its batch, in training and in evaluation.

    References
    ----------
    Ba, Kiros and Hinton (2016), Layer normalization.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.LayerNorm(2, eps=3.0)(np.array([[1.0, 3.0], [70.0, 70.0]])).numpy().tolist()
    [[-0.5, 0.5], [0.0, 0.0]]
    """

    gamma: ag.Tensor | None
    beta: ag.Tensor | None

    def __init__(
        self,
        normalized_shape: int | tuple[int, ...],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        *,
        dtype: npt.DTypeLike = np.float32,
    ) -> None:
        self.normalized_shape = shape_of(normalized_shape, "LayerNorm: normalized_shape")
        if math.prod(self.normalized_shape) < 2:
            raise ConfigError(
                "LayerNorm",
                "normalized_shape: expected two values or more, as one has no variance; received "
                f"{normalized_shape!r}.",
            )
        self.eps = POSITIVE.check("LayerNorm: eps", eps)
        self.dtype = FLOATS.check("LayerNorm: dtype", dtype)
        shape, affine = self.normalized_shape, elementwise_affine
        self.gamma = ag.tensor(np.ones(shape, self.dtype), requires_grad=True) if affine else None
        self.beta = None
        if affine and bias:
            self.beta = ag.tensor(np.zeros(shape, self.dtype), requires_grad=True)

    @classmethod
    def example(cls) -> Example:
        """Three units; two axes; each option at another value."""
        return Example(
            cls,
            (3,),
            calls=[[(5, 3)], [(5, 2, 3)]],
            variants=[{"eps": 0.5, "bias": False}, {"elementwise_affine": False}],
        )

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Normalize ``x``.

        Parameters
        ----------
        x : array_like, shape (…, *normalized_shape)

        Returns
        -------
        Tensor, shape of x
            In the layer's dtype.
        """
        x, shape = as_reals(x, self.dtype, self), self.normalized_shape
        if tuple(x.shape[-len(shape) :]) != shape:
            raise ShapeError(
                f"{self!r}",
                f"the input does not fit. Expected shape (…, {', '.join(map(str, shape))}); received "
                f"{x.shape}. Reshape the input, or build the layer for its last axes.",
            )
        x = in_dtype(x, self.dtype)
        return functional.layer_norm(x, shape, self.gamma, self.beta, self.eps)

    def extra_repr(self) -> str:
        """Give the shape and the options."""
        shape = self.normalized_shape
        options = [str(shape[0] if len(shape) == 1 else shape), f"eps={self.eps:g}"]
        if self.gamma is None:
            options += ["elementwise_affine=False"]
        elif self.beta is None:
            options += ["bias=False"]
        options += [] if self.dtype == np.float32 else [f"dtype={self.dtype}"]
        return ", ".join(options)
