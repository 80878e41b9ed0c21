"""The NumPy backend: a captured step as a straight line of calls, in memory that is allocated once.

The line is written as Python source and compiled: a list of calls that a loop goes through takes 5
microseconds more in a step of 30 calls. Values that do not live at the same time share buffers,
transposes and reshapes of buffers are made once, and what a step assigns is computed where it
belongs.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import is_
from typing import Any, TypeAlias

import numpy as np

from ...kinds import Elementwise
from ...ops import arithmetic, piecewise, reductions
from ...program import Application, Literal, Program, Var
from ...readings import Reading, record_of
from ...replay import in_place
from ...tensors import Tensor
from ..captured import Captured, CheckFailed
from ..costs import cost_of_call
from ..explanation import KernelRecord
from ..packing import Pack, Packing

__all__ = ["BLAS", "CALLS", "Writer"]

BLAS = frozenset("fd")

# rule(writer, number of the step, step): write the step's lines and say so, or write none. What it gives
# lies in a buffer, or is a view of the operand if the primitive is one.
Rule: TypeAlias = Callable[["Writer", int, Application], bool]
CALLS: Reading[Rule] = Reading("NumPy backend", optional=True)

_EQUAL, _SUM = record_of(piecewise.equal), record_of(reductions.sum)
_ADD, _MULTIPLY = record_of(arithmetic.add), record_of(arithmetic.multiply)
_INFIX = {
    _ADD: "+", record_of(arithmetic.subtract): "-", _MULTIPLY: "*", record_of(arithmetic.divide): "/",
}  # fmt: skip


def _ordered(program: Program[Any], checks: int) -> tuple[list[Application], list[Application]]:
    """Steps before the checks, and those that lead to nothing but writes, which come after."""
    if not checks:
        return [], list(program.applications)
    early: set[Any] = {o for o in program.outputs if isinstance(o, Var)}
    before, after = [], []
    for step in reversed(program.applications):
        if step.result in early:
            early.update(o for o in step.operands if isinstance(o, Var))
            before.append(step)
        else:
            after.append(step)
    return before[::-1], after[::-1]


class Writer:
    """Writes the source of a step, and gathers what it names."""

    def __init__(self, program: Program[Any], captured: Captured, pack: bool) -> None:
        self.program = program
        self.checks = len(captured.checks)
        self.arguments = captured.arguments
        self.first_write = 0
        self.direct: set[Var] = set()
        before, after = _ordered(program, self.checks)
        self.steps = before + after
        self.barrier = len(before)
        self.namespace: dict[str, Any] = {
            "add": np.add, "subtract": np.subtract, "dot": np.dot, "copyto": np.copyto, "add_reduce": np.add.reduce,
            "maximum": np.maximum, "maximum_reduce": np.maximum.reduce, "matmul": np.matmul,
            "square": np.square, "put": _put, "failed": _failed, "divide": np.divide,
            "fresh": np.array, "float64": np.float64,
        }  # fmt: skip
        self.names: dict[Any, str] = {}
        # Whose memory a value may lie in: its own, or that of what it may be a view of.
        self.roots: dict[Var, tuple[Var, ...]] = {}
        self.static: set[Var] = set()  # in a buffer, or a view of one: the same object at every run
        self.fixed: set[Var] = set()  # a view of a captured leaf, likewise until it is bound anew
        self.leaf_views: list[tuple[str, Callable[[Any], Any], str]] = []
        self.free: dict[Any, list[str]] = {}
        self.home: dict[Var, str] = {}  # the buffer of a value
        self.bytes = 0
        self.lines: list[str] = []
        self.kernels: list[KernelRecord] = []  # of the steps that are calls
        self.checked = -1  # before which of them the checks are done
        self.captures = {v: f"c{n}" for n, (v, _) in enumerate(program.captures)}
        self.targets = dict(program.writes)
        self.value_of: dict[Var, list[Var]] = {}
        for target, value in program.writes:
            if isinstance(value, Var):
                self.value_of.setdefault(value, []).append(target)
        self.uses: dict[Any, int] = {}
        self.flats: list[tuple[str, list[Tensor]]] = []
        self.pack_names: dict[Pack, str] = {}
        self.assigned: dict[Var, str] = {}  # members of gathered packs: where each is computed
        packing = Packing(program, self.steps) if pack else None
        self.packs = packing.steps if packing else []
        self.gathered = packing.gathered if packing else []
        self.removed = packing.removed if packing else {}
        self.known: dict[Var, Any] = {}  # values that are the same at every run
        self.shared: dict[Any, str] = {}  # what was computed on the way: (primitive, operands)
        self.skipped: set[int] = set()
        self.zeros: dict[int, list[Var]] = {}  # of each test whether gradients are finite: of which
        self._scan()

    # --- who lives how long -----------------------------------------------------------------

    def _scan(self) -> None:
        end = len(self.steps)
        for v in (*self.program.inputs, *self.captures):
            self.roots[v] = (v,)
        for step in self.steps:
            v = step.result
            behind = [] if _own_memory(step) else self._roots(step)
            self.roots[v] = tuple(dict.fromkeys((v, *behind)))
            for o in step.operands:
                self.uses[o] = self.uses.get(o, 0) + 1
        self.makers = {step.result: (n, step) for n, step in enumerate(self.steps)}
        later = dict(self.removed)
        for n, step in enumerate(self.steps):
            self._find_zeros(n, step, later)
        self.last: dict[Any, int] = {}
        for n, step in enumerate(self.steps):
            for o in step.operands:
                if isinstance(o, Var):
                    for root in self.roots[o]:
                        self.last[root] = max(self.last.get(root, -1), later.get(n, n))
        self.kept = {*self.program.outputs, *self.targets.values()}
        for o in self.kept:
            if isinstance(o, Var):
                self.last.update(dict.fromkeys(self.roots[o], end))
                self.uses[o] = self.uses.get(o, 0) + 1

    def _find_zeros(self, n: int, step: Application, later: dict[int, int]) -> None:
        """Note a comparison of ``sum(g * 0) + sum(h * 0) + …`` with 0, which has a shorter form."""
        if step.primitive is not _EQUAL or not _is_zero(step.operands[1]):
            return
        waiting: list[Any] = [step.operands[0]]
        parts: list[int] = []
        gradients: list[Var] = []
        while waiting:
            o = waiting.pop()
            if not isinstance(o, Var) or o not in self.makers or self.uses.get(o) != 1:
                return
            k, maker = self.makers[o]
            if k in self.removed or o in self.program.outputs:
                return
            parts.append(k)
            if maker.primitive is _ADD:
                waiting += maker.operands
                continue
            (product,) = maker.operands if maker.primitive is _SUM else (None,)
            if not isinstance(product, Var) or product not in self.makers or o.shape != ():
                return
            k, maker = self.makers[product]
            g, zero = maker.operands[0], maker.operands[-1]
            product_ = maker.primitive is _MULTIPLY and self.uses.get(product) == 1
            if not (product_ and _is_zero(zero) and isinstance(g, Var) and k not in self.removed):
                return
            parts.append(k)
            gradients.append(g)
        self.zeros[n] = gradients[::-1]
        later.update(dict.fromkeys(parts, n))
        self.skipped.update(parts)

    # --- names ------------------------------------------------------------------------------

    def name(self, o: Any) -> str:
        """How the source calls an operand."""
        if isinstance(o, Literal):
            return _written(o.value, self.namespace)
        return self.names[o]

    def constant(self, value: Any, stem: str) -> str:
        """A name for an object."""
        name = f"{stem}{len(self.namespace)}"
        self.namespace[name] = value
        return name

    def line(self, text: str) -> None:
        """Write a line of source."""
        self.lines.append(text)

    # --- memory -----------------------------------------------------------------------------

    def buffer(self, v: Var, n: int, step: Application, over: bool) -> str:
        """Where step ``n`` puts its result: the leaf that it is assigned to, or a buffer."""
        if v in self.assigned:
            self.names[v] = self.assigned[v]
            self.static.add(v)
            return self.names[v]
        for target in self.value_of.get(v, ()):
            if (
                n >= self.barrier
                and self.last.get(target, -1) <= n
                and (over or target not in self._roots(step))
                and target not in self.direct
                and target.shape != ()
            ):
                self.direct.add(target)
                self.first_write = min(self.first_write, n)
                self.names[v] = self.captures[target]
                self.fixed.add(v)
                return self.names[v]
        kind = v.shape, v.dtype
        name = None
        if over:  # element by element, an operand that is not needed any more may be written over
            for o in step.operands:
                if (
                    isinstance(o, Var)
                    and o in self.home
                    and self.last[o] == n
                    and (o.shape, o.dtype) == kind
                ):
                    name = self.home.pop(o)
                    break
        if name is None:
            spare = self.free.get(kind)
            if spare:
                name = spare.pop()
            else:
                memory = np.zeros(*kind)
                self.bytes += memory.nbytes
                name = self.constant(memory, "b")
        self.home[v] = name
        self.names[v] = name
        self.static.add(v)
        return name

    def _roots(self, step: Application) -> list[Var]:
        return [root for o in step.operands if isinstance(o, Var) for root in self.roots[o]]

    def release(self, n: int, step: Application) -> None:
        """Give back the buffers of what step ``n`` read last."""
        for o in dict.fromkeys((*step.operands, step.result)):
            if not isinstance(o, Var):
                continue
            for r in self.roots[o]:
                if self.last.get(r, -1) <= n and r in self.home:
                    self.free.setdefault((r.shape, r.dtype), []).append(self.home.pop(r))

    # --- the source -------------------------------------------------------------------------

    def source(self) -> str:
        """The source of a function ``step`` of arrays and scalars that returns the outputs."""
        self.first_write = len(self.steps)
        heads = []
        for n, v in enumerate(self.program.inputs):
            self.names[v] = f"x{n}"
            heads.append(f"x{n}")
            if v.shape == () and not v.weak:
                self.line(f"x{n} = x{n}[()]")
        for n, (v, t) in enumerate(self.program.captures):
            self.names[v] = f"c{n}"
            if v.shape == ():
                self.namespace[f"t{n}"] = t
                self.line(f"c{n} = t{n}._value[()]")
            elif t.dtype != v.dtype:  # in another order of bytes
                self.namespace[f"t{n}"] = t
                self.line(f"c{n} = t{n}._value.astype({self.constant(v.dtype, 'd')})")
            else:
                self.fixed.add(v)
        conditions: dict[Any, list[int]] = {}
        outputs = self.program.outputs
        for k, o in enumerate(outputs[len(outputs) - self.checks :]):
            conditions.setdefault(o, []).append(k)
        for pack in self.gathered:
            self._assign(pack)
        packed = {pack.position: pack for pack in self.packs}
        gathered: dict[int, list[Pack]] = {}
        for pack in self.gathered:
            gathered.setdefault(pack.position, []).append(pack)
        for n, step in enumerate(self.steps):
            if n in self.zeros:
                self._all_finite(step, self.zeros[n])
                self._note(step)
            elif n not in self.removed and n not in self.skipped:
                before = len(self.lines)
                self._emit(n, step)
                if len(self.lines) > before:
                    self._note(step)
            for pack in gathered.get(n, ()):
                self._gather(pack)
            if n in packed:
                self._emit_pack(packed[n])
                self._note(packed[n].step, packed[n])
            if self.checks and n + 1 == self.barrier:
                self.checked = len(self.kernels)
            self.release(n, step)
            for k in conditions.pop(step.result, ()):  # before what might stumble over it
                self.line(f"if not {self.name(step.result)}: failed({k})")
        for o, numbers in conditions.items():  # known without a step
            for k in numbers:
                self.lines.insert(0, f"if not {self.name(o)}: failed({k})")
        self._finish()
        for v in self.program.inputs[: self.arguments]:
            # An argument may be the memory of a leaf that is written before it is read.
            if v.shape != () and self.last.get(v, -1) > self.first_write:
                self.lines.insert(0, f"{self.names[v]} = {self.names[v]}.copy()")
        body = "\n    ".join(self.lines)
        return f"def step({', '.join(heads)}):\n    {body}\n"

    def _note(self, step: Any, pack: Pack | None = None) -> None:
        """Note what was written as a kernel."""
        name, found = step.primitive.name, cost_of_call(step)
        loops = tuple(step.result.shape) if pack is None else (pack.size,)
        steps = (name,) if pack is None else (name,) * len(pack.members)
        flops, size = found.flops, found.bytes
        if pack is not None:
            wide = 1 + sum(type(o) is Pack for o in pack.operands)
            flops, size = flops * pack.size // max(1, _count(step.result)), wide * pack.size
            size *= pack.members[0].dtype.itemsize
        if step.primitive.view and CALLS.of(step.primitive) is not None:
            flops = size = 0
        scope, text = "/".join(step.scope), f"{'×'.join(map(str, loops)) or '1'}  {name}"
        self.kernels.append(KernelRecord(name, steps, loops, flops, size, 1, scope, 0, text))

    # --- packs ------------------------------------------------------------------------------

    def _spans(self, pack: Pack) -> list[tuple[Var, int, int]]:
        spans, start = [], 0
        for v in pack.members:
            stop = start + int(np.prod(v.shape, dtype=np.int64))
            spans.append((v, start, stop))
            start = stop
        return spans

    def _memory(self, pack: Pack) -> str:
        """One array for the values of a pack."""
        memory = np.zeros(pack.size, pack.members[0].dtype)
        self.bytes += memory.nbytes
        return self.constant(memory, "p")

    def _member(self, name: str, v: Var, start: int, stop: int) -> str:
        """How the source calls a part of a pack's array."""
        if v.shape == ():
            return f"{name}[{start}]"
        return self.constant(self.namespace[name][start:stop].reshape(v.shape), "w")

    def _assign(self, pack: Pack) -> None:
        """Have the members of a pack computed where they are to be gathered."""
        name = self.pack_names[pack] = self._memory(pack)
        for v, start, stop in self._spans(pack):
            if v.shape != () and v not in self.assigned:
                self.assigned[v] = self._member(name, v, start, stop)

    def _gather(self, pack: Pack) -> None:
        """Copy those members that could not be."""
        name = self.pack_names[pack]
        for v, start, stop in self._spans(pack):
            if v.shape == ():
                self.line(f"{name}[{start}] = {self.names[v]}")
            elif self.names[v] != self.assigned[v] or not np.may_share_memory(
                self.namespace[self.names[v]], self.namespace[name]
            ):
                self.line(f"copyto({self._member(name, v, start, stop)}, {self.names[v]})")

    def _flat(self, members: tuple[Var, ...]) -> str:
        """A name for the memory of captured leaves that lie end to end."""
        tensors = dict(self.program.captures)
        found = [tensors[v] for v in members]
        for name, known in self.flats:
            if len(known) == len(found) and all(map(is_, known, found)):
                return name
        name = f"flat{len(self.flats)}"
        self.flats.append((name, found))
        self.namespace[name] = None
        return name

    def _emit_pack(self, pack: Pack) -> None:
        """One step on all members."""
        p = pack.step.primitive  # type: ignore[union-attr]
        for o in pack.operands:
            if type(o) is Pack and o.kind == "leaf":
                self.pack_names[o] = self._flat(o.members)
        operands = ", ".join(
            self.pack_names[o] if type(o) is Pack else self.name(o) for o in pack.operands
        )
        name = self.pack_names[pack] = self._pack_memory(pack)
        function = self.function(p.name, p.ufunc)
        word = "out=" if p.ufunc in (np.maximum, np.minimum) else ""
        self.line(f"{function}({operands}, {word}{name})")
        for k, (v, start, stop) in enumerate(self._spans(pack)):
            if self.last.get(v, -1) <= pack.position and v not in self.value_of:
                self.names[v] = name  # nobody asks for it by itself
            elif name.startswith("flat"):
                target = pack.targets[k]
                place = self.captures[target]
                self.names[v] = f"t{place[1:]}._value[()]" if v.shape == () else place
                self.fixed.add(v)
            else:
                self.names[v] = self._member(name, v, start, stop)
                self.static.add(v)

    def _pack_memory(self, pack: Pack) -> str:
        """Where a pack's step puts its results: the leaves, over an operand, or an array."""
        at = pack.position
        if (
            pack.targets
            and at >= self.barrier
            and all(self.last.get(t, -1) <= at and t not in self.direct for t in pack.targets)
        ):
            self.direct.update(pack.targets)
            self.first_write = min(self.first_write, at)
            return self._flat(pack.targets)
        for o in pack.operands:
            if (
                type(o) is Pack
                and o.kind != "leaf"
                and o.users == at
                and not self.pack_names[o].startswith("flat")
                and o.members[0].dtype == pack.members[0].dtype
                and all(self.last.get(v, -1) <= at for v in o.members)
            ):
                return self.pack_names[o]
        return self._memory(pack)

    def _all_finite(self, step: Application, gradients: list[Var]) -> None:
        """Whether a sum of products with 0 is 0: the shortest way to ask whether all are finite."""
        left = dict.fromkeys(gradients)
        terms = []
        for pack in self.gathered:
            if all(v in left for v in pack.members) and pack in self.pack_names:
                for v in pack.members:
                    del left[v]
                terms.append((self.pack_names[pack], pack.size, pack.members[0].dtype))
        for v in left:
            if v.shape != ():
                size = int(np.prod(v.shape, dtype=np.int64))
                terms.append((f"{self.names[v]}.ravel()", size, v.dtype))
        said = [f"dot({name}, {self.filled(0, size, dtype)})" for name, size, dtype in terms]
        said += [f"{self.names[v]} * 0" for v in left if v.shape == ()]
        name = self.names[step.result] = f"v{step.result.number}"
        self.line(f"{name} = {' + '.join(said)} == 0")

    def _finish(self) -> None:
        outputs = self.program.outputs[: len(self.program.outputs) - self.checks]
        # Outputs first: a write may go over what they are views of.
        handed = []
        for k, o in enumerate(outputs):
            self.line(f"o{k} = {self._handed(o)}")
            handed.append(f"o{k}")
        for o in dict.fromkeys(self.targets.values()):  # a leaf whose old value another one takes
            if not isinstance(o, Var) or o.shape == ():
                continue
            if any(root in self.targets for root in self.roots[o]):
                self.line(f"k{o.number} = {self.names[o]}.copy()")
                self.names[o] = f"k{o.number}"
        for target, value in self.targets.items():
            if target in self.direct:
                continue
            n = int(self.captures[target][1:])
            if target.shape == ():
                self.line(f"put(t{n}, {self.name(value)})")
            else:
                self.line(f"copyto(c{n}, {self.name(value)})")
        self.line(f"return [{', '.join(handed)}]")

    def _handed(self, o: Any) -> str:
        """An output, in memory that nothing else has."""
        if isinstance(o, Literal):
            return f"float64({self.name(o)})"
        name = self.names[o]
        if o.weak:
            return f"float64({name})"
        if o.shape == ():
            return name
        return f"{name}.copy()"

    def _emit(self, n: int, step: Application) -> None:
        if self._constant(step):
            return
        shared = self.shared.get((step.primitive, step.operands))
        if shared is not None and step.result not in self.assigned:
            self.names[step.result] = shared
            return
        write = CALLS.of(step.primitive)
        if write is not None and write(self, n, step):
            return
        v, p = step.result, step.primitive
        if v.shape != () and in_place(step):
            out = self.buffer(v, n, step, over=True)
            function = self.function(p.name, p.ufunc)
            operands = ", ".join(map(self.name, step.operands))
            # NumPy wants the word from these two. From the others it would take 50 ns longer.
            word = "out=" if p.ufunc in (np.maximum, np.minimum) else ""
            self.line(f"{function}({operands}, {word}{out})")
            return
        self._call(step)

    def function(self, name: str, function: Any) -> str:
        """A name for a function: this one, if it is free."""
        self.namespace.setdefault(name, function)
        if self.namespace[name] is function:
            return name
        return self.constant(function, f"{name}_")

    def _call(self, step: Application) -> None:
        """The primitive's own forward, which may give a view of an operand: see `_own_memory`."""
        v, p = step.result, step.primitive
        name = f"v{v.number}"
        self.names[v] = name
        if v.shape == () and p in _INFIX and not v.parts:
            a, b = map(self.name, step.operands)
            self.line(f"{name} = {a} {_INFIX[p]} {b}")
            return
        forward = self.function(f"f_{p.name}", p.forward)
        words = [self.name(o) for o in step.operands]
        words += [f"{k}={self._param(value)}" for k, value in step.params.items()]
        text = f"{forward}({', '.join(words)})"
        if v.weak:
            text = f"float({text})"
        elif v.shape == () and not v.parts:
            text = f"fresh({text})[()]" if p.outputs == 1 and _may_be_array(p) else text
        self.line(f"{name} = {text}")

    def contiguous(self, v: Var) -> bool:
        """Whether a captured leaf (no view of one) lies in memory without gaps."""
        for other, t in self.program.captures:
            if other is v:
                return bool(t._value.flags.c_contiguous)
        return False

    def filled(self, value: int, size: int, dtype: Any) -> str:
        """A name for an array of equal numbers."""
        name = f"all_{value}_{dtype.char}{size}"
        self.namespace.setdefault(name, np.full(size, value, dtype))
        return name

    def _param(self, value: Any) -> str:
        plain = value is None or isinstance(value, (bool, int, str))
        if plain or (isinstance(value, tuple) and all(isinstance(x, int) for x in value)):
            return repr(value)
        return self.constant(value, "p")

    def _constant(self, step: Application) -> bool:
        """Compute now what depends on nothing."""
        v, p = step.result, step.primitive
        if not all(isinstance(o, Literal) or o in self.known for o in step.operands):
            return False
        if p.random or v.parts or p.outputs > 1 or not step.operands:
            return False
        # A number given to what is made for arrays.
        elementwise = isinstance(p.kind, Elementwise)
        values = [
            self.known[o] if isinstance(o, Var) else o.value if elementwise else np.asarray(o.value, v.dtype)
            for o in step.operands
        ]  # fmt: skip
        try:
            computed = np.asarray(p.forward(*values, **step.params), None if v.weak else v.dtype)
        except Exception:  # noqa: BLE001 - it is raised where the step is run
            return False
        value = float(computed) if v.weak else computed[()] if v.shape == () else np.array(computed)
        self.known[v] = value
        self.names[v] = self.constant(value, "w")
        if v.shape != ():
            self.static.add(v)
        return True


