"""A step of an optimizer inside of a capture: pure, parameter by parameter, on arrays without values."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

import autograd_core as ag
from autograd_core.effects import Capture, entry_of
from autograd_core.tensors import leaf

from .arena import Arena
from .chain import Parameter
from .groups import Group

__all__ = ["record_step"]


class Stepped(Protocol):
    """What is read and counted here of an optimizer."""

    updates: int
    skipped: int

    @property
    def param_groups(self) -> tuple[Group, ...]: ...
    @property
    def nonfinite(self) -> str: ...

    def anomaly(self, t: ag.Tensor, g: Any, ahead: int = 0) -> Exception:
        """The error for a gradient that is not finite."""
        ...

    def loss_anomaly(self, loss: Any, ahead: int = 0) -> Exception:
        """The error for a loss that is not finite."""
        ...


def record_step(optimizer: Stepped, capture: Capture, loss: Any = None) -> None:
    """Write down what ``optimizer.step(loss)`` would do: new values of parameters and slots.

    Learning rate, count of steps and the like become numbers that are read at every run. Slots are
    leaves in the arena's memory, of role ``"slot"``.
    """
    work: list[tuple[Group, Arena, dict[int, ag.Tensor]]] = []
    for group in optimizer.param_groups:
        for arena in group.arenas:
            arena.settle()
            grads = {i: t.grad for i, t in enumerate(arena.tensors) if t.requires_grad}
            work.append((group, arena, {i: g for i, g in grads.items() if g is not None}))
    earlier = capture.notes.get(id(optimizer), 0)
    capture.notes[id(optimizer)] = earlier + 1
    capture.serial = capture.serial or earlier > 0  # counts grow by more than 1 in a step
    with ag.no_grad():
        finite = None
        compared = [loss] if any(group.rule.asks_for_loss for group, _, _ in work) else []
        if optimizer.nonfinite != "ignore":
            finite = _finite([*compared, *(g for _, _, gs in work for g in gs.values())])
        if finite is not None and optimizer.nonfinite == "raise":
            owners = [arena.tensors[i] for _, arena, gradients in work for i in gradients]
            capture.check(
                finite,
                functools.partial(_anomaly, optimizer, owners, earlier),
                (*(g for _, _, gradients in work for g in gradients.values()), *compared),
            )
            finite = None
        for group, arena, gradients in work:
            _record_rule(optimizer, capture, group, arena, gradients, finite, loss)
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
    optimizer: Stepped, owners: list[ag.Tensor], earlier: int, *gradients: Any
) -> Exception:
    bad = next(k for k, g in enumerate(gradients) if not np.isfinite(g).all())
    if bad == len(owners):
        return optimizer.loss_anomaly(gradients[bad], earlier)
    return optimizer.anomaly(owners[bad], gradients[bad], earlier)


def _record_rule(
    optimizer: Stepped,
    capture: Capture,
    group: Group,
    arena: Arena,
    gradients: dict[int, ag.Tensor],
    finite: ag.Tensor | None,
    loss: Any,
) -> None:
    rule = group.rule
    if not gradients:
        return
    numbers = _numbers(optimizer, capture, group)
    if rule.asks_for_loss:  # eagerly it is a number too, which takes the dtype of the arrays
        numbers = [*numbers, ag.cast(loss, arena.tensors[0].dtype)]
    before = {i: capture.notes.get((id(arena), i), 0) for i in gradients}
    capture.notes.update({(id(arena), i): earlier + 1 for i, earlier in before.items()})

    def named(getter: Callable[[], float]) -> dict[str, Any]:
        """The rule's options, at a count that is read at every run."""
        number = _number(optimizer, rule.scalars[0])
        return rule.named([capture.scalar(number, getter, increment=1.0), *numbers])

    # Parameters that have had equally many updates share a number.
    counts = {i: (arena.steps[i], earlier) for i, earlier in before.items()}
    alike = len(set(counts.values())) == 1
    latest: dict[str, Any] = {}
    if rule.scope == "all":
        latest = named(functools.partial(_latest, arena, before))
    each = dict.fromkeys(counts.values(), latest)
    if rule.scope != "all" or (rule.counts_each and not alike):
        firsts = {count: i for i, count in reversed(counts.items())}
        each = {
            count: named(functools.partial(_count, arena, firsts[count], count[1] + 1))
            for count in each
        }
    parameters = [
        Parameter(
            arena.tensors[i],
            g,
            [arena.slot_tensor(name, i) for name in rule.slots],
            each[counts[i]],
        )
        for i, g in gradients.items()
    ]
    for p, new in zip(parameters, rule.apply_to(parameters, latest), strict=True):
        for target, value in zip((p.theta, *p.slots), new, strict=True):
            target.assign(value if finite is None else ag.where(finite, value, target))


def _numbers(optimizer: Stepped, capture: Capture, group: Group) -> list[ag.Tensor]:
    """The hyperparameters of a group as numbers of the program, the same ones at each step."""
    key = id(group)
    if key not in capture.notes:
        capture.notes[key] = [
            capture.scalar(
                _number(optimizer, name),
                entry_of(group.numbers, k),
            )
            for k, name in enumerate(group.rule.options)
        ]
    found: list[ag.Tensor] = capture.notes[key]
    return found


def _number(optimizer: Stepped, name: str) -> ag.Tensor:
    label = f"{type(optimizer).__name__}.{name}"
    return leaf(ag.Abstract((), np.float64, weak=True), False, label, "number")


def _latest(arena: Arena, before: dict[int, int]) -> float:
    return float(1 + max(arena.steps[i] + earlier for i, earlier in before.items()))


def _count(arena: Arena, i: int, ahead: int) -> float:
    return float(arena.steps[i] + ahead)


def _taken(
    optimizer: Stepped, advanced: list[tuple[Arena, tuple[int, ...]]]
) -> Callable[[int], None]:
    """What counts steps that were made."""
    # Parameters that have had equally many updates have so as long as the capture is valid.
    alike = [(a, len(a.steps)) for a, chosen in advanced if chosen and _together(a, chosen)]
    others = [(a, chosen) for a, chosen in advanced if chosen and not _together(a, chosen)]

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
    optimizer: Stepped, told: Callable[[int], None], taken: int, steps: int
) -> None:
    optimizer.skipped += steps - taken
    if taken:
        told(taken)
