"""minimize: updates of one loss until it has converged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core.errors import AnomalyError, ConfigError
from autograd_core.options import COUNT, NON_NEGATIVE

from .objective import Evaluation
from .optimizer import Optimizer
from .second_order import SecondOrder, objective_of, write

__all__ = ["Minimum", "minimize"]


@dataclass(frozen=True)
class Minimum:
    """How a minimization ended.

    Attributes
    ----------
    value : float
        The loss where the parameters are.
    gradient : float
        Its largest derivative there, in size.
    updates, evaluations, products : int
        Updates made; values with gradients, and products of the Hessian with a vector, computed.
    stopped_by : str
        ``"gradient"``, ``"change"``, ``"line search"`` (nothing better is found: rounding, or a kink),
        ``"curvature"`` (there is none to go by), ``"updates"``, ``"evaluations"``, ``"callback"``,
        ``"not finite"`` (and steps are skipped there).
    """

    value: float
    gradient: float
    updates: int
    evaluations: int
    products: int
    stopped_by: str

    @property
    def converged(self) -> bool:
        """Whether a tolerance was met."""
        return self.stopped_by in ("gradient", "change")


def minimize(
    optimizer: Optimizer,
    closure: Callable[..., Any],
    *args: Any,
    updates: int = 1000,
    evaluations: int | None = None,
    tolerance_grad: float = 1e-7,
    tolerance_change: float = 0.0,
    callback: Callable[[Minimum], Any] | None = None,
) -> Minimum:
    """Make updates until the loss has converged: what "until Err has converged" says on the slides.

    Parameters
    ----------
    optimizer : Optimizer
        Any: those of second order evaluate each point once; others make a ``backward`` and a step.
    closure : callable
        ``closure(*args)``: the loss, a Tensor of one element, or a tuple that begins with it.
    *args
        What it is called with.
    updates, evaluations : int, ≥ 1
        No further update begins after so many; None: as many as it takes.
    tolerance_grad : float, ≥ 0
        It has converged where no derivative is larger than this in size.
    tolerance_change : float, ≥ 0
        Or where an update changes no parameter by more than this; 0: not looked at.
    callback : callable, optional
        ``callback(minimum)`` before each update and at the end, with how far it has come
        (``stopped_by`` is "" as long as it goes on); ends the run by returning True.

    Returns
    -------
    Minimum

    Raises
    ------
    AnomalyError
        If the loss or a gradient is not finite where an update begins; an optimizer with
        ``nonfinite="skip"`` ends there, since nothing would change.
    ConfigError
        If an argument is outside its range, or the closure is none; see `SecondOrder.step`.

    Notes
    -----
    The loss is one function for the whole of it: with an optimizer of second order masks of dropout stay
    as they are, and what the loss writes is written at the end.

    Examples
    --------
    >>> import autograd_core as ag, optim
    >>> w = ag.tensor([3.0, -2.0], requires_grad=True)
    >>> found = optim.minimize(optim.LBFGS([w]), lambda: ag.sum(w**4 + w * w))
    >>> found.converged, bool(abs(w.numpy()).max() < 1e-6)
    (True, True)
    """
    if not isinstance(optimizer, Optimizer):
        raise ConfigError(
            "minimize",
            f"optimizer: expected an Optimizer; received {type(optimizer).__name__}. Pass "
            "optim.LBFGS(model.parameters()).",
        )
    most = {"updates": COUNT.check("minimize: updates", updates)}
    if evaluations is not None:
        most["evaluations"] = COUNT.check("minimize: evaluations", evaluations)
    flat = NON_NEGATIVE.check("minimize: tolerance_grad", tolerance_grad)
    still = NON_NEGATIVE.check("minimize: tolerance_change", tolerance_change)
    run = _Run(optimizer, closure, args)
    try:
        while True:
            now = run.now()
            size = float(np.abs(now.gradient).max(initial=0.0))
            reached = [name for name, limit in most.items() if getattr(run, name) >= limit]
            words = (
                "gradient"
                if size <= flat
                else run.words
                if run.words != "moved"
                else "change"
                if still and run.change <= still
                else reached[0]
                if reached
                else ""
            )
            counts = run.updates, run.evaluations, run.products
            minimum = Minimum(run.sign * now.value, size, *counts, words)
            if callback is not None and callback(minimum) is True and not words:
                minimum = replace(minimum, stopped_by="callback")
            if minimum.stopped_by:
                break
            run.update(now)
    finally:
        run.count()
    write(now)
    return minimum


class _Run:
    """Updates one after the other, by an optimizer of whatever kind."""

    def __init__(self, optimizer: Optimizer, closure: Any, args: tuple[Any, ...]) -> None:
        self.optimizer = optimizer
        self.second = optimizer if isinstance(optimizer, SecondOrder) else None
        self.objective = objective_of("minimize", optimizer, closure, args)
        self.sign = -1.0 if self.objective.maximize else 1.0
        self.words, self.change = "moved", np.inf
        self.updates = 0
        self._end: Evaluation | None = None

    @property
    def evaluations(self) -> int:
        return self.objective.evaluations

    @property
    def products(self) -> int:
        return self.objective.products

    def now(self) -> Evaluation:
        """Where the parameters are; evaluated there, if the last update has not."""
        objective = self.objective
        return objective.at(objective.start()) if self._end is None else self._end

    def update(self, now: Evaluation) -> None:
        self.updates += 1
        if self.second is not None:
            move = self.second.advance(self.objective, now)
            self.words, self._end = move.words, move.end
            self.change = float(np.abs(move.displacement).max(initial=0.0))
            return
        if not now.finite:
            if self.optimizer.nonfinite == "raise":
                raise AnomalyError(
                    "minimize",
                    f"the loss is {now.value}, or its gradient not finite, where update {self.updates} begins. "
                    "Expected finite numbers. Lower the learning rate, or start elsewhere.",
                )
            self.words = "not finite"
        loss = self.objective.loss
        self.optimizer.zero_grad()
        for (lo, hi), t in zip(loss.spans, loss.params, strict=True):
            t.grad = ag.tensor(now.gradient[lo:hi].reshape(t.shape), t.dtype)
        with np.errstate(over="ignore"):  # it is seen where the next update begins
            self.optimizer.step(*([now.value] if self.optimizer.compares_losses else []))
        self.optimizer.zero_grad()
        self.change = float(np.abs(self.objective.start() - now.x).max(initial=0.0))

    def count(self) -> None:
        if self.second is not None:
            self.second.count(self.objective)
