"""One update, from batch to weights: eager, or a compiled step."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import autograd_core as ag
from autograd_core.context import CONTEXT
from autograd_core.errors import AnomalyError, ConfigError

from .batches import Examples
from .callbacks import Run
from .evaluation import Criterion, one_element
from .model import Model
from .parallel import Parallel

__all__ = ["Constraint", "Penalty", "Update"]

Penalty = Callable[[Any], ag.Tensor]
Constraint = Callable[[Any], Any]


class Update:
    """One update of the optimizer's parameters, from one batch; eager, or a compiled step."""

    def __init__(
        self,
        run: Run,
        criterion: Criterion,
        penalties: Sequence[Penalty],
        constraints: Sequence[Constraint],
        jit: bool,
        team: Parallel,
    ) -> None:
        self._run, self._team = run, team
        self.names = ["loss", "penalty"] if penalties else ["loss"]
        # A function, for `ag.jit`; it reads nothing of `run`, which changes from batch to batch.
        model, optimizer, check_finite = run.model, run.optimizer, self._check_finite

        def backward(
            inputs: Any, targets: Any, share: Any = None
        ) -> tuple[Any, dict[str, ag.Tensor], ag.Tensor]:
            optimizer.zero_grad()
            outputs = model(inputs)
            objective = loss = one_element("fit", "criterion", criterion(outputs, targets))
            values = {"loss": loss}
            if penalties:
                parts = [one_element("fit", "regularizer", penalty(model)) for penalty in penalties]
                values["penalty"] = functools.reduce(operator.add, parts)
                objective = loss + values["penalty"]
            for name, value in values.items() if share is None else ():
                check_finite(name, value)
            if not objective.requires_grad:
                raise _unreachable(model)
            (objective if share is None else objective * share).backward()
            return outputs, values, objective

        def advance(objective: Any) -> None:
            optimizer.step(*([objective] if optimizer.compares_losses else []))
            for constraint in constraints:
                constraint(model)

        def update(inputs: Any, targets: Any) -> tuple[Any, dict[str, ag.Tensor]]:
            outputs, values, objective = backward(inputs, targets)
            advance(objective)
            return outputs, values

        def part(inputs: Any, targets: Any, share: Any) -> tuple[Any, Any, list[Any]]:
            outputs, values, _ = backward(inputs, targets, share)
            return outputs, values, [t.grad for t in optimizer.params]

        self._update: Callable[..., Any] = ag.jit(update) if jit else update
        self._part: Callable[..., Any] = ag.jit(part) if jit else part
        self._advance = advance

    def __call__(self, batch: Examples, share: float = 1.0) -> tuple[Any, dict[str, float]]:
        """Outputs and values of the batch, before the update; ``batch`` may be this process's part of it."""
        run = self._run
        try:
            if self._team.size > 1:
                return self._shared(batch, share)
            outputs, values = self._update(batch.inputs, batch.targets)
        except AnomalyError as error:
            if error.operation != "fit":
                error.add_note(f"In fit, epoch {run.epoch}, batch {run.batch} of {run.batches}.")
            raise
        return outputs, {name: float(value.item()) for name, value in values.items()}

    def _shared(self, batch: Examples, share: float) -> tuple[Any, dict[str, float]]:
        """The update of the whole batch: the values and gradients of all parts, weighted by their shares."""
        params = self._run.optimizer.params
        outputs: Any = None
        gradients: list[Any] = [None] * len(params)
        numbers = [0.0] * len(self.names)
        if share:
            outputs, values, gradients = self._part(batch.inputs, batch.targets, share)
            numbers = [share * float(values[name].item()) for name in self.names]
        numbers = self._team.total(params, gradients, numbers)
        for name, number in zip(self.names, numbers, strict=True):
            if not math.isfinite(number):
                raise self._not_finite(name, number)
        self._advance(sum(numbers))
        return outputs, dict(zip(self.names, numbers, strict=True))

    def _check_finite(self, name: str, value: ag.Tensor) -> None:
        capture = CONTEXT.get().capture
        if capture is not None:  # checked at every run, before anything is written
            finite = ag.equal(ag.sum(value * 0), 0)
            capture.check(finite, functools.partial(self._not_finite, name), (value,))
        elif not math.isfinite(float(value.item())):
            raise self._not_finite(name, value.item())

    def _not_finite(self, name: str, value: Any) -> AnomalyError:
        run = self._run
        return AnomalyError(
            "fit",
            f"the {name} is {float(value)} in epoch {run.epoch}, batch {run.batch} of "
            f"{run.batches}. Expected a finite number. The parameters are those before this "
            "batch. Lower the learning rate, scale the inputs, or find the operation with "
            "`with ag.detect_anomaly(): optim.fit(...)`.",
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
