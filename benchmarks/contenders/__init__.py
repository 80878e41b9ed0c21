"""Who takes part: a file for each library, which declares what it can do with `contender`."""

from __future__ import annotations

import importlib
import importlib.util
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
from workloads import Array, Row, Work

T = TypeVar("T")

# A file for each other library, and the package that it needs.
FILES = {
    "with_jax": "jax",
    "with_torch": "torch",
    "with_autograd": "autograd",
    "with_mygrad": "mygrad",
    "with_tinygrad": "tinygrad",
    "with_micrograd": "micrograd",
    "by_hand": "numpy",
}


class LeftOutError(Exception):
    """A contender cannot take part; the message says why."""


class Contender(NamedTuple):
    """One that is ready to be called.

    Attributes
    ----------
    call
        Takes the next arguments in turn and gives a result that is ready: a network's loss (or
        losses, where a call makes many steps), and otherwise the value and derivatives.
    state
        A network's parameters, W (in, out), b and with norm γ, β, layer by layer; then, if it
        keeps any, running mean and variance, layer by layer.
    steps
        Training steps in a call.
    """

    call: Callable[[], Any]
    state: Callable[[], list[Array]] = list
    steps: int = 1


class Entry(NamedTuple):
    """A contender that has not been made yet."""

    name: str
    row: Row
    enters: Callable[[Work], bool]
    make: Callable[[Work], Contender]


ENTRIES: list[Entry] = []


def contender(
    name: str, row: Row, enters: Callable[[Work], bool] = lambda work: True
) -> Callable[[Callable[[Work], Contender]], Callable[[Work], Contender]]:
    """Enter a contender for the rows of a kind, or those of them that ``enters`` accepts."""

    def declare(make: Callable[[Work], Contender]) -> Callable[[Work], Contender]:
        ENTRIES.append(Entry(name, row, enters, make))
        return make

    return declare


def gather() -> Iterator[str]:
    """Import ours, and the files whose library is there; a line for each that fails even so."""
    importlib.import_module("contenders.ours")
    for file, package in FILES.items():
        if importlib.util.find_spec(package) is None:
            continue
        try:
            importlib.import_module(f"contenders.{file}")
        except ImportError as failure:
            yield f"left out: {package}: {failure}"


def in_turn(items: Sequence[T]) -> Callable[[], T]:
    """The next item at each call, for ever."""
    return itertools.cycle(items).__next__


def many(work: Work) -> bool:
    """Whether the row has contenders that make many steps in a call."""
    return work.network is not None and work.network.steps > 0


def arrays(found: Any) -> list[Array]:
    """Everything in a result, nested or not, as float64."""
    if isinstance(found, (list, tuple)):
        return [a for part in found for a in arrays(part)]
    if hasattr(found, "detach"):
        found = found.detach()
    return [np.array(found.numpy() if hasattr(found, "numpy") else found, np.float64)]
