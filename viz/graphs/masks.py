"""Dropout masks of a model: found in its traced pass by their role, whatever layer drew them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core.aliases import Array
from autograd_core.errors import ConfigError
from autograd_core.markup import visible
from autograd_core.modes import mode
from autograd_core.program import Application, Program, Var

from ..drawing.text import shorten

__all__ = ["DropoutMask", "MaskedPass", "masked_pass", "place_of", "read_dropout_masks"]

MASK = "dropout mask"


@dataclass(frozen=True, slots=True)
class DropoutMask:
    """Which units each sample kept in one layer.

    Attributes
    ----------
    name : str
        The layer that drew it: "3 · Dropout".
    kept : ndarray of bool, shape (samples, units)
        One row where all samples have the same mask.
    """

    name: str
    kept: Array


@dataclass(frozen=True, slots=True)
class MaskedPass:
    """A pass in training: its program, every value of it, and the masks in order."""

    program: Program[Any]
    values: dict[Var, Any]
    masks: dict[Var, DropoutMask]


def read_dropout_masks(model: Any, inputs: Any) -> tuple[DropoutMask, ...]:
    """The masks that dropout draws for a batch, in the order of the pass.

    They are those of the model's next pass in training, whatever mode it is in; reading has no effect
    on it (the pass after this draws the same masks).

    Parameters
    ----------
    model : Module
        With dropout in it.
    inputs : array_like
        A batch that the model takes, shape (samples, …).

    Raises
    ------
    ConfigError
        If the model draws no dropout mask.

    Examples
    --------
    >>> import numpy as np, nn, viz
    >>> (mask,) = viz.read_dropout_masks(nn.Dropout(0.5, rng=0), np.ones((4, 3)))
    >>> mask.name, mask.kept.shape
    ('Dropout', (4, 3))
    """
    return tuple(masked_pass(model, inputs, "read_dropout_masks").masks.values())


def masked_pass(model: Any, inputs: Any, operation: str) -> MaskedPass:
    """The model's next pass in training. ``operation`` is what errors speak of."""
    if not callable(model):
        raise ConfigError(
            operation, f"expected a model with dropout; received {type(model).__name__}."
        )
    with mode(model, training=True):
        program = ag.trace(model)(np.asarray(inputs) if isinstance(inputs, list) else inputs)
    # A mask is drawn by a step, or handed over, or a buffer.
    names = {var: var.name or MASK for var in program.inputs if var.role == MASK}
    names |= {var: var.name or MASK for var, _ in program.captures if var.role == MASK}
    drawing = [step for step in program if step.result.role == MASK]
    names |= {step.result: place_of(step, f"mask {count}") for count, step in enumerate(drawing, 1)}
    if not names:
        raise ConfigError(
            operation,
            f"{program.name} draws no dropout mask. Expected a model with a layer such "
            "as nn.Dropout(p=0.5, rng=rng) and p above 0 (a mask is found by its role, "
            f'"{MASK}"). Add one, or draw the model with draw_graph.',
        )
    values = program.values(inputs)
    masks = {var: DropoutMask(name, _rows(values[var])) for var, name in names.items()}
    if not any(mask.kept.size for mask in masks.values()):
        shapes = ", ".join(str(mask.kept.shape) for mask in masks.values())
        raise ConfigError(
            operation,
            f"expected a batch of one sample or more; received one whose masks have shape {shapes}.",
        )
    return MaskedPass(program, values, masks)


def _rows(mask: Any) -> Array:
    """What a mask lets through, as (samples, units); one of a single axis is that of every sample."""
    kept = np.atleast_2d(np.asarray(mask) != 0)
    return kept.reshape(len(kept), math.prod(kept.shape[1:]))


def place_of(step: Application, otherwise: str) -> str:
    """The module in which a step stands, in words: "3 · Dropout"; ``otherwise`` outside of all."""
    if not step.scope:
        return otherwise
    name, colon, kind = step.scope[-1].partition(":")
    return visible(shorten(f"{name} · {kind}" if colon else name, 30))
