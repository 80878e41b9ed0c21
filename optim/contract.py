"""What every optimizer, schedule and transform says for its contract tests; how they are found and varied.

A file that is dropped into its folder is found by existing.
"""

from __future__ import annotations

import importlib
import itertools
import pkgutil
from collections.abc import Iterator
from types import ModuleType
from typing import Any, TypeVar

from autograd_core.errors import ConfigError
from autograd_core.options import Choice, Interval

from . import optimizers, schedules, transforms
from .hyperparameters import Term, dropped
from .optimizer import Optimizer
from .schedules.schedule import Constant, Joined, Schedule
from .transforms.transform import Transform

__all__ = ["every_optimizer", "every_schedule", "every_transform", "variants"]

_Kind = TypeVar("_Kind")


def every_optimizer() -> list[type[Optimizer]]:
    """Every optimizer that a file in ``optimizers/`` exports."""
    return list(_exported(optimizers, Optimizer))


def every_schedule() -> list[type[Schedule]]:
    """Every schedule that a file in ``schedules/`` exports."""
    return list(_exported(schedules, Schedule))


def every_transform() -> list[type[Transform]]:
    """Every transform that a file in ``transforms/`` exports."""
    return list(_exported(transforms, Transform))


def _exported(folder: ModuleType, root: type[_Kind]) -> Iterator[type[_Kind]]:
    for info in pkgutil.walk_packages(folder.__path__, f"{folder.__name__}."):
        module = importlib.import_module(info.name)
        for name in getattr(module, "__all__", ()):
            value = getattr(module, name)
            one = isinstance(value, type) and issubclass(value, root) and value is not root
            if one and value.__module__ == module.__name__:
                yield value


def variants(kind: type[Optimizer]) -> list[dict[str, Any]]:
    """Options of an optimizer: its examples, every choice with every term there and not, schedules.

    Of its choices and terms every two values come together; what all optimizers share is not varied, nor is what
    has another's rule, under other defaults.

    Returns
    -------
    list of dict
        All of its hyperparameters in each. What it refuses as not going together is left out.
    """
    examples = [kind._given((), example) for example in kind.examples]
    first = examples[0]
    varied: dict[str, tuple[Any, ...]] = {}
    for name, allowed in kind.hyperparameters.items():
        if name in Optimizer.hyperparameters or "update" not in vars(kind):
            continue
        if isinstance(allowed, Choice):
            varied[name] = allowed.values
        elif isinstance(allowed, Term):
            varied[name] = (0.0, 0.1)
    everything = [
        {**first, **dict(zip(varied, values, strict=True))}
        for values in itertools.product(*varied.values())
    ]
    all_of_them = _in_pairs([o for o in everything if _accepted(kind, o)], tuple(varied))
    scheduled = {
        name: Joined(Constant(value), Constant(_changed(allowed, value)), 3)
        if isinstance(allowed := kind.hyperparameters[name], Interval)
        and not isinstance(value, Schedule)
        and not dropped(allowed, value)
        else value
        for name, value in all_of_them[-1].items()
    }
    found: list[dict[str, Any]] = []
    for options in (*examples, *all_of_them, scheduled):
        if options not in found and _accepted(kind, options):
            found.append(options)
    return found


def _accepted(kind: type[Optimizer], options: dict[str, Any]) -> bool:
    try:
        kind.check(options)
    except ConfigError:
        return False
    return True


def _in_pairs(everything: list[dict[str, Any]], names: tuple[str, ...]) -> list[dict[str, Any]]:
    """A few of many choices of options, among which any two values come together that do so in one of all.

    The last of all is the last of the few.
    """

    def pairs(options: dict[str, Any]) -> set[Any]:
        return set(itertools.combinations([(name, options[name]) for name in names], 2))

    few = everything[-1:]
    left = set[Any]().union(*map(pairs, everything)) - pairs(everything[-1])
    while left:
        few.insert(0, max(everything, key=lambda options: len(pairs(options) & left)))
        left -= pairs(few[0])
    return few if len(names) > 1 else everything


def _changed(allowed: Interval, value: float) -> float:
    """Another number of an interval: half as much, or else half as far from its lower bound."""
    half = value / 2
    return half if half > allowed.low else (value + allowed.low) / 2
