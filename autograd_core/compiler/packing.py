"""Equal operations on many arrays as one operation on all of them, end to end in memory.

An optimizer's rule is written for each parameter. The parameters of a group lie side by side in one
array, and so do their slots: where the same elementwise steps lead to their new values, they are
taken once, over all. The gradients are then computed into one array, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..aliases import Array
from ..kinds import Elementwise
from ..program import Application, Literal, Program, Var
from ..replay import in_place
from ..tensors import Tensor

__all__ = ["Pack", "Packing", "flat_memory"]


def flat_memory(tensors: Sequence[Tensor]) -> Array | None:
    """One flat view of the memory of leaves, in their order, or None where it has gaps."""
    base: Any = None
    start = stop = 0
    for t in tensors:
        data: Any = t._value
        if type(data) is not np.ndarray or not data.flags.c_contiguous:
            return None
        if base is None:
            base = data if data.base is None else data.base
            if type(base) is not np.ndarray or base.ndim != 1 or base.dtype != data.dtype:
                return None
            if not base.flags.c_contiguous:
                return None
            start = stop = _offset(base, data)
        elif data.base is not base or _offset(base, data) != stop:
            return None
        stop += data.size
    flat: Array = base[start:stop]
    return flat


def _offset(base: Any, part: Any) -> int:
    return int(part.ctypes.data - base.ctypes.data) // int(base.itemsize)


@dataclass(eq=False)
class Pack:
    """Values of one dtype that lie end to end.

    Attributes
    ----------
    members : tuple of Var
    kind : str
        "leaf": captured leaves; "gathered": computed one by one; "step": computed at once.
    operands : tuple of (Pack, Var or Literal)
        Of a step; a Var is a number.
    position : int
        After which step of the program it is there.
    users : int
        The last position at which another pack reads it.
    """

    members: tuple[Var, ...]
    kind: str
    step: Application | None = None
    operands: tuple[Any, ...] = ()
    position: int = -1
    users: int = -1
    targets: tuple[Var, ...] = field(default=())

    @property
    def size(self) -> int:
        """Elements."""
        return sum(_count(v) for v in self.members)


def _count(v: Var) -> int:
    return int(np.prod(v.shape, dtype=np.int64))


_DEEPEST = 50  # steps from a new value back to what it is computed from; a rule has a dozen


class _NoPackError(Exception):
    pass


class Packing:
    """The packs of a program.

    Parameters
    ----------
    program : Program
    steps : sequence of Application
        In the order in which they are taken.

    Attributes
    ----------
    steps : list of Pack
        Those that are steps, in order of position.
    gathered : list of Pack
    families : list of tuple of Var
        Captured leaves that have to lie end to end.
    removed : dict of int to int
        Positions of the program's steps that a pack takes, and of that pack.
    """

    def __init__(self, program: Program[Any], steps: Sequence[Application]) -> None:
        self._tensors = dict(program.captures)
        self._makers = {step.result: (n, step) for n, step in enumerate(steps)}
        self._packs: dict[tuple[Any, ...], Pack] = {}
        self.families: list[tuple[Var, ...]] = []
        self._depth = 0
        users: dict[Any, list[int]] = {}
        for n, step in enumerate(steps):
            for o in step.operands:
                users.setdefault(o, []).append(n)
        self._users = users
        self.steps: list[Pack] = []
        self.gathered: list[Pack] = []
        self.removed: dict[int, int] = {}
        for targets, values in _families(program, self._tensors):
            before = dict(self._packs), list(self.families)
            try:
                packed = self._pack(values)
            except _NoPackError:
                self._packs, self.families = before
                continue
            if type(packed) is Pack and packed.kind == "step":
                packed.targets = targets
        self._settle()

    def _pack(self, atoms: tuple[Any, ...]) -> Any:
        """A pack of these values; a Var or Literal where all are one number."""
        first = atoms[0]
        if isinstance(first, Literal):
            if all(isinstance(a, Literal) and repr(a.value) == repr(first.value) for a in atoms):
                return first
            raise _NoPackError
        if all(a is first for a in atoms):
            if first.shape == ():
                return first
            raise _NoPackError
        if not all(isinstance(a, Var) and not a.weak and a.dtype == first.dtype for a in atoms):
            raise _NoPackError
        if atoms not in self._packs:
            if self._depth == _DEEPEST:
                raise _NoPackError
            self._depth += 1
            try:
                self._packs[atoms] = self._made(atoms)
            finally:
                self._depth -= 1
        return self._packs[atoms]

    def _column(self, operands: tuple[Any, ...], results: tuple[Var, ...]) -> Any:
        """As `_pack`, of operands that have the shapes of results."""
        found = self._pack(operands)
        if type(found) is Pack and any(
            o.shape != v.shape for o, v in zip(operands, results, strict=True)
        ):
            raise _NoPackError
        return found

    def _made(self, atoms: tuple[Var, ...]) -> Pack:
        if all(a in self._tensors for a in atoms):
            if flat_memory([self._tensors[a] for a in atoms]) is None:
                raise _NoPackError
            self.families.append(atoms)
            return Pack(atoms, "leaf")
        if len(set(atoms)) < len(atoms) or any(a not in self._makers for a in atoms):
            raise _NoPackError
        made = [self._makers[a] for a in atoms]
        position = max(n for n, _ in made)
        step = made[0][1]
        if all(_alike(step, other) for _, other in made):
            before = dict(self._packs), list(self.families)
            try:
                operands = tuple(
                    self._column(column, atoms)
                    for column in zip(*(other.operands for _, other in made), strict=True)
                )
                if any(type(o) is Pack for o in operands):
                    return Pack(atoms, "step", step, operands, position)
            except _NoPackError:
                pass
            self._packs, self.families = before
        return Pack(atoms, "gathered", position=position)

    def _at(self, pack: Pack) -> set[int]:
        return {self._makers[v][0] for v in pack.members}

    def _settle(self) -> None:
        """Positions, uses, and what is left of the program; packs that cannot be are given up."""
        packs = list(self._packs.values())
        while True:
            removed: dict[int, int] = {}
            for p in packs:
                if p.kind == "step":
                    removed.update(dict.fromkeys(self._at(p), p.position))
            bad = [
                p
                for p in packs
                if p.kind == "step"
                and any(
                    removed.get(n, n) < p.position or (n not in removed and n <= p.position)
                    for v in p.members
                    for n in self._users.get(v, ())
                )
            ]
            if not bad:
                break
            # What is needed early is computed one by one, and gathered.
            for p in bad:
                p.kind, p.step, p.operands, p.targets = "gathered", None, (), ()
        needed: list[Pack] = [p for p in packs if p.kind == "step"]
        read = {id(o) for p in needed for o in p.operands if type(o) is Pack}
        self.steps = sorted(needed, key=lambda p: p.position)
        self.gathered = [p for p in packs if p.kind == "gathered" and id(p) in read]
        self.removed = removed
        for p in self.steps:
            for o in p.operands:
                if type(o) is Pack:
                    o.users = max(o.users, p.position)
        used = {id(v) for p in self.steps for o in p.operands if type(o) is Pack for v in o.members}
        used.update(id(v) for p in self.steps for v in p.targets)
        self.families = [f for f in self.families if any(id(v) in used for v in f)]


def _alike(a: Application, b: Application) -> bool:
    """Whether two steps are the same ufunc's, element by element."""
    return a.primitive is b.primitive and _by_ufunc(a) and _by_ufunc(b)


def _by_ufunc(step: Application) -> bool:
    p = step.primitive
    if step.result.shape != ():
        return in_place(step)
    elementwise = isinstance(p.kind, Elementwise) and not step.params
    return elementwise and p.ufunc is not None and p.ufunc.nin <= 2 and p.ufunc.nout == 1


def _families(
    program: Program[Any], tensors: dict[Var, Tensor]
) -> list[tuple[tuple[Var, ...], tuple[Var, ...]]]:
    """Written leaves that lie side by side, in the order of memory, with their new values."""
    groups: dict[int, list[tuple[int, Var, Any]]] = {}
    for target, value in program.writes:
        data = tensors[target]._value
        if type(data) is np.ndarray and data.base is not None and isinstance(value, Var):
            groups.setdefault(id(data.base), []).append((data.ctypes.data, target, value))
    families = []
    for members in groups.values():
        members.sort(key=lambda m: m[0])
        targets = tuple(t for _, t, _ in members)
        if len(members) > 1 and flat_memory([tensors[t] for t in targets]) is not None:
            families.append((targets, tuple(v for _, _, v in members)))
    return families
