"""Products in which a zero wins: what a cotangent that a mask has made 0 is in a sum of products.

Element by element the primitive `still` says it. In a contraction each term is such a product, and one
that is nan spoils the sum: there the zeros have to win inside. `winning` is the shelf that a rule of
`matmul` or `einsum` is run by behind a mask.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .aliases import Array

__all__ = ["has_nan", "settled", "winning"]


def has_nan(g: Any) -> bool:
    """Whether there is a nan in an array or a number; at the speed of reading it."""
    if type(g) is not np.ndarray:
        return bool(g != g)
    if g.flags.c_contiguous:
        flat = g.reshape(-1)
        total = flat.dot(flat)  # squares: of infinities alone it is no nan
        return bool(total != total)
    return bool(np.isnan(g).any())


def winning(xp: Any, *arrays: Any) -> Any:
    """The shelf ``xp``, on which zeros of these arrays, and of what is made of them, win in products.

    Parameters
    ----------
    xp : Shelf, or what this has given
    arrays : arrays or tensors
        Without any: ``xp`` itself.
    """
    if not arrays:
        return xp
    if type(xp) is _Winning:
        return _Winning(xp._shelf, [*xp._held.values(), *arrays])
    return _Winning(xp, arrays)


class _Winning:
    """See `winning`. Alive for one call of a rule."""

    def __init__(self, shelf: Any, arrays: Sequence[Any]) -> None:
        self._shelf = shelf
        self._held = {id(a): a for a in arrays}

    def __getattr__(self, name: str) -> Callable[..., Any]:
        usual = getattr(self._shelf, name)

        def called(*operands: Any, **params: Any) -> Any:
            zeros = tuple([i for i, a in enumerate(operands) if id(a) in self._held])
            if not zeros:
                return usual(*operands, **params)
            if name in ("matmul", "einsum_"):
                still = getattr(self._shelf, name.rstrip("_") + "_still")
                result = still(*operands, **params, zeros=zeros)
            else:
                result = usual(*operands, **params)
                if name == "multiply":
                    for i in zeros:
                        result = self._shelf.still(result, operands[i])
            self._held[id(result)] = result
            return result

        return called


def settled(contract: Callable[..., Any], operands: Sequence[Any], zeros: tuple[int, ...]) -> Any:
    """A sum of products of one element of each operand, in which some operands' zeros win.

    Only a nan in it says that a zero may have met an infinity or a nan. Then the sum of the terms that
    are finite is taken, and the others are counted.

    Parameters
    ----------
    contract : callable
        Of arrays to their contraction.
    zeros : tuple of int
        Positions of the operands whose zeros win.
    """
    y = contract(*operands)
    if not has_nan(y):
        return y
    with np.errstate(all="ignore"):
        finite = [np.isfinite(x) for x in operands]
        total = contract(
            *(np.where(f, x, x.dtype.type(0)) for f, x in zip(finite, operands, strict=True))
        )

        def beyond(factors: Sequence[Array]) -> Any:
            """The sum over the terms that are not finite; factors of 0 leave a term out."""
            every = [np.asarray(x, np.float64) for x in factors]
            return contract(*every) - contract(*(x * f for x, f in zip(every, finite, strict=True)))

        met = [x != 0 if i in zeros else np.ones(x.shape, bool) for i, x in enumerate(operands)]
        some = beyond(met)
        infinite = beyond(
            [(x == x) & (x != 0) for x in operands]
        )  # and no nan: no zero, no nan in it
        signs = beyond([np.sign(np.where(x == x, x, 0)) for x in operands])
        limit = np.where((some == infinite) & (np.abs(signs) == infinite), signs * np.inf, np.nan)
        result = np.where(some == 0, total, total + limit.astype(y.dtype))
    return result if result.ndim else result[()]
