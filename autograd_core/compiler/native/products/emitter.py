"""Numbers and loops of a product as it is written: what is known by then is computed by then.

Every size is known when a product is compiled, and many an index is 0 or another number. An integer whose text is
digits is computed here and not by the machine, an address moved by nothing is itself, and a loop of one
round is its body: so one way of computing serves all shapes, and small ones are straight code.
"""

from __future__ import annotations

from collections.abc import Callable

from ..assembly import Code, V, integer, vector

__all__ = ["ZERO", "Emitter"]

ZERO = integer(0)


class Emitter:
    """Writes integers, addresses and control into a `Code`.

    Parameters
    ----------
    kind : str
        "float" or "double": what addresses count in.
    lanes : int
        Numbers of a vector.
    share : (V, V), optional
        This thread's part, and the number of parts.
    """

    def __init__(self, code: Code, kind: str, lanes: int, share: tuple[V, V] | None) -> None:
        self.code, self.kind, self.lanes, self.share = code, kind, lanes, share
        self.type = vector(kind, lanes)

    # --- integers and addresses ---------------------------------------------------------------

    def times(self, x: V, factor: int) -> V:
        """A multiple of an integer."""
        if x.text.isdigit():
            return integer(int(x.text) * factor)
        return x if factor == 1 else self.code.binary("mul", x, integer(factor))

    def plus(self, x: V, y: V) -> V:
        """A sum of integers."""
        if x.text.isdigit() and y.text.isdigit():
            return integer(int(x.text) + int(y.text))
        if "0" in (x.text, y.text):
            return y if x.text == "0" else x
        return self.code.binary("add", x, y)

    def smaller(self, x: V, y: V) -> V:
        """The smaller of two integers."""
        if x.text.isdigit() and y.text.isdigit():
            return integer(min(int(x.text), int(y.text)))
        return self.code.select(self.code.compare("slt", x, y), x, y)

    def moved(self, base: V, elements: int) -> V:
        """``base`` moved by a known number of elements."""
        return self.code.address(base, integer(elements), self.kind) if elements else base

    def at(self, base: V, offset: V, stride: int) -> V:
        """``base`` moved by ``offset`` steps of ``stride`` elements."""
        if stride == 0 or offset.text == "0":
            return base
        return self.code.address(base, self.times(offset, stride), self.kind)

    # --- control ------------------------------------------------------------------------------

    def over(self, start: V, stop: V, step: int, body: Callable[[V], None]) -> None:
        """A loop; no loop where there is one round."""
        if start.text.isdigit() and stop.text.isdigit():
            if int(start.text) >= int(stop.text):
                return
            if int(start.text) + step >= int(stop.text):
                body(start)
                return
        with self.code.loop(start, stop, step) as loop:
            body(loop.index)

    def when(self, condition: V) -> str:
        """Begin what is done where the condition holds; returns the label for `end`."""
        inside, after = self.code.fresh("some"), self.code.fresh("none")
        self.code.branch(condition, inside, after)
        self.code.start(inside)
        return after

    def end(self, after: str) -> None:
        """Go on for all."""
        self.code.jump(after)
        self.code.start(after)

    # --- threads ------------------------------------------------------------------------------

    def shared(self, count: int, body: Callable[[V, V], None]) -> None:
        """``body(start, stop)`` on this thread's part of ``count`` units, if it has any."""
        code = self.code
        if not count:
            return
        if self.share is None:
            body(ZERO, integer(count))
            return
        part, parts = self.share
        start = code.binary("udiv", self.times(part, count), parts)
        stop = code.binary("udiv", self.times(self.plus(part, integer(1)), count), parts)
        after = self.when(code.compare("slt", start, stop))
        body(start, stop)
        self.end(after)

    def lastly(self, body: Callable[[], None]) -> None:
        """What is left over, for the last thread."""
        if self.share is None:
            body()
            return
        part, parts = self.share
        after = self.when(self.code.compare("eq", self.plus(part, integer(1)), parts))
        body()
        self.end(after)
