"""An update rule, recorded once and replayed in place."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import autograd_core as ag

from .scope import Scope

__all__ = ["Rule"]


class Rule:
    """An update rule for one choice of options, as Programs for arrays of any size and dtype.

    Parameters
    ----------
    update : callable
        ``update(theta, g, *slots, step=…, **options) -> (theta, *slots)``, pure.
    slots : sequence of str
        Names of its slots.
    scalars : sequence of str
        Those options that are numbers; they become inputs, so that they may change between steps.
    constants : dict
        The other options: choices, and None for terms that are not there.
    scope : {"element", "parameter", "all"}
        Of what arrays it is a rule: see `Optimizer.scope`.
    """

    def __init__(
        self,
        update: Callable[..., tuple[Any, ...]],
        slots: Sequence[str],
        scalars: Sequence[str],
        constants: dict[str, Any],
        scope: Scope = "element",
    ) -> None:
        self.scope = scope
        self.slots = tuple(slots)
        self.scalars = tuple(scalars)
        self._update = update
        self._constants = constants
        self._replays: dict[tuple[Any, np.dtype[Any]], ag.Replay] = {}

    @property
    def function(self) -> Callable[..., tuple[Any, ...]]:
        """The update itself."""
        return self._update

    @property
    def choices(self) -> Any:
        """All that shapes it beside the update, to look it up by."""
        return (self.slots, self.scalars, tuple(self._constants.items()))

    def apply(
        self, theta: Any, g: Any, slots: Sequence[Any], numbers: Sequence[Any]
    ) -> tuple[Any, ...]:
        """One update of tensors: ``(theta, *slots)`` anew.

        Parameters
        ----------
        numbers : sequence of number or Tensor
            Values of `scalars`.
        """
        named = dict(zip(self.scalars, numbers, strict=True))
        return self._update(theta, g, *slots, **named, **self._constants)

    def program(self, size: int | ag.Dim | tuple[int, ...], dtype: Any) -> ag.Program[Any]:
        """The rule as a printable, provable program for flat arrays of ``size`` elements, or of a shape.

        Returns
        -------
        Program
            Inputs: theta, g, the slots, then `scalars`. Outputs: theta, the slots.
        """
        arrays = ("theta", "g", *self.slots)
        shape = size if isinstance(size, tuple) else (size,)

        def rule(theta: Any, g: Any, *rest: Any) -> tuple[Any, ...]:
            count = len(self.slots)
            return self.apply(theta, g, rest[:count], rest[count:])

        # Names the inputs in the program.
        rule.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [
                inspect.Parameter(name, inspect.Parameter.POSITIONAL_ONLY)
                for name in (*arrays, *self.scalars)
            ]
        )
        # The numbers given here are examples: floats are traced as scalar inputs.
        return ag.trace(rule, name=self._update.__qualname__)(
            *(ag.Abstract(shape, dtype) for _ in arrays), *(0.5 for _ in self.scalars)
        )

    def replay(self, size: int | tuple[int, ...], dtype: np.dtype[Any]) -> ag.Replay:
        """The program of that size or shape, prepared for running in place; made once."""
        if (size, dtype) not in self._replays:
            self._replays[size, dtype] = ag.Replay(self.program(size, dtype))
        return self._replays[size, dtype]
