"""LLVM's language as text: values, instructions and loops of one function.

Plain strings, since building them takes a tenth of the time of an object for each instruction.
What is written is what runs: no optimizer comes after but the one that selects instructions.
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

__all__ = [
    "I64",
    "Code",
    "Loop",
    "V",
    "constant",
    "element",
    "first_lanes",
    "integer",
    "lanes",
    "ramp",
    "vector",
]

I64 = "i64"  # of indices, sizes and strides


class V(NamedTuple):
    """A value: its name or its digits, and its type, such as ``<16 x float>``."""

    text: str
    type: str

    def __str__(self) -> str:
        return f"{self.type} {self.text}"


def lanes(kind: str) -> int:
    """Number of lanes of a type; 1 for a scalar."""
    return int(kind[1 : kind.index(" ")]) if kind[0] == "<" else 1


def element(kind: str) -> str:
    """The type of one lane."""
    return kind[kind.index("x ") + 2 : -1] if kind[0] == "<" else kind


def vector(kind: str, n: int) -> str:
    """The type of ``n`` lanes of a scalar type; the scalar type itself for one."""
    return kind if n == 1 else f"<{n} x {kind}>"


def constant(value: float | bool, kind: str) -> V:
    """A number in a scalar or vector type, exactly as that type rounds it."""
    base = element(kind)
    if base == "i1":
        text = "true" if value else "false"
    elif base[0] == "i":
        text = str(int(value))
    elif base == "float":
        # Written as the double that the float is: LLVM refuses digits that are not exact.
        as_float = struct.unpack("f", struct.pack("f", value))[0] if abs(value) < 3.4028235677973366e38 or value != value else value  # fmt: skip
        text = f"0x{struct.unpack('Q', struct.pack('d', as_float))[0]:016X}"
    else:
        text = f"0x{struct.unpack('Q', struct.pack('d', value))[0]:016X}"
    if kind[0] == "<":
        text = f"splat ({base} {text})"
    return V(text, kind)


def integer(value: int) -> V:
    """An index, a size or a stride that is known."""
    return V(str(value), I64)


def ramp(stride: int, n: int) -> V:
    """Numbers ``stride`` apart from 0 on, in ``n`` lanes."""
    return V("<" + ", ".join(f"i64 {i * stride}" for i in range(n)) + ">", f"<{n} x i64>")


def first_lanes(count: int, n: int) -> V | None:
    """A mask for the first ``count`` of ``n`` lanes; None, as no mask is needed, for all of them."""
    if count == n:
        return None
    bits = ", ".join("i1 true" if i < count else "i1 false" for i in range(n))
    return V(f"<{bits}>", f"<{n} x i1>")


@dataclass
class Loop:
    """A loop that is being written: its index, and the values that it carries along."""

    index: V
    values: list[V]
    results: list[V] = field(default_factory=list)

    def next(self, *values: V) -> None:
        """What the carried values are in the next round; to be said once, at the body's end."""
        self.results = list(values)


