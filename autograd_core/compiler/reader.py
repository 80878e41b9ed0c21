"""What a function reads while it runs: followed instruction by instruction, and noted.

A tracer stops before each instruction of the user's code and of Python's own, looks at the operands
on the stack (`frames`), and notes in a `Watch` what the instruction is about to read of an object
that was there before: a global, a cell, an attribute, an entry, the contents of what is handed to a
function in C. The path that was run depends on nothing else, so if all of that is the same, so is the
result. What cannot be followed is refused by name.
"""

from __future__ import annotations

import contextlib
import gc
import inspect
import random
import sys
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from ..effects import Capture
from ..errors import CaptureError
from ..frames import library
from ..structure import Structured
from .guards import Kind
from .instructions import Followed
from .known import QUIET, is_static, of_python
from .meanings import Calls
from .objects import GENERATES, state_of
from .operand_stack import function_of, opcodes_traced, slot, variables

__all__ = ["Reader"]

_LOGGING = frozenset({"_log", "handle", "callHandlers"})


class Reader(Calls):
    """Runs a function and notes what it reads."""

    # --- running ----------------------------------------------------------------------------------

    def run(self, function: Callable[..., Any], args: Any, kwargs: Any, capture: Capture) -> Any:
        """What the function returns.

        Raises
        ------
        CaptureError
            If it depends on something that cannot be watched.
        """
        self.capture = capture
        self._nest((args, kwargs))
        before, collecting = sys.gettrace(), gc.isenabled()
        self._other = before
        self._tracer = self._entered
        shared = np.random.get_state(legacy=False), random.getstate()  # noqa: NPY002 - to look after it
        gc.disable()  # what others left behind is not ours to follow
        opcodes_traced()
        try:
            self._called(function, list(args), kwargs)
            sys.settrace(self._tracer)
            result = function(*args, **kwargs)
            if self.refusal is None and sys.gettrace() is not self._tracer:
                self.refuse(
                    "another tracer, as of a debugger, was set while it ran", "Set it before."
                )
        except BaseException:
            if self.refusal is not None:
                raise self.refusal from None
            raise
        finally:
            sys.settrace(before)
            if collecting:
                gc.enable()
            self._frame = None
            # What they hold would else live until garbage is collected.
            self._tracer = None
            while self._suspended:
                _left_alone(self._suspended.pop())
            self._check_drawn(shared)
        if self.refusal is not None:
            raise self.refusal
        list(self._within([result]))  # containers that were there before
        self._check_ended()
        for held in (self._inner, self._written, self._before, self._fixed):
            held.clear()
        if self.watch.weakly:
            gc.collect(0)  # frames that were followed hold one another from Python 3.13 on
        return result

    def _nest(self, tree: Any) -> None:
        """The containers of the arguments are made anew for each call."""
        self._made(tree)
        for part in tree.values() if isinstance(tree, dict) else tree:
            if isinstance(part, (list, tuple, dict)):
                self._nest(part)

    def _check_drawn(self, shared: tuple[Any, Any]) -> None:
        """Refuse what was drawn from generators that ours were handed, and put them back."""
        drawn = []
        for generator, before in self._drawn.values():
            if not _same_state(state_of(generator), before):
                drawn.append(type(generator).__name__)
                _put_back(generator, before)
        numpy, python = shared
        if not _same_state(np.random.get_state(legacy=False), numpy):  # noqa: NPY002
            drawn.append("numpy.random")
            np.random.set_state(numpy)  # noqa: NPY002 - to look after it
        if random.getstate() != python:
            drawn.append("random")
            random.setstate(python)
        if drawn and self.refusal is None:
            with contextlib.suppress(CaptureError):
                self._refuse_random(", ".join(drawn), here=False)

    # --- the tracer -------------------------------------------------------------------------------

    def _entered(self, frame: types.FrameType, event: str, arg: Any) -> Any:
        """Called for each new frame: what looks at its instructions, or None."""
        code = frame.f_code
        if self._other is None and id(code) in self._ours:
            self._explicit = None
            return None
        other = None
        if self._other is not None:  # a debugger's, or one that measures coverage
            other = self._other(frame, event, arg)  # type: ignore[arg-type]
            if sys.gettrace() is not self._tracer:
                sys.settrace(self._tracer)
        if self._muted is not None:
            return other
        module = frame.f_globals.get("__name__", "")
        if library(module):
            self._explicit = None
            if not self._of_structured(frame, code):
                self._ours[id(code)] = code
            return other
        if module.partition(".")[0] in QUIET or (module == "logging" and code.co_name in _LOGGING):
            self._muted = frame
            return _Muted(self, other).event
        if of_python(code) and not self._follows(frame.f_back):
            return other  # called by ours
        function = function_of(frame)
        if is_static(function):
            self._muted = frame
            return _Muted(self, other).event
        inside = Followed(self, frame, other)
        outer, self._frame = self._frame, inside
        try:
            self._begin(frame, code, function)
        except CaptureError:
            raise
        except Exception as error:  # noqa: BLE001 - what is not followed is refused
            self._broken(error)
        inside.caller = outer
        frame.f_trace = inside.event  # Python 3.13 wants it there when instructions are asked for
        frame.f_trace_opcodes = True
        if code.co_flags & GENERATES:
            self._suspended.append(frame)
        return inside.event

    def _of_structured(self, frame: types.FrameType, code: types.CodeType) -> bool:
        """Whether code of ours is a method of what has a structure, which is noted before it runs.

        What our code reads is not watched one by one.
        """
        first = slot(frame, 0) if code.co_argcount else None
        if type(first) is types.CellType:
            first = first.cell_contents
        if not isinstance(first, Structured):
            return False
        new = code.co_name == "__init__" and not isinstance(type(first).__new__, types.FunctionType)
        if new and not self.watch.knows(first):
            self._made(first)
        self._met(first)
        return True

    def _follows(self, frame: types.FrameType | None) -> bool:
        """Whether a frame is one that is followed, or where it began."""
        if frame is None:
            return False
        inside = getattr(frame.f_trace, "__self__", None)
        return isinstance(inside, Followed) or frame.f_code is Reader.run.__code__

    def _begin(self, frame: types.FrameType, code: types.CodeType, function: Any) -> None:
        """Note what a call itself reads: which function it is, and its defaults."""
        explicit, self._explicit = self._explicit is code, None
        for place in range(variables(code) - len(code.co_freevars)) if code.co_cellvars else ():
            if type(cell := slot(frame, place)) is types.CellType:
                self._made(cell)
        if code.co_flags & inspect.CO_VARKEYWORDS:
            place = (
                code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & inspect.CO_VARARGS)
            )
            self._made(slot(frame, place))  # of this call
        if type(function) is not types.FunctionType or function.__code__ is not code:
            return
        first = slot(frame, 0) if code.co_argcount else None
        if type(first) is types.CellType:
            first = first.cell_contents
        if not explicit and first is not None:
            if code.co_name == "__init__" and not isinstance(
                type(first).__new__, types.FunctionType
            ):
                self._made(
                    first
                )  # by a call of its class (a __new__ of its own may give an old one)
            self._looked_up(first, function)
        if id(function) in self._inner or of_python(code):
            return
        self.watch.note(Kind.ATTRIBUTE, function, "__code__", code)
        if function.__defaults__:
            self.watch.note(Kind.ATTRIBUTE, function, "__defaults__", function.__defaults__)
        if function.__kwdefaults__:
            self.watch.note(Kind.ATTRIBUTE, function, "__kwdefaults__", function.__kwdefaults__)
            self._contents(function.__kwdefaults__)

    def _looked_up(self, o: Any, function: Any) -> None:
        """A method that an operator, a function in C or one of ours has looked up in a class."""
        kind = o if isinstance(o, type) else type(o)
        for one in kind.__mro__:
            if library(one.__module__):
                break
            for name, value in one.__dict__.items() if not self._known(one) else ():
                if value is function and getattr(kind, name, None) is function:
                    self.watch.note(Kind.ATTRIBUTE, kind, name, function)


def _left_alone(frame: types.FrameType) -> None:
    frame.f_trace_opcodes = False
    frame.f_trace = None


def _same_state(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return all(_same_state(v, b[k]) for k, v in a.items())
    return bool(np.array_equal(a, b)) if isinstance(a, np.ndarray) else bool(a == b)


def _put_back(generator: Any, state: Any) -> None:
    """Undo what was drawn."""
    if isinstance(generator, np.random.Generator):
        generator.bit_generator.state = state
    elif isinstance(generator, np.random.BitGenerator):
        generator.state = state
    elif isinstance(generator, np.random.RandomState):
        generator.set_state(state)
    else:
        generator.setstate(state)


class _Muted:
    """Waits for the end of a call whose doing is not looked into."""

    def __init__(self, reader: Reader, other: Any) -> None:
        self.reader = reader
        self.other = other

    def event(self, frame: types.FrameType, event: str, arg: Any) -> Any:
        if self.other is not None:
            self.other = self.other(frame, event, arg)
        if event == "return":
            self.reader._muted = None
        return self.event
