"""What primitives are on symbols, at every size (INDEXED) and at a fixed one (EXACT), by family."""

from . import (  # register their rules
    contractions,
    indexing,
    linalg,
    loops,
    piecewise,
    reductions,
    views,
)

__all__: list[str] = []
