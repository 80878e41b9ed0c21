"""Normalization of inputs by statistics of the training data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

import numpy as np
import numpy.typing as npt

import autograd_core as ag
from autograd_core.aliases import ArrayLike
from autograd_core.context import CONTEXT
from autograd_core.errors import CaptureError, ConfigError, ShapeError
from autograd_core.exchange import plain
from autograd_core.options import FLOATS, NON_NEGATIVE

from ... import functional
from ...contract import Example
from ...functional.normalization import laid, shape_of
from ...inputs import as_reals, in_dtype
from ...module import Module
from .statistics import Moments, check_taken

__all__ = ["InputNorm"]

_ROWS = 4096  # that are turned to float64 at a time


class InputNorm(Module):
    """Moves the training data to mean 0 and variance 1: (x − μ)/√(σ² + ε), by what `adapt` found.

    The first layer of a model, and saved with it, so that new data is treated as the training data
    was. It is batch norm over the whole training set as one batch, with γ = 1 and β = 0.

    Parameters
    ----------
    shape : int or tuple of int
        How many means there are: the size, or sizes, of ``axis``; ``()`` for one mean of everything.
    axis : int or tuple of int
        The axes of a batch that have a mean for each of their places; averages are over all others.
        -1: for each feature of rows. 1: for each channel of images. (1, 2): for each pixel of images
        without channels. ``()``: one for all. 0 is the batch, and refused.
    eps : float
        ε ≥ 0, added to the variance, inside the root.
    dtype : dtype
        Of the result; a float dtype.

    Attributes
    ----------
    mean, variance : Tensor, of that shape
        Buffers, in float64; NaN before `adapt`. The variance divides by the number of values, and is
        1 where the data never changes.
    constant : Tensor of bool, of that shape
        Buffer: where it never changes.

    Raises
    ------
    ConfigError, DTypeError
        If an option is outside its range.
    ShapeError
        When called with an input of another shape.
    StateError
        When called before `adapt`.

    Notes
    -----
    * What never changes in the training data has no variance, and is given 1: it becomes 0, and what
      differs in new data keeps its distance (for ε = 0). Keras divides by 1e-7. The repr counts such
      values, and ``constant`` says which.
    * The difference is taken in float64, whatever the dtype: a float32 has no digits left for years
      or prices once they are large against their spread.
    * There is nothing to train, and training is as evaluation.

    References
    ----------
    [Other tricks]: "Normalize the input". LeCun, Bottou, Orr and Müller (1998), Efficient BackProp,
    section 4.3.

    Examples
    --------
    >>> import numpy as np, nn
    >>> layer = nn.InputNorm(2, dtype=np.float64).adapt(np.array([[1.0, 10.0], [3.0, 30.0]]))
    >>> layer(np.array([[1.0, 40.0]])).numpy().tolist()
    [[-1.0, 2.0]]
    """

    mean: ag.Tensor
    variance: ag.Tensor
    constant: ag.Tensor

    def __init__(
        self,
        shape: int | tuple[int, ...],
        axis: int | tuple[int, ...] = -1,
        eps: float = 0.0,
        *,
        dtype: npt.DTypeLike = np.float32,
    ) -> None:
        self.shape = () if shape == () else shape_of(shape, "InputNorm: shape")
        self.axis = _places(axis, len(self.shape))
        self.eps = NON_NEGATIVE.check("InputNorm: eps", eps)
        self.dtype = FLOATS.check("InputNorm: dtype", dtype)
        self.register_buffer("mean", np.full(self.shape, np.nan))
        self.register_buffer("variance", np.full(self.shape, np.nan))
        self.register_buffer("constant", np.zeros(self.shape, bool))

    @classmethod
    def example(cls) -> Example:
        """Adapted to some rows; to images, by channel; and by everything alike."""

        def adapted(dtype: npt.DTypeLike = np.float32, **options: Any) -> InputNorm:
            data = np.arange(48.0).reshape(4, 3, 4) ** 1.5
            layer = cls(**{"shape": 3, "axis": 1, **options}, dtype=dtype)
            return layer.adapt(data)

        return Example(
            adapted,
            calls=[[(5, 3)], [(5, 3, 2)]],
            variants=[{"shape": (), "axis": ()}, {"eps": 0.5}],
        )

    def adapt(self, data: ArrayLike | Iterable[ArrayLike]) -> Self:
        """Take mean and variance of the training data; what was found before is forgotten.

        Parameters
        ----------
        data : array_like, or iterable of array_like
            Training inputs, the batch first. A list of arrays, or what is no sequence, such as a
            generator, is data in batches, of any sizes; it is read once and not kept.

        Returns
        -------
        InputNorm
            This layer.

        Raises
        ------
        ShapeError
            If a batch does not fit, or there are fewer than two values for each mean.
        DataError
            If a value is NaN or infinite.
        DTypeError
            If values are no real numbers.
        ConfigError
            If it is a tuple, such as inputs with their targets.
        CaptureError
            If it is called inside of a compiled step.

        Notes
        -----
        If it raises, nothing was changed. Only training data belongs in here: what is known of
        validation or test data makes their errors too small.
        """
        name = f"{type(self).__name__}.adapt"
        if CONTEXT.get().capture is not None:
            raise CaptureError(
                name,
                "statistics of data are taken outside of a compiled step or a trace. Expected a call "
                "before it.",
            )
        if isinstance(data, tuple):
            raise ConfigError(
                name,
                f"expected inputs; received a tuple of {len(data)}. Pass the inputs alone, such as "
                "train.inputs, or batches of them as a list.",
            )
        moments = Moments(self.shape)
        for k, batch in enumerate(_batches(data, name)):
            x = as_reals(batch, self.dtype, self)
            values = x.numpy() if isinstance(x, ag.Tensor) else x
            axes = self._axes(values.ndim, values.shape)
            for start in range(0, len(values), _ROWS):
                where = f"{name}: batch {k}" + (f", from row {start}" if start else "")
                moments.add(values[start : start + _ROWS], axes, where)
        mean, variance, constant = moments.taken(name)
        self.mean.assign(mean)
        self.variance.assign(np.where(constant, 1.0, variance))
        self.constant.assign(constant)
        return self

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Normalize ``x``.

        Parameters
        ----------
        x : array_like
            A batch, as ``axis`` says.

        Returns
        -------
        Tensor, shape of x
            In the layer's dtype.
        """
        check_taken(self, self.mean, _ADAPT)
        x = in_dtype(as_reals(x, self.dtype, self), np.dtype(np.float64))
        axes = self._axes(x.ndim, x.shape)
        # Axes before the first that is kept are there by broadcasting.
        mean, variance = (laid(t, axes) for t in (self.mean, self.variance))
        return in_dtype(functional.normalize(x, mean, variance, eps=self.eps), self.dtype)

    def _axes(self, ndim: int, shape: tuple[Any, ...]) -> tuple[int, ...]:
        """The axes that are averaged over.

        Raises
        ------
        ShapeError
            If the others are not of the sizes that there are means for.
        """
        kept = [axis % ndim if -ndim <= axis < ndim else ndim for axis in self.axis]
        if (
            ndim == 0
            or 0 in kept
            or ndim in kept
            or kept != sorted(set(kept))
            or tuple(shape[axis] for axis in kept) != self.shape
        ):
            raise ShapeError(
                f"{self!r}",
                f"the input does not fit. Expected a batch whose axis {self.axis} has size "
                f"{self.shape}; received {shape}. Reshape the input, or build the layer for it.",
            )
        return tuple(axis for axis in range(ndim) if axis not in kept)

    def extra_repr(self) -> str:
        """Give the sizes and the options."""
        one = len(self.shape) == 1
        options = [str(self.shape[0] if one else self.shape)]
        options += [] if self.axis == (-1,) else [f"axis={self.axis[0] if one else self.axis}"]
        options += [f"eps={self.eps:g}"] if self.eps else []
        options += [] if self.dtype == np.float32 else [f"dtype={self.dtype}"]
        never = int(np.count_nonzero(self.constant._value))
        options += [f"{never} constant"] if never else []
        return ", ".join(options)


_ADAPT = "first call adapt(data) with the training inputs."


def _places(axis: Any, count: int) -> tuple[int, ...]:
    """``axis`` as a tuple of ``count`` ints, none of them the batch."""
    axes = tuple(axis) if isinstance(axis, tuple | list) else (axis,)
    whole = all(isinstance(a, int | np.integer) and not isinstance(a, bool) for a in axes)
    if not whole or len(axes) != count or 0 in axes:
        raise ConfigError(
            "InputNorm",
            f"axis: expected an axis for each of the {count} sizes of shape, and not 0, which is the "
            f"batch; received {axis!r}.",
        )
    return tuple(int(a) for a in axes)


def _batches(data: Any, name: str) -> Iterable[Any]:
    """The batches of ``data``; it, if it is one array."""
    arrays = isinstance(data, list) and data and all(hasattr(one, "shape") for one in data)
    if arrays or (isinstance(data, Iterable) and not hasattr(data, "__len__")):
        return data
    return [data if isinstance(data, ag.Tensor) else plain(name, data)]
