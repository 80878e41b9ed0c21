"""What lies on the stack of a running frame: the operands of the instruction that comes next.

Python shows a tracer the variables of a frame, not its stack. CPython keeps both in one array of
pointers, `localsplus`; where that begins is found by looking for the variables of a frame whose
variables are known, so no layout of any version is written down here. How deep the stack is follows
from the code alone.
"""

from __future__ import annotations

import ctypes
import dis
import functools
import sys
from types import CodeType, FrameType
from typing import Any

from ..errors import CaptureError

__all__ = ["EMPTY", "depths", "function_of", "opcodes_traced", "slot", "slots", "variables"]

_word, _pointer = ctypes.c_size_t.from_address, ctypes.py_object.from_address
_WORD = ctypes.sizeof(ctypes.c_void_p)
_FRAME = object.__basicsize__ + _WORD  # in a frame object: after its head and `f_back`
_TAGS = 3  # low bits that are no part of an address (Python 3.14)
_FINAL = frozenset(
    {
        *("RETURN_VALUE", "RETURN_CONST", "RAISE_VARARGS", "RERAISE", "INTERPRETER_EXIT"),
        *("JUMP_FORWARD", "JUMP_BACKWARD", "JUMP_BACKWARD_NO_INTERRUPT", "JUMP_ABSOLUTE"),
    }
)


def _words(address: int, count: int) -> Any:
    return (ctypes.c_size_t * count).from_address(address)


def _inside(frame: FrameType) -> int:
    """Where the frame's own record is."""
    address: int = _word(id(frame) + _FRAME).value
    return address


@functools.cache
def _layout() -> tuple[int, int]:
    """In words: where in a frame's record its variables begin, and where its function is.

    Raises
    ------
    CaptureError
        If this interpreter's frames do not look like CPython's.
    """
    layouts: list[tuple[int, int]] = []

    def look(first: object, second: object, third: object) -> None:
        wanted = [id(first), id(second), id(third)]
        words = [w & ~_TAGS for w in _words(_inside(sys._getframe()), 24)]
        starts = [i for i in range(len(words) - 3) if words[i : i + 3] == wanted]
        functions = [i for i, w in enumerate(words) if w == id(look)]
        if len(starts) == 1 and functions:
            layouts.append((starts[0], functions[0]))

    if sys.implementation.name == "cpython":
        look(object(), object(), object())
    if not layouts:
        raise CaptureError(
            "jit",
            "what a function reads cannot be followed in this interpreter. Expected CPython 3.11 "
            f"or newer, not free-threaded; found {sys.implementation.name} {sys.version.split()[0]}. "
            "Call the function without ag.jit.",
        )
    return layouts[0]


def function_of(frame: FrameType) -> Any:
    """The function that a frame runs (or, of a class body or a module, the one made for it)."""
    return _object(_words(_inside(frame), _layout()[1] + 1)[_layout()[1]])


def slot(frame: FrameType, place: int) -> Any:
    """What is at a place of `localsplus`; None if nothing: a variable, a cell, a stack entry."""
    found = _entry(_inside(frame) + (_layout()[0] + place) * _WORD)
    return None if found is EMPTY else found


def slots(frame: FrameType, start: int, depth: int, count: int) -> list[Any]:
    """The uppermost ``count`` entries of a stack that is ``depth`` deep, the last on top.

    An empty entry (which marks a call that has no object) is `EMPTY`.

    Parameters
    ----------
    start : int
        Where the stack begins: `variables` of the frame's code.
    """
    first = _inside(frame) + (_layout()[0] + start + depth - count) * _WORD
    return [_entry(first + k * _WORD) for k in range(count)]


def _entry(address: int) -> Any:
    word = _word(address).value
    if word & ~_TAGS == 0:
        return EMPTY
    return _pointer(address).value if word & _TAGS == 0 else _object(word)


EMPTY = type("Empty", (), {"__repr__": lambda _: "nothing", "__slots__": ()})()


def _object(word: int) -> Any:
    if word & ~_TAGS == 0:
        return None
    if word & _TAGS == _TAGS:  # a number within the word
        return word >> 2
    return ctypes.cast(word & ~_TAGS, ctypes.py_object).value


def variables(code: CodeType) -> int:
    """How many places of `localsplus` are before the stack; those of outer cells come last."""
    return len(dict.fromkeys((*code.co_varnames, *code.co_cellvars))) + len(code.co_freevars)


def depths(code: CodeType) -> dict[int, int]:
    """How deep the stack is before each instruction that can be reached, by offset."""
    steps = list(dis.get_instructions(code))
    place = {step.offset: i for i, step in enumerate(steps)}
    after = dis.Bytecode(code)
    waiting = [(0, 0)]
    waiting += [(e.target, e.depth + 1 + bool(e.lasti)) for e in after.exception_entries]  # type: ignore[attr-defined]
    depth_at: dict[int, int] = {}
    while waiting:
        offset, depth = waiting.pop()
        i = place[offset]
        while i < len(steps) and steps[i].offset not in depth_at:
            step = steps[i]
            depth_at[step.offset] = depth
            arg = step.arg if step.opcode >= dis.HAVE_ARGUMENT else None
            if step.opcode in dis.hasjrel or step.opcode in dis.hasjabs:
                waiting.append((step.argval, depth + dis.stack_effect(step.opcode, arg, jump=True)))
            if step.opname in _FINAL:
                break
            depth += _effect(step)
            i += 1
    return depth_at


def _effect(step: dis.Instruction) -> int:
    """By how much the stack grows; `dis` tells of 3.11 what its compiler reckons with."""
    if step.opname == "RETURN_GENERATOR":
        return 1  # what a generator finds when it is resumed
    if step.opname == "PRECALL":
        return 0  # the arguments are taken by the CALL
    if step.opname == "CALL" and sys.version_info < (3, 12):
        return -1 - (step.arg or 0)
    arg = step.arg if step.opcode >= dis.HAVE_ARGUMENT else None
    return dis.stack_effect(step.opcode, arg, jump=False)


def opcodes_traced() -> None:
    """Have instructions traced from now on (Python 3.12 asks whether to when a tracer is set)."""
    sys._getframe().f_trace_opcodes = True
