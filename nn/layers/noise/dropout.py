"""Dropout: units switched off at random, per input and per pass, while training."""

from __future__ import annotations

from typing import Any

import autograd_core as ag
from autograd_core.aliases import ArrayLike

from ... import functional
from ...contract import Example
from ...inputs import as_floats
from .drawing import Keeping

__all__ = ["Dropout"]


class Dropout(Keeping):
    """Each unit is kept with probability α and otherwise 0, anew for every input and every pass.

    y = D x, with D = 1 with probability α, else 0 [What each neuron computes]. Place it after an
    activation, or first, to drop inputs.

    Parameters
    ----------
    p : float, in [0, 1], optional
        Probability that a unit is *dropped*; p = 1 − α. Default 0.5.
    keep : float, in [0, 1], optional
        The slides' α, the probability that a unit is *kept*; instead of ``p``.
    rng : numpy.random.Generator or int, optional
        Draws the layer's key, once, here; the masks come from (key, counter). A generator, or a
        seed; left out, a fresh seed is drawn, which the repr shows.
    scale : {"inverted", "test"}
        Where the expected output is kept equal. ``"inverted"``, as in today's libraries: kept
        values are divided by α in training, and evaluation leaves the input as it is. ``"test"``,
        as on the slides and in Srivastava et al.: training multiplies by D alone, and evaluation
        by α.

    Attributes
    ----------
    key : Tensor, shape (2,), uint64
        Buffer: which sequence of masks.
    counter : Tensor, shape (), uint64
        Buffer: the number of the newest mask; each pass in training adds 1.
    seed : int or None
        The seed that the key was drawn with, if ``rng`` was no generator.

    Raises
    ------
    ConfigError
        If p or keep is outside [0, 1], both are given, ``scale`` is no such name, or
        ``rng`` is neither a generator nor a seed.
    DTypeError
        When called with integers: there is nothing to say in which float dtype they are meant.

    Notes
    -----
    * Key and counter are saved with the state, so a resumed run draws the same masks. A mask is the
      recorded operation ``random_bits(key, counter, shape) < α 2³²`` (α to within 2⁻³³) and has the
      role ``"dropout mask"``: it can be replayed, drawn, and replaced by a symbol in a proof.
      During a trace the new counter is one of the program's writes, and memory is not touched.
    * p = 0 gives the input itself and draws nothing; p = 1 gives exact zeros.
    * Weights and biases of a dropped unit get gradient 0 from that input [Dropout].
    * The two scalings agree in expectation. Evaluation is exact for one layer and a mean-field
      approximation through several [Dropout during test: implementation].

    References
    ----------
    [Dropout], [What each neuron computes], [Dropout during test: implementation]. Srivastava et al.
    (2014), Dropout: a simple way to prevent neural networks from overfitting.

    Examples
    --------
    >>> import numpy as np, nn
    >>> layer = nn.Dropout(keep=0.8, rng=np.random.default_rng(0), scale="test")
    >>> sorted(set(layer(np.ones((50, 4))).numpy().ravel().tolist()))
    [0.0, 1.0]
    >>> layer.eval()(np.ones(2)).numpy().tolist()
    [0.8, 0.8]
    """

    @classmethod
    def example(cls) -> Example:
        """Half of the units, most of them, all and none; both places where it is scaled."""
        return Example(
            cls,
            calls=[[(5, 3)], [(5, 2, 3)]],
            variants=[{"keep": 0.8, "scale": "test"}, {"p": 0.0}, {"p": 1.0}],
        )

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Drop units of ``x``, floats of any shape; a mask entry for each of its elements."""
        x = as_floats(x, self)
        shape = self._mask_shape(x.shape)
        if self.keep == 1:
            return ag.identity(x)
        if not self.training:
            return ag.identity(x) if self.scale == "inverted" else ag.multiply(x, self.keep)
        inverted = self.scale == "inverted" and self.keep > 0
        return functional.dropout(x, self._mask(shape), self.keep if inverted else None)

    def _mask_shape(self, shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """The shape of the mask for an input of this shape."""
        return shape
