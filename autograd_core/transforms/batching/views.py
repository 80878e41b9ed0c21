"""Views with an axis in front: ``axis``, ``axes``, ``shape`` and ``index`` moved on by one."""

from __future__ import annotations

from typing import Any

from ...ops import linalg, views
from ...shelves import Shelf
from .rules import BATCHED, aligned, along

BATCHED(
    views.stop_gradient, views.reshape, views.transpose, views.concatenate_, views.slice_, views.embed,
    views.flip, views.windows, views.overlap_add, views.roll_,
)(along)  # fmt: skip
BATCHED.absent(
    views.identity, linalg.pick, reason="they do nothing, and the evaluator takes them itself"
)


@BATCHED(views.broadcast_to)
def _broadcast_to(xp: Shelf, p: Any, xs: Any, flags: Any, params: Any, size: Any) -> Any:
    shape = params["shape"]
    return xp.broadcast_to(aligned(xp, xs[0], len(shape)), shape=(size, *shape))
