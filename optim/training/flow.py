"""Columns of the history that show how training goes: the rates, and how much gradient arrives where."""

from __future__ import annotations

import functools
from typing import Any

import autograd_core as ag
from autograd_core.errors import ConfigError
from autograd_core.options import COUNT

from .callbacks import Callback, Run
from .monitoring import check_rate

__all__ = ["GradientFlow", "LearningRate", "Periodic"]


class LearningRate(Callback):
    """The learning rate after each epoch, as a column ``lr``; several groups have ``lr_0``, ``lr_1`` and so on.

    It is the rate of the next update: of a schedule its value at that count.

    Raises
    ------
    ConfigError
        At the beginning of a run, if the optimizer has no learning rate.
    """

    provides = ("lr",)

    def on_fit_begin(self, run: Run) -> None:
        """See that there is a rate."""
        check_rate(type(self).__name__, run)

    def on_epoch_end(self, run: Run) -> None:
        """Note the rates."""
        rates = [float(group.now("lr")) for group in run.optimizer.param_groups]
        if len(rates) > 1:
            run.logs |= {f"lr_{i}": rate for i, rate in enumerate(rates)}
        run.logs["lr"] = rates[0]

    def __repr__(self) -> str:
        return "LearningRate()"


class GradientFlow(Callback):
    """The norm of each parameter's gradient, its mean over an epoch's updates, as a column ``grad/<name>``.

    Where the norms of early layers are small beside those of late ones, gradients vanish on their way back; where
    they are large, they explode. Compiled steps compute them with the rest.

    Parameters
    ----------
    parameters : bool
        Whether each parameter has a column, beside ``grad``, the norm of all of them together.

    Notes
    -----
    Gradients are those of the objective, penalty included, before clipping. Frozen parameters and those without a
    gradient have none.
    """

    provides = ("grad",)

    def __init__(self, parameters: bool = True) -> None:
        self.parameters = bool(parameters)

    def on_fit_begin(self, run: Run) -> None:
        """Have the norms computed."""
        named = getattr(run.model, "named_parameters", None)
        pairs: list[tuple[str, ag.Tensor]] = (
            list(named())
            if callable(named)
            else [(str(i), t) for i, t in enumerate(run.model.parameters())]
        )
        trained = [(name, t) for name, t in pairs if t.requires_grad]
        if self.parameters:
            for name, t in trained:
                run.probes[f"grad/{name}"] = functools.partial(_norm, [t])
        run.probes["grad"] = functools.partial(_norm, [t for _, t in trained])

    def __repr__(self) -> str:
        return f"GradientFlow(parameters={self.parameters})"


def _norm(tensors: list[ag.Tensor]) -> Any:
    with ag.no_grad():
        squares = [ag.sum(ag.square(t.grad)) for t in tensors if t.grad is not None]
        return ag.sqrt(sum(squares[1:], start=squares[0])) if squares else ag.tensor(0.0)


class Periodic(Callback):
    """Evaluation on the held-out data every so many updates, as a table of its own.

    "Evaluate periodically on validation data" [Setting up a problem]. `EarlyStopping(every=…)` stops by it.

    Parameters
    ----------
    every : int, ≥ 1
        Updates.

    Attributes
    ----------
    table : dict of str to list of float
        Columns ``updates``, ``loss`` (of the batch before), ``val_loss``, ``val_<metric>``; one row an evaluation.

    Raises
    ------
    ConfigError
        If ``every`` is no positive integer; at the start of a run, if there are no validation data.
    """

    def __init__(self, every: int) -> None:
        self.every = COUNT.check("Periodic: every", every)
        self.table: dict[str, list[float]] = {}

    def on_fit_begin(self, run: Run) -> None:
        """Start anew."""
        if run.validate is None:
            raise ConfigError(
                "Periodic",
                "there are no validation data. Expected some. Pass fit(..., validation=...).",
            )
        self.table = {}

    def on_batch_end(self, run: Run) -> None:
        """Evaluate, if it is time."""
        updates = run.optimizer.updates
        if updates % self.every == 0 and run.validate is not None:
            row = {"updates": updates, "loss": run.logs["loss"], **run.validate()}
            for name, value in row.items():
                self.table.setdefault(name, []).append(value)

    def state_dict(self) -> Any:
        """The table."""
        return {"arrays": {}, "scalars": {"table": {n: list(c) for n, c in self.table.items()}}}

    def load_state_dict(self, state: Any) -> None:
        """Go on where `state_dict` was called."""
        self.table = {name: list(column) for name, column in state["scalars"]["table"].items()}

    def __repr__(self) -> str:
        return f"Periodic(every={self.every})"
