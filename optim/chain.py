"""An update rule with what stands around it: one pure function, in which each part sees what it states.

For ``Adam(params, transforms=[ClipByNorm(5.0), Average(0.9)])``, of parameters w and b::

    ClipByNorm.update(inner, θ, g)                scope "all": θ and g are w and b end to end
        Average.update(inner, θ, g, average)      scope "element": once with w's, once with b's
            Adam.update(θ, g, m, v)               likewise; each by its own count of updates

``inner`` is the part that stands inside. For each parameter the whole gives (θ, m, v, average), where the last
is called ``Average.average``: the rule may have an ``average`` of its own.

The scope of the whole is the widest in it. One that sees less may stand around one that sees more::

    ClipByValue.update(inner, θ, g)               scope "element": w's and b's up to their calls of inner,
        ClipByNorm.update(inner, θ, g)            scope "all": both end to end, once,
                                                  then w's and b's from there on
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

import autograd_core as ag
from autograd_core.errors import ConfigError

from .schedules.schedule import Schedule
from .scope import SCOPES, Scope
from .transforms.transform import Transform

__all__ = ["Chain", "Parameter", "Update", "joined"]

Update = Callable[..., tuple[Any, ...]]


Results = list[tuple[Any, ...]]  # (theta, *slots) of each parameter


# No named tuple: its code stands in a module of its own, into which a capture would look.
@dataclass(slots=True, eq=False)
class Parameter:
    """What a rule knows of one parameter, or of a stretch of several."""

    theta: Any
    g: Any
    slots: Sequence[Any]
    named: dict[str, Any]  # what `Rule.named` gives at its count


# An update of shares of parameters, by what stands inside of a stage.
_Inside = Callable[[Sequence[Parameter]], Results]


class _HandedIn(BaseException):
    """Ends the first run of a transform, at what it hands to the update inside of it."""


class Chain:
    """An update rule for one choice of options, with its transforms.

    Parameters
    ----------
    update : callable
        ``update(theta, g, *slots, step=…, **options) -> (theta, *slots)``, pure.
    slots : sequence of str
        Names of its slots.
    scalars : sequence of str
        Numbers that become inputs, so that they may change between steps: the count of steps, the options that
        are numbers, and the loss, if the rule is told it.
    constants : dict
        The other options: choices, schedules, and None for terms that are not there.
    scope : {"element", "parameter", "all"}
        Of what arrays ``update`` is a rule: see `Optimizer.scope`.
    transforms : sequence of Transform
        What stands around it, the outermost first.
    numbers : sequence of str
        Those of its slots that are one number for each parameter; the others have its shape.
    maximize : bool
        Go along what is handed in as the gradient, instead of against it: all of the above sees its negative,
        and that of the loss.

    Attributes
    ----------
    scope : {"element", "parameter", "all"}
        The widest in it.
    slots : tuple of str
        Those of ``update``, then those of the transforms, the innermost first, each as
        ``Class.slot``; from the second of a class on as ``Class.2.slot``.

    Raises
    ------
    ConfigError
        If a transform asks for a hyperparameter that is not there.
    """

    def __init__(
        self,
        update: Update,
        slots: Sequence[str],
        scalars: Sequence[str],
        constants: dict[str, Any],
        scope: Scope = "element",
        transforms: Sequence[Transform] = (),
        numbers: Sequence[str] = (),
        maximize: bool = False,
    ) -> None:
        self.transforms = tuple(transforms)
        self.scalars = tuple(scalars)
        self.numbers = tuple(numbers)
        self.maximize = maximize
        self.function = update
        self._constants = constants
        self._kept = len(slots)
        self.slots = (*slots, *_named_apart(self.transforms))
        self._scopes: tuple[Scope, ...] = (*(t.scope for t in self.transforms), scope)
        self.scope = max(self._scopes, key=SCOPES.index)
        self._check(("step", *scalars, *constants))

    def _check(self, names: Sequence[str]) -> None:
        for transform in self.transforms:
            missing = [name for name in transform.reads if name not in names]
            if missing:
                kind = type(transform).__name__
                raise ConfigError(
                    "transforms",
                    f"{kind} asks for {', '.join(missing)}, which this optimizer does not have.",
                )

    @property
    def asks_for_loss(self) -> bool:
        """Whether it is told the loss, as the last of `scalars`."""
        return self.scalars[-1] == "loss"

    @property
    def options(self) -> tuple[str, ...]:
        """Those of `scalars` that are hyperparameters."""
        return self.scalars[1:-1] if self.asks_for_loss else self.scalars[1:]

    @property
    def choices(self) -> Any:
        """All that shapes it beside the update, to look it up by."""
        constants = tuple(self._constants.items())
        return (self.slots, self.scalars, constants, self.transforms, self.maximize)

    def shape_of(self, slot: str, shape: Any) -> Any:
        """The shape of a slot for a parameter of this shape."""
        return () if slot in self.numbers else shape

    @property
    def elementwise(self) -> Self | None:
        """What in it is stated to go element by element, as a chain; None if there is nothing."""
        if self.scope == "element":
            return self
        stated = [t for t in self.transforms if t.scope == "element"]
        slots = self.slots[: self._kept]
        if self._scopes[-1] == "element":
            return type(self)(
                self.function,
                slots,
                self.scalars,
                self._constants,
                "element",
                stated,
                maximize=self.maximize,
            )
        if stated:  # around a rule that sees more, for which the plainest stands in
            return type(self)(_descent, (), self.scalars, self._constants, "element", stated)
        return None

    @property
    def counts_each(self) -> bool:
        """Whether a part of one that sees all asks how often each parameter has been updated."""
        return self.scope == "all" and set(self._scopes) != {"all"}

    @property
    def looks_at_each(self) -> bool:
        """Whether a part of one that sees all is shown one parameter after the other."""
        return self.scope == "all" and "parameter" in self._scopes

    # --- one update -------------------------------------------------------------------------------

    def named(self, numbers: Sequence[Any]) -> dict[str, Any]:
        """All options by name at one count of updates; schedules are what they give there.

        Parameters
        ----------
        numbers : sequence of number or Tensor
            Values of `scalars`, of which the first is the count, from 1.
        """
        options = {**self._constants, **dict(zip(self.scalars, numbers, strict=True))}
        if self.maximize and self.asks_for_loss:
            options["loss"] = -options["loss"]
        return self._at(options, numbers[0])

    def _at(self, options: Mapping[str, Any], step: Any) -> dict[str, Any]:
        """Options with schedules as what they give at the update before which ``step - 1`` were made."""
        return {
            name: value(step - 1) if isinstance(value, Schedule) else value
            for name, value in options.items()
        }

    def apply(
        self, theta: Any, g: Any, slots: Sequence[Any], named: dict[str, Any]
    ) -> tuple[Any, ...]:
        """One update of tensors: ``(theta, *slots)`` anew."""
        (new,) = self.apply_to([Parameter(theta, g, slots, named)], named)
        return new

    def apply_to(self, parameters: Sequence[Parameter], named: dict[str, Any]) -> Results:
        """One update of several parameters: for each, ``(theta, *slots)`` anew.

        Parameters
        ----------
        named : dict
            The options for a part of scope ``"all"``.
        """
        if self.maximize:
            parameters = [Parameter(p.theta, -p.g, p.slots, p.named) for p in parameters]
        return self._apply(0, parameters, named)

    def _apply(self, level: int, parameters: Sequence[Parameter], named: dict[str, Any]) -> Results:
        """The transform at ``level``, and inside of it those that follow; at the last, the update."""
        inside: _Inside = lambda shares: self._apply(level + 1, shares, named)  # noqa: E731
        if self._scopes[level] == "all":
            return self._stage(level, parameters, named, inside, joined, _parted)
        if len(parameters) > 1 and "all" in self._scopes[level + 1 :]:
            inside = self._answered(level, parameters, inside)
        return [
            new
            for p in parameters
            for new in self._stage(level, [p], p.named, inside, _the_one, _alone)
        ]

    def _answered(
        self,
        level: int,
        parameters: Sequence[Parameter],
        inside: _Inside,
    ) -> _Inside:
        """What is inside of a stage that sees one parameter at a time, where that sees all of them.

        The stage is run for each parameter, as far as to what it hands in; what is inside is run once,
        on all of that; and when the stage is run again, it finds its share of the answer. It is pure, so
        both runs hand in the same.
        """
        handed: list[Parameter] = []

        def hand_in(shares: Sequence[Parameter]) -> Results:
            handed.extend(shares)
            raise _HandedIn

        for p in parameters:
            with contextlib.suppress(_HandedIn):
                self._stage(level, [p], p.named, hand_in, _the_one, _alone)
        answers = iter(inside(handed))
        return lambda shares: [next(answers)]

    def _stage(
        self,
        level: int,
        parameters: Sequence[Parameter],
        named: dict[str, Any],
        inside: _Inside,
        join: Callable[[Sequence[Any]], Any],
        part: Callable[[Any, Sequence[Any]], list[Any]],
    ) -> Results:
        """One stage on what it is shown: the parameters, joined."""
        thetas, gs = [p.theta for p in parameters], [p.g for p in parameters]
        theta, g = join(thetas), join(gs)
        last = level == len(self.transforms)
        own = self._kept if last else len(self.transforms[level].slots)
        slots_within = [p.slots[: len(p.slots) - own] for p in parameters]
        slots = [join(row) for row in zip(*(p.slots[len(p.slots) - own :] for p in parameters))]  # noqa: B905
        if last:
            new = self.function(theta, g, *slots, **named)
            return list(zip(*(part(array, thetas) for array in new), strict=True))

        transform = self.transforms[level]
        results: Results = []
        moved: Any = None

        def inner(theta_within: Any, g_within: Any) -> Any:
            nonlocal results, moved
            # What a transform hands on as it is needs no cutting: it was joined of these.
            parts = (
                thetas if theta_within is theta else part(theta_within, thetas),
                gs if g_within is g else part(g_within, thetas),
            )
            shares = [
                Parameter(theta_i, g_i, slots_i, p.named)
                for theta_i, g_i, slots_i, p in zip(*parts, slots_within, parameters, strict=True)
            ]
            if moved is not None:
                raise _misused(transform, "called the update inside of it twice")
            results = inside(shares)
            moved = join([new for new, *_ in results])
            return moved

        options = {name: named[name] for name in ("step", *transform.reads)}
        options.update(self._at(vars(transform), named["step"]))
        after, *kept = transform.update(inner, theta, g, *slots, **options)
        if moved is None:
            raise _misused(transform, "did not call the update inside of it")
        if len(kept) != own:
            raise _misused(transform, f"gave {len(kept)} slots, and states {own}")
        news = [new for new, *_ in results] if after is moved else part(after, thetas)
        rows = [part(array, thetas) for array in kept]
        return [
            (new, *within, *(row[i] for row in rows))
            for i, (new, (_, *within)) in enumerate(zip(news, results, strict=True))
        ]


def _named_apart(transforms: Sequence[Transform]) -> list[str]:
    """Names of the transforms' slots, the innermost first; none is that of another, or of a rule."""
    names: list[str] = []
    times: Counter[str] = Counter()
    for transform in reversed(transforms):
        kind = type(transform).__name__
        times[kind] += 1
        prefix = kind if times[kind] == 1 else f"{kind}.{times[kind]}"
        names += [f"{prefix}.{slot}" for slot in transform.slots]
    return names


