"""Pictures turned, moved, stretched and slanted, each by an amount of its own."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core.aliases import Array, RandomSource
from autograd_core.options import SWITCH, Interval

from ...contract import Example
from ._sampling import Fill, between, centred, checked_fill, sampled
from .augmentation import Augmentation
from .guard import Reach

__all__ = ["Rotation", "Shear", "Shift", "Stretch"]

PICTURES = [[(3, 1, 2)]]  # of examples
SMALL = [(3, 1, 1)]  # for proofs: the expressions of many pixels are long
CLASSES: dict[str, Any] = {"classes": ("a", "o"), "confirmed": (("6", "9"),)}
PLACES = "places of pixels that are computed from bits have no reading at every size"


class Warp(Augmentation):
    """A transform that says where each pixel comes from."""

    fill: Fill

    def sources(self, u: Any, rows: Any, columns: Any) -> tuple[Any, Any]:
        """Where pixels at these places, counted from the middle, come from; shapes (N, 1, 1) and (H, W)."""
        raise NotImplementedError(f"{type(self).__name__} has no sources")

    def changed(self, x: ag.Tensor, u: ag.Tensor) -> ag.Tensor:
        """Read each pixel where it comes from."""
        height, width = x.shape[-2:]
        at = [u[:, k, None, None] for k in range(u.shape[1])]
        rows, columns = self.sources(at, *centred(height, width, u.dtype))
        rows, columns = rows + (height - 1) / 2, columns + (width - 1) / 2
        return sampled(x, rows, columns, self.fill)

    def amounts(self, u: Any) -> Any:
        """What numbers in [0, 1], shape (…, N, draws), mean: degrees, pixels, factors."""
        raise NotImplementedError(f"{type(self).__name__} has no amounts")

    def newest(self, count: int) -> Array:
        """By how much the newest pass, of ``count`` pictures, changed each: shape (N, draws).

        Degrees of a rotation or a shear, shares of a side of a shift, factors of a stretch; down, then right.
        """
        u = self._newest((count, *self.draws(1, 1)), np.float64)
        amounts = [
            ag.reshape(a, (count, 1)) for a in self.amounts([u[:, k] for k in range(u.shape[1])])
        ]
        return np.array(ag.concatenate(amounts, axis=1).detach().numpy())

    def _filled(self) -> list[str]:
        return [] if self.fill == 0 else [f"fill={self.fill!r}"]


class Rotation(Warp):
    """Pictures turned about their middle, each by an angle ~ U(−degrees, degrees).

    Parameters
    ----------
    degrees : float, in [0, 180]
        The largest angle, either way.
    fill : float or "nearest"
        What comes in from beyond the edge: a value, or the nearest pixel.
    classes, confirmed, rng
        See `Augmentation`. Past half of the way: 6 and 9 from 90° on, N and Z from 45°, + and × from 22.5°.

    Notes
    -----
    Interpolated between the four neighbours of a place. Where pictures are no squares, corners are lost.

    References
    ----------
    [Additional heuristics: Data Augmentation]: "rotation".

    Examples
    --------
    >>> import numpy as np, nn
    >>> turn = nn.data.Rotation(20, rng=0)
    >>> turn(np.ones((3, 8, 8), np.float32)).shape, bool(abs(turn.newest(3)).max() <= 20)
    ((3, 8, 8), True)
    >>> nn.data.Rotation(180, classes=nn.data.digits().classes)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    autograd_core.errors.ConfigError: Rotation: it turns them by up to 180°, so it may turn '6' into '9', and both are classes: ...
    """

    def __init__(
        self,
        degrees: float,
        *,
        fill: Fill = 0.0,
        classes: Iterable[str | int] | None = None,
        confirmed: Sequence[tuple[str, str]] | bool = False,
        rng: RandomSource = None,
    ) -> None:
        self.degrees = Interval(0, 180, open_high=False).check("Rotation: degrees", degrees)
        self.fill = checked_fill("Rotation", fill)
        super().__init__(classes=classes, confirmed=confirmed, rng=rng)

    @classmethod
    def example(cls) -> Example:
        """Small turns, with what comes in from beyond the edge."""
        variants = [{"fill": "nearest", **CLASSES}]
        return Example(
            cls, (20.0,), calls=[*PICTURES, [(3, 2, 1, 2)]], variants=variants, small=SMALL
        )

    def still(self) -> bool:
        """Whether it turns by nothing."""
        return self.degrees == 0

    def reaches(self) -> tuple[Reach, ...]:
        """Its largest angle."""
        return (Reach(turn=self.degrees),)

    def draws(self, height: int, width: int) -> tuple[int, ...]:
        """The angle."""
        return (1,)

    def amounts(self, u: Any) -> Any:
        """Degrees, against the clock."""
        return (between(u[0], -self.degrees, self.degrees),)

    def sources(self, u: Any, rows: Any, columns: Any) -> tuple[Any, Any]:
        """The place turned back."""
        (degrees,) = self.amounts(u)
        angle = degrees * (math.pi / 180)
        cos, sin = ag.cos(angle), ag.sin(angle)
        return cos * rows + sin * columns, cos * columns - sin * rows

    def options(self) -> list[str]:
        """The angle."""
        return [f"{self.degrees:g}", *self._filled()]


class Shift(Warp):
    """Pictures moved by whole pixels, each by its own number of them down and across.

    Parameters
    ----------
    share : float, in [0, 1)
        Of the height and of the width: the most that a picture is moved, rounded down to pixels.
    fill : float or "nearest"
        What comes in from beyond the edge.
    classes, confirmed, rng
        See `Augmentation`. Beyond a quarter, '-' may be '_', and ',' an apostrophe.

    Notes
    -----
    The random crop of a padded picture, as is customary for small ones, is this: 4 pixels of 32 are
    ``Shift(0.125)``.

    Examples
    --------
    >>> import numpy as np, nn
    >>> y = nn.data.Shift(0.2, rng=0)(np.eye(8, dtype=np.float32)[None]).numpy()
    >>> sorted(set(y.ravel().tolist()))
    [0.0, 1.0]
    """

    def __init__(
        self,
        share: float,
        *,
        fill: Fill = 0.0,
        classes: Iterable[str | int] | None = None,
        confirmed: Sequence[tuple[str, str]] | bool = False,
        rng: RandomSource = None,
    ) -> None:
        self.share = Interval(0, 1).check("Shift: share", share)
        self.fill = checked_fill("Shift", fill)
        super().__init__(classes=classes, confirmed=confirmed, rng=rng)

    @classmethod
    def example(cls) -> Example:
        """By a pixel or two."""
        variants = [{"fill": "nearest", **CLASSES}]

        def make(rng: RandomSource = 0, **options: Any) -> Shift:
            return cls(0.5, rng=rng, **{"confirmed": True, **options})

        return Example(make, calls=PICTURES, variants=variants, undecided=PLACES, small=SMALL)

    def still(self) -> bool:
        """Whether it moves by nothing."""
        return self.share == 0

    def reaches(self) -> tuple[Reach, ...]:
        """How far it moves, and what that cuts off."""
        return (Reach(moved=self.share, trimmed=self.share),)

    def draws(self, height: int, width: int) -> tuple[int, ...]:
        """Down and to the right."""
        return (2,)

    def amounts(self, u: Any) -> Any:
        """Shares of the side, before they are rounded to pixels."""
        return tuple(between(v, -self.share, self.share) for v in u)

    def sources(self, u: Any, rows: Any, columns: Any) -> tuple[Any, Any]:
        """The place moved back by whole pixels."""
        moved = []
        for v, places in zip(u, (rows.shape[0], rows.shape[1]), strict=True):
            most = math.floor(self.share * places + 1e-9)
            # The numbers from −most to most, equally likely; u may be 1.
            moved.append(ag.minimum(ag.floor(v * (2 * most + 1)), float(2 * most)) - float(most))
        return rows - moved[0], columns - moved[1]

    def options(self) -> list[str]:
        """The share."""
        return [f"{self.share:g}", *self._filled()]


class Stretch(Warp):
    """Pictures made larger or smaller about their middle, by factors e^U(−log f, log f), one for each side.

    Parameters
    ----------
    factor : float, ≥ 1
        f, the largest factor; 1/f is the smallest.
    keep_aspect : bool
        One factor for both sides: the picture is zoomed.
    fill : float or "nearest"
        What comes in from beyond the edge.
    classes, confirmed, rng
        See `Augmentation`. Letters such as c and C differ in size alone, by about 1.5; 0 and O in their
        proportion.

    References
    ----------
    [Additional heuristics: Data Augmentation]: "stretching".

    Examples
    --------
    >>> import numpy as np, nn
    >>> stretch = nn.data.Stretch(1.1, rng=0)
    >>> y = stretch(np.ones((2, 9, 9)))
    >>> factors = stretch.newest(2)
    >>> factors.shape, bool((factors >= 1 / 1.1).all() and (factors <= 1.1).all())
    ((2, 2), True)
    """

    def __init__(
        self,
        factor: float,
        *,
        keep_aspect: bool = False,
        fill: Fill = 0.0,
        classes: Iterable[str | int] | None = None,
        confirmed: Sequence[tuple[str, str]] | bool = False,
        rng: RandomSource = None,
    ) -> None:
        self.factor = Interval(1).check("Stretch: factor", factor)
        self.keep_aspect = SWITCH.check("Stretch: keep_aspect", keep_aspect)
        self.fill = checked_fill("Stretch", fill)
        super().__init__(classes=classes, confirmed=confirmed, rng=rng)

    @classmethod
    def example(cls) -> Example:
        """By a tenth; zoomed."""
        variants = [{"keep_aspect": True, "fill": "nearest", **CLASSES}]
        return Example(cls, (1.1,), calls=PICTURES, variants=variants, small=SMALL)

    def still(self) -> bool:
        """Whether it stretches by nothing."""
        return self.factor == 1

    def reaches(self) -> tuple[Reach, ...]:
        """Its factors; what grows loses its edge."""
        squeeze = 1.0 if self.keep_aspect else self.factor**2
        return (Reach(size=self.factor, squeeze=squeeze, trimmed=(1 - 1 / self.factor) / 2),)

    def draws(self, height: int, width: int) -> tuple[int, ...]:
        """A factor, or two."""
        return (1,) if self.keep_aspect else (2,)

    def amounts(self, u: Any) -> Any:
        """Factors."""
        reach = math.log(self.factor)
        return tuple(ag.exp(between(v, -reach, reach)) for v in u)

    def sources(self, u: Any, rows: Any, columns: Any) -> tuple[Any, Any]:
        """The place brought nearer to the middle by as much."""
        factors = self.amounts(u)
        return rows / factors[0], columns / factors[-1]

    def options(self) -> list[str]:
        """The factor."""
        aspect = ["keep_aspect=True"] if self.keep_aspect else []
        return [f"{self.factor:g}", *aspect, *self._filled()]


class Shear(Warp):
    """Pictures slanted like italics, each by an angle ~ U(−degrees, degrees): rows move along themselves.

    Parameters
    ----------
    degrees : float, in [0, 90)
        The largest angle of what stood upright, either way.
    fill : float or "nearest"
        What comes in from beyond the edge.
    classes, confirmed, rng
        See `Augmentation`. Beyond 15° a stroke may be a slash.

    Examples
    --------
    >>> import numpy as np, nn
    >>> slant = nn.data.Shear(10, rng=0)
    >>> slant(np.ones((2, 8, 8))).shape
    (2, 8, 8)
    """

    def __init__(
        self,
        degrees: float,
        *,
        fill: Fill = 0.0,
        classes: Iterable[str | int] | None = None,
        confirmed: Sequence[tuple[str, str]] | bool = False,
        rng: RandomSource = None,
    ) -> None:
        self.degrees = Interval(0, 90).check("Shear: degrees", degrees)
        self.fill = checked_fill("Shear", fill)
        super().__init__(classes=classes, confirmed=confirmed, rng=rng)

    @classmethod
    def example(cls) -> Example:
        """A little."""
        variants = [{"fill": "nearest", **CLASSES}]
        return Example(cls, (15.0,), calls=[[(3, 2, 1)]], variants=variants, small=SMALL)

    def still(self) -> bool:
        """Whether it slants by nothing."""
        return self.degrees == 0

    def reaches(self) -> tuple[Reach, ...]:
        """Its largest angle."""
        return (Reach(slant=self.degrees),)

    def draws(self, height: int, width: int) -> tuple[int, ...]:
        """The angle."""
        return (1,)

    def amounts(self, u: Any) -> Any:
        """Degrees."""
        return (between(u[0], -self.degrees, self.degrees),)

    def sources(self, u: Any, rows: Any, columns: Any) -> tuple[Any, Any]:
        """The place moved back along its row."""
        (degrees,) = self.amounts(u)
        slope = ag.tan(degrees * (math.pi / 180))
        return rows + slope * 0.0, columns + slope * rows

    def options(self) -> list[str]:
        """The angle."""
        return [f"{self.degrees:g}", *self._filled()]
