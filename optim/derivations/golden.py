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

__all__ = ["first_steps", "step_from"]

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
    rule = optimizer.param_groups[0].rule
    if rule.asks_for_loss and len(losses) != len(gradients):
        raise ConfigError(
            "first_steps",
            f"{type(optimizer).__name__} compares losses. Expected one for each of {len(gradients)} steps; "
            f"received {len(losses)}.",
        )
    theta = _exact(start)
    shapes = [rule.shape_of(name, theta.shape) for name in rule.slots]
    state: tuple[Any, ...] = (theta, *(_exact(np.zeros(shape, int)) for shape in shapes))
    steps = []
    for k, gradient in enumerate(gradients, 1):
        state = step_from(optimizer, state, gradient, k, losses[k - 1] if losses else 0)
        steps.append(state)
    return steps


def step_from(
    optimizer: Optimizer, state: Sequence[Any], gradient: Any, step: int, loss: Any = 0
) -> tuple[Any, ...]:
    """One step from any state, in exact numbers.

    Of a rule that takes norms the third step holds roots of sums of roots, more than sympy can carry. From a state of
    floats, which are rational numbers, each step by itself is short.

    Parameters
    ----------
    optimizer, gradient
        See `first_steps`.
    state : sequence of array_like of rational
        θ and the slots. Floats are taken at the values that they have.
    step : int, ≥ 1
        The count of this step.
    loss : rational
        What `step` is told, where the rule compares losses.

    Returns
    -------
    tuple
        ``(theta, *slots)`` after it.
    """
    group = optimizer.param_groups[0]
    theta, *slots = (_exact(array) for array in state)
    g = _exact(gradient)
    if g.shape != theta.shape:
        raise ConfigError(
            "first_steps",
            f"expected gradients of shape {theta.shape}, as θ has; received {g.shape} for step {step}.",
        )
    numbers = [step, *(decimal(float(value)) for value in group.scalars)]
    numbers += [loss] if group.rule.asks_for_loss else []
    program = optimizer.program(size=theta.shape)
    found = program.evaluate(Valued(Symbols()), theta, g, *slots, *map(_exact, numbers))
    found = found if isinstance(found, tuple) else (found,)
    return tuple(_exact(array, _on_its_side) for array in found)


def _value(number: Any) -> sympy.Expr:
    if isinstance(number, float):  # the fraction that it is
        return sympy.Rational(*number.as_integer_ratio())
    return sympy.sympify(number)


def _exact(values: Any, of: Callable[[Any], sympy.Expr] = _value) -> Any:
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
