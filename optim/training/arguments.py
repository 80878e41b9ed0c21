"""What `fit` is given: the checks of it, each with a message that names the remedy."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from autograd_core.errors import ConfigError

from ..optimizer import Optimizer
from .callbacks import Callback
from .checkpoint import Checkpoint
from .model import Model
from .parallel import Parallel

__all__ = ["check_parameters", "checked_verbose", "of_the_model", "sorted_callbacks"]


def check_parameters(model: Model, optimizer: Optimizer) -> None:
    """Whether the model has what the loop asks of it, and the optimizer parameters of it."""
    if not isinstance(model, Model):
        methods = ("__call__", "parameters", "train", "eval", "state_dict", "load_state_dict")
        lacking = [name for name in methods if not hasattr(model, name)]
        raise ConfigError(
            "fit",
            f"model: {type(model).__name__} has no {', '.join(lacking)}. Derive it from nn.Module.",
        )
    if not isinstance(optimizer, Optimizer):
        raise ConfigError(
            "fit",
            f"optimizer: expected an Optimizer; received {type(optimizer).__name__}. Pass "
            "optim.Adam(model.parameters()).",
        )
    trained = {id(t) for t in optimizer.params}
    if not any(id(t) in trained for t in model.parameters()):
        raise ConfigError(
            "fit",
            "the optimizer has none of this model's parameters. Expected one made with "
            "model.parameters() of the same model. Make the optimizer after the model.",
        )


def sorted_callbacks(
    callbacks: Callback | Sequence[Callback], checkpoint: Checkpoint | str | os.PathLike[str] | None
) -> tuple[list[Callback], list[Checkpoint]]:
    """The user's callbacks, and the checkpoints, which must see what the others did."""
    listed: list[Any] = list(callbacks) if isinstance(callbacks, list | tuple) else [callbacks]
    for callback in listed:
        if not isinstance(callback, Callback):
            what = (
                f"the class {callback.__name__}" if isinstance(callback, type) else repr(callback)
            )
            raise ConfigError(
                "fit", f"callbacks: expected objects derived from optim.Callback; received {what}."
            )
    checkpoints = [c for c in listed if isinstance(c, Checkpoint)]
    if checkpoint is not None:
        checkpoints.append(
            checkpoint if isinstance(checkpoint, Checkpoint) else Checkpoint(checkpoint)
        )
    return [c for c in listed if not isinstance(c, Checkpoint)], checkpoints


def of_the_model(name: str, given: Any, example: str) -> list[Any]:
    """Functions of the model that were given: one, several or None."""
    found = [f for f in (given if isinstance(given, list | tuple) else [given]) if f is not None]
    for function in found:
        if not callable(function) or isinstance(function, type):
            raise ConfigError(
                "fit",
                f"{name}: expected a function of the model, or a list of them; received "
                f"{function!r}. Pass {example}, or lambda model: ...",
            )
    return found


def checked_team(parallel: Any) -> Parallel:
    """``parallel``, or one process."""
    if parallel is None:
        return Parallel()
    if not isinstance(parallel, Parallel):
        raise ConfigError("fit", f"parallel: expected optim.MPI(), or None; received {parallel!r}.")
    return parallel


def checked_verbose(verbose: Any) -> int | None:
    """``verbose``, if it is one of the numbers that mean something."""
    if verbose is None or verbose in (0, 1, 2):
        return verbose
    raise ConfigError(
        "fit",
        f"verbose: expected 0 (nothing), 1 (a bar), 2 (a line an epoch) or None; received {verbose!r}.",
    )