def _own_memory(step: Application) -> bool:
    """Whether the result certainly lies in memory that no operand has.

    So it is of ufuncs, of NumPy numbers, and of what this backend writes into buffers. Of any other
    forward nothing is assumed: indexing, `einsum` of one operand or a loop of length 0 give views.
    """
    v, p = step.result, step.primitive
    if v.shape == () and not v.parts:
        return True
    return in_place(step) or (CALLS.of(p) is not None and not p.view)


def _count(v: Var) -> int:
    return int(np.prod(v.shape, dtype=np.int64))


def _is_zero(o: Any) -> bool:
    return isinstance(o, Literal) and type(o.value) is int and o.value == 0


def _may_be_array(p: Any) -> bool:
    """Whether a forward may give an array of no dimensions, on which arithmetic is slow."""
    return not (p.ufunc is not None and isinstance(p.kind, Elementwise))


def _written(value: Any, namespace: dict[str, Any]) -> str:
    """A number as source."""
    if type(value) is float and not np.isfinite(value):
        name = f"n{len(namespace)}"
        namespace[name] = value
        return name
    if type(value) in (float, int, bool):
        return f"({value!r})" if value < 0 else repr(value)
    name = f"n{len(namespace)}"
    namespace[name] = value
    return name


def _put(t: Tensor, value: Any) -> None:
    """Write to a leaf of shape ()."""
    if isinstance(t._value, np.ndarray):
        t._value[...] = value
    else:
        t._value = t._value.dtype.type(value)


def _failed(number: int) -> None:
    raise CheckFailed(number)
