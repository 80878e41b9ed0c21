"""What all transforms of pictures have in common: when they act, on what, and by which draws."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_core as ag
from autograd_core.aliases import ArrayLike, RandomSource
from autograd_core.errors import DTypeError, ShapeError
from autograd_core.exchange import plain
from autograd_core.randomness import source_of

from ...layers.noise.drawing import Drawing
from .guard import Guarded

__all__ = ["Augmentation"]


class Augmentation(Guarded, Drawing):
    """A transform of pictures that is drawn anew for each of them in training; in evaluation y = x.

    A layer like any other: first in a model, it trains on pictures that are never the same twice, compiles with
    the step, passes gradients to its input, and its key and counter are saved with the state. On arrays alone it
    is a function: ``np.asarray(augment(images))``.

    To write one: say by `draws` how many random numbers a picture takes, compute in `changed` what they make of
    it, and tell by `reaches` how far that may go (see `nn.data.Reach`).

    Parameters
    ----------
    classes : sequence of str or int, optional
        What the pictures are of, such as ``nn.data.digits().classes``. A transform that may turn one of them
        into another ('b' into 'd') raises. One that may do so to *some* classes needs them, and raises when it
        is first used in training without.
    confirmed : sequence of (str, str), or True
        Pairs of classes that may be turned into each other all the same; True confirms all.
    rng : numpy.random.Generator or int, optional
        Draws the layer's key, once, here. A generator, or a seed; left out, a fresh seed is drawn, which the
        repr shows.

    Raises
    ------
    ConfigError
        If it may turn one class into another; names the pairs, and what to do.
    ShapeError
        When called with anything but pictures, shape (N, H, W) or (N, C, H, W).
    DTypeError
        When called with anything but floats.

    References
    ----------
    [Additional heuristics: Data Augmentation], [Data augmentation with Noise].

    Examples
    --------
    >>> import numpy as np, nn
    >>> class Dimmed(nn.data.Augmentation):
    ...     def draws(self, height, width):
    ...         return (1,)
    ...
    ...     def changed(self, x, u):
    ...         return x * ag_reshape(u)
    >>> def ag_reshape(u):
    ...     return u[:, :, None, None]
    >>> dimmed = Dimmed(rng=0)
    >>> y = dimmed(np.ones((3, 2, 2))).numpy()
    >>> bool((y[0] == y[0, 0, 0]).all()), len(set(y[:, 0, 0].tolist()))
    (True, 3)
    >>> np.array_equal(dimmed.eval()(np.ones((3, 2, 2))).numpy(), np.ones((3, 2, 2)))
    True
    """

    def __init__(
        self,
        *,
        classes: Iterable[str | int] | None = None,
        confirmed: Sequence[tuple[str, str]] | bool = False,
        rng: RandomSource = None,
    ) -> None:
        self._among(classes, confirmed)
        source = source_of(rng, type(self).__name__)
        self.seed = source.seed
        self._keyed(source.generator)

    def draws(self, height: int, width: int) -> tuple[int, ...]:
        """The shape of the random numbers that one picture takes."""
        raise NotImplementedError(f"{type(self).__name__} has no draws")

    def changed(self, x: ag.Tensor, u: ag.Tensor) -> ag.Tensor:
        """The pictures, shape (N, C, H, W), changed by numbers in [0, 1], shape (N, *draws)."""
        raise NotImplementedError(f"{type(self).__name__} has no changed")

    def still(self) -> bool:
        """Whether training changes nothing either, with its options; then nothing is drawn."""
        return False

    def settled(self, x: ag.Tensor) -> ag.Tensor:
        """What evaluation gives for pictures of shape (N, C, H, W)."""
        return x

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Change each picture, shape (N, H, W) or (N, C, H, W), if in training; the dtype stays."""
        given = as_images(x, self)
        pictures = given if given.ndim == 4 else given[:, None]
        if self.training and not self.still():
            self._check()
            height, width = pictures.shape[-2:]
            bits = self._bits((pictures.shape[0], *self.draws(height, width)))
            result = self.changed(pictures, uniform(bits, pictures.dtype))
        else:
            result = self.settled(pictures)
        if result is pictures:
            return ag.identity(given)
        return result if given.ndim == 4 else result[:, 0]

    def _newest(self, shape: Sequence[Any], dtype: npt.DTypeLike) -> ag.Tensor:
        """The numbers that the newest pass drew, again."""
        return uniform(ag.random_bits(self.key, self.counter, shape=tuple(shape)), dtype)

    def options(self) -> list[str]:
        """What stands first in the brackets of the repr."""
        return []

    def extra_repr(self) -> str:
        """Give the options, what it knows of classes, and where its key is from."""
        return ", ".join([*self.options(), *self._told(), *self._seeded()])


def uniform(bits: Any, dtype: npt.DTypeLike) -> ag.Tensor:
    """Random bits as numbers in [0, 1], of at least single precision: a coordinate needs it."""
    wide = np.promote_types(dtype, np.float32)
    return ag.cast(bits, wide) * wide.type(2.0**-32)


def as_images(x: ArrayLike, layer: object) -> ag.Tensor:
    """``x`` as a Tensor of shape (N, H, W) or (N, C, H, W), of floats.

    Raises
    ------
    DTypeError
        If it is of something else: pixels that are interpolated are no integers.
    ShapeError
        If it has another rank, or no pixels; says what to do.
    """
    given: Any = x if isinstance(x, ag.Tensor) else plain(str(layer), x)
    if given.dtype.kind != "f":
        raise DTypeError(
            str(layer),
            f"the pictures are not made of floats. Expected a float dtype; received {given.dtype}. "
            "Scale them first: images.astype(np.float32) / 255.",
        )
    if given.ndim not in (3, 4) or 0 in given.shape[1:]:
        remedy = {
            1: "Reshape one flat picture: x.reshape(1, height, width).",
            2: "One picture is x[None]; flat ones are x.reshape(len(x), height, width).",
        }.get(given.ndim, "Reshape them.")
        raise ShapeError(
            str(layer),
            "the input is no batch of pictures. Expected shape (N, H, W) or (N, C, H, W); received "
            f"{given.shape}. {remedy}",
        )
    if given.ndim == 4 and given.shape[-1] in (1, 3, 4) and given.shape[1] > 4:
        raise ShapeError(
            str(layer),
            f"channels come first. Expected shape (N, C, H, W); received {given.shape}, which looks like "
            "(N, H, W, C). Pass x.transpose(0, 3, 1, 2).",
        )
    return given if isinstance(given, ag.Tensor) else ag.tensor(given)
