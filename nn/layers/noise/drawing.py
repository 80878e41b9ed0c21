"""What layers that draw have in common: a key and a counter, saved with their state, and a probability."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

import autograd_core as ag
from autograd_core.aliases import RandomSource
from autograd_core.errors import ConfigError
from autograd_core.options import PROBABILITY, Choice, Interval
from autograd_core.randomness import source_of

from ... import functional
from ...initializers.initializer import Initializer
from ...module import Module
from ..linear import Linear

__all__: list[str] = []  # for layers, not to be exported

Scale = Literal["inverted", "test"]
Per = Literal["example", "batch"]

SCALE: Choice[Scale] = Choice(("inverted", "test"))
PER: Choice[Per] = Choice(("example", "batch"))

_LEAST = 2.0**-32  # of the probabilities that 32 bits tell from 0


class Drawing(Module):
    """A layer that draws: its noise is a function of (key, counter), which are buffers.

    Attributes
    ----------
    key : Tensor, shape (2,), uint64
        Buffer: which sequence of draws.
    counter : Tensor, shape (), uint64
        Buffer: the number of the newest draw.
    seed : int or None
        The seed that the key was drawn with, if ``rng`` was no generator.
    """

    key: ag.Tensor
    counter: ag.Tensor
    seed: int | None

    def _keyed(self, generator: np.random.Generator) -> None:
        """Take a key from a generator, once."""
        key = generator.integers(2**64 - 1, size=2, dtype=np.uint64, endpoint=True)
        self.register_buffer("key", key)
        self.register_buffer("counter", np.zeros((), np.uint64))

    def _bits(self, shape: Sequence[Any]) -> ag.Tensor:
        """Fresh random bits."""
        # Counted before the draw, so that the state after a pass still names the draw it used.
        self.counter.assign(self.counter + 1)
        return ag.random_bits(self.key, self.counter, shape=tuple(shape))

    def _bernoulli(
        self, shape: Sequence[Any], keep: float, role: str = "dropout mask"
    ) -> ag.Tensor:
        """A fresh mask: each entry True with probability ``keep``."""
        return ag.mark(functional.bernoulli(self._bits(shape), keep), role=role, name="mask")

    def _normal(self, shape: Sequence[Any], dtype: npt.DTypeLike) -> ag.Tensor:
        """Fresh normal numbers, of mean 0 and variance 1."""
        z = functional.standard_normal(self._bits((2, *shape)), dtype)
        return ag.mark(z, role="noise", name="noise")

    def _seeded(self) -> list[str]:
        """What a repr says of where the key is from."""
        return [] if self.seed is None else [f"rng={self.seed}"]


class Keeping(Drawing):
    """A layer that keeps units with a probability: ``p``, ``keep``, ``scale`` and ``rng``.

    See `Dropout` for the parameters.

    Attributes
    ----------
    allowed : Interval
        What ``p`` may be.
    """

    allowed = PROBABILITY

    def __init__(
        self,
        p: float | None = None,
        *,
        keep: float | None = None,
        rng: RandomSource = None,
        scale: Scale = "inverted",
    ) -> None:
        name = type(self).__name__
        self.p, self.keep = probabilities(name, p, keep, self.allowed)
        self.scale = SCALE.check(f"{name}: scale", scale)
        source = source_of(rng, name)
        self.seed = source.seed
        self._keyed(source.generator)

    def _mask(self, shape: Sequence[Any]) -> ag.Tensor:
        return self._bernoulli(shape, self.keep)

    def extra_repr(self) -> str:
        """Give the probability to drop, and what is not the default."""
        return ", ".join([f"p={self.p:g}", *self._options(), *self._seeded()])

    def _options(self) -> list[str]:
        return [] if self.scale == "inverted" else [f'scale="{self.scale}"']


class NoisyLinear(Drawing, Linear):
    """A linear layer with noise on its connections: parameters of `Linear`, ``per`` and a key."""

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool,
        per: Per,
        rng: RandomSource,
        dtype: npt.DTypeLike,
        weight_init: Initializer,
        bias_init: Initializer,
    ) -> None:
        name = type(self).__name__
        self.per = PER.check(f"{name}: per", per)
        source = source_of(rng, name)
        Linear.__init__(
            self,
            in_features,
            out_features,
            bias,
            rng=source.generator,
            dtype=dtype,
            weight_init=weight_init,
            bias_init=bias_init,
        )
        self.seed = source.seed
        self._keyed(source.generator)

    def _draws(self, x: Any) -> tuple[Any, ...]:
        """The axes of inputs that have draws of their own."""
        return x.shape[:-1] if self.per == "example" else ()

    def _options(self) -> list[str]:
        """What is not the default."""
        return [] if self.per == "example" else [f'per="{self.per}"']

    def extra_repr(self) -> str:
        """Give the sizes, and what is not the default."""
        sizes, options = Linear.extra_repr(self).split(", "), self._options()
        return ", ".join([*sizes[:2], *options, *sizes[2:]])


def probabilities(
    layer: str, p: float | None, keep: float | None, allowed: Interval = PROBABILITY
) -> tuple[float, float]:
    """The probabilities to drop and to keep, of whichever was given; a half if none was.

    Raises
    ------
    ConfigError
        If both are given, or one is not allowed, or fewer are to be kept than random bits can say.
    """
    if p is not None and keep is not None:
        raise ConfigError(
            layer,
            "p and keep are one choice (p = 1 − keep). Expected one of them; "
            f"received p={p!r} and keep={keep!r}.",
        )
    if keep is None:
        p = allowed.check(f"{layer}: p", 0.5 if p is None else p)
        keep = 1 - p
    else:
        turned = Interval(1 - allowed.high, 1 - allowed.low, allowed.open_high, allowed.open_low)
        keep = turned.check(f"{layer}: keep", keep)
        p = 1 - keep
    if 0 < keep < _LEAST:
        raise ConfigError(
            layer,
            f"keep: expected 0, or 2⁻³² or more, which is what random bits hold; received {keep!r}.",
        )
    return p, keep
