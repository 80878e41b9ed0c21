"""A captured step that NumPy runs, as one Python function."""

from __future__ import annotations

import time
from collections.abc import Sequence
from operator import attrgetter, is_
from typing import Any

import numpy as np

from ...aliases import Array
from ...errors import AutogradError, CaptureError, ConfigError, ShapeError
from ...frames import user_line
from ...shapes import Dim
from ..captured import Captured
from ..packing import flat_memory
from ..passes import PASSES, simplified
from ..source import defined
from .writer import Writer

__all__ = ["NumPyRunner", "prepare"]

_DATA = attrgetter("_value")


def prepare(captured: Captured, *, threads: int = 1) -> NumPyRunner:
    """A captured step that NumPy runs.

    Raises
    ------
    CaptureError
        If the step has symbolic sizes.
    """
    return NumPyRunner(captured)


class NumPyRunner:
    """A captured step as one Python function of NumPy calls.

    Not for two threads at once: the buffers are the runner's own.
    """

    def __init__(self, captured: Captured) -> None:
        start = time.perf_counter()
        self.captured = captured
        self.program, self.passes = simplified(captured.program, PASSES[1:])  # composites are whole
        for step in self.program.applications:
            if any(isinstance(n, Dim) for n in step.result.shape):
                raise CaptureError(
                    "jit",
                    "the step has symbolic sizes. Expected arrays of fixed shapes. Pass arrays.",
                )
        self._write(True)
        self.seconds = time.perf_counter() - start

    def _write(self, pack: bool) -> None:
        """Write the source and compile it.

        Parameters
        ----------
        pack : bool
            Whether equal steps on leaves that lie side by side are taken at once.
        """
        writer = Writer(self.program, self.captured, pack)
        self.source = writer.source()
        self.buffers = writer.bytes
        self._kernels = writer.kernels
        self._barrier = writer.checked
        self._namespace = writer.namespace
        self._views = writer.leaf_views
        self._flats = writer.flats
        leaves = {f"c{n}": t for n, (v, t) in enumerate(self.program.captures) if v.shape != ()}
        flat = {id(t): t for _, tensors in self._flats for t in tensors}
        self._names = list(leaves)
        known = {id(t) for t in leaves.values()}
        self._leaves = [*leaves.values(), *(t for key, t in flat.items() if key not in known)]
        self._bind()
        self._function = defined("step", self.source, self._namespace, "compiled step")

    def _bind(self) -> None:
        """Take the memory of captured leaves, and views of it, anew."""
        self._bound: list[Any] = list(map(_DATA, self._leaves))
        self._namespace.update(zip(self._names, self._bound, strict=False))
        for name, make, of in self._views:
            self._namespace[name] = make(self._namespace[of])
        for name, tensors in self._flats:
            memory = flat_memory(tensors)
            if memory is None:  # they have been moved, each to a place of its own
                self._write(False)
                return
            self._namespace[name] = memory

    def run(self, arguments: Sequence[Array], scalars: Sequence[float]) -> list[Any]:
        """One step; see `Runner`."""
        if not all(map(is_, map(_DATA, self._leaves), self._bound)):
            self._bind()
        try:
            with np.errstate(all="ignore"):
                results: list[Any] = self._function(*arguments, *scalars)
        except IndexError as error:
            raise ShapeError(
                "jit",
                f"an index is out of range: {error}. Expected indices within the axis that they index, in "
                "this step's gather, take_along_axis or labels. Run the function without jit to see which.",
            ) from None
        except (ValueError, TypeError, ArithmeticError) as error:
            kind: type[AutogradError] = ConfigError
            if isinstance(error, AutogradError):
                if error.operation is not None:
                    raise
                kind = type(error)  # a reason alone, such as that a matrix is singular
            line = user_line()
            raise kind(
                "jit",
                f"an operation of this step cannot be computed: {str(error).rstrip('.')}. Expected operands "
                f"for which it is defined.{f' Called from {line}.' if line else ''} Run the function without "
                "jit to see which.",
            ) from None
        return results

    def many(
        self, count: int, arguments: Sequence[Array], scalars: Sequence[float]
    ) -> tuple[int, list[Any], Exception | None]:
        """Steps over the first axis of the arguments; see `Runner`."""
        rows: list[list[Any]] = []
        numbers, error = list(scalars), None
        for i in range(count):
            try:
                rows.append(self.run([a[i] for a in arguments], numbers))
            except Exception as failed:  # noqa: BLE001 - handed to the caller with what was done
                error = failed
                break
            numbers = [v + g for v, g in zip(numbers, self.captured.increments, strict=True)]
        columns = zip(*rows, strict=True) if rows else ()
        return len(rows), [np.stack(column) for column in columns], error

    def explain(self) -> dict[str, Any]:
        """What it runs; see `Runner`."""
        passes = "\n".join(f"{title}: {count} steps" for title, count in self.passes)
        return {
            "backend": "numpy",
            "optimized": self.program,
            "passes": tuple(self.passes),
            "kernels": tuple(self._kernels),
            "memory": self.buffers,
            "barrier": self._barrier,
            "source": self.source,
            "threads": 1,
            "seconds": {"source": self.seconds},
            "_said": (
                ("passes", passes),
                ("calls", self.source),
                ("memory", f"{self.buffers} bytes in buffers that are allocated once"),
                ("prepared", f"in {1e3 * self.seconds:.1f} ms"),
            ),
        }
