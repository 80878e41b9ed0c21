"""Layers that make regions of their input, whose sizes are drawn, one value each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import autograd_core as ag
from autograd_core.aliases import ArrayLike, RandomSource
from autograd_core.errors import ConfigError, ShapeError
from autograd_core.options import COUNT, Interval
from autograd_core.randomness import source_of

from .. import functional
from ..contract import Example
from ..functional.convolutions import each, shortened
from ..functional.fractional_pooling import REGIONS, Regions, middle_edges
from ..inputs import as_floats
from .noise.drawing import Drawing

__all__ = ["FractionalMaxPool2d"]

_RATIO = Interval(0.0, 1.0, open_low=True, open_high=True)


class FractionalMaxPool2d(Drawing):
    """The largest value of each of regions drawn anew for each pass: sizes are divided by a fraction.

    Rows are cut into as many regions as there are to be rows of the output, of two neighbouring sizes in
    an order that is drawn, and columns likewise.

    Parameters
    ----------
    output_size : int or pair of int, optional
        How many rows and columns there are to be.
    output_ratio : float or pair of float, between 0 and 1, optional
        What rows and columns are multiplied by, and rounded down; instead of ``output_size``. The
        paper's 1/α.
    regions : {"pseudorandom", "random"}
        How they are drawn, see `nn.functional.fractional_edges`. Random ones are better together with
        dropout, says the paper, and pseudorandom ones alone: those distort an image less.
    overlapping : bool
        Whether a region ends with the row, or column, in which the next one begins. Better, says the
        paper, than regions side by side.
    rng : numpy.random.Generator or int, optional
        Draws the layer's key, once, here; the regions come from (key, counter). A generator, or a
        seed; left out, a fresh seed is drawn, which the repr shows.

    Attributes
    ----------
    key : Tensor, shape (2,), uint64
        Buffer: which sequence of draws.
    counter : Tensor, shape (), uint64
        Buffer: the number of the newest draw; each pass in training adds 1.
    seed : int or None
        The seed that the key was drawn with, if ``rng`` was no generator.

    Raises
    ------
    ConfigError
        If an option is outside its range, or none or both of size and ratio are given; or when called
        with an image that has fewer rows or columns than there are to be.
    DTypeError
        When called with what is not made of floats.
    ShapeError
        When called with another rank.

    Notes
    -----
    Evaluation draws nothing: its regions are the pseudorandom ones with u = ½. (The paper draws there,
    too, and takes the mean of several passes; so does a loop over passes in training mode. PyTorch
    draws always.) Key and counter are saved with the state, so that a pass can be repeated. All images
    and channels of a pass have the same regions. (PyTorch draws others for each, and has windows of one
    ``kernel_size``.)

    References
    ----------
    Graham (2014), Fractional max-pooling.

    Examples
    --------
    >>> import numpy as np, nn
    >>> layer = nn.FractionalMaxPool2d(output_ratio=0.7, rng=0)
    >>> layer(np.zeros((5, 4, 10, 9))).shape
    (5, 4, 7, 6)
    """

    def __init__(
        self,
        output_size: int | Sequence[int] | None = None,
        output_ratio: float | Sequence[float] | None = None,
        regions: Regions = "pseudorandom",
        overlapping: bool = True,
        *,
        rng: RandomSource = None,
    ) -> None:
        name = type(self).__name__
        if (output_size is None) == (output_ratio is None):
            raise ConfigError(
                name,
                "expected either output_size or output_ratio; received "
                f"{output_size!r} and {output_ratio!r}.",
            )
        self.output_size: Any = None
        self.output_ratio: Any = None
        if output_size is not None:
            self.output_size = each(f"{name}: output_size", 2, output_size, COUNT)
        else:
            ratios = output_ratio if isinstance(output_ratio, tuple | list) else (output_ratio,) * 2
            if len(ratios) != 2:
                raise ConfigError(
                    name, f"output_ratio: expected a number or a pair; received {output_ratio!r}."
                )
            checked = [_RATIO.check(f"{name}: output_ratio", r) for r in ratios]
            self.output_ratio = tuple(checked)
        self.regions = REGIONS.check(f"{name}: regions", regions)
        self.overlapping = bool(overlapping)
        source = source_of(rng, name)
        self.seed = source.seed
        self._keyed(source.generator)

    @classmethod
    def example(cls) -> Example:
        """Rows and columns by number, and by a ratio; drawn and laid in the other ways."""
        return Example(
            cls,
            (None, 0.7),
            calls=[[(3, 1, 5, 4)], [(1, 5, 4)]],
            variants=[{"regions": "random", "overlapping": False}],
            undecided="which places are seen is computed from random bits",
            small=[(2, 1, 3, 3)],
        )

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Draw regions, and take their largest values.

        Parameters
        ----------
        x : array_like, shape (batch, channels, height, width) or (channels, height, width)

        Returns
        -------
        Tensor, shape (batch, channels, rows, columns) or (channels, rows, columns)
            As many as ``output_size`` or ``output_ratio`` say; of the dtype of x.
        """
        x = as_floats(x, self)
        if x.ndim not in (3, 4):
            raise ShapeError(
                str(self),
                "expected shape (batch, channels, height, width), or without the batch; received "
                f"{x.shape}.",
            )
        lengths = x.shape[-2:]
        numbers = self.output_size or tuple(
            max(int(n * r), 1) for n, r in zip(lengths, self.output_ratio, strict=True)
        )
        for n, parts in zip(lengths, numbers, strict=True):
            if parts > n - self.overlapping:
                raise ConfigError(
                    str(self),
                    f"the image is too small. Expected {parts + self.overlapping} rows or columns, or "
                    f"more, for {parts} regions; received {tuple(lengths)}.",
                )
        if not self.training:
            rows, columns = [
                middle_edges(n, parts, self.overlapping)
                for n, parts in zip(lengths, numbers, strict=True)
            ]
            return functional.fractional_max_pool2d(x, rows, columns, self.overlapping)
        bits = self._bits((sum(numbers),))
        drawn = bits[: numbers[0]], bits[numbers[0] :]
        rows, columns = [
            functional.fractional_edges(some, n, parts, self.regions, self.overlapping)
            for some, n, parts in zip(drawn, lengths, numbers, strict=True)
        ]
        steps = [
            -(-(n - self.overlapping) // parts) for n, parts in zip(lengths, numbers, strict=True)
        ]
        return functional.fractional_max_pool2d(x, rows, columns, self.overlapping, steps)

    def extra_repr(self) -> str:
        """Give the size or ratio, and what is not the default."""
        given = ("output_size", "output_ratio")
        options = [f"{n}={shortened(getattr(self, n))}" for n in given if getattr(self, n)]
        options += [] if self.regions == "pseudorandom" else [f'regions="{self.regions}"']
        options += [] if self.overlapping else ["overlapping=False"]
        return ", ".join([*options, *self._seeded()])
