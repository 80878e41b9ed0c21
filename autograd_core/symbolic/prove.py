"""Proofs of the engine's own gradients: the questions that can be asked, each in a file of `questions`.

`backward` takes the forward that was recorded, records the engine's backward of it with the very
VJP rules that training runs, evaluates both on symbols, and compares each entry of the gradient
with sympy's derivative of the forward. The others stand on it: `rule` is the gradient of a loss around one
primitive, `graph` composes rules. `equal` compares two programs in the same way, and `forward` stands on that.
"""

from __future__ import annotations

from .questions.composition import graph
from .questions.equality import equal
from .questions.floats import forward
from .questions.gradients import backward
from .questions.rules import rule

__all__ = ["backward", "equal", "forward", "graph", "rule"]
