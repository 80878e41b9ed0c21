"""One update, from batches to weights: eager, or a compiled step."""

from __future__ import annotations

import functools
import math
import operator
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

import autograd_core as ag
from autograd_core.context import CONTEXT
from autograd_core.errors import AnomalyError, ConfigError

from ..second_order import SecondOrder
from .batches import Examples
from .callbacks import Run
from .evaluation import Criterion, Tally, one_element, weighed
from .feeding import Window
from .model import Model
from .parallel import Parallel

__all__ = ["Constraint", "Made", "Penalty", "Update"]

Penalty = Callable[[Any], ag.Tensor]
Constraint = Callable[[Any], Any]

_MOST = 512  # updates in one call
_SECONDS = 0.01  # which one call may take, so that Ctrl-C is heeded soon


class Made(NamedTuple):
    """What was seen on the way to updates, before each.

    Attributes
    ----------
    window : Window
    losses : list of float
        One a batch, and ``outputs`` likewise.
    values : list of dict
        One an update: penalty, and what callbacks probe.
    loss : float
        Of the last update, a mean over all of its examples.
    batches : int
        How many there were; of several processes, in some of which one may have no rows.
    """

    window: Window
    losses: list[float]
    outputs: Any
    values: list[dict[str, float]]
    loss: float
    batches: int

    def tell(self, tally: Tally) -> None:
        """Have it added up."""
        batches, updates = self.window
        if updates == 1:
            for batch, loss, outputs in zip(batches, self.losses, self.outputs, strict=True):
                tally.loss(batch, loss, outputs)
        elif batches[0].weights is None:
            tally.equal_losses(batches[0], updates, self.losses, self.outputs)
        else:
            size = len(batches[0].inputs) // updates
            for i, (loss, outputs) in enumerate(zip(self.losses, self.outputs, strict=True)):
                tally.loss(batches[0].part(i * size, (i + 1) * size), loss, outputs)
        tally.updates(self.values)


