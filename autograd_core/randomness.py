"""Where random numbers come from: a generator, a seed, or nothing, and then a fresh seed that is told.

A run is repeated by passing what it says of itself: everything that takes ``rng`` shows the seed it
began with (``repr(layer)``, `History.seed`), and the logger ``"gradproof"`` notes each fresh one at
level INFO.
"""

from __future__ import annotations

import logging
import secrets
from typing import NamedTuple

import numpy as np

from .aliases import RandomSource
from .context import CONTEXT
from .errors import CaptureError, ConfigError

__all__ = ["Source", "source_of"]

_LOG = logging.getLogger("gradproof")
_BITS = 32  # a seed that can be read aloud


class Source(NamedTuple):
    """A generator, and the seed that it began with, if that is known."""

    generator: np.random.Generator
    seed: int | None

    @property
    def options(self) -> list[str]:
        """What a repr says of it."""
        return [] if self.seed is None else [f"rng={self.seed}"]


def source_of(rng: RandomSource, operation: str) -> Source:
    """The generator that ``rng`` means.

    Parameters
    ----------
    rng : numpy.random.Generator, int or None
        A generator is taken as it is. An int from 0 is the seed of a new one,
        ``np.random.default_rng(rng)``; None asks for a fresh seed, which the result holds.
    operation : str
        Who asks, for messages.

    Raises
    ------
    ConfigError
        If ``rng`` is something else.
    CaptureError
        If a fresh seed is asked for inside of a compiled step: it would be the same at every run.
    """
    if isinstance(rng, np.random.Generator):
        return Source(rng, None)
    if rng is None:
        capture = CONTEXT.get().capture
        if capture is not None and capture.blind:
            raise CaptureError(
                operation,
                "rng was left out inside of a compiled step, and a seed that is drawn there "
                "would be the same at every run. Expected random numbers from outside. Make it before "
                "the step, outside of ag.jit, or pass rng.",
            )
        seed = secrets.randbits(_BITS)
        _LOG.info("%s: rng=%d, a fresh seed", operation, seed)
        return Source(np.random.default_rng(seed), seed)
    if isinstance(rng, int | np.integer) and not isinstance(rng, bool) and rng >= 0:
        return Source(np.random.default_rng(int(rng)), int(rng))
    raise ConfigError(
        operation,
        "rng is neither a generator nor a seed. Expected np.random.default_rng(0), an int "
        f"from 0 such as rng=0, or nothing, for a fresh seed; received {_described(rng)}.",
    )


def _described(rng: object) -> str:
    if isinstance(rng, int | float | str):
        return repr(rng)
    if rng is np.random:
        return "the module numpy.random"
    return f"the class {rng.__name__}" if isinstance(rng, type) else type(rng).__name__
