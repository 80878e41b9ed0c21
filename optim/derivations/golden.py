"""An optimizer's first steps in exact numbers: its own rule, as `step` replays it, with no rounding anywhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import sympy

from autograd_core.errors import ConfigError
from autograd_core.symbolic.atoms import Side, Step, Vanishes
from autograd_core.symbolic.equations import Valued
from autograd_core.symbolic.exact import Symbols, decimal, exact_array

from ..optimizer import Optimizer

__all__ = ["first_steps"]

_DIGITS = 50


def first_steps(
    optimizer: Optimizer, start: Any, gradients: Sequence[Any], losses: Sequence[Any] = ()
) -> list[tuple[Any, ...]]:
    """Parameter and slots after each step, in exact numbers, by the Program of the optimizer's rule.

    Parameters
    ----------
    optimizer : Optimizer
        Only its options, transforms among them, and the dtype of its first parameter are looked at; it makes
        no step. Of several groups the first is meant.
    start : array_like of rational
        θ, in any shape: whole numbers, `fractions.Fraction`, sympy's rationals.
    gradients : sequence of array_like of rational
        One in the shape of θ for each step.
    losses : sequence of rational, optional
        What `step` is told, for each step, where the rule compares losses.

    Returns
    -------
    list of tuple
        ``(theta, *slots)`` for each step: arrays of sympy numbers, rational where the rule takes no roots.
        Slots are named by ``optimizer.param_groups[0].rule.slots``.

    Raises
    ------
    ConfigError
        If a gradient has another shape than θ, or a loss is missing.

    Notes
    -----
    A hyperparameter is the decimal that is meant: 0.9 is 9/10, not the float next to it.

    Examples
    --------
    >>> import optim, autograd_core as ag
    >>> from optim.derivations.golden import first_steps
    >>> optimizer = optim.SGD([ag.tensor([0.0], requires_grad=True)], lr=0.1, momentum=0.9)
    >>> [theta.tolist() for theta, _ in first_steps(optimizer, [1], [[1], [1]])]
    [[9/10], [71/100]]
    """
    group = optimizer.param_groups[0]
    theta = _exact(start)
    program = optimizer.program(size=theta.shape)
    shapes = [group.rule.shape_of(name, theta.shape) for name in group.rule.slots]
    state = (theta, *(_exact(np.zeros(shape, int)) for shape in shapes))
    numbers = [exact_array(decimal(float(value))) for value in group.scalars]
    if group.rule.asks_for_loss and len(losses) != len(gradients):
        raise ConfigError(
            "first_steps",
            f"{type(optimizer).__name__} compares losses. Expected one for each of {len(gradients)} steps; "
            f"received {len(losses)}.",
        )
    steps = []
    for k, gradient in enumerate(gradients, 1):
        g = _exact(gradient)
        if g.shape != theta.shape:
            raise ConfigError(
                "first_steps",
                f"expected gradients of shape {theta.shape}, as θ has; received {g.shape} for step {k}.",
            )
        told = [_exact(losses[k - 1])] if group.rule.asks_for_loss else []
        found = program.evaluate(
            Valued(Symbols()),
            state[0],
            g,
            *state[1:],
            exact_array(sympy.Integer(k)),
            *numbers,
            *told,
        )
        found = found if isinstance(found, tuple) else (found,)
        state = tuple(_exact(array, _on_its_side) for array in found)
        steps.append(state)
    return steps


def _exact(values: Any, of: Callable[[Any], sympy.Expr] = sympy.sympify) -> Any:
    array = np.array(values, object)
    found = np.empty(array.shape, object)
    for index in np.ndindex(*array.shape):
        found[index] = of(array[index])
    return exact_array(found)


def _on_its_side(number: sympy.Expr) -> sympy.Expr:
    """A number with its steps taken; sympy takes them at rationals alone, and roots may be asked for their sign."""

    def taken(step: sympy.Expr) -> sympy.Expr:
        (u,) = step.args
        side = sympy.sign(u.evalf(_DIGITS)) if u.is_number else None
        return step.func(side) if side in (1, -1) else step

    return sympy.sympify(number).replace(lambda e: isinstance(e, (Side, Step, Vanishes)), taken)
