"""Largest values of regions whose sizes are drawn."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

import autograd_core as ag
from autograd_core.aliases import ArrayLike
from autograd_core.errors import ConfigError, DTypeError, ShapeError
from autograd_core.options import COUNT, Choice

from ..inputs import as_numbers
from .convolutions import batch_first, batch_last
from .pooling import image_of

__all__ = ["fractional_edges", "fractional_max_pool2d"]

Regions = Literal["random", "pseudorandom"]
REGIONS: Choice[Regions] = Choice(("random", "pseudorandom"))


def fractional_edges(
    bits: ArrayLike,
    length: int,
    parts: int,
    regions: Regions = "pseudorandom",
    overlapping: bool = True,
) -> ag.Tensor:
    """Draw where the regions of fractional pooling begin along an axis: a_0 = 0 < a_1 < … < a_I.

    Parameters
    ----------
    bits : array_like of uint32, shape (I,) or (1,)
        Random bits, see `ag.random_bits`; pseudorandom regions take the first.
    length, parts : int
        L and I; with α = (L − 1) / I if regions overlap, and L / I if they do not, at least 1.
    regions : {"pseudorandom", "random"}
        Pseudorandom: a_i = ⌈α (i + u)⌉ − ⌈α u⌉, with u = bits / 2³². Random: steps of ⌊α⌋ and ⌈α⌉, as
        many of each as it takes, in a random order.
    overlapping : bool
        Whether a region ends with the place where the next one begins.

    Returns
    -------
    Tensor of int64, shape (I + 1,)
        The last is L − 1 if regions overlap, and L if they do not.

    Raises
    ------
    ConfigError
        If an option is outside its range, or there are more parts than places.
    DTypeError
        If ``bits`` are none.
    ShapeError
        If there are too few bits.

    References
    ----------
    Graham (2014), Fractional max-pooling, section 2.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.functional.fractional_edges(np.array([2**31], np.uint32), 7, 4).numpy().tolist()
    [0, 2, 3, 5, 6]
    """
    where = "fractional_edges"
    length = COUNT.check(f"{where}: length", length)
    parts = COUNT.check(f"{where}: parts", parts)
    kind = REGIONS.check(f"{where}: regions", regions)
    total = length - bool(overlapping)
    if parts > total or total * parts >= 2**30:
        raise ConfigError(
            where,
            f"parts: expected at most {total}, and less than 2**30 / {total}, of a length of {length}; "
            f"received {parts}.",
        )
    bits = as_numbers(bits)
    if bits.dtype.kind != "u" or bits.dtype.itemsize != 4:
        raise DTypeError(where, f"expected bits, of dtype uint32; received {bits.dtype}.")
    needed = parts if kind == "random" else 1
    if bits.ndim != 1 or bits.shape[0] < needed:
        raise ShapeError(where, f"expected bits of shape ({needed},); received {bits.shape}.")
    if kind == "pseudorandom":
        return _pseudorandom(ag.cast(bits[:1], np.int64), parts, total)
    drawn = ag.cast(bits[:parts], np.int64)
    step, longer = divmod(total, parts)
    mine, other = ag.expand_dims(drawn, 1), ag.expand_dims(drawn, 0)
    earlier = np.tri(parts, k=-1, dtype=bool)  # of equal bits the first comes first
    before = ag.where(ag.equal(mine, other), earlier, ag.greater(mine, other))
    steps = step + ag.cast(ag.less(ag.sum(before, 1), longer), np.int64)
    return ag.concatenate([np.zeros(1, np.int64), ag.cumsum(steps, 0)])


def _pseudorandom(drawn: Any, parts: int, total: int) -> Any:
    """⌈α (i + u)⌉ − ⌈α u⌉, in integers: nothing is rounded, and the last is where it should be."""
    up = ((np.arange(parts + 1) << 32) + drawn) * total + ((parts << 32) - 1)
    up = up // (parts << 32)
    return up - up[:1]


def middle_edges(length: int, parts: int, overlapping: bool) -> Any:
    """The pseudorandom edges with u = ½, as an array: the same for all."""
    return _pseudorandom(np.array([2**31], np.int64), parts, length - overlapping)


def fractional_max_pool2d(
    x: ArrayLike,
    rows: ArrayLike,
    columns: ArrayLike,
    overlapping: bool = True,
    steps: Sequence[int] | None = None,
) -> ag.Tensor:
    """Take the largest value of each of the regions that rows and columns are cut into.

    Parameters
    ----------
    x : array_like, shape (N, C, H, W) or (C, H, W)
    rows, columns : array_like of int, shapes (I + 1,) and (J + 1,)
        Where regions begin, and where the last one ends; rising, see `fractional_edges`.
    overlapping : bool
        Whether region i goes up to the place a_{i+1}, or ends before it.
    steps : pair of int, optional
        The largest steps between rows and between columns; those of `fractional_edges` are at most
        ⌈α⌉. Default: as they are, which is looked at; for edges that are computed in a compiled
        function they have to be given.

    Returns
    -------
    Tensor, shape (N, C, I, J) or (C, I, J)

    Raises
    ------
    ShapeError
        If the rank is another one, or edges are no vector of two or more.
    DTypeError
        If ``x`` is not made of floats, or edges are not integers.
    ConfigError
        If edges do not rise, or lead out of the image.

    Notes
    -----
    Places that tie share the derivative. PyTorch has windows of one ``kernel_size`` at pseudorandom
    places, with others for each image and channel.

    References
    ----------
    Graham (2014), Fractional max-pooling.

    Examples
    --------
    >>> import numpy as np, nn
    >>> x = np.arange(16.0).reshape(1, 4, 4)
    >>> nn.functional.fractional_max_pool2d(x, [0, 1, 3], [0, 2, 3]).numpy().tolist()
    [[[6.0, 7.0], [14.0, 15.0]]]
    """
    operation = "fractional_max_pool2d"
    s = image_of(operation, x, 2)
    taken: list[tuple[Any, int]] = []
    for axis, given in enumerate((rows, columns)):
        edges = given if isinstance(given, ag.Tensor) else np.asarray(given)
        if edges.dtype.kind not in "iu":
            raise DTypeError(operation, f"expected edges of integers; received {edges.dtype}.")
        if edges.ndim != 1 or edges.shape[0] < 2:
            raise ShapeError(
                operation, f"expected edges of shape (parts + 1,); received {edges.shape}."
            )
        if not isinstance(edges, ag.Tensor) or steps is None:
            values = np.asarray(edges.data if isinstance(edges, ag.Tensor) else edges)
            end = s.shape[axis - 2] - bool(overlapping)
            if values[0] < 0 or np.diff(values).min() < 1 or values[-1] > end:
                raise ConfigError(
                    operation,
                    f"edges: expected to rise from 0 or more to {end} at most; received {values}.",
                )
            step = int(np.diff(values).max())
        else:
            step = steps[axis]
        taken.append((edges, step))
    return batch_first(_between(batch_last(s, 2), 1, taken, bool(overlapping)), 2, s)


def _between(y: ag.Tensor, axis: int, taken: Sequence[Any], overlapping: bool) -> ag.Tensor:
    """The largest values of regions of an axis, and of those behind it.

    Those that are known are slices. Else they are looked at place by place, and shorter ones see their
    last place again.
    """
    if not taken:
        return y
    (edges, step), *behind = taken
    if not isinstance(edges, ag.Tensor):
        whole = (slice(None),) * axis
        parts = [
            ag.max(y[(*whole, slice(int(a), int(b) + overlapping))], axis, keepdims=True)
            for a, b in itertools.pairwise(edges)
        ]
        done = [_between(part, axis + 1, behind, overlapping) for part in parts]
        return done[0] if len(done) == 1 else ag.concatenate(done, axis)
    first, last = edges[:-1], edges[1:] - (0 if overlapping else 1)
    y = ag.moveaxis(y, axis, 0)  # where elements are taken from whatever sizes the others have
    found = ag.take(y, first, 0)
    for k in range(1, step + overlapping):
        found = ag.maximum(found, ag.take(y, ag.minimum(first + k, last), 0))
    return _between(ag.moveaxis(found, 0, axis), axis + 1, behind, overlapping)
