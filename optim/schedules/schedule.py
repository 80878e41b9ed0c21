"""Schedule: a number that follows the count of updates; and how schedules are put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

import numpy as np

import autograd_core as ag
from autograd_core.aliases import Array
from autograd_core.context import within
from autograd_core.errors import AutogradError, ConfigError
from autograd_core.options import COUNT, NON_NEGATIVE, POSITIVE, Interval

from ..declared import Value

__all__ = ["Constant", "Epochs", "Joined", "Scaled", "Schedule"]


class Schedule(Value):
    """A hyperparameter as a pure function of the count of updates, k = 0, 1, 2, … in turn.

    It stands wherever a number may: ``optim.SGD(params, lr=optim.schedules.Linear(0.1))``. The rule
    computes it from its own count, so it is compiled and proved with the rule, and goes on where a
    saved run stopped. Every parameter has its own k, the updates made to it; in a rule of scope
    ``"all"`` it is that of the one updated most often.

    A subclass declares its numbers and says what they give at k, in Tensor operators: k is a
    number, a tensor, or a number of a program.

    Raises
    ------
    ConfigError
        If a number is outside its range; and, when it is given to an optimizer, if the schedule
        leaves the range of the hyperparameter, a learning rate of which is negative for one: at any
        of the first updates, around those at which it changes its form, or on the way to k = 10⁹.

    Notes
    -----
    What looks at results, such as lowering the rate on a plateau, is no function of k: it is a
    callback that sets the number (`optim.Callback`).

    Examples
    --------
    >>> from optim.schedules import Exponential, Ramp
    >>> warm = Ramp(0.0, 0.1, updates=10).then(Exponential(0.1, beta=0.01), at=10)
    >>> [round(float(warm(k)), 4) for k in (0, 5, 10, 110)]
    [0.0, 0.05, 0.1, 0.0368]
    >>> 0.5 * Exponential(0.1, beta=0.01)
    Scaled(schedule=Exponential(initial=0.1, beta=0.01), factor=0.5)

    One of your own:

    >>> from autograd_core.options import POSITIVE
    >>> class Root(Schedule):
    ...     initial: Annotated[float, POSITIVE]
    ...
    ...     def __call__(self, k):
    ...         return self.initial / ag.sqrt(k + 1)
    >>> float(Root(0.5)(3))
    0.25
    """

    examples: ClassVar[Sequence[Mapping[str, Any]]] = ()
    """Numbers to try it with: what the contract of the tests does."""

    def __call__(self, k: Any) -> Any:
        """The number at ``k``."""
        raise NotImplementedError

    def then(self, other: Schedule, at: int) -> Joined:
        """Itself before ``at``, the other from there on, which begins with its own k = 0."""
        return Joined(self, other, at)

    def epochs(self, updates: int) -> Epochs:
        """The same, counted in epochs of so many updates."""
        return Epochs(self, updates)

    def __mul__(self, factor: float) -> Scaled:
        return Scaled(self, factor)

    __rmul__ = __mul__

    def check_values(self, where: str, kind: Interval) -> None:
        """Refuse what is no formula in k, and values outside a range, at the k that are tried.

        Raises
        ------
        ConfigError
            Naming k.
        """
        with within(capture=None), ag.no_grad():
            try:
                ag.trace(self)(0.5)
            except AutogradError as error:
                raise ConfigError(
                    where,
                    f"{self!r}: expected a formula in Tensor operators. Choose with ag.where "
                    f"instead of if. ({error})",
                ) from error
            counts = self._tried()
            with np.errstate(all="ignore"):  # what is not finite is told below
                values = np.broadcast_to(np.asarray(self(ag.tensor(counts))), counts.shape)
            for k in np.flatnonzero(~kind.holds(values))[:1]:
                kind.check(f"{where}: {self!r} at k = {counts[k]:.0f}", float(values[k]))

    def _tried(self) -> Array:
        """The k at which its values are tried, in order."""
        near, far = np.arange(1024.0), np.round(np.geomspace(1024, 1e9, 400))
        turns = [at + np.arange(-8.0, 257.0) for at in self.turns()]
        return np.unique(np.maximum(np.concatenate([near, far, *turns]), 0))

    def turns(self) -> tuple[int, ...]:
        """The k from which on it may follow another formula: its whole numbers."""
        return tuple(value for value in vars(self).values() if isinstance(value, int))

    def _checked(self, name: str, value: object) -> Any:
        if isinstance(value, Schedule) and isinstance(self.hyperparameters[name], Interval):
            raise ConfigError(
                type(self).__name__, f"{name}: expected a number, not the schedule {value!r}."
            )
        return super()._checked(name, value)


class Constant(Schedule):
    """η_k = η: the same at every update; a part of joined schedules.

    Parameters
    ----------
    value : float, ≥ 0
        η, in the unit of the hyperparameter.

    Notes
    -----
    By itself a plain number does the same, and may be changed between steps at no cost.

    Examples
    --------
    >>> float(Constant(0.5)(100))
    0.5
    """

    examples = ({"value": 0.1},)

    value: Annotated[float, NON_NEGATIVE]

    def __call__(self, k: Any) -> Any:
        """The number at ``k``."""
        return self.value + 0 * k


class Joined(Schedule):
    """One schedule, and from update ``at`` on another."""

    examples = ({"first": Constant(0.2), "second": Constant(0.1), "at": 3},)

    first: Schedule
    second: Schedule
    at: Annotated[int, COUNT]

    def __call__(self, k: Any) -> Any:
        """The number at ``k``."""
        # The one that is not taken must not be asked outside of where it is meant.
        first, second = self.first(ag.minimum(k, self.at)), self.second(ag.maximum(k - self.at, 0))
        return ag.where(k < self.at, first, second)

    def turns(self) -> tuple[int, ...]:
        """Those of both."""
        later = (self.at + k for k in self.second.turns())
        return (self.at, *(k for k in self.first.turns() if k < self.at), *later)


class Scaled(Schedule):
    """A schedule times a positive number."""

    examples = ({"schedule": Constant(0.2), "factor": 0.5},)

    schedule: Schedule
    factor: Annotated[float, POSITIVE]

    def __call__(self, k: Any) -> Any:
        """The number at ``k``."""
        return self.factor * self.schedule(k)

    def turns(self) -> tuple[int, ...]:
        """Those of the schedule."""
        return self.schedule.turns()


class Epochs(Schedule):
    """A schedule that counts epochs of so many updates."""

    examples = ({"schedule": Joined(Constant(0.2), Constant(0.1), 1), "updates": 3},)

    schedule: Schedule
    updates: Annotated[int, COUNT]

    def __call__(self, k: Any) -> Any:
        """The number at ``k``."""
        return self.schedule(ag.floor(k / self.updates))

    def turns(self) -> tuple[int, ...]:
        """Those of the schedule, in epochs."""
        return tuple(self.updates * k for k in self.schedule.turns())
