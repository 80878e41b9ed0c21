"""One flat array for the parameters of a group, in which its update rule runs.

The rule is recorded on arrays without values and replayed with ``out=``: the same few NumPy calls
that one would write by hand, in place, once for all the parameters instead of once for each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter, is_
from typing import Any, NamedTuple

import numpy as np

import autograd_core as ag
from autograd_core.aliases import Array
from autograd_core.context import within
from autograd_core.memory import pack, stamp
from autograd_core.structure import Structured, bump
from autograd_core.tensors import leaf

from .rule import Rule

__all__ = ["Arena"]

# Bytes of each array in one pass of the rule: its half dozen arrays then stay in a second-level
# cache, and a gradient is read from main memory once.
BLOCK = 2**18

# The engine's own door to memory. `Tensor.data` makes a guarded view each time, which takes longer
# than the whole update of a bias.
_memory: Callable[[Any], Array] = attrgetter("_value")
_gradient: Callable[[Any], Any] = attrgetter("_grad")
_trained: Callable[[Any], bool] = attrgetter("requires_grad")


class _Piece(NamedTuple):
    """A parameter's part in a block."""

    parameter: int
    place: Array  # in the gradient buffer; shaped like the parameter if it lies there whole
    start: int  # of the part in the flat parameter
    stop: int
    whole: bool


class _Block(NamedTuple):
    """A stretch of the arena that the rule runs over at once."""

    pieces: list[_Piece]
    gradient: Array
    theta: Array
    slots: list[Array]
    run: Callable[..., list[Any]]