class Update:
    """Updates of the optimizer's parameters, each from a window of batches; eager, or a compiled step.

    Parameters
    ----------
    together : bool
        Whether several compiled updates may be made in one call, since nobody looks in between.
    """

    def __init__(
        self,
        run: Run,
        criterion: Criterion,
        penalties: Sequence[Penalty],
        constraints: Sequence[Constraint],
        jit: bool,
        together: bool,
        team: Parallel,
    ) -> None:
        self._run, self._together, self._team = run, jit and together, team
        self._alone = team.size == 1
        second = run.optimizer if isinstance(run.optimizer, SecondOrder) else None
        if second is not None:
            self._together = False
            _check_second_order(run, team)
        self._wanted = 1
        self.skipped = False  # whether the last update was not made, for want of finite gradients
        self._first = self._before = 0
        # Functions, for `ag.jit`; they read nothing of `run`, which changes from batch to batch.
        model, optimizer, handed = run.model, run.optimizer, self._handed
        probes = tuple(run.probes.items())
        skips = optimizer.nonfinite == "skip"

        def seen(batch: Sequence[Any]) -> tuple[Any, ag.Tensor]:
            outputs = model(batch[0])
            found = criterion(outputs, batch[1])
            if len(batch) == 2:
                return outputs, one_element("fit", "criterion", found)
            return outputs, weighed("fit", found, batch[2])

        def penalty_of() -> Any:
            parts = [one_element("fit", "regularizer", part(model)) for part in penalties]
            return functools.reduce(operator.add, parts)

        def backward(
            k: int,
            batch: Sequence[Any],
            share: Any,
            of_penalty: Any,
            look: bool,
            values: dict[str, Any],
        ) -> tuple[Any, Any, ag.Tensor]:
            """Of batch k: outputs, loss and objective, whose gradient is added to the others'."""
            outputs, objective = seen(batch)
            loss = handed(k, "loss", objective, look)
            if share is not None:
                objective = share * objective
            if penalties and of_penalty is not None:
                penalty = penalty_of()
                values["penalty"] = handed(k, "penalty", penalty, look)
                objective = objective + (penalty if of_penalty is True else of_penalty * penalty)
            if not objective.requires_grad:
                raise _unreachable(model)
            seed = objective
            if skips:  # of a value that is not finite no gradient is
                seed = seed * ag.where(ag.isfinite(objective.detach()), 1.0, math.nan)
            seed.backward()
            return outputs, loss, objective

        def of_window(
            window: Sequence[Sequence[Any]], shares: Sequence[Any], of_penalty: Any, look: bool
        ) -> tuple[list[Any], list[Any], dict[str, Any], Any]:
            optimizer.zero_grad()
            values: dict[str, Any] = {}
            outputs, losses, total = [], [], None
            for k, (batch, share) in enumerate(zip(window, shares, strict=True)):
                last = of_penalty if k == len(window) - 1 else None
                y, loss, objective = backward(k, batch, share, last, look, values)
                outputs.append(y)
                losses.append(loss)
                total = objective.detach() if total is None else total + objective.detach()
            return outputs, losses, values, total

        def advance(values: dict[str, Any], objective: Any) -> None:
            for name, probe in probes:
                values[name] = probe()
            optimizer.step(*([objective] if optimizer.compares_losses else []))
            for constraint in constraints:
                constraint(model)

        def one(*batch: Any) -> tuple[Any, Any, dict[str, Any]]:
            optimizer.zero_grad()
            values: dict[str, Any] = {}
            outputs, loss, objective = backward(0, batch, None, True, not skips, values)
            advance(values, objective)
            return outputs, loss, values

        def several(window: Sequence[Sequence[Any]], shares: Sequence[Any]) -> tuple[Any, Any, Any]:
            outputs, losses, values, objective = of_window(window, shares, True, not skips)
            advance(values, objective)
            return outputs, losses, values

        def objective_of(
            window: Sequence[Sequence[Any]], shares: Sequence[Any]
        ) -> tuple[ag.Tensor, Any, Any, Any]:
            """What an optimizer of second order evaluates: the objective, and what was seen on the way."""
            found = [seen(batch) for batch in window]
            outputs, losses = [y for y, _ in found], [loss for _, loss in found]
            objective = losses[0]
            if shares:
                parts = [share * loss for share, loss in zip(shares, losses, strict=True)]
                objective = functools.reduce(operator.add, parts)
            values: dict[str, ag.Tensor] = {}
            if penalties:
                values["penalty"] = penalty_of()
                objective = objective + values["penalty"]
            if not objective.requires_grad:
                raise _unreachable(model)
            return objective, outputs, losses, values

        def evaluated(
            window: Sequence[Sequence[Any]], shares: Sequence[Any]
        ) -> tuple[Any, Any, Any]:
            made: Any = second.step(objective_of, window, shares)  # type: ignore[union-attr]
            _, outputs, losses, values = made
            for constraint in constraints:
                constraint(model)
            return outputs, losses, values

        def evaluated_one(*batch: Any) -> tuple[Any, Any, Any]:
            outputs, losses, values = evaluated((batch,), ())
            return outputs[0], losses[0], values

        def part(
            window: Sequence[Sequence[Any]], shares: Sequence[Any], whole: Any
        ) -> tuple[Any, Any, Any, Any]:
            # What is not finite is looked for when all parts are there.
            outputs, losses, values, _ = of_window(window, shares, whole, False)
            return outputs, losses, values, [t.grad for t in optimizer.params]

        self._one: Any = ag.jit(one) if jit else one
        self._several: Any = ag.jit(several) if jit else several
        if second is not None:  # which compiles what it evaluates
            second.jit = second.jit or jit
            self._one, self._several = evaluated_one, evaluated
        self._part: Any = ag.jit(part) if jit else part
        self._advance = advance
        self._penalized = bool(penalties)

    def wanted(self) -> int:
        """How many updates the next call may make."""
        return self._wanted

    def __call__(self, window: Window) -> Made:
        """Update the parameters from a window."""
        run = self._run
        self._first, self._before = run.batch, run.optimizer.updates
        skipped = run.optimizer.skipped
        try:
            if window.updates > 1:
                return self._many(window)
            started = time.perf_counter() if self._together else 0.0
            made = self._made(window) if self._alone else self._shared(window)
            self.skipped = run.optimizer.skipped > skipped
            if self._together and self._wanted == 1:
                self._grow(time.perf_counter() - started)
            return made
        except AnomalyError as error:
            if error.operation != "fit":
                error.add_note(f"In fit, {self._place(0)}.")
            raise

    def _made(self, window: Window) -> Made:
        batches = window.batches
        if len(batches) == 1:
            outputs, loss, values = self._one(*_arguments(batches[0]))
            loss = _number(loss)
            outputs, losses = [outputs], [loss]
        else:
            shares = _shares(batches)
            outputs, losses, values = self._several(tuple(map(_arguments, batches)), shares)
            losses = [_number(loss) for loss in losses]
            loss = sum(f * part for f, part in zip(shares, losses, strict=True))
        for name, value in values.items():
            values[name] = _number(value)
        return Made(window, losses, outputs, [values], loss, len(batches))

    def _many(self, window: Window) -> Made:
        (whole,), count = window
        started = time.perf_counter()
        stacked = [a.reshape(count, -1, *a.shape[1:]) for a in _arguments(whole, count)]
        outputs, losses, values = self._one.many(*stacked)
        if count >= self._wanted:
            self._grow(time.perf_counter() - started)
        rows: list[dict[str, float]] = [{}] * count
        if values:
            columns = [column.numpy().ravel().tolist() for column in values.values()]
            rows = [dict(zip(values, row, strict=True)) for row in zip(*columns, strict=True)]
        found = losses.numpy().ravel().tolist()
        return Made(window, found, outputs.numpy(), rows, found[-1], count)

    def _shared(self, window: Window) -> Made:
        """The update of all processes: losses and gradients of all parts, weighted by their shares."""
        parts = [self._team.part(batch) for batch in window.batches]
        there = [k for k, (part, _) in enumerate(parts) if len(part.inputs)]
        of_window = _shares(window.batches)
        shares = [parts[k][1] * of_window[k] for k in there]
        params = self._run.optimizer.params
        outputs: list[Any] = [None] * len(parts)
        gradients: list[Any] = [None] * len(params)
        numbers = [0.0] * (len(parts) + self._penalized)
        if there:
            whole = sum(shares)
            arguments = tuple(_arguments(parts[k][0]) for k in there)
            found, losses, values, gradients = self._part(arguments, shares, whole)
            for k, y, loss in zip(there, found, losses, strict=True):
                outputs[k], numbers[k] = y, parts[k][1] * _number(loss)
            if self._penalized:
                numbers[-1] = whole * _number(values["penalty"])
        numbers = self._team.total(params, gradients, numbers)
        names = ["loss"] * len(parts) + ["penalty"] * self._penalized
        for k, (name, number) in enumerate(zip(names, numbers, strict=True)):
            if not math.isfinite(number) and self._run.optimizer.nonfinite != "skip":
                raise self._not_finite(min(k, len(parts) - 1), name, number)
        loss = sum(f * number for f, number in zip(of_window, numbers, strict=False))
        told: dict[str, Any] = {"penalty": numbers[-1]} if self._penalized else {}
        self._advance(told, loss + sum(told.values()))
        return Made(
            Window([parts[k][0] for k in there]),
            [numbers[k] for k in there],
            [outputs[k] for k in there],
            [{name: _number(value) for name, value in told.items()}],
            loss,
            len(parts),
        )

    def _grow(self, seconds: float) -> None:
        """Ask for more in one call, as long as that takes next to no time."""
        if seconds < _SECONDS / 2:
            self._wanted = min(2 * self._wanted, _MOST)

    def _place(self, k: int) -> str:
        """Which batch it is: the one of this call after as many updates as were made."""
        run = self._run
        number = self._first + 1 + (run.optimizer.updates - self._before) + k
        of = f" of {run.batches}" if run.batches else ""
        return f"epoch {run.epoch}, batch {number}{of}"

    def _handed(self, k: int, name: str, value: ag.Tensor, look: bool) -> Any:
        """A value as it is handed out, a number or, of a compiled step, a tensor; if asked for, it is finite."""
        capture = CONTEXT.get().capture
        if capture is None:
            number = float(value.item())
            if look and not math.isfinite(number):
                raise self._not_finite(k, name, number)
            return number
        if look:  # checked at every run, before anything is written
            finite = ag.equal(ag.sum(value * 0), 0)
            capture.check(finite, functools.partial(self._not_finite, k, name), (value,))
        return value

    def _not_finite(self, k: int, name: str, value: Any) -> AnomalyError:
        return AnomalyError(
            "fit",
            f"the {name} is {float(value)} in {self._place(k)}. Expected a finite number. The parameters are "
            "those before this batch. Lower the learning rate, scale the inputs, or find the operation with "
            "`with ag.detect_anomaly(): optim.fit(...)`.",
        )


