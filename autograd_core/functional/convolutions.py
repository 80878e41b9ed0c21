"""NumPy's convolution and correlation of vectors; of more dimensions: `autograd_core.signal`."""

from __future__ import annotations

from .. import ops
from ..aliases import ArrayLike
from ..errors import ShapeError
from ..primitives import composite
from ..tensors import Tensor
from . import signal
from .shared import array_of

__all__ = ["convolve", "correlate"]


def _vectors(operation: str, a: ArrayLike, v: ArrayLike) -> tuple[Tensor, Tensor]:
    s, t = array_of(operation, a), array_of(operation, v)
    if len(s.shape) > 1 or len(t.shape) > 1 or 0 in (*s.shape, *t.shape):
        raise ShapeError(
            operation, f"expected vectors with elements; received shapes {s.shape} and {t.shape}."
        )
    return ops.reshape(s, (-1,)), ops.reshape(t, (-1,))


@composite
def convolve(a: ArrayLike, v: ArrayLike, mode: str = "full") -> Tensor:
    """Convolution of vectors: ``y[i] = Σ_j a[j] v[i - j]``.

    Parameters
    ----------
    a, v : array_like, shapes (n,) and (m,)
    mode : str
        "full": n + m - 1 places. "same": as many as the longer one has, from the middle. "valid":
        those where the shorter one lies inside the longer.
    """
    s, t = _vectors("convolve", a, v)
    s, t = (s, t) if s.shape[0] >= t.shape[0] else (t, s)
    return _overlapping(s, t, mode)


def _overlapping(s: Tensor, t: Tensor, mode: str) -> Tensor:
    """All products, added up along the diagonals; ``t`` is the shorter one.

    No zeros stand around the operands, which a nan or an infinity in the other one would turn to nan. It
    takes half the time of a product with windows, too.
    """
    n, m = s.shape[0], t.shape[0]
    if mode not in ("full", "same"):
        return signal.convolve(s, t, mode)
    whole = ops.overlap_add(ops.reshape(t, (-1, 1)) * ops.reshape(s, (1, -1)), 0)
    return whole if mode == "full" else whole[(m - 1) // 2 : (m - 1) // 2 + n]


@composite
def correlate(a: ArrayLike, v: ArrayLike, mode: str = "valid") -> Tensor:
    """Correlation of vectors: ``y[i] = Σ_j a[i + j] v[j]``; modes as in `convolve`."""
    s, t = _vectors("correlate", a, v)
    n, m = s.shape[0], t.shape[0]
    t = ops.flip(t)
    if n < m:
        whole = _overlapping(t, s, "full" if mode == "same" else mode)
        # NumPy's middle of an even number is the other one here.
        return whole[n // 2 : n // 2 + m] if mode == "same" else whole
    return _overlapping(s, t, mode)
