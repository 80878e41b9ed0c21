"""Early stopping: which weights a run ends with, and which the slides say it returns."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import sympy

import autograd_core as ag
from autograd_core.symbolic.claims import Erratum, Finding, derived, erratum
from autograd_core.symbolic.equations import OnSymbols, equation

from ..optimizers.sgd import SGD
from ..training.early_stopping import EarlyStopping

MATRIX = (2, 1, 2)  # a11, a12, a22
RATE = sympy.Rational(1, 4)
MOST = 20  # epochs

Pair = tuple[sympy.Expr, sympy.Expr]


def paraboloid(x: Any, y: Any, a: Any, b: Any, c: Any, p: Any, q: Any) -> Any:
    """½ (w − s)ᵀ A (w − s) with A = [[a, b], [b, c]] and s = (p, q)."""
    u, v = x - p, y - q
    return a * u * u / 2 + b * u * v + c * v * v / 2


def _descended(x: Any, y: Any, *numbers: Any) -> Any:
    slopes = ag.grad(paraboloid, argnums=(0, 1))(x, y, *numbers[:-1])
    ends = [
        SGD.update(w, g, step=1, lr=numbers[-1], momentum=None, nesterov=False, weight_decay=None)[
            0
        ]
        for w, g in zip((x, y), slopes, strict=True)
    ]
    return tuple(ends)


ERROR, STEP = OnSymbols(paraboloid), OnSymbols(_descended)


class Stopped:
    """Descent on one surface, two weights from 0, in rational numbers; the callback watches another.

    Parameters
    ----------
    callback : EarlyStopping
        As `fit` calls it.
    trained, held_out : pair
        Where each surface is least; the curvatures are the same.
    """

    def __init__(self, callback: EarlyStopping, trained: Any, held_out: Any) -> None:
        weights: Pair = (sympy.Integer(0), sympy.Integer(0))
        self.path, self.errors = [weights], [self._error(weights, held_out)]
        self.stopped = ""
        model = SimpleNamespace(
            state_dict=lambda: {"w": np.array(self.path[-1], object)}, load_state_dict=self._load
        )
        run = SimpleNamespace(
            monitors=("val_loss",), validate=None, history=SimpleNamespace(), model=model,
            optimizer=SimpleNamespace(updates=0), stop=self._stop,
        )  # fmt: skip
        callback.on_fit_begin(run)  # type: ignore[arg-type]
        for run.epoch in range(1, MOST + 1):
            weights = STEP(*weights, *MATRIX, *trained, RATE)
            run.optimizer.updates += 1
            self.path.append(weights)
            self.errors.append(self._error(weights, held_out))
            run.logs = {"val_loss": self.errors[-1]}
            callback.on_epoch_end(run)  # type: ignore[arg-type]
            if self.stopped:
                break
        self.returned = weights
        callback.on_fit_end(run)  # type: ignore[arg-type]

    @staticmethod
    def _error(weights: Pair, least: Any) -> sympy.Expr:
        return ERROR(*weights, *MATRIX, *least)[0]

    def _load(self, state: Any) -> None:
        self.returned = tuple(state["w"])

    def _stop(self, reason: str, now: bool = False) -> None:
        self.stopped = self.stopped or reason

    @property
    def best(self) -> Pair:
        """The weights of the epoch with the least held-out error."""
        return min(zip(self.errors[1:], self.path[1:], strict=True), key=lambda pair: pair[0])[1]

    def finding(self, words: str, formula: str = "") -> Finding:
        """That what is returned is the copy of the best epoch."""
        if not self.stopped:
            raise AssertionError("the run was to be stopped")
        got, best = (
            {f"w{i}": w for i, w in enumerate(pair)} for pair in (self.returned, self.best)
        )
        return Finding(words, equation("X30", got, best, ran=[STEP, ERROR]), formula)


@erratum(
    "X30",
    "CLAIM",
    slide=derived("Early Stopping"),
    formula=r"\mathrm{EarlyStopping}(\mathrm{monitor}, \mathrm{patience}) \Rightarrow W = W^{(k^{*})}, \quad \mathrm{Err}_{\mathrm{val}}(W^{(k^{*})}) = \min_k \mathrm{Err}_{\mathrm{val}}(W^{(k)})",
    words="The callbacks of the slide return the copy of the weights that was stored only if that is asked for, where "
    "they are Keras's: without restore_best_weights the last weights stay. And its TensorBoard takes log_dir: "
    "logdir is a TypeError.",
    assumptions=[
        "descent from 0 on a quadratic, held-out error on another with the same curvatures",
        "patience of 3 epochs, used up",
    ],
    method="EarlyStopping as fit calls it, along descent by the optimizer's rule in rational numbers, on two coupled "
    "weights; what is returned, against the weights of the least held-out error",
    runs=[SGD.update, EarlyStopping.on_epoch_end, EarlyStopping.on_fit_end],
)
def stored_copy() -> Erratum:
    half, third = sympy.Rational(1, 2), sympy.Rational(1, 3)
    trained, held_out = (1, 0), (half, 0)

    def watch(**options: Any) -> EarlyStopping:
        return EarlyStopping("val_loss", patience=3, **options)

    return Erratum(
        "CLAIM",
        readings=(
            Finding(
                "monitor and patience alone, as Keras reads them: the last weights stay",
                Stopped(watch(restore_best=False), trained, held_out).finding("").verdict,
            ),
            Stopped(watch(restore_best=True), trained, held_out).finding(
                "with the copy asked for by name"
            ),
        ),
        correction=(
            Stopped(watch(), trained, held_out).finding("monitor and patience alone, here"),
            Stopped(watch(), (1, -1), (third, -half)).finding("another pair of surfaces"),
            Stopped(watch(min_delta=0.0), (-2, 3), (-1, 1)).finding("a third"),
        ),
        source="the library's defaults, which are not what the slide before says",
    )
