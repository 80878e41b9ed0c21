"""micrograd: scalars only, so W6 only."""

from __future__ import annotations

from typing import Any

from micrograd.engine import Value
from workloads import LINKS, Work, scalars

from . import Contender, contender, in_turn


@contender("micrograd", "chain")
def chain(work: Work) -> Contender:
    """W6."""
    feed = in_turn([(float(a), float(b)) for a, b in scalars(work.dtype)])

    def call() -> Any:
        a, b = map(Value, feed())
        v = a
        for _ in range(LINKS):
            v = v * a + b
        v.backward()
        return v.data, a.grad, b.grad

    return Contender(call)
