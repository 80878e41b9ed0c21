"""Instance normalization."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
import numpy.typing as npt

import autograd_core as ag
from autograd_core.aliases import ArrayLike
from autograd_core.errors import ShapeError
from autograd_core.options import COUNT, FLOATS, POSITIVE

from ... import functional
from ...contract import Example
from ...inputs import as_units
from ...module import Module

__all__ = ["InstanceNorm1d", "InstanceNorm2d"]


class _InstanceNorm(Module):
    """What instance norm does, whatever places there are; see `InstanceNorm2d`."""

    gamma: ag.Tensor | None
    beta: ag.Tensor | None
    _places: ClassVar[tuple[int, ...]]

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        affine: bool = False,
        *,
        dtype: npt.DTypeLike = np.float32,
    ) -> None:
        name = type(self).__name__
        self.num_features = COUNT.check(f"{name}: num_features", num_features)
        self.eps = POSITIVE.check(f"{name}: eps", eps)
        self.dtype = FLOATS.check(f"{name}: dtype", dtype)
        ones = np.ones(self.num_features, self.dtype)
        self.gamma = ag.tensor(ones, requires_grad=True) if affine else None
        self.beta = ag.tensor(0 * ones, requires_grad=True) if affine else None

    @classmethod
    def example(cls) -> Example:
        """Three channels; each option at another value."""
        return Example(
            cls,
            (3,),
            calls=[[(4, 3, *((4,), (2, 2))[n - 1])] for n in cls._places],
            variants=[{"eps": 0.5, "affine": True}],
        )

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Normalize ``x``.

        Parameters
        ----------
        x : array_like
            A batch, as the class says.

        Returns
        -------
        Tensor, shape of x
            In the layer's dtype.
        """
        x = as_units(x, self.num_features, self._places, self.dtype, self)
        if math.prod(x.shape[2:]) in (0, 1):
            raise ShapeError(
                f"{self!r}",
                "a single place has no variance to normalize by. Expected at least 2; received shape "
                f"{x.shape}. Use nn.BatchNorm1d or nn.LayerNorm.",
            )
        return functional.instance_norm(x, self.gamma, self.beta, self.eps)

    def extra_repr(self) -> str:
        """Give the size and the options."""
        options = [str(self.num_features), f"eps={self.eps:g}"]
        options += [] if self.gamma is None else ["affine=True"]
        options += [] if self.dtype == np.float32 else [f"dtype={self.dtype}"]
        return ", ".join(options)


class InstanceNorm1d(_InstanceNorm):
    """Instance norm of sequences: each channel of each over its length.

    As `InstanceNorm2d`, with the same parameters and attributes, for inputs of shape
    (batch, num_features, length).

    Parameters
    ----------
    num_features : int
        Number of channels, the second axis of the input.
    eps, affine, dtype
        As of `InstanceNorm2d`.

    Raises
    ------
    ConfigError, DTypeError, ShapeError
        As `InstanceNorm2d`.

    References
    ----------
    Ulyanov, Vedaldi and Lempitsky (2016), Instance normalization.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.InstanceNorm1d(1, eps=3.0)(np.array([[[1.0, 3.0]], [[72.0, 70.0]]])).numpy().tolist()
    [[[-0.5, 0.5]], [[0.5, -0.5]]]
    """

    _places = (1,)


class InstanceNorm2d(_InstanceNorm):
    """Moves each channel of each image to mean 0 and variance 1 over its places; then γ u + β.

    Parameters
    ----------
    num_features : int
        Number of channels: the input has shape (batch, num_features, height, width).
    eps : float
        ε > 0, added to the variance, inside the root.
    affine : bool
        Whether there are γ and β; none by default, as in PyTorch.
    dtype : dtype
        Of parameters and computation; a float dtype.

    Attributes
    ----------
    gamma, beta : Tensor, shape (num_features,), or None
        Scale, at first 1, and shift, at first 0 (PyTorch: ``weight`` and ``bias``).

    Raises
    ------
    ConfigError, DTypeError
        If an option is outside its range.
    ShapeError
        When called with an input of another shape, or with a single place.

    Notes
    -----
    There are no running statistics, which PyTorch has with ``track_running_stats=True``: evaluation
    is as training.

    References
    ----------
    Ulyanov, Vedaldi and Lempitsky (2016), Instance normalization: the missing ingredient for fast
    stylization.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.InstanceNorm2d(1, eps=3.0)(np.array([[[[1.0, 3.0], [1.0, 3.0]]]])).numpy().tolist()
    [[[[-0.5, 0.5], [-0.5, 0.5]]]]
    """

    _places = (2,)
