"""Numbers of things to vectors that are learned."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

import autograd_core as ag
from autograd_core.aliases import ArrayLike, RandomSource
from autograd_core.errors import ConfigError
from autograd_core.options import COUNT, FLOATS
from autograd_core.randomness import source_of

from .. import functional, initializers
from ..contract import Example
from ..initializers.initializer import Initializer, parameter_from
from ..module import Module

__all__ = ["Embedding"]

_STANDARD = initializers.normal(0.0, 1.0)


class Embedding(Module):
    """A table with a row for each thing, looked up by number.

    Parameters
    ----------
    num_embeddings, embedding_dim : int
        Rows of the table and their size; from 1.
    padding_idx : int, optional
        A row that is 0 at first and gets no gradient: what stands for nothing. Negative: from the end.
    rng : numpy.random.Generator or int, optional
        Source of the first rows: a generator, or a seed. Left out, a fresh seed is drawn, which the repr shows.
    dtype : dtype
        Of the table; a float dtype.
    weight_init : Initializer
        First values. Default: N(0, 1), as PyTorch's; Keras draws U(-0.05, 0.05).

    Attributes
    ----------
    weight : Tensor, shape (num_embeddings, embedding_dim)
    seed : int or None
        The seed that the first rows were drawn with, if ``rng`` was no generator.

    Raises
    ------
    ConfigError, DTypeError
        If an option is none of those; or when called with what are no integers.
    DataError
        When called with a number that is out of range; negative ones are.

    Examples
    --------
    >>> import numpy as np, nn
    >>> layer = nn.Embedding(10, 3, padding_idx=0, rng=0)
    >>> layer(np.array([[1, 2, 0, 0], [9, 1, 4, 0]])).shape
    (2, 4, 3)
    >>> layer(np.array([0])).tolist()
    [[0.0, 0.0, 0.0]]
    """

    weight: ag.Tensor

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        *,
        rng: RandomSource = None,
        dtype: npt.DTypeLike = np.float32,
        weight_init: Initializer = _STANDARD,
    ) -> None:
        self.num_embeddings = n = COUNT.check("Embedding: num_embeddings", num_embeddings)
        self.embedding_dim = COUNT.check("Embedding: embedding_dim", embedding_dim)
        self.dtype = FLOATS.check("Embedding: dtype", dtype)
        if padding_idx is not None and (
            isinstance(padding_idx, bool)
            or not isinstance(padding_idx, (int, np.integer))
            or not -n <= padding_idx < n
        ):
            raise ConfigError(
                "Embedding: padding_idx",
                f"expected a row, from {-n} to {n - 1}, or None; received {padding_idx!r}.",
            )
        self.padding_idx = None if padding_idx is None else int(padding_idx) % n
        source = source_of(rng, "Embedding")
        self.seed = source.seed
        shape = (n, self.embedding_dim)
        self.weight = parameter_from(
            weight_init, "Embedding: weight_init", shape, source.generator, self.dtype
        )
        if self.padding_idx is not None:
            first = self.weight.detach().numpy().copy()
            first[self.padding_idx] = 0
            self.weight.assign(first)

    @classmethod
    def example(cls) -> Example:
        """Numbers of one axis and of two; a row for nothing."""
        return Example(
            cls,
            (4, 2),
            calls=[
                [np.array([1, 0, 3, 1, 2])],
                [np.array([[1, 0], [3, 1], [2, 2], [0, 0], [1, 3]])],
            ],
            variants=[
                # Without that row: its gradient is 0 by decree, and no derivative.
                ({"padding_idx": 1}, [np.array([0, 2, 3])]),
                {"weight_init": initializers.glorot_uniform},
            ],
        )

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Look up rows.

        Parameters
        ----------
        x : array_like of int, any shape

        Returns
        -------
        Tensor, shape (*x.shape, embedding_dim)
        """
        return functional.embedding(x, self.weight, self.padding_idx)

    def extra_repr(self) -> str:
        """Give the sizes, and what is not the default."""
        options = [str(self.num_embeddings), str(self.embedding_dim)]
        options += [] if self.padding_idx is None else [f"padding_idx={self.padding_idx}"]
        options += [] if self.dtype == np.float32 else [f"dtype={self.dtype}"]
        options += [] if self.seed is None else [f"rng={self.seed}"]
        return ", ".join(options)
