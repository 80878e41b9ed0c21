"""Group normalization."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

import autograd_core as ag
from autograd_core.aliases import ArrayLike
from autograd_core.errors import ConfigError, ShapeError
from autograd_core.options import COUNT, FLOATS, POSITIVE

from ... import functional
from ...contract import Example
from ...inputs import as_units
from ...module import Module

__all__ = ["GroupNorm"]


class GroupNorm(Module):
    """Moves each group of channels of each instance to mean 0 and variance 1; γ u + β by channel.

    Parameters
    ----------
    num_groups : int
        How many groups of channels that follow one another.
    num_channels : int
        Number of channels, the second axis of the input: a multiple of ``num_groups``.
    eps : float
        ε > 0, added to the variance, inside the root.
    affine : bool
        Whether there are γ and β.
    dtype : dtype
        Of parameters and computation; a float dtype.

    Attributes
    ----------
    gamma, beta : Tensor, shape (num_channels,), or None
        Scale, at first 1, and shift, at first 0 (PyTorch: ``weight`` and ``bias``).

    Raises
    ------
    ConfigError, DTypeError
        If an option is outside its range.
    ShapeError
        When called with an input of another shape, or if a group has a single value.

    Notes
    -----
    The input has shape (batch, num_channels), or one, two or three axes of places more. As
    `LayerNorm`, it does not depend on the batch.

    References
    ----------
    Wu and He (2018), Group normalization.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.GroupNorm(2, 4, eps=3.0)(np.array([[1.0, 3.0, 70.0, 72.0]])).numpy().tolist()
    [[-0.5, 0.5, -0.5, 0.5]]
    """

    gamma: ag.Tensor | None
    beta: ag.Tensor | None

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        *,
        dtype: npt.DTypeLike = np.float32,
    ) -> None:
        self.num_groups = COUNT.check("GroupNorm: num_groups", num_groups)
        self.num_channels = COUNT.check("GroupNorm: num_channels", num_channels)
        if self.num_channels % self.num_groups:
            raise ConfigError(
                "GroupNorm",
                f"num_channels: expected a multiple of num_groups={num_groups}; received "
                f"{num_channels}.",
            )
        self.eps = POSITIVE.check("GroupNorm: eps", eps)
        self.dtype = FLOATS.check("GroupNorm: dtype", dtype)
        ones = np.ones(self.num_channels, self.dtype)
        self.gamma = ag.tensor(ones, requires_grad=True) if affine else None
        self.beta = ag.tensor(0 * ones, requires_grad=True) if affine else None

    @classmethod
    def example(cls) -> Example:
        """Two groups of two channels, of rows and of images; each option at another value."""
        return Example(
            cls,
            (2, 4),
            calls=[[(5, 4)], [(3, 4, 2, 2)]],
            variants=[{"eps": 0.5, "affine": False}],
        )

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Normalize ``x``.

        Parameters
        ----------
        x : array_like, shape (batch, num_channels, …)

        Returns
        -------
        Tensor, shape of x
            In the layer's dtype.
        """
        x = as_units(x, self.num_channels, (0, 1, 2, 3), self.dtype, self)
        if self.num_channels // self.num_groups * math.prod(x.shape[2:]) in (0, 1):
            raise ShapeError(
                f"{self!r}",
                "a group of one value, or none, has no variance to normalize by. Expected at least 2; received "
                f"shape {x.shape}. Use fewer groups.",
            )
        return functional.group_norm(x, self.num_groups, self.gamma, self.beta, self.eps)

    def extra_repr(self) -> str:
        """Give the sizes and the options."""
        options = [str(self.num_groups), str(self.num_channels), f"eps={self.eps:g}"]
        options += ["affine=False"] if self.gamma is None else []
        options += [] if self.dtype == np.float32 else [f"dtype={self.dtype}"]
        return ", ".join(options)
