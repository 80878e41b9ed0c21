"""Weights whose rows, or columns, are perpendicular."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from autograd_core.aliases import Array, RandomSource
from autograd_core.options import Interval
from autograd_core.randomness import source_of

from .initializer import Initializer, rounded
from .scaled import fans

__all__ = ["orthogonal"]


def orthogonal(gain: float = 1.0) -> Initializer:
    """Make an initializer that draws orthogonal matrices, all alike likely, times ``gain``.

    What has fewer rows than columns has perpendicular rows of length ``gain``, else its columns are.
    So lengths survive the layer (times the gain), in the direction in which nothing is lost, and so
    they do through any number of square ones. Kernels (out, in, *kernel) are such a matrix of out
    rows, the rest being one axis, in C order; of a convolution in groups, each group by itself.

    Parameters
    ----------
    gain : float
        See `gain`.

    Raises
    ------
    ConfigError
        If ``gain`` is no finite number.
    ShapeError
        When called with a shape that is that of no weight, see `fans`.

    Notes
    -----
    Of a QR decomposition of normal draws, with the signs that make R's diagonal positive: without
    them not all matrices would be alike likely. As PyTorch's ``orthogonal_``, up to the axes of a
    weight of two axes, which is (out, in) there.

    References
    ----------
    Saxe, McClelland and Ganguli (2014), Exact solutions to the nonlinear dynamics of learning in deep
    linear neural networks. Mezzadri (2007), How to generate random matrices from the classical
    compact groups.

    Examples
    --------
    >>> import numpy as np
    >>> w = orthogonal()((3, 5), rng=0, dtype=np.float64)
    >>> bool(np.allclose(w @ w.T, np.eye(3)))
    True
    """
    size = Interval().check("orthogonal: gain", gain)

    def drawn(
        shape: tuple[int, ...],
        *,
        rng: RandomSource = None,
        dtype: npt.DTypeLike = np.float32,
    ) -> Array:
        fans(shape, "orthogonal")
        rows, columns = shape[0], math.prod(shape[1:])
        draw = source_of(rng, "orthogonal").generator.standard_normal((rows, columns))
        q, r = np.linalg.qr(draw if rows >= columns else draw.T)
        q = q * np.where(np.diagonal(r) < 0, -1.0, 1.0)
        values = size * (q if rows >= columns else q.T)
        return rounded(values.reshape(shape), dtype, "orthogonal")

    return drawn
