"""A step of an optimizer inside of a capture: pure, parameter by parameter, on arrays without values."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

import autograd_core as ag
from autograd_core.context import Capture, entry_of
from autograd_core.tensors import leaf

from .arena import Arena
from .groups import Group
from .rule import Rule

if TYPE_CHECKING:
    from .optimizer import Optimizer

__all__ = ["record_step"]


def record_step(optimizer: Optimizer, capture: Capture) -> None:
    """Write down what ``optimizer.step()`` would do: new values of parameters and slots.

    Learning rate, count of steps and the like become numbers that are read at every run. Slots are
    leaves in the arena's memory, of role ``"slot"``.
    """
    work: list[tuple[Group, Arena, dict[int, ag.Tensor]]] = []
    for group in optimizer.param_groups:
        for arena in group.arenas:
            arena.settle()
            found = {i: t.grad for i, t in enumerate(arena.tensors) if t.requires_grad}
            work.append((group, arena, {i: g for i, g in found.items() if g is not None}))
    earlier = capture.notes.get(id(optimizer), 0)
    capture.notes[id(optimizer)] = earlier + 1
    capture.serial = capture.serial or earlier > 0  # counts grow by more than 1 in a step
    with ag.no_grad():
        finite = None
        if optimizer.nonfinite != "ignore":
            finite = _finite([g for _, _, gradients in work for g in gradients.values()])
        if finite is not None and optimizer.nonfinite == "raise":
            owners = [arena.tensors[i] for _, arena, gradients in work for i in gradients]
            capture.check(
                finite,
                functools.partial(_anomaly, optimizer, owners, earlier),
                tuple(g for _, _, gradients in work for g in gradients.values()),
            )
            finite = None
        for group, arena, gradients in work:
            _record_rule(optimizer, capture, group, arena, gradients, finite)
    told = _taken(optimizer, [(arena, tuple(gradients)) for _, arena, gradients in work])
    if finite is None:
        capture.effect(told)
    else:
        capture.count(finite, functools.partial(_taken_or_skipped, optimizer, told))


def _finite(gradients: list[ag.Tensor]) -> ag.Tensor | None:
    """One boolean: a sum of zeros, unless one of the gradients is infinite or nan."""
    total: Any = None
    for g in gradients:
        zeros = ag.sum(g * 0)
        total = zeros if total is None else total + zeros
    return None if total is None else ag.equal(total, 0)


def _anomaly(
    optimizer: Optimizer, owners: list[ag.Tensor], earlier: int, *gradients: Any
) -> Exception:
    bad = next(k for k, g in enumerate(gradients) if not np.isfinite(g).all())
    return optimizer._anomaly(owners[bad], gradients[bad], earlier)


def _record_rule(
    optimizer: Optimizer,
    capture: Capture,
    group: Group,
    arena: Arena,
    gradients: dict[int, ag.Tensor],
    finite: ag.Tensor | None,
) -> None:
    rule = group.rule
    numbers = _numbers(optimizer, capture, group)
    before = {i: capture.notes.get((id(arena), i), 0) for i in gradients}
    capture.notes.update({(id(arena), i): earlier + 1 for i, earlier in before.items()})
    if rule.scope == "all":
        if gradients:
            getter = functools.partial(_latest, arena, before)
            count = capture.scalar(_number(optimizer, rule.scalars[0]), getter, increment=1.0)
            _record_as_one(rule, arena, gradients, [count, *numbers], finite)
        return
    counts: dict[tuple[int, int], ag.Tensor] = {}
    for i, g in gradients.items():
        earlier = before[i]
        key = arena.steps[i], earlier
        if key not in counts:
            getter = functools.partial(_count, arena, i, earlier + 1)
            counts[key] = capture.scalar(_number(optimizer, rule.scalars[0]), getter, increment=1.0)
        theta = arena.tensors[i]
        slots = [arena.slot_tensor(name, i) for name in rule.slots]
        new = rule.apply(theta, g, slots, [counts[key], *numbers])
        for target, value in zip((theta, *slots), new, strict=True):
            target.assign(value if finite is None else ag.where(finite, value, target))


def _record_as_one(
    rule: Rule,
    arena: Arena,
    gradients: dict[int, ag.Tensor],
    numbers: list[ag.Tensor],
    finite: ag.Tensor | None,
) -> None:
    """The rule on all parameters that have a gradient, as one flat array."""

    def flat(parts: Sequence[ag.Tensor]) -> ag.Tensor:
        return ag.concatenate([ag.reshape(t, (t.size,)) for t in parts])

    rows = [[arena.tensors[i] for i in gradients]]
    rows += [[arena.slot_tensor(name, i) for i in gradients] for name in rule.slots]
    theta, *slots = map(flat, rows)
    new = rule.apply(theta, flat(list(gradients.values())), slots, numbers)
    for row, values in zip(rows, new, strict=True):
        start = 0
        for target in row:
            value = ag.reshape(values[start : start + target.size], target.shape)
            target.assign(value if finite is None else ag.where(finite, value, target))
            start += target.size


def _numbers(optimizer: Optimizer, capture: Capture, group: Group) -> list[ag.Tensor]:
    """The hyperparameters of a group as numbers of the program, the same ones at each step."""
    key = id(group)
    if key not in capture.notes:
        capture.notes[key] = [
            capture.scalar(
                _number(optimizer, name),
                entry_of(group.numbers, k),
            )
            for k, name in enumerate(group.rule.scalars[1:])
        ]
    found: list[ag.Tensor] = capture.notes[key]
    return found


def _number(optimizer: Optimizer, name: str) -> ag.Tensor:
    label = f"{type(optimizer).__name__}.{name}"
    return leaf(ag.Abstract((), np.float64, weak=True), False, label, "number")


def _latest(arena: Arena, before: dict[int, int]) -> float:
    return float(1 + max(arena.steps[i] + earlier for i, earlier in before.items()))


def _count(arena: Arena, i: int, ahead: int) -> float:
    return float(arena.steps[i] + ahead)


def _taken(
    optimizer: Optimizer, advanced: list[tuple[Arena, tuple[int, ...]]]
) -> Callable[[int], None]:
    """What counts steps that were made."""
    # Parameters that have had equally many updates have so as long as the capture is valid.
    alike = [(a, len(a.steps)) for a, found in advanced if found and _together(a, found)]
    others = [(a, found) for a, found in advanced if found and not _together(a, found)]

    def taken(steps: int) -> None:
        for arena, length in alike:
            arena.steps = [arena.steps[0] + steps] * length
        for arena, indices in others:
            arena.advance(indices, steps)
        optimizer.updates += steps

    return taken


def _together(arena: Arena, indices: tuple[int, ...]) -> bool:
    return len(indices) == len(arena.steps) and len(set(arena.steps)) == 1


def _taken_or_skipped(
    optimizer: Optimizer, told: Callable[[int], None], taken: int, steps: int
) -> None:
    optimizer.skipped += steps - taken
    if taken:
        told(taken)
