"""Several transforms as one: in turn, or one of them."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core.aliases import ArrayLike, RandomSource
from autograd_core.errors import ConfigError, ShapeError
from autograd_core.randomness import source_of

from ...containers import ModuleList
from ...contract import Example
from ...layers.noise.drawing import Drawing
from ...module import Module
from .augmentation import as_images
from .elastic import Elastic
from .flips import Flip
from .geometry import CLASSES, PICTURES, PLACES, SMALL, Rotation, Shift
from .guard import Guarded, Reach

__all__ = ["Compose", "OneOf"]


class _Several(Guarded):
    """What both have in common: their transforms, which they guard together."""

    transforms: ModuleList

    def _take(
        self,
        transforms: Sequence[Module],
        classes: Iterable[str | int] | None,
        confirmed: Sequence[tuple[str, str]] | bool,
    ) -> None:
        name = type(self).__name__
        for transform in transforms:
            if not isinstance(transform, Guarded | Drawing):
                raise ConfigError(
                    name,
                    "expected transforms that say what they may turn into what, nn.data.Augmentation, or layers of "
                    f"noise; received {transform!r:.60}. A transform of your own: a subclass of "
                    "nn.data.Augmentation.",
                )
        if not transforms:
            raise ConfigError(name, "expected a transform or more; received none.")
        self.transforms = ModuleList(transforms)
        self._among(classes, confirmed)
        for part in self.modules():
            # What is known of the classes here is known there; what they do together was judged.
            if part is not self and isinstance(part, Guarded) and part.classes is None:
                part.classes = self.classes
                part.confirmed = part.confirmed or self.confirmed

    def _parts(self) -> list[tuple[Reach, ...]]:
        return [t.reaches() if isinstance(t, Guarded) else (Reach(),) for t in self.transforms]


class Compose(_Several):
    """Transforms one after the other, guarded together: two flips are half a turn, and that makes a 9 of a 6.

    Parameters
    ----------
    *transforms : Augmentation, Compose, OneOf, or a layer of noise such as nn.GaussianNoise
        In turn. Those that were not told the classes are told here.
    classes, confirmed
        See `Augmentation`.

    Raises
    ------
    ConfigError
        If together they may turn one class into another, or one of them does not say what it does.

    Examples
    --------
    >>> import numpy as np, nn
    >>> augment = nn.data.Compose(
    ...     nn.data.Rotation(15, rng=0),
    ...     nn.data.Shift(0.1, rng=1),
    ...     nn.GaussianNoise(0.1, rng=2),
    ...     classes=nn.data.digits().classes,
    ... )
    >>> augment(np.ones((3, 8, 8), np.float32)).shape
    (3, 8, 8)
    >>> flips = nn.data.Flip(rng=0), nn.data.Flip("upside-down", rng=1)
    >>> nn.data.Compose(*flips, classes=["6", "9"])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    autograd_core.errors.ConfigError: Compose: it exchanges left and right, and above and below: half a turn, so it may turn '6' into '9', ...
    """

    def __init__(
        self,
        *transforms: Module,
        classes: Iterable[str | int] | None = None,
        confirmed: Sequence[tuple[str, str]] | bool = False,
    ) -> None:
        self._take(transforms, classes, confirmed)

    @classmethod
    def example(cls) -> Example:
        """A turn and a move."""

        def make(rng: Any = 0, **options: Any) -> Compose:
            keys = source_of(rng, "Compose").generator
            parts = Rotation(20, rng=keys), Shift(0.3, rng=keys)
            return cls(*parts, **{"confirmed": True, **options})

        return Example(make, calls=PICTURES, variants=[CLASSES], undecided=PLACES, small=SMALL)

    def reaches(self) -> tuple[Reach, ...]:
        """Each way through."""
        return tuple(functools.reduce(Reach.then, way) for way in itertools.product(*self._parts()))

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Apply them in turn."""
        result: Any = as_images(x, self)
        if self.training:
            self._check()
        for transform in self.transforms:
            result = transform(result)
        return result

    def extra_repr(self) -> str:
        """Give what it knows of classes."""
        return ", ".join(self._told())


class OneOf(_Several, Drawing):
    """For each picture one of several transforms, all equally likely; in evaluation y = x.

    Parameters
    ----------
    *transforms : Augmentation, Compose, OneOf, or a layer of noise
        That keep the size of pictures. Those that were not told the classes are told here.
    classes, confirmed, rng
        See `Augmentation`.

    Notes
    -----
    All of them are computed for all pictures, and one is taken: so it takes as long as all together.

    Examples
    --------
    >>> import numpy as np, nn
    >>> either = nn.data.OneOf(nn.data.Rotation(15, rng=0), nn.data.Elastic(rng=1), rng=2)
    >>> either(np.ones((3, 8, 8))).shape
    (3, 8, 8)
    """

    def __init__(
        self,
        *transforms: Module,
        classes: Iterable[str | int] | None = None,
        confirmed: Sequence[tuple[str, str]] | bool = False,
        rng: RandomSource = None,
    ) -> None:
        self._take(transforms, classes, confirmed)
        source = source_of(rng, "OneOf")
        self.seed = source.seed
        self._keyed(source.generator)

    @classmethod
    def example(cls) -> Example:
        """A turn, a mirror, or rubber."""

        def make(rng: Any = 0, **options: Any) -> OneOf:
            source, keys = source_of(rng, "OneOf"), np.random.default_rng(0)
            parts = Rotation(20, rng=keys), Flip(rng=keys), Elastic(3.0, rng=keys)
            seed = source.generator if source.seed is None else source.seed
            return cls(*parts, **{"classes": ("a", "o"), "rng": seed, **options})

        return Example(make, calls=PICTURES, variants=[CLASSES], undecided=PLACES, small=SMALL)

    def reaches(self) -> tuple[Reach, ...]:
        """Those of all."""
        return tuple(itertools.chain.from_iterable(self._parts()))

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Apply all, and take one for each picture."""
        given = as_images(x, self)
        if not self.training:
            return ag.identity(given)
        self._check()
        choice = self._bits((given.shape[0],)) % np.uint32(len(self.transforms))
        choice = ag.reshape(choice, (given.shape[0],) + (1,) * (given.ndim - 1))
        result: Any = given
        for k, transform in enumerate(self.transforms):
            changed = transform(given)
            if changed.shape != given.shape:
                raise ShapeError(
                    type(self).__name__,
                    f"expected transforms that keep the size of pictures; {transform!r} made {changed.shape} of "
                    f"{given.shape}. Put it before or behind, in nn.data.Compose.",
                )
            result = ag.where(choice == np.uint32(k), changed, result)
        return result

    def extra_repr(self) -> str:
        """Give what it knows of classes, and where its key is from."""
        return ", ".join([*self._told(), *self._seeded()])
