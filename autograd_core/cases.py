"""Operands at which a primitive is proved, drawn and tested; declared with it.

``cases=`` of a declaration is a function of a `Given`, which makes the operands and has the sizes; it is
called when it is asked for, never at import::

    cases = lambda c: [((c.real(c.M, c.N),), {"axis": 1}), ((c.real(3),), {"axis": 0})]

One list is read in three ways. `declared`: arrays without values whose sizes ``c.M``, ``c.N`` … stand for
every size, which is what a proof is about. `small`: the same at sizes of 2 and 3. `drawn`: arrays of
random numbers, for code that computes. Sizes that are written as numbers are those numbers in all three.

Elementwise primitives need none: every broadcasting pattern of their number of operands follows from
their kind.
"""

from __future__ import annotations

import itertools
import math
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from .abstract import Abstract
from .kinds import Elementwise
from .primitives import Primitive
from .shapes import Dim

__all__ = ["Case", "Given", "declared", "drawn", "small"]

Case: TypeAlias = tuple[Sequence[Any], Mapping[str, Any]]
Shapes: TypeAlias = Sequence[tuple[Any, ...]]

# One operand: a scalar, an axis, an axis of size 1 beside another. Two: equal shapes; missing axes;
# axes of size 1 on either side, on both, and as all there is.
_M, _N, _R = map(Dim.named, "MNR")
_ALONE: Shapes = ((), (_M,), (_M, 1), (_M, _N))
_PAIRS: Sequence[Shapes] = (
    ((_M, _N), (_M, _N)),
    ((_M, _N), (_N,)),
    ((_N,), (_M, _N)),
    ((_M, _N), (_M, 1)),
    ((1, _N), (_M, _N)),
    ((_M, 1), (1, _N)),
    ((), (_M,)),
    ((_M,), ()),
    ((_M,), (1,)),
    ((_R, _M, _N), (_M, 1)),
    ((_R, 1, _N), (_M, 1)),
)
_TRIPLES: Sequence[Shapes] = (
    ((_M, _N), (_M, _N), (_M, _N)),
    ((_M, 1), (_N,), (_M, _N)),
    ((_M, _N), (), (_M, 1)),
)
_FEW_PAIRS: Sequence[Shapes] = (
    ((2,), (2,)), ((2, 2), (2,)), ((2, 1), (1, 2)), ((), (2,)), ((2,), (1,)),
)  # fmt: skip


class Given:
    """What ``cases=`` is called with: operands of a primitive without values, and sizes.

    Attributes
    ----------
    M, N, P, R : Dim or int
        Sizes: any size in a proof, small numbers elsewhere.
    alone, pairs, triples : sequences of shapes
        Every broadcasting pattern of one, two and three operands.
    numbers : bool
        Whether operands are arrays of numbers, on which further cases cost little.
    dtype : numpy.dtype
        Another dtype of floats than float64; where gradients are compared that itself.
    """

    M: Any = _M
    N: Any = _N
    P: Any = Dim.named("P")
    R: Any = _R
    alone: Sequence[Shapes] = tuple((s,) for s in _ALONE)
    pairs: Sequence[Shapes] = _PAIRS
    triples: Sequence[Shapes] = _TRIPLES
    numbers = False
    dtype: Any = np.float32

    def __init__(self, p: Primitive) -> None:
        self.primitive = p

    def real(self, *shape: Any, low: float | None = None, high: float | None = None) -> Any:
        """An operand of floats, between two numbers; by default in the primitive's domain."""
        return Abstract(shape)

    def labels(self, *shape: Any, below: Any) -> Any:
        """An operand of integers from 0 on, all less than a size."""
        return Abstract(shape, np.dtype(np.int64))

    def orders(self, *shape: Any, first: int = 0) -> Any:
        """An operand of a few small integers from ``first`` on."""
        return Abstract(shape, np.dtype(np.int64))

    def mask(self, *shape: Any) -> Any:
        """An operand that is true or not."""
        return Abstract(shape, np.dtype(np.int64))

    def matrix(self, *shape: Any) -> Any:
        """An operand of square matrices that are far from singular."""
        return Abstract(shape)

    def positive(self, *shape: Any) -> Any:
        """An operand of symmetric matrices that are positive definite, with eigenvalues apart."""
        return Abstract(shape)

    def elementwise(self) -> list[Case]:
        """Each broadcasting pattern of the primitive's number of operands."""
        patterns = {1: self.alone, 2: self.pairs, 3: self.triples}.get(self.primitive.arity, ())
        return [(tuple(self.real(*s) for s in shapes), {}) for shapes in patterns]


