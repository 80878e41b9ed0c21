"""What a public module says of itself, so that it is tested, drawn and shown by existing.

A module that stands in a folder of this package is found by `nn.catalogue.public_modules`. How it is made and
called it says in a class method ``example()``, which gives an `Example`; one that has none needs no
options and takes one array, such as an activation.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_core.aliases import RandomSource

from .module import Module

__all__ = ["Case", "Example", "example_of"]

# An input: the shape of an array of normal numbers, an array as it is, a list of those, or None.
Input = Any


@dataclass(frozen=True)
class Example:
    """How a module is made and called, in small.

    Attributes
    ----------
    make : callable
        The class, or a function that makes one; called with ``args``, the options of a variant, and
        ``rng`` and ``dtype`` if it takes them.
    args : sequence
        What has no default.
    calls : sequence of sequences of inputs
        What it is called with, once or in several ways; none if it is not called. An input is the shape of an array of normal
        numbers, an array, a list of those, or None. The first axis of the first call is the batch, and that
        of another call that is as long.
    variants : sequence of mappings
        Other options, at values that change what is computed; each is tried with the first call, or
        with one of its own where it is a pair of options and a call.
    undecided : str, or function of the options
        Why the gradient is not proved at every batch size, where it is not. It then is at a fixed one.
    batch : int, or function of the options
        Which axis is the batch, in inputs and in the result, if it is not the first.
    small : sequence of inputs
        What it is called with for proofs, where the expressions of another call are too long for one.
    """

    make: Callable[..., Module]
    args: Sequence[Any] = ()
    calls: Sequence[Sequence[Input]] = (((5, 3),),)
    variants: Sequence[Mapping[str, Any] | tuple[Mapping[str, Any], Sequence[Input]]] = ()
    undecided: str | Callable[[Mapping[str, Any]], str] = ""
    batch: int | Callable[[Mapping[str, Any]], int] = 0
    small: Sequence[Input] = ()

    def cases(self) -> Iterator[Case]:
        """Each way to make and call it: the calls as it is by default, the variants by the first call."""
        for k, call in enumerate(self.calls):
            yield Case(self, {}, call, f"call {k}" if k else "")
        for variant in self.variants:
            options, call = variant if isinstance(variant, tuple) else (variant, self.calls[0])
            yield Case(self, options, call, ", ".join(_words(options)))


@dataclass(frozen=True)
class Case:
    """One module of an example, and what it is called with."""

    example: Example
    options: Mapping[str, Any] = field(default_factory=dict)
    call: Sequence[Input] = ()
    words: str = ""

    @property
    def axis(self) -> int:
        """Which axis is the batch, if there is one."""
        return self._axis(self.options)

    def _axis(self, options: Mapping[str, Any]) -> int:
        batch = self.example.batch
        return batch(options) if callable(batch) else batch

    @property
    def undecided(self) -> str:
        """Why its gradient is not proved at every batch size, if so."""
        undecided = self.example.undecided
        return undecided(self.options) if callable(undecided) else undecided

    @property
    def batched(self) -> bool:
        """Whether that axis of every input is the batch, which may have any size."""
        first = replace(self, call=self.example.calls[0]).inputs()[0]
        axis = self._axis({})
        if isinstance(first, list) or first.ndim <= axis:
            return False
        size = first.shape[axis]
        return all(
            not isinstance(x, list)
            and x is not None
            and x.ndim > self.axis
            and x.shape[self.axis] == size
            for x in self.inputs()
        )

    def build(self, rng: RandomSource = 0, dtype: npt.DTypeLike = np.float32) -> Module:
        """A new module."""
        takes = inspect.signature(self.example.make).parameters
        asked = {"rng": rng, "dtype": dtype}
        given = {name: value for name, value in asked.items() if name in takes}
        return self.example.make(*self.example.args, **{**given, **self.options})

    def inputs(self, dtype: npt.DTypeLike = np.float32, seed: int = 42) -> list[Any]:
        """What it is called with: arrays, or lists of arrays; floats of the given dtype."""
        rng = np.random.default_rng(seed)

        def array(given: Input) -> Any:
            if isinstance(given, list):
                return [array(one) for one in given]
            if given is None:
                return None
            values = np.asarray(rng.normal(size=given) if isinstance(given, tuple) else given)
            return values.astype(dtype) if values.dtype.kind == "f" else values

        return [array(given) for given in self.call]


def example_of(kind: type[Module]) -> Example:
    """What a class says of itself, or that it needs no options and takes one array."""
    found: Callable[[], Example] | None = getattr(kind, "example", None)
    return Example(kind) if found is None else found()


def _words(options: Mapping[str, Any]) -> Iterator[str]:
    for name, value in options.items():
        yield f"{name}={getattr(value, '__name__', value)}"
