"""Other values for leaves, for the length of a block: any function that reads them is then one of these values.

What a recorded operation reads of a leaf goes through the capture's table of written values; the
given values are put into that table. So nothing is touched: not memory, in no other thread, and nothing
has to be put back after an exception.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from .context import CONTEXT, within
from .effects import Capture

__all__ = ["standing_in"]


@contextlib.contextmanager
def standing_in(given: Sequence[tuple[Any, Any]]) -> Iterator[Capture]:
    """Run a block that reads given values where it reads certain leaves, and writes to no memory.

    Parameters
    ----------
    given : sequence of (leaf, Tensor)
        What stands for each leaf, of its shape and dtype.

    Yields
    ------
    Capture
        What the block has written so far: ``capture.current(leaf)``, or ``capture.writes``.
    """
    capture = CONTEXT.get().capture or Capture()
    writes, gradients, done = capture.writes, capture.gradients, len(capture.undo)
    capture.writes = writes | {id(leaf): (leaf, value) for leaf, value in given}
    capture.gradients = gradients.copy()
    try:
        with within(capture=capture):
            yield capture
    finally:
        capture.writes, capture.gradients = writes, gradients
        for put_back in reversed(capture.undo[done:]):
            put_back()
        del capture.undo[done:]