class Arena(Structured):
    """The parameters of one group and dtype in one flat array, with slots laid out alike.

    Attributes
    ----------
    tensors : tuple of Tensor
        The parameters; their memory is the arena's, one after the other.
    steps : list of int
        Updates made to each of them.
    numbers : tuple of str
        Those slots that are one number for each parameter.
    """

    def __init__(self, tensors: Sequence[ag.Tensor], numbers: Sequence[str] = ()) -> None:
        self.tensors = tuple(tensors)
        self.numbers = tuple(numbers)
        self.steps = [0] * len(self.tensors)
        self._dtype = self.tensors[0].dtype
        ends = np.cumsum([t.size for t in self.tensors]).tolist()
        self._spans: list[tuple[int, int]] = list(zip([0, *ends[:-1]], ends, strict=True))
        self._size: int = ends[-1]
        self._length = min(self._size, BLOCK // self._dtype.itemsize)
        self._gradient = np.empty(self._length, self._dtype)
        # Where each gradient goes, if all of them lie side by side in the one buffer.
        self._places = [
            self._gradient[lo:hi].reshape(t.shape)
            for (lo, hi), t in zip(self._spans, self.tensors, strict=True)
            if self._length == self._size and len(self.tensors) > 1
        ]
        self._gradients: list[Array | None] = []
        # Of the gradients that were loaded last: whether all parameters have one and have had equally many
        # updates, so that the rule runs over the arena; and whether they lie in the one buffer already.
        self._together = self._gathered = False
        self._slots: dict[str, Array] = {}
        self._slot_tensors: dict[tuple[str, int], ag.Tensor] = {}
        self._pack()

    def _pack(self) -> None:
        """Move the parameters into one array, here and at any later step that finds them gone."""
        self._theta = pack(self.tensors)
        self._views = [_memory(t) for t in self.tensors]
        self._prepared: tuple[Rule | None, list[_Block]] = (None, [])

    # --- slots ------------------------------------------------------------------------------------

    def slot(self, name: str, i: int) -> Array:
        """The slot of parameter ``i``, shaped like it, or of shape () if it is a number: a view."""
        begin, end = self._span(name, i)
        shape = () if name in self.numbers else self.tensors[i].shape
        return self._flat(name)[begin:end].reshape(shape)

    def _span(self, name: str, i: int) -> tuple[int, int]:
        return (i, i + 1) if name in self.numbers else self._spans[i]

    def slot_tensor(self, name: str, i: int) -> ag.Tensor:
        """The slot of parameter ``i`` as a leaf in the same memory, for programs; always the same one."""
        t = self._slot_tensors.get((name, i))
        if t is None:
            owner = self.tensors[i]
            label = f"{owner.name}.{name}" if owner.name else name
            with within(capture=None):  # it outlives the capture that asks for it first
                t = leaf(self.slot(name, i), False, label, "slot")
            self._slot_tensors[name, i] = t
        return t

    def _flat(self, name: str) -> Array:
        if name not in self._slots:
            size = len(self.tensors) if name in self.numbers else self._size
            self._slots[name] = np.zeros(size, self._dtype)
        return self._slots[name]

    def keep(self, names: Sequence[str]) -> None:
        """Set slots of other names to zero, where they start if they are there again: no state holds them."""
        for name, array in self._slots.items():
            if name not in names:
                array[...] = 0

    def __structure__(self) -> tuple[Any, ...]:
        return self.tensors, tuple(_alike(self.steps))

    def forget(self) -> None:
        """Set all slots and counts of steps to zero."""
        self.steps = [0] * len(self.tensors)
        self._slots = {}
        for (name, i), t in self._slot_tensors.items():
            t._value = self.slot(name, i)
        self._prepared = (None, [])
        bump()

    # --- steps ------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Take the parameters in again, if another optimizer has moved them."""
        if not all(map(is_, map(_memory, self.tensors), self._views)):
            self._pack()

    def advance(self, indices: Sequence[int], count: int) -> None:
        """Note ``count`` updates, made elsewhere, of the parameters ``indices``."""
        if len(indices) == len(self.steps):
            self.steps = [n + count for n in self.steps]
            return
        before = _alike(self.steps)
        for i in indices:
            self.steps[i] += count
        if _alike(self.steps) != before:
            bump()  # a captured step has one number for all that have had equally many

    def load(self, gradients: list[Array | None] | None = None) -> None:
        """Take in the gradients for the next `update`.

        Parameters
        ----------
        gradients : list of (array or None), optional
            Default: those that the parameters have now.
        """
        self.settle()
        complete = True
        if gradients is None:
            grads = list(map(_gradient, self.tensors))
            try:
                gradients = list(map(_memory, grads))
                complete = all(map(_trained, self.tensors))
            except AttributeError:  # some are None, or were consumed: then this raises
                complete = False
            if gradients is None or not complete:
                gradients = [_memory_of(t) for t in self.tensors]
        else:
            complete = all(g is not None for g in gradients)
        self._gradients = gradients
        self._together = complete and self.steps.count(self.steps[0]) == len(self.steps)
        self._gathered = self._together and bool(self._places)
        if self._gathered:
            for place, g in zip(self._places, gradients, strict=True):
                place[...] = g

    def not_finite(self) -> int | None:
        """The first parameter whose gradient is not finite."""
        if self._gathered and np.isfinite(self._gradient).all():
            return None
        for i, g in enumerate(self._gradients):
            if g is not None and not np.isfinite(g).all():
                return i
        return None

    def update(self, rule: Rule, scalars: Sequence[float]) -> None:
        """Run the rule once, in place, on every parameter for which `load` found a gradient.

        Parameters
        ----------
        scalars : sequence of float
            Values of ``rule.scalars`` after the first, which is the count of steps.
        """
        if rule.scope == "all":
            self._update_as_one(rule, self._gradients, scalars)
        elif rule.scope == "element" and self._together:
            self._update_all(rule, self._gradients, scalars)
        else:
            self._update_each(rule, self._gradients, scalars)
        self._gradients = []

    def _update_all(self, rule: Rule, gradients: list[Any], scalars: Sequence[float]) -> None:
        """Block by block through the whole arena."""
        step = self.steps[0] + 1
        if self._prepared[0] is not rule:
            self._prepared = (rule, self._blocks(rule))
        for pieces, gradient, theta, slots, run in self._prepared[1]:
            if len(pieces) == 1:  # the block lies within one parameter: its gradient is read there
                ((i, _, start, stop, _),) = pieces
                gradient = gradients[i].reshape(-1)[start:stop]
            elif not self._gathered:
                for i, place, start, stop, whole in pieces:
                    place[...] = gradients[i] if whole else gradients[i].reshape(-1)[start:stop]
            run((theta, gradient, *slots, step, *scalars), (theta, *slots))
        self.steps = [step] * len(self.steps)
        stamp(self.tensors)

    def _update_each(
        self, rule: Rule, gradients: list[Array | None], scalars: Sequence[float]
    ) -> None:
        """Parameter by parameter.

        So it is where the rule looks at one as a whole, and where some have no gradient, or have had
        fewer updates than others.
        """
        before = _alike(self.steps)
        for i, ((lo, hi), g) in enumerate(zip(self._spans, gradients, strict=True)):
            if g is None:
                continue
            self.steps[i] += 1
            shape = self.tensors[i].shape if rule.scope == "parameter" else (hi - lo,)
            theta = self._theta[lo:hi].reshape(shape)
            slots = [self.slot(name, i) for name in rule.slots]
            if rule.scope == "element":
                slots = [a.reshape(shape) for a in slots]
            replay = rule.replay(shape, self._dtype)
            replay(theta, g.reshape(shape), *slots, self.steps[i], *scalars, out=(theta, *slots))
            stamp([self.tensors[i]])
        if _alike(self.steps) != before:
            bump()

    def _update_as_one(
        self, rule: Rule, gradients: list[Array | None], scalars: Sequence[float]
    ) -> None:
        """All parameters that have a gradient as one flat array."""
        chosen = [i for i, g in enumerate(gradients) if g is not None]
        if not chosen:
            return
        counts = [self.steps[i] + 1 for i in chosen]
        numbers = [max(counts), *scalars]
        flat = np.concatenate([gradients[i].reshape(-1) for i in chosen])  # type: ignore[union-attr]
        size: int | tuple[Any, ...] = flat.size
        if rule.looks_at_each or (rule.counts_each and min(counts) < max(counts)):
            size = tuple(self.tensors[i].shape for i in chosen)
            numbers += counts
        memory = {"theta": self._theta, **{name: self._flat(name) for name in rule.slots}}
        spans = {name: [self._span(name, i) for i in chosen] for name in memory}
        all_chosen = len(chosen) == len(self.tensors)
        theta, *slots = (
            a if all_chosen else np.concatenate([a[lo:hi] for lo, hi in spans[name]])
            for name, a in memory.items()
        )
        rule.replay(size, self._dtype)(theta, flat, *slots, *numbers, out=(theta, *slots))
        for (name, a), new in (
            () if all_chosen else zip(memory.items(), (theta, *slots), strict=True)
        ):
            start = 0
            for lo, hi in spans[name]:
                a[lo:hi] = new[start : start + hi - lo]
                start += hi - lo
        stamp([self.tensors[i] for i in chosen])
        self.advance(chosen, 1)

    def _blocks(self, rule: Rule) -> list[_Block]:
        blocks: list[_Block] = []
        for lo in range(0, self._size, max(self._length, 1)):
            hi = min(lo + self._length, self._size)
            pieces: list[_Piece] = []
            for i, (begin, end) in enumerate(self._spans):
                start, stop = max(begin, lo), min(end, hi)
                if start < stop:
                    whole = stop - start == end - begin
                    place = self._gradient[start - lo : stop - lo]
                    place = place.reshape(self.tensors[i].shape) if whole else place
                    pieces.append(_Piece(i, place, start - begin, stop - begin, whole))
            slots = [self._flat(name)[lo:hi] for name in rule.slots]
            # theta and the slots go over themselves; the gradient, input 1, stays.
            plan = rule.replay(hi - lo, self._dtype).plan((0, *range(2, 2 + len(slots))))
            gradient, theta = self._gradient[: hi - lo], self._theta[lo:hi]
            blocks.append(_Block(pieces, gradient, theta, slots, plan.run))
        return blocks


def _memory_of(t: ag.Tensor) -> Array | None:
    """The gradient of a parameter, if it has one; a frozen one has none, whatever it was left with."""
    grad = t.grad if t.requires_grad else None
    return None if grad is None else _memory(grad)


def _alike(steps: Sequence[int]) -> list[int]:
    """For each count the first place where it stands: which parameters have had equally many."""
    return [steps.index(n) for n in steps]
