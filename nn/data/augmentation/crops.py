"""Parts of pictures: a window cut out, a rectangle covered."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core.aliases import RandomSource
from autograd_core.errors import ConfigError
from autograd_core.options import PROBABILITY, Interval

from ...contract import Example
from ._sampling import between
from .augmentation import Augmentation
from .geometry import CLASSES, PICTURES, PLACES, SMALL
from .guard import Reach

__all__ = ["Crop", "Erasing"]

_SHARE = Interval(0.0, 1.0, open_low=True, open_high=False)


class Crop(Augmentation):
    """A window of each picture, at a place of its own; in evaluation the one in the middle.

    Parameters
    ----------
    share : float, in (0, 1]
        Of the height and of the width that the window has, rounded to pixels: 0.875 makes 28 of 32.
    classes, confirmed, rng
        See `Augmentation`. What loses more than a fifth of a side may be another thing: E and F, Q and O.

    Notes
    -----
    Pictures come out smaller. To keep their size, and move them: `Shift`.

    Examples
    --------
    >>> import numpy as np, nn
    >>> crop = nn.data.Crop(0.875, rng=0)
    >>> crop(np.ones((3, 32, 32))).shape, crop.eval()(np.ones((3, 32, 32))).shape
    ((3, 28, 28), (3, 28, 28))
    """

    def __init__(
        self,
        share: float,
        *,
        classes: Iterable[str | int] | None = None,
        confirmed: Sequence[tuple[str, str]] | bool = False,
        rng: RandomSource = None,
    ) -> None:
        self.share = _SHARE.check("Crop: share", share)
        super().__init__(classes=classes, confirmed=confirmed, rng=rng)

    @classmethod
    def example(cls) -> Example:
        """Most of it."""

        def make(rng: RandomSource = 0, **options: Any) -> Crop:
            return cls(0.7, rng=rng, **{"classes": ("a", "o"), **options})

        return Example(make, calls=PICTURES, variants=[CLASSES], undecided=PLACES, small=SMALL)

    def reaches(self) -> tuple[Reach, ...]:
        """What may be cut off at one edge."""
        return (Reach(trimmed=1 - self.share),)

    def draws(self, height: int, width: int) -> tuple[int, ...]:
        """Down and to the right."""
        return (2,)

    def changed(self, x: ag.Tensor, u: ag.Tensor) -> ag.Tensor:
        """Read the rows of the window, then its columns."""
        n = x.shape[0]
        for k, axis in enumerate((-2, -1)):
            length = x.shape[axis]
            kept = self._kept(length)
            free = length - kept
            start = ag.cast(ag.minimum(ag.floor(u[:, k] * (free + 1)), float(free)), np.int64)
            places = ag.reshape(start, (n, 1)) + np.arange(kept)
            shape = (n, 1, kept, 1) if axis == -2 else (n, 1, 1, kept)
            x = ag.take_along_axis(x, ag.reshape(places, shape), axis=axis)
        return x

    def settled(self, x: ag.Tensor) -> ag.Tensor:
        """The window in the middle."""
        height, width = x.shape[-2:]
        i, j = ((length - self._kept(length)) // 2 for length in (height, width))
        return x[:, :, i : i + self._kept(height), j : j + self._kept(width)]

    def _kept(self, length: int) -> int:
        return max(1, round(self.share * length))

    def options(self) -> list[str]:
        """The share."""
        return [f"{self.share:g}"]


class Erasing(Augmentation):
    """A rectangle of each picture covered, with probability p, at a place, of an area and a form of its own.

    Parameters
    ----------
    area : (float, float), in (0, 1)
        The least and the largest share of the picture. The paper's are (0.02, 0.4).
    aspect : float, ≥ 1
        The largest proportion of the sides, either way; the paper's is 3.3.
    p : float, in [0, 1]
        How likely a picture is changed.
    fill : float
        What stands in the rectangle.
    classes, confirmed, rng
        See `Augmentation`. More than a tenth may hide a stroke: of an 8 there is a 3 left.

    References
    ----------
    Zhong et al. (2020), Random erasing data augmentation.

    Examples
    --------
    >>> import numpy as np, nn
    >>> y = nn.data.Erasing((0.05, 0.1), p=1.0, rng=0)(np.ones((4, 20, 20))).numpy()
    >>> bool(
    ...     ((y == 0).mean(axis=(1, 2)) > 0.02).all() and ((y == 0).mean(axis=(1, 2)) < 0.15).all()
    ... )
    True
    """

    def __init__(
        self,
        area: tuple[float, float] = (0.02, 0.1),
        aspect: float = 3.3,
        p: float = 0.5,
        *,
        fill: float = 0.0,
        classes: Iterable[str | int] | None = None,
        confirmed: Sequence[tuple[str, str]] | bool = False,
        rng: RandomSource = None,
    ) -> None:
        if not isinstance(area, tuple | list) or len(area) != 2:
            raise ConfigError("Erasing", f"area: expected two shares; received {area!r:.60}.")
        share = Interval(0.0, 1.0, open_low=True)
        low, high = (share.check("Erasing: area", each) for each in area)
        if low > high:
            raise ConfigError("Erasing", f"area: expected ascending shares; received {area!r}.")
        self.area = (low, high)
        self.aspect = Interval(1.0).check("Erasing: aspect", aspect)
        self.p = PROBABILITY.check("Erasing: p", p)
        self.fill = Interval().check("Erasing: fill", fill)
        super().__init__(classes=classes, confirmed=confirmed, rng=rng)

    @classmethod
    def example(cls) -> Example:
        """A third of the picture, and what there is in its place."""

        def make(rng: RandomSource = 0, **options: Any) -> Erasing:
            return cls(rng=rng, **{"area": (0.3, 0.4), "classes": ("a", "o"), **options})

        variants = [
            {"area": (0.02, 0.1), "p": 1.0, **CLASSES},
            {"aspect": 1.0, "fill": 0.5},
        ]
        return Example(make, calls=PICTURES, variants=variants)

    def still(self) -> bool:
        """Whether nothing is covered."""
        return self.p == 0

    def reaches(self) -> tuple[Reach, ...]:
        """The area that it may cover."""
        return (Reach(hidden=self.area[1] if self.p else 0.0),)

    def draws(self, height: int, width: int) -> tuple[int, ...]:
        """Whether, how large, of which form, and where."""
        return (5,)

    def changed(self, x: ag.Tensor, u: ag.Tensor) -> ag.Tensor:
        """Cover the pixels whose middle lies in the rectangle."""
        height, width = x.shape[-2:]
        whether, size, form, down, across = (u[:, k, None, None] for k in range(5))
        area = between(size, *self.area) * float(height * width)
        proportion = ag.exp(between(form, -1.0, 1.0) * math.log(self.aspect))
        tall = ag.minimum(ag.sqrt(area * proportion), float(height))
        wide = ag.minimum(ag.sqrt(area / proportion), float(width))
        inside: Any = whether < self.p if self.p < 1 else True
        for free, long, at in ((height, tall, 0), (width, wide, 1)):
            start = (down, across)[at] * (free - long)
            middle = np.expand_dims(np.arange(free, dtype=u.dtype) + u.dtype.type(0.5), 1 - at)
            inside = (middle >= start) & (middle < start + long) & inside
        return ag.where(inside[:, None], self.fill, x)

    def options(self) -> list[str]:
        """Area, form, and how often."""
        fill = [f"fill={self.fill:g}"] if self.fill else []
        return [f"area={self.area!r}", f"aspect={self.aspect:g}", f"p={self.p:g}", *fill]
