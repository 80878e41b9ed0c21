"""Pictures seen in a mirror."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import autograd_core as ag
from autograd_core.aliases import RandomSource
from autograd_core.options import PROBABILITY, Choice

from ...contract import Example
from .augmentation import Augmentation
from .geometry import CLASSES, PICTURES
from .guard import MIRRORED, UPRIGHT, UPSIDE_DOWN, Reach

__all__ = ["Flip"]

Way = Literal["left-right", "upside-down"]
WAYS: Choice[Way] = Choice(("left-right", "upside-down"))


class Flip(Augmentation):
    """Pictures mirrored, each with probability p: left and right exchanged, or above and below.

    Parameters
    ----------
    way : {"left-right", "upside-down"}
        What is exchanged.
    p : float, in [0, 1]
        How likely a picture is mirrored.
    classes, confirmed, rng
        See `Augmentation`. A flip makes a 'd' of a 'b': so it has to know the classes, or ``confirmed=True``.

    Raises
    ------
    ConfigError
        When it is used in training, and the classes were not named.

    References
    ----------
    [Data augmentation with Noise]: "be careful about the transformation applied: 'b' and 'd'".

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.data.Flip(classes=["b", "d"])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    autograd_core.errors.ConfigError: Flip: it exchanges left and right, so it may turn 'b' into 'd', and both are classes: ...
    >>> flip = nn.data.Flip(p=1.0, classes=["cat", "dog"])
    >>> flip(np.array([[[1.0, 2.0]]])).numpy().tolist()
    [[[2.0, 1.0]]]
    """

    def __init__(
        self,
        way: Way = "left-right",
        p: float = 0.5,
        *,
        classes: Iterable[str | int] | None = None,
        confirmed: Sequence[tuple[str, str]] | bool = False,
        rng: RandomSource = None,
    ) -> None:
        self.way = WAYS.check("Flip: way", way)
        self.p = PROBABILITY.check("Flip: p", p)
        super().__init__(classes=classes, confirmed=confirmed, rng=rng)

    @classmethod
    def example(cls) -> Example:
        """Both ways, always and never."""

        def make(rng: RandomSource = 0, **options: Any) -> Flip:
            return cls(rng=rng, **{"classes": ("a", "o"), **options})

        variants = [{"way": "upside-down", **CLASSES}, {"p": 1.0}, {"p": 0.0}]
        return Example(make, calls=PICTURES, variants=variants)

    def still(self) -> bool:
        """Whether it never mirrors."""
        return self.p == 0

    def reaches(self) -> tuple[Reach, ...]:
        """As it was, and mirrored."""
        pose = MIRRORED if self.way == "left-right" else UPSIDE_DOWN
        return (Reach(poses=frozenset({UPRIGHT, pose} if self.p else {UPRIGHT})),)

    def draws(self, height: int, width: int) -> tuple[int, ...]:
        """Whether."""
        return (1,)

    def changed(self, x: ag.Tensor, u: ag.Tensor) -> ag.Tensor:
        """Mirror those whose number is below p."""
        turned = ag.flip(x, axis=-1 if self.way == "left-right" else -2)
        if self.p == 1:
            return turned
        return ag.where(u[:, :, None, None] < self.p, turned, x)

    def options(self) -> list[str]:
        """What is exchanged, and how often."""
        return [f'"{self.way}"', f"p={self.p:g}"]
