"""An update rule, recorded once and replayed in place."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import autograd_core as ag

from .chain import Chain, Parameter, Update, joined
from .scope import Scope
from .transforms.transform import Transform

__all__ = ["Rule"]


class Rule(Chain):
    """An update rule with its transforms, as Programs for arrays of any size and dtype; see `Chain`."""

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
        super().__init__(update, slots, scalars, constants, scope, transforms, numbers, maximize)
        self._replays: dict[tuple[Any, np.dtype[Any]], ag.Replay] = {}

    def program(self, size: int | ag.Dim | tuple[int, ...], dtype: Any) -> ag.Program[Any]:
        """The rule as a printable, provable program for flat arrays of ``size`` elements, or of a shape.

        Returns
        -------
        Program
            Inputs: theta, g, the slots, then `scalars`. Outputs: theta, the slots.
        """
        shape = size if isinstance(size, tuple) else (size,)
        count = 2 + len(self.slots)

        def rule(*given: Any) -> tuple[Any, ...]:
            theta, g, *slots = given[:count]
            return self.apply(theta, g, slots, self.named(given[count:]))

        return self._recorded(rule, shape, self.scalars, dtype, ())

    def program_of(self, shapes: Sequence[tuple[int, ...]], dtype: Any) -> ag.Program[Any]:
        """The rule for parameters of these shapes that lie in one flat array, each with its own count.

        Returns
        -------
        Program
            Inputs: theta, g, the slots, all flat (of `numbers`, one for each parameter); then `scalars`,
            and the count of each parameter. Outputs: theta, the slots, flat.
        """
        ends = np.cumsum([math.prod(shape) for shape in shapes]).tolist()
        cuts = list(zip([0, *ends[:-1]], ends, shapes, strict=True))
        arrays, numbers = 2 + len(self.slots), len(self.scalars)
        names = ("theta", "g", *self.slots)

        def share(name: str, array: Any, k: int) -> Any:
            lo, hi, shape = (k, k + 1, ()) if name in self.numbers else cuts[k]
            return ag.reshape(array[lo:hi], shape)

        def rule(*given: Any) -> tuple[Any, ...]:
            shared, counts = given[arrays : arrays + numbers], given[arrays + numbers :]
            parameters: list[Parameter] = []
            for k, count in enumerate(counts):
                theta, g, *slots = (
                    share(name, a, k) for name, a in zip(names, given[:arrays], strict=True)
                )
                parameters.append(Parameter(theta, g, slots, self.named([count, *shared[1:]])))
            rows = zip(*self.apply_to(parameters, self.named(shared)), strict=True)
            return tuple(map(joined, rows))

        numbered = (*self.scalars, *(f"step_{i}" for i in range(len(shapes))))
        return self._recorded(rule, (ends[-1],), numbered, dtype, (len(shapes),))

    def _recorded(
        self,
        rule: Callable[..., tuple[Any, ...]],
        shape: Any,
        numbers: Sequence[str],
        dtype: Any,
        apart: tuple[int, ...],  # the shape of slots that are a number for each parameter
    ) -> ag.Program[Any]:
        arrays = ("theta", "g", *self.slots)
        # Names the inputs in the program; arguments have no dots in their names.
        rule.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [
                inspect.Parameter(name.replace(".", "·"), inspect.Parameter.POSITIONAL_ONLY)
                for name in (*arrays, *numbers)
            ]
        )
        # The numbers given here are examples: floats are traced as scalar inputs.
        return ag.trace(rule, name=self.function.__qualname__)(
            *(ag.Abstract(apart if name in self.numbers else shape, dtype) for name in arrays),
            *(0.5 for _ in numbers),
        )

    def replay(self, size: int | tuple[Any, ...], dtype: np.dtype[Any]) -> ag.Replay:
        """The program of that size, shape or shapes, prepared for running in place; made once."""
        if (size, dtype) not in self._replays:
            several = isinstance(size, tuple) and any(isinstance(part, tuple) for part in size)
            program = self.program_of(size, dtype) if several else self.program(size, dtype)  # type: ignore[arg-type]
            self._replays[size, dtype] = ag.Replay(program)
        return self._replays[size, dtype]