def _descent(theta: Any, g: Any, **options: Any) -> tuple[Any, ...]:
    return (theta - g,)


def _the_one(arrays: Sequence[Any]) -> Any:
    (array,) = arrays
    return array


def _alone(array: Any, like: Sequence[Any]) -> list[Any]:
    return [array]


def joined(arrays: Sequence[Any]) -> Any:
    """Arrays end to end in a flat one."""
    if len(arrays) == 1 and arrays[0].ndim == 1:
        return arrays[0]
    flat = [ag.reshape(a, (a.size,)) for a in arrays]
    return flat[0] if len(flat) == 1 else ag.concatenate(flat)


def _parted(array: Any, like: Sequence[Any]) -> list[Any]:
    """The flat array cut into arrays of the shapes of others."""
    if len(like) == 1:
        return [array if like[0].ndim == 1 else ag.reshape(array, like[0].shape)]
    ends = np.cumsum([a.size for a in like]).tolist()
    starts = [0, *ends[:-1]]
    return [ag.reshape(array[lo:hi], a.shape) for lo, hi, a in zip(starts, ends, like, strict=True)]


def _misused(transform: Transform, what: str) -> ConfigError:
    return ConfigError(
        "transforms",
        f"{type(transform).__name__} {what}. Expected update(inner, theta, g, *slots, step, …) "
        "to call inner(theta, g) once and to return (theta, *slots).",
    )
