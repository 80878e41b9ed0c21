"""From a Program to kernels: what is computed together, and what lies in memory.

One pass over the steps. A view is an access (an offset and strides) of what it looks at. An
elementwise step joins the kernel that computes one of its operands, or reads the same memory, if its
domain fits and everything it needs is ready there; so chains of them, their folds and the end of a
product become one loop. What another kernel needs is stored once.

`core` says where a value is computed; `views`, `folds`, `contractions`, `gathers` and `random` register a rule
for each primitive; `scheduler` makes the pass. Where threads are wanted, `parts` cuts large sums for them.
"""

from __future__ import annotations

from . import contractions, folds, gathers, random, views  # register their rules
from .parts import in_parts
from .scheduler import schedule

__all__ = ["in_parts", "schedule"]