def _number(value: Any) -> float:
    """A number that was handed out, or the tensor of a compiled step."""
    return value if type(value) is float else float(value.item())


def _shares(batches: Sequence[Examples]) -> list[float]:
    """Which share of the examples' weight each batch has."""
    weights = [batch.weight for batch in batches]
    whole = sum(weights) or 1.0
    return [w / whole for w in weights]


def _arguments(batch: Examples, updates: int = 1) -> tuple[Any, ...]:
    """What a step takes of a batch: arrays, the last of them each example's share of the mean."""
    if batch.weights is None:
        return batch[:2]
    weights = batch.weights.reshape(updates, -1)
    whole = weights.sum(axis=1, keepdims=True)
    shares = np.divide(weights, whole, out=np.zeros_like(weights), where=whole > 0)
    return batch.inputs, batch.targets, shares.reshape(-1)


def _check_second_order(run: Run, team: Parallel) -> None:
    """Refuse what an optimizer that evaluates the loss by itself does not go with."""
    kind = type(run.optimizer).__name__
    if team.size > 1:
        raise ConfigError(
            "fit",
            f"parallel: {kind} evaluates the loss several times in an update, as often as it finds out. Expected "
            "an optimizer that takes one gradient. Leave parallel out, or use optim.Adam.",
        )
    if run.probes:
        raise ConfigError(
            "fit",
            f"callbacks: {', '.join(run.probes)} is read of the gradients before an update, and {kind} leaves none. "
            "Leave that callback out.",
        )


def _unreachable(model: Model) -> ConfigError:
    frozen = not any(t.requires_grad for t in model.parameters())
    return ConfigError(
        "fit",
        "the loss depends on no parameter that requires a gradient, so nothing would be learned. "
        + (
            "Every parameter of the model is frozen: unfreeze some with .requires_grad_(True)."
            if frozen
            else "Expected a criterion that uses the model's outputs as tensors. Compute it without "
            ".numpy(), .detach() and ag.no_grad()."
        ),
    )
