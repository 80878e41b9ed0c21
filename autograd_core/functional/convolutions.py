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
            f"{operation}: expected vectors with elements; received shapes {s.shape} and {t.shape}."
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
    return signal.convolve(*((s, t) if s.shape[0] >= t.shape[0] else (t, s)), mode)


@composite
def correlate(a: ArrayLike, v: ArrayLike, mode: str = "valid") -> Tensor:
    """Correlation of vectors: ``y[i] = Σ_j a[i + j] v[j]``; modes as in `convolve`."""
    s, t = _vectors("correlate", a, v)
    n, m = s.shape[0], t.shape[0]
    if mode == "same" and n < m:  # NumPy's middle of an even number is the other one here
        return signal.convolve(s, ops.flip(t), "full")[n // 2 : n // 2 + m]
    return signal.convolve(s, ops.flip(t), mode)