class Code:
    """The body of one function.

    Attributes
    ----------
    lines : list of str
    block : str
        The label of the block that is being written.
    declared : dict of str to str
        Declarations of what is called from outside, by name.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.block = "entry"
        self.declared: dict[str, str] = {}
        self._count = 0
        self._splats: dict[tuple[str, V, int], V] = {}

    # --- instructions -----------------------------------------------------------------------

    def fresh(self, stem: str = "v") -> str:
        """A name that is not taken."""
        self._count += 1
        return f"{stem}{self._count}"

    def emit(self, kind: str, text: str) -> V:
        """One instruction with a result of type ``kind``."""
        name = "%" + self.fresh()
        self.lines.append(f"  {name} = {text}")
        return V(name, kind)

    def do(self, text: str) -> None:
        """One instruction without a result."""
        self.lines.append("  " + text)

    def binary(self, op: str, a: V, b: V) -> V:
        """``op`` of two values of one type: fadd, fmul, add, and, shl and their kin."""
        return self.emit(a.type, f"{op} {a.type} {a.text}, {b.text}")

    def fadd(self, a: V, b: V) -> V:
        """a + b."""
        return self.binary("fadd", a, b)

    def fsub(self, a: V, b: V) -> V:
        """a - b."""
        return self.binary("fsub", a, b)

    def fmul(self, a: V, b: V) -> V:
        """a * b."""
        return self.binary("fmul", a, b)

    def fdiv(self, a: V, b: V) -> V:
        """a / b."""
        return self.binary("fdiv", a, b)

    def fma(self, a: V, b: V, c: V) -> V:
        """a * b + c, rounded once where the machine can."""
        return self.call("llvm.fmuladd", a.type, a, b, c)

    def fneg(self, a: V) -> V:
        """-a."""
        return self.emit(a.type, f"fneg {a}")

    def compare(self, how: str, a: V, b: V) -> V:
        """``fcmp`` or ``icmp``: how is such as "olt", "une", "slt", "eq"."""
        word = "fcmp" if element(a.type) in ("float", "double") else "icmp"
        return self.emit(vector("i1", lanes(a.type)), f"{word} {how} {a.type} {a.text}, {b.text}")

    def select(self, condition: V, a: V, b: V) -> V:
        """``a`` where the condition holds, else ``b``."""
        return self.emit(a.type, f"select {condition}, {a}, {b}")

    def convert(self, op: str, a: V, kind: str) -> V:
        """``op`` (fptrunc, sitofp, bitcast, zext, …) of a value to the type ``kind``."""
        return a if a.type == kind else self.emit(kind, f"{op} {a} to {kind}")

    def call(self, name: str, kind: str, *arguments: V) -> V:
        """An intrinsic over one type (``llvm.sqrt``), the type's suffix added; declared as needed."""
        suffix = element(kind)
        suffix = {"float": "f32", "double": "f64"}.get(suffix, suffix)
        full = f"{name}.{suffix}" if lanes(kind) == 1 else f"{name}.v{lanes(kind)}{suffix}"
        return self.invoke(full, kind, *arguments)

    def invoke(self, name: str, kind: str, *arguments: V) -> V:
        """Any function by its full name; declared as needed."""
        self.declared[name] = f"declare {kind} @{name}({', '.join(a.type for a in arguments)})"
        return self.emit(kind, f"call {kind} @{name}({', '.join(map(str, arguments))})")

    def splat(self, scalar: V, n: int) -> V:
        """``n`` lanes of one scalar."""
        if n == 1:
            return scalar
        kind = vector(scalar.type, n)
        first = self.emit(kind, f"insertelement {kind} poison, {scalar}, i64 0")
        zero = f"<{n} x i32> zeroinitializer"
        return self.emit(kind, f"shufflevector {first}, {kind} poison, {zero}")

    # --- memory -----------------------------------------------------------------------------

    def address(self, base: V, offset: V, kind: str) -> V:
        """The address of element ``offset`` (i64) of an array of ``kind`` (a scalar type)."""
        return self.emit("ptr", f"getelementptr {kind}, {base}, {offset}")

    def load(self, pointer: V, kind: str, mask: V | None = None) -> V:
        """A scalar, or lanes side by side (those under a constant or computed mask, the rest 0)."""
        base = element(kind)
        align = _ALIGN[base]
        if mask is None:
            return self.emit(kind, f"load {kind}, {pointer}, align {align}")
        zero = f"{kind} zeroinitializer"
        name = f"llvm.masked.load.v{lanes(kind)}{_SUFFIX.get(base, base)}.p0"
        self.declared[name] = f"declare {kind} @{name}(ptr, i32, {mask.type}, {kind})"
        return self.emit(kind, f"call {kind} @{name}({pointer}, i32 {align}, {mask}, {zero})")

    def store(self, value: V, pointer: V, mask: V | None = None) -> None:
        """Write a scalar, or lanes side by side (those under the mask)."""
        base = element(value.type)
        align = _ALIGN[base]
        if mask is None:
            self.do(f"store {value}, {pointer}, align {align}")
            return
        name = f"llvm.masked.store.v{lanes(value.type)}{_SUFFIX.get(base, base)}.p0"
        self.declared[name] = f"declare void @{name}({value.type}, ptr, i32, {mask.type})"
        self.do(f"call void @{name}({value}, {pointer}, i32 {align}, {mask})")

    def gather(self, pointers: V, kind: str, mask: V | None = None) -> V:
        """Lanes of a scalar type from an address each (those under the mask, the rest 0)."""
        n = lanes(pointers.type)
        wide = vector(kind, n)
        mask = mask or constant(True, vector("i1", n))
        name = f"llvm.masked.gather.v{n}{_SUFFIX.get(kind, kind)}.v{n}p0"
        self.declared[name] = f"declare {wide} @{name}({pointers.type}, i32, {mask.type}, {wide})"
        zero = f"{wide} zeroinitializer"
        return self.emit(
            wide, f"call {wide} @{name}({pointers}, i32 {_size(kind)}, {mask}, {zero})"
        )

    def scatter(self, value: V, pointers: V, mask: V | None = None) -> None:
        """Write lanes to an address each (those under the mask)."""
        kind, n = element(value.type), lanes(value.type)
        mask = mask or constant(True, vector("i1", n))
        name = f"llvm.masked.scatter.v{n}{_SUFFIX.get(kind, kind)}.v{n}p0"
        self.declared[name] = (
            f"declare void @{name}({value.type}, {pointers.type}, i32, {mask.type})"
        )
        self.do(f"call void @{name}({value}, {pointers}, i32 {_size(kind)}, {mask})")

    # --- control ----------------------------------------------------------------------------

    def start(self, label: str) -> None:
        """Begin the block ``label``."""
        self.lines.append(f"{label}:")
        self.block = label

    def jump(self, label: str) -> None:
        """Go to ``label``."""
        self.do(f"br label %{label}")

    def branch(self, condition: V, yes: str, no: str) -> None:
        """Go to ``yes`` where the condition holds, else to ``no``."""
        self.do(f"br {condition}, label %{yes}, label %{no}")

    @contextlib.contextmanager
    def loop(
        self, start: V | int, stop: V | int, step: int = 1, carried: Sequence[V] = ()
    ) -> Iterator[Loop]:
        """A loop over ``range(start, stop, step)`` in i64, which runs at least once.

        ``carried`` are first values; the body says `Loop.next`. Afterwards `Loop.results` are the
        last values.
        """
        begin = start if isinstance(start, V) else V(str(start), "i64")
        end = stop if isinstance(stop, V) else V(str(stop), "i64")
        head, after = self.fresh("loop"), self.fresh("done")
        before = self.block
        self.jump(head)
        self.start(head)
        at = len(self.lines)
        index = V("%" + self.fresh("i"), "i64")
        values = [V("%" + self.fresh("c"), c.type) for c in carried]
        loop = Loop(index, values)
        yield loop
        if len(loop.results) != len(values):
            raise ValueError("loop: every carried value needs a next one")
        following = self.emit("i64", f"add i64 {index.text}, {step}")
        more = self.compare("slt", following, end)
        phis = [
            f"  {index.text} = phi i64 [ {begin.text}, %{before} ], [ {following.text}, %{self.block} ]"
        ]
        for v, first, new in zip(values, carried, loop.results, strict=True):
            phis.append(
                f"  {v.text} = phi {v.type} [ {first.text}, %{before} ], [ {new.text}, %{self.block} ]"
            )
        self.lines[at:at] = phis
        self.branch(more, head, after)
        self.start(after)


_ALIGN = {"float": 4, "double": 8, "i8": 1, "i16": 2, "i32": 4, "i64": 8, "i128": 8, "ptr": 8}
_SUFFIX = {"float": "f32", "double": "f64"}  # integers are called by their types


def _size(kind: str) -> int:
    """Bytes of a number of a scalar type."""
    return {"float": 4, "double": 8}.get(kind) or max(1, int(kind[1:]) // 8)