class _Small(Given):
    """Sizes of 2 and 3; integers have values."""

    M, N, P, R = 2, 3, 2, 2
    alone = (((2,),), ((),))
    pairs = _FEW_PAIRS
    triples = (((2,), (2,), (2,)),)

    def labels(self, *shape: Any, below: Any) -> Any:
        turns = [k // 2 if k % 2 == 0 else below - 1 - k // 2 for k in range(math.prod(shape))]
        return np.array([n % below for n in turns]).reshape(shape)

    def orders(self, *shape: Any, first: int = 0) -> Any:
        return (first + 2 * np.arange(math.prod(shape))).reshape(shape)

    def mask(self, *shape: Any) -> Any:
        return (np.arange(math.prod(shape)) % 2 == 0).reshape(shape)


class _Drawn(Given):
    """Sizes of 2 to 4; all operands have values."""

    M, N, P, R = 4, 3, 2, 2
    pairs = (((3,), (3,)), ((), (2, 3)), ((2, 3), (3,)))
    triples = (((3,), (), (3,)), ((2, 1), (2, 3), (3,)), ((), (3,), (3,)))
    numbers = True
    dtype = np.float64

    def __init__(self, p: Primitive, rng: np.random.Generator) -> None:
        super().__init__(p)
        self.rng = rng

    def real(self, *shape: Any, low: float | None = None, high: float | None = None) -> Any:
        domain = self.primitive.domain
        return self.rng.uniform(
            domain[0] if low is None else low, domain[1] if high is None else high, shape
        )

    def labels(self, *shape: Any, below: Any) -> Any:
        return self.rng.integers(0, below, shape)

    def orders(self, *shape: Any, first: int = 0) -> Any:
        return first + self.rng.integers(0, 4, shape)

    def mask(self, *shape: Any) -> Any:
        return self.rng.integers(0, 2, shape).astype(bool)

    def matrix(self, *shape: Any) -> Any:
        return self.rng.uniform(-2, 2, shape) + 4 * np.eye(shape[-1])

    def positive(self, *shape: Any) -> Any:
        a = self.matrix(*shape)
        return a @ np.swapaxes(a, -1, -2)

    def elementwise(self) -> list[Case]:
        """Scalars, arrays, empty ones, and three shapes that broadcast, in several orders."""
        arity = self.primitive.arity
        low, high = self.primitive.domain
        margin = (high - low) / 20

        def away(k: int, *shape: int) -> Any:
            """Off zeros, integers, halves, ties and whole quotients, where derivatives jump."""
            cells = np.floor(4 * self.real(*shape, low=low + margin, high=high - margin)) / 4
            return cells + (k + 1) * self.real(*shape, low=0.04, high=0.045)

        shapes: list[Shapes] = [(s,) * arity for s in ((), (3,), (0,), (1, 2))]
        orders = itertools.permutations([(2, 3), (3,), (2, 1)], min(arity, 3))
        shapes += itertools.islice(orders, 4)
        return [(tuple(away(k, *s) for k, s in enumerate(chosen)), {}) for chosen in shapes]


def _of(given: Given) -> list[Case]:
    p = given.primitive
    if p.cases is not None:
        return list(p.cases(given))
    return given.elementwise() if isinstance(p.kind, Elementwise) and not p.variadic else []


def declared(p: Primitive) -> list[Case]:
    """Operands without values and params, at sizes that stand for every size; empty if none are known."""
    return _of(Given(p))


def small(p: Primitive) -> list[Case]:
    """The same at sizes of 2 and 3; integers and booleans have values."""
    return _of(_Small(p))


def drawn(p: Primitive, seed: int = 0) -> list[Case]:
    """Arrays of numbers and params; those of one primitive do not move with those of another."""
    return _of(_Drawn(p, np.random.default_rng((seed, zlib.crc32(p.name.encode())))))
