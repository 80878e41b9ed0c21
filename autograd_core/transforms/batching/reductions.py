"""Reductions with an axis in front that are no `along`."""

from __future__ import annotations

from typing import Any

from ...ops import reductions
from ...shapes import count
from ...shelves import Shelf
from .rules import BATCHED, call, moved


@BATCHED(reductions.argmax)
def _argmax(xp: Shelf, p: Any, xs: Any, flags: Any, params: Any, size: Any) -> Any:
    x, axes, keepdims = xs[0], params["axis"], params["keepdims"]
    if len(axes) == 1:
        return call(xp, p, xs, moved(params, size))
    flat = xp.reshape(x, shape=(size, count(x.shape[1:])))  # the position is that in the flat array
    found = call(xp, p, [flat], {"axis": (1,), "keepdims": False})
    return xp.reshape(found, shape=(size, *(1,) * (len(x.shape) - 1))) if keepdims else found
