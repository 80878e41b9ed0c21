"""Functions run once on arrays without values, and what of it depends on their arguments.

`vmap`, `scan` and `jacobian` all do so: the first two to the user's function, the last to a
pullback. What does not depend on the arguments is computed there and then, with its history, and
is used as it is.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from ..context import CONTEXT, unveiled, within
from ..effects import Capture
from ..errors import CaptureError, ConfigError
from ..graph import NUMBERS, freed, operands_of
from ..memory import SEQUENCE
from ..tensors import Tensor, leaf

__all__ = ["Dependents", "run_blind", "title_of"]


def title_of(function: Any) -> str:
    """What messages call a function."""
    return str(getattr(function, "__name__", type(function).__name__)).strip("<>")


def run_blind(
    operation: str, function: Callable[..., Any], args: Sequence[Any], kwargs: Any
) -> tuple[Any, list[tuple[Tensor, Tensor]], int]:
    """Run a function on arguments of which some have no values.

    Parameters
    ----------
    operation : str
        What an error calls it.

    Returns
    -------
    result : as the function's
    writes : list of (leaf, value)
        What it assigned.
    since : int
        Tensors with a smaller number were there before.

    Raises
    ------
    CaptureError
        If the function asks for values.
    ConfigError
        If it calls ``backward``.
    """
    outer = CONTEXT.get().capture
    capture = Capture(reading=operation) if outer is None else _inside(outer, operation)
    before, known = dict(capture.writes), dict(capture.gradients)
    since, title = SEQUENCE(), title_of(function)
    try:
        with within(capture=capture, recording=True, transform=True), unveiled():
            result = function(*args, **kwargs)
    except CaptureError as error:
        if isinstance(error, _InsideError):  # of a function that this one has called
            raise
        raise _InsideError(f"{operation} of {title}", str(error)) from None
    if any(known.get(key) is not entry for key, entry in capture.gradients.items()):
        raise ConfigError(
            f"{operation} of {title}",
            "the function set .grad (by backward or zero_grad). Expected a "
            "function without effects. Use ag.grad or ag.value_and_grad inside.",
        )
    writes = [w for key, w in capture.writes.items() if before.get(key) is not w]
    return result, writes, since


class _InsideError(CaptureError):
    """One that says which function asked for values."""


def _inside(outer: Capture, operation: str) -> Capture:
    """A capture that begins with what another one knows, and adds nothing to it."""
    inner = copy.copy(outer)
    inner.reading = operation
    for name in ("checks", "counts", "gradients", "owners", "writes"):
        if hasattr(inner, name):
            setattr(inner, name, getattr(inner, name).copy())
    return inner


class Dependents:
    """The tensors on the way from some inputs to some outputs, in order of creation.

    Parameters
    ----------
    inputs : sequence of Tensor
    outputs : iterable
        Tensors, and anything else, which is passed over.
    since : int
        Nothing older is looked at.

    Attributes
    ----------
    steps : list of Tensor
        Computed from the inputs.
    read : list of Tensor
        What the steps read that does not depend on the inputs.
    """

    def __init__(self, inputs: Sequence[Tensor], outputs: Iterable[Any], since: int) -> None:
        depends = {id(t) for t in inputs}
        roots = [o for o in outputs if type(o) is Tensor]
        seen: set[int] = set(depends)
        reached: list[Tensor] = []
        stack = list(roots)
        while stack:
            t = stack.pop()
            if id(t) in seen:
                continue
            seen.add(id(t))
            if t._op is None or t._seq < since:
                continue
            operands = operands_of(t)
            if operands is None:
                raise freed(t)
            reached.append(t)
            stack.extend([a for a in operands if type(a) not in NUMBERS])
        reached.sort(key=lambda t: t._seq)
        self.steps: list[Tensor] = []
        self._depends = depends
        read: dict[int, Tensor] = {}
        for t in reached:
            behind = [a for a in operands_of(t) or () if type(a) not in NUMBERS]
            if any(id(a) in depends for a in behind):
                depends.add(id(t))
                self.steps.append(t)
                read.update({id(a): a for a in behind if id(a) not in depends})
        self._since = since
        self._captured = CONTEXT.get().capture is not None
        self._plain: dict[int, Tensor] = {}
        self.read = list(read.values())

    def outside(self, t: Tensor) -> Tensor:
        """A tensor that does not depend on the inputs, as those outside of the function see it.

        Outside of a capture, what no gradient is wanted for is a leaf. What wants one for the function's
        own `grad` alone wants none there.
        """
        inside = t._op is not None and t._seq >= self._since
        if not inside or self._captured or not isinstance(t._value, (np.ndarray, np.generic)):
            return t
        if id(t) not in self._plain:
            self._plain[id(t)] = t if self._wanted(t) else leaf(t._value, False, t.name, t.role)
        return self._plain[id(t)]

    def _wanted(self, t: Tensor) -> bool:
        """Whether a gradient goes through it to something older, or to a leaf."""
        seen: set[int] = set()
        stack = [t]
        while stack:
            t = stack.pop()
            if id(t) in seen or not t.requires_grad:
                continue
            if t._op is None or t._seq < self._since:
                return True
            seen.add(id(t))
            stack.extend([a for a in operands_of(t) or () if type(a) is Tensor])
        return False

    def __contains__(self, t: object) -> bool:
        return id(t) in self._depends
