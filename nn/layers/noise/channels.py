"""Spatial dropout: whole channels switched off."""

from __future__ import annotations

from typing import Any

from autograd_core.errors import ShapeError

from ...contract import Example
from .dropout import Dropout

__all__ = ["Dropout1d", "Dropout2d"]


class _Spatial(Dropout):
    axes: int  # behind that of the channels

    @classmethod
    def example(cls) -> Example:
        """Half of the channels; most of them, scaled at test time; with a batch and without."""
        places = (3, 2)[: cls.axes]
        return Example(
            cls,
            calls=[[(5, 4, *places)], [(4, *places)]],
            variants=[{"keep": 0.8, "scale": "test"}, {"p": 0.0}, {"p": 1.0}],
        )

    def _mask_shape(self, shape: tuple[Any, ...]) -> tuple[Any, ...]:
        if len(shape) not in (self.axes + 1, self.axes + 2):
            places = ", ".join(("length",) if self.axes == 1 else ("height", "width"))
            raise ShapeError(
                str(self),
                f"the input does not fit. Expected shape (batch, channels, {places}), or without the "
                f"batch; received {shape}. Use nn.Dropout where single units are to be dropped.",
            )
        return (*shape[: -self.axes], *(1,) * self.axes)


class Dropout1d(_Spatial):
    """Each channel of a sequence is kept with probability α and otherwise 0, at all places at once.

    Neighbours are alike, so dropping single places of a convolution's output takes little away;
    here a mask has one entry for each example and channel.

    Parameters
    ----------
    p, keep, rng, scale
        See `Dropout`.

    Raises
    ------
    ConfigError
        See `Dropout`.
    ShapeError
        When called with anything but (batch, channels, length) or (channels, length).

    Notes
    -----
    PyTorch's of the same name, and Keras's SpatialDropout1D, which has channels last.

    References
    ----------
    Tompson et al. (2015), Efficient object localization using convolutional networks, section 3.2. [Dropout]

    Examples
    --------
    >>> import numpy as np, nn
    >>> y = nn.Dropout1d(0.5, rng=0)(np.ones((2, 3, 4))).numpy()
    >>> all(len(set(channel)) == 1 for example in y.tolist() for channel in example)
    True
    """

    axes = 1


class Dropout2d(_Spatial):
    """Each channel of an image is kept with probability α and otherwise 0, at all places at once.

    Neighbours are alike, so dropping single pixels of a convolution's output takes little away;
    here a mask has one entry for each example and channel.

    Parameters
    ----------
    p, keep, rng, scale
        See `Dropout`.

    Raises
    ------
    ConfigError
        See `Dropout`.
    ShapeError
        When called with anything but (batch, channels, height, width) or (channels, height, width).

    Notes
    -----
    PyTorch's of the same name reads three axes as (batch, channels, length), with a warning; here
    they are one image, and `Dropout1d` is for sequences.

    References
    ----------
    Tompson et al. (2015), Efficient object localization using convolutional networks, section 3.2. [Dropout]

    Examples
    --------
    >>> import numpy as np, nn
    >>> y = nn.Dropout2d(0.5, rng=0)(np.ones((2, 3, 4, 4))).numpy()
    >>> y.reshape(2, 3, 16).std(axis=2).max()
    np.float64(0.0)
    """

    axes = 2
