"""The hot path of a compiled step, written as source.

One test stands after another, then the run. Loops over arguments, closure cells and leaves would take twice as long as the tests themselves, and
a small step runs in a microsecond.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..context import CONTEXT, Context
from ..graph import WRITES
from ..memory import SEQUENCE
from ..structure import STRUCTURE
from ..tensors import Tensor, leaf
from .captured import Captured, CheckFailed
from .guards import Watch
from .results import Node, spent
from .source import defined

__all__ = ["MISS", "written_call"]

MISS = object()  # what such a function returns where something has changed
_MOST = 200  # leaves that are spelt out; of more, loops take less time to write
_DO = "do "  # before a statement that stands among tests
_PLAIN = (bool, int, str, bytes, type(None))


def written_call(
    captured: Captured,
    watch: Watch,
    count: int,
    context: Context,
    args: Sequence[Any],
    *,
    run: Callable[..., Any],
    finish: Callable[..., Any],
    lean: bool,
    node: Node | None = None,
    refusal: dict[str, str] | None = None,
    stale: dict[str, Any] | None = None,
    many: Callable[..., Any] | None = None,
    leaves: tuple[Sequence[Tensor], Sequence[Tensor], Sequence[Tensor], Sequence[Tensor]],
) -> Callable[..., Any] | None:
    """A function of a tuple of arguments that runs the step if nothing has changed, else `MISS`.

    Parameters
    ----------
    count : int
        Of changes of structure, when the step was captured.
    args : sequence
        What the next arguments are to be like.
    run : callable
        The runner's.
    finish : callable
        Of the outputs, the number of steps, and with a node its operands and number: what is left to
        do after a run, and the results.
    lean : bool
        Whether nothing is left to do but to nest the results.
    node : Node, optional
        Where gradients go through the step from outside.
    refusal : dict, optional
        See `spent`.
    stale : dict, optional
        As soon as it holds "pulled", the step is looked at again.
    many : callable, optional
        Of a count, stacked arrays and scalars: the function then takes the first step's arguments,
        all arrays stacked, and their number, and runs so many steps by this.
    leaves : four sequences of Tensor
        Those that require a gradient and must, those that must not, the written ones, and those
        whose gradient is used up.

    Returns
    -------
    callable or None
        None where such arguments are looked at each time.
    """
    writer = _Writer()
    arrays = writer.arguments(captured, context, args)
    if arrays is None:
        return None
    writer.names |= {
        "structure": STRUCTURE, "get": CONTEXT.get, "context": context, "structure_count": count, "miss": MISS,
        "run": run, "Failed": CheckFailed, "error": captured.error, "writes": WRITES,
        "sequence": SEQUENCE, "leaf": leaf, "finish": finish, "watch": watch, "array": np.ndarray,
        "Tensor": Tensor, "spent": spent, "refusal": refusal,
    }  # fmt: skip
    writer.guards(watch)
    writer.leaves(*leaves[:2])
    if stale is not None:
        writer.tests.append(f"'pulled' in {writer.name('memo', stale)}")

    def moved() -> bool:
        """Whether what has changed since it was asked last is of matter to this step."""
        now = STRUCTURE.count
        if watch.restructured():
            return True
        writer.names["structure_count"] = now
        return False

    writer.names["moved"] = moved
    head = (
        "structure.count != structure_count and moved() or get() is not context "
        f"or len(args) != {len(args)}"
    )
    parameters = ", ".join(f"a{i}" for i in range(len(args)))
    getters = [writer.name("f", f) for f in captured.scalars]
    tests = [
        test.removeprefix(_DO) if test.startswith(_DO) else f"if {test}: return miss"
        for test in writer.tests
    ]
    said = writer.result(captured) if lean else None
    steps = "1" if many is None else "count"
    effects = [writer.name("told", told) + f"({steps})" for told in captured.effects]
    running = [
        f"arrays = {arrays}",
        "try: found = run(arrays, scalars)",
        "except Failed as failed: raise error(failed.number, arrays, scalars) from None",
    ]
    if many is not None:
        writer.names["many"] = many
        running = ["found = many(count, whole, scalars)"]
    begun: list[str] = []
    if node is not None:
        tensors = f"({', '.join(writer.tensors)}{',' * bool(writer.tensors)})"
        gather = writer.name("gather", node.operands)
        begun = [f"operands, number = {gather}({tensors}, scalars), sequence()"]
    finish_of = "found, operands, number" if node is not None else f"found, {steps}"
    written, consumed = leaves[2:]
    now = []
    if written:
        now = ["now = writes.last = sequence()"]
    elif "spent" in captured.ways:
        now = ["now = sequence()"]
    lines = [
        f"if {head}: return miss",
        *([f"{parameters}, = args"] if args else []),
        "try:",
        *(f"    {test}" for test in tests or ["pass"]),
        "except (AttributeError, LookupError, ReferenceError, ValueError): return miss",  # something is gone
        *writer.numbers,
        f"scalars = [{', '.join(f'{f}()' for f in getters)}]",
        *begun,
        *running,
        *now,
        *writer.marks(written, consumed),
        *effects,
        f"return finish({finish_of})" if said is None else f"return {said}",
    ]
    parameters = "args" if many is None else "args, whole, count"
    source = f"def call({parameters}):\n    " + "\n    ".join(lines)
    call: Callable[..., Any] = defined("call", source, writer.names, "call of a compiled step")
    return call


class _Writer:
    """Tests and marks as source, and the objects that they name."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {}
        self.tests: list[str] = []
        self.numbers: list[str] = []
        self.arrays: list[str] = []
        self.tensors: list[str] = []  # the same, tensors as such

    def name(self, stem: str, value: Any) -> str:
        """A name for an object."""
        name = f"{stem}_{len(self.names)}"
        self.names[name] = value
        return name

    def arguments(self, captured: Captured, context: Context, args: Sequence[Any]) -> str | None:
        """Tests of the arguments; how the source says those that are arrays."""
        self.captured, self.recording = captured, context.recording
        if not all(self._argument(f"a{i}", a) for i, a in enumerate(args)):
            return None
        if len(self.arrays) + len(captured.computed) != captured.arguments:
            return None
        self.arrays += [self.name("computed", t._value) for t in captured.computed]
        if self.arrays == [f"a{i}" for i in range(len(args))]:
            return "args"
        return f"({', '.join(self.arrays)}{',' * bool(self.arrays)})"

    def _argument(self, said: str, a: Any) -> bool:
        """Tests that what the source calls ``said`` is like ``a``; False if that is not to be said."""
        if type(a) in (list, tuple):
            self.tests.append(f"type({said}) is not {type(a).__name__} or len({said}) != {len(a)}")
            parts = [f"{said}_{k}" for k in range(len(a))]
            if parts:
                self.tests.append(_DO + f"{', '.join(parts)}, = {said}")
            return all(self._argument(p, v) for p, v in zip(parts, a, strict=True))
        if type(a) is dict:
            keys = self.name("keys", tuple(a))
            self.tests.append(f"type({said}) is not dict or tuple({said}) != {keys}")
            parts = [f"{said}_{k}" for k in range(len(a))]
            if parts:
                self.tests.append(_DO + f"{', '.join(parts)}, = {said}.values()")
            return all(self._argument(p, v) for p, v in zip(parts, a.values(), strict=True))
        original = said
        if type(a) is Tensor and isinstance(a._value, (np.ndarray, np.generic)):
            test = f"type({said}) is not Tensor"
            wanted = "not " * a.requires_grad
            self.tests.append(test + f" or {wanted}{said}.requires_grad" * self.recording)
            a, said = a._value, f"{said}._value"
        if type(a) is np.ndarray and a.dtype.isnative:
            dtype = self.name("dtype", a.dtype)
            self.tests.append(
                f"type({said}) is not array or {said}.shape != {a.shape!r} "
                f"or {said}.dtype is not {dtype}"
            )
            self.arrays.append(said)
            self.tensors.append(original)
        elif isinstance(a, np.generic):
            self.tests.append(f"type({said}) is not {self.name('kind', type(a))}")
            self.arrays.append(said)
            self.tensors.append(original)
        elif type(a) is float:
            self.tests.append(f"type({said}) is not float")
            self.names["numbers"] = self.captured.numbers
            self.numbers.append(f"numbers[{len(self.numbers)}] = {said}")
        elif type(a) in _PLAIN:
            value, kind = self.name("value", a), self.name("kind", type(a))
            self.tests.append(f"type({said}) is not {kind} or {said} != {value}")
        elif isinstance(a, (np.ndarray, Tensor, list, tuple, dict)):
            return False
        else:
            self.tests.append(f"{said} is not {self.name('value', a)}")
        return True

    def result(self, captured: Captured) -> str | None:
        """The outputs ``found`` in their nesting; None if that is not to be said."""
        results = iter(zip(captured.results, captured.ways, strict=True))

        def said(tree: Any) -> str:
            if type(tree) is list:
                return "[" + ", ".join(map(said, tree)) + "]"
            if type(tree) is tuple:
                return "(" + "".join(f"{said(v)}, " for v in tree) + ")"
            if type(tree) is dict:
                return (
                    "{"
                    + ", ".join(f"{self.name('key', k)}: {said(v)}" for k, v in tree.items())
                    + "}"
                )
            if isinstance(tree, (list, tuple, dict)):
                raise TypeError
            output, way = next(results)
            if type(output) is not int:
                return self.name("value", output.value)
            if way == "spent":
                return f"spent(found[{output}], refusal, now, context)"
            return f"leaf(found[{output}])" if way is None else f"leaf(found[{output}], True)"

        try:
            return said(captured.structure)
        except TypeError:  # a namedtuple, or another class of the user's
            return None

    def guards(self, watch: Watch) -> None:
        """Tests of what the function reads beside its arguments."""
        self.tests += watch.tests(self.name)
        if watch.slow:
            self.tests.append("not watch.others_unchanged()")

    def leaves(self, trained: Sequence[Tensor], untrained: Sequence[Tensor]) -> None:
        """Tests of who takes part in gradients."""
        for wanted, tensors in ((True, trained), (False, untrained)):
            no = "not " if wanted else ""
            if len(tensors) > _MOST:
                self.tests.append(
                    f"any([{no}t.requires_grad for t in {self.name('leaves', tensors)}])"
                )
                continue
            names = [self.name("t", t) for t in tensors]
            self.tests += [f"{no}{name}.requires_grad" for name in names]

    def marks(self, written: Sequence[Tensor], consumed: Sequence[Tensor]) -> list[str]:
        """Lines that stamp what was written, and mark gradients that are used up."""
        lines: list[str] = []
        for tensors, mark in ((written, "_written = now"), (consumed, "_grad = False")):
            if len(tensors) > _MOST:
                lines.append(f"for t in {self.name('leaves', tensors)}: t.{mark}")
            else:
                lines += [f"{self.name('t', t)}.{mark}" for t in tensors]
        return lines
