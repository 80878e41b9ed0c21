"""Averages of weights in place of the weights: for an evaluation, or for good."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core.aliases import Array
from autograd_core.errors import ConfigError

from .optimizer import Optimizer

__all__ = ["averaged", "take_averages"]


@contextlib.contextmanager
def averaged(optimizer: Optimizer, model: Any = None) -> Iterator[None]:
    """Context in which parameters have the values of their averages; then they have their own again.

    Parameters
    ----------
    optimizer : Optimizer
        With an `Average` among its transforms.
    model : Model, optional
        Whose buffers are to be as they were, too: pass it where statistics of batch norm are renewed inside.

    Raises
    ------
    ConfigError
        If there is no average, or nothing was averaged yet.

    Notes
    -----
    The weights are given back however the block ends. Steps of the optimizer inside would be lost with
    the block: make none.

    Examples
    --------
    >>> import autograd_core as ag, optim
    >>> w = ag.tensor([0.0], requires_grad=True)
    >>> optimizer = optim.SGD([w], lr=1.0, transforms=[optim.Average(form="uniform")])
    >>> for _ in range(3):
    ...     optimizer.zero_grad()
    ...     w.sum().backward()
    ...     optimizer.step()
    >>> with optim.averaged(optimizer):
    ...     print(w.numpy())
    [-2.]
    >>> print(w.numpy())
    [-3.]
    """
    found = _averages("averaged", optimizer)
    own = [(t, np.array(t.numpy())) for t, _ in found]
    state = None
    if model is not None:
        if not hasattr(model, "state_dict"):
            raise ConfigError(
                "averaged",
                f"model: expected one with a state_dict(), such as an nn.Module; received {type(model).__name__}.",
            )
        state = {name: np.array(value) for name, value in model.state_dict().items()}
    _assign(found)
    try:
        yield
    finally:
        if state is not None:
            model.load_state_dict(state)
        _assign(own)


def take_averages(optimizer: Optimizer) -> None:
    """Give parameters the values of their averages, for good.

    Raises
    ------
    ConfigError
        If there is no average, or nothing was averaged yet.
    """
    _assign(_averages("take_averages", optimizer))


def _averages(operation: str, optimizer: Optimizer) -> list[tuple[ag.Tensor, Array]]:
    """Parameters that were updated, with their averages."""
    if not isinstance(optimizer, Optimizer):
        raise ConfigError(operation, f"expected an Optimizer; received {type(optimizer).__name__}.")
    found: list[tuple[ag.Tensor, Array]] = []
    there = False
    for group in optimizer.param_groups:
        names = [name for name in group.rule.slots if name.startswith("Average.")]
        there = there or bool(names)
        for arena in group.arenas if names else ():
            for t, steps in zip(arena.tensors, arena.steps, strict=True):
                if steps:
                    found.append((t, np.array(optimizer.slots_of(t)[names[0]])))
    if not there:
        raise ConfigError(
            operation,
            f"{type(optimizer).__name__} keeps no averages. Expected an Average among its transforms. Make it "
            "with transforms=[optim.Average()].",
        )
    if not found:
        raise ConfigError(operation, "nothing was averaged yet. Make a step before.")
    return found


def _assign(values: list[tuple[ag.Tensor, Array]]) -> None:
    with ag.no_grad():
        for t, value in values:
            t.assign(value)
