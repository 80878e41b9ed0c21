"""vmap: a function of one element as a function of many, by a rule for each primitive or its kind."""

from . import contractions, indexing, linalg, loops, reductions, views  # register their rules
from .rules import BATCHED as BATCHED, spread as spread
from .vmap import evaluate as evaluate, vmap as vmap

__all__ = ["vmap"]
