"""Instructions of Python: which operands each has on the stack, and what it reads of them."""

from __future__ import annotations

import dis
import functools
import itertools
import sys
import types
from collections import defaultdict, deque
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import CaptureError
from ..frames import library
from ..tensors import Tensor
from .guards import GONE, PLAIN, Kind, found_in_classes, same_again
from .known import home, of_engine, of_python
from .meanings import Calls
from .operand_stack import EMPTY, depths, slot, slots, variables
from .reads import Then

__all__ = ["Followed"]

_HARMLESS = frozenset(
    {
        *("ASYNC_GEN_WRAP", "BUILD_CONST_KEY_MAP", "BUILD_SLICE"),
        *("BUILD_INTERPOLATION", "BUILD_STRING", "BUILD_TEMPLATE", "BUILD_TUPLE", "CACHE", "CHECK_EG_MATCH", "CHECK_EXC_MATCH", "CLEANUP_THROW"),
        *("COPY", "COPY_FREE_VARS", "DELETE_FAST", "END_ASYNC_FOR", "END_FOR", "END_SEND", "ENTER_EXECUTOR"),
        *("EXIT_INIT_CHECK", "EXTENDED_ARG", "GET_AITER", "GET_ANEXT", "GET_AWAITABLE", "INTERPRETER_EXIT"),
        *("IS_OP", "JUMP_BACKWARD", "JUMP_BACKWARD_NO_INTERRUPT", "JUMP_FORWARD", "KW_NAMES"),
        *("LIST_APPEND", "LIST_TO_TUPLE", "LOAD_ASSERTION_ERROR", "LOAD_BUILD_CLASS", "LOAD_CLOSURE"),
        *("LOAD_COMMON_CONSTANT", "LOAD_CONST", "LOAD_FAST", "LOAD_FAST_AND_CLEAR", "LOAD_FAST_BORROW"),
        *("LOAD_FAST_BORROW_LOAD_FAST_BORROW", "LOAD_FAST_CHECK", "LOAD_FAST_LOAD_FAST", "LOAD_LOCALS"),
        *("LOAD_SMALL_INT", "MAP_ADD", "MATCH_MAPPING", "MATCH_SEQUENCE", "NOP", "NOT_TAKEN"),
        *("POP_EXCEPT", "POP_ITER", "POP_TOP", "PRECALL", "PREP_RERAISE_STAR", "PRINT_EXPR", "PUSH_EXC_INFO"),
        *("PUSH_NULL", "RAISE_VARARGS", "RERAISE", "RESUME", "RETURN_CONST", "RETURN_GENERATOR"),
        *("RETURN_VALUE", "SETUP_ANNOTATIONS", "SET_ADD", "SET_FUNCTION_ATTRIBUTE"),
        *("STORE_DEREF", "STORE_FAST", "STORE_FAST_LOAD_FAST", "STORE_FAST_MAYBE_NULL", "SWAP"),
        *("STORE_FAST_STORE_FAST", "STORE_GLOBAL", "STORE_NAME", "WITH_EXCEPT_START", "YIELD_VALUE"),
        *("POP_JUMP_BACKWARD_IF_NONE", "POP_JUMP_BACKWARD_IF_NOT_NONE", "POP_JUMP_FORWARD_IF_NONE"),
        *("POP_JUMP_FORWARD_IF_NOT_NONE", "POP_JUMP_IF_NONE", "POP_JUMP_IF_NOT_NONE"),
    }
)  # fmt: skip


class Followed:
    """A frame that is followed."""

    def __init__(self, reader: Calls, frame: types.FrameType, other: Any) -> None:
        self.reader = reader
        self.frame: Any = frame  # while it runs
        self.code = frame.f_code
        _, self.plan, self.depths, self.start = _known_plan(self.code)
        self.other = other
        self.caller: Followed | None = None
        self.pending: tuple[int, Then] | None = None
        self.seen = False

    def catching(self) -> bool:
        """Whether an error that is raised here may be caught, here or where it was called."""
        frame: Followed | None = self
        while frame is not None and not _catches(frame.code):
            frame = frame.caller
        return frame is not None

    def line(self) -> str:
        """The place in the user's file."""
        return f"{self.code.co_filename}:{self.frame.f_lineno}"

    def event(self, frame: types.FrameType, event: str, arg: Any) -> Any:
        """What Python calls before each instruction, and when the frame is left."""
        if self.other is not None and event != "opcode":
            self.other = self.other(frame, event, arg)
            if sys.gettrace() is not self.reader._tracer:
                sys.settrace(self.reader._tracer)
        reader = self.reader
        if event == "opcode":
            reader._frame, self.frame = self, frame
            self._settle(frame)
            entry = self.plan.get(frame.f_lasti)
            if entry is not None:
                self._step(*entry)
            self.seen = True
        elif event == "return":
            self.pending = None
            if not self.seen and reader.refusal is None:
                reader.refuse(
                    "its instructions are not shown to a tracer",
                    "Call the function without ag.jit, or without what traces or replaces them.",
                )
            reader._frame, self.frame = self.caller, None  # whose variables end now
        return self.event

    def _step(self, handler: Callable[..., Then | None], step: Any, depth: int, after: int) -> None:
        try:
            then = handler(self, step, depth)
        except CaptureError:
            raise
        except Exception as error:  # noqa: BLE001 - what is not followed is refused
            self.reader._broken(error)
        else:
            if then is not None:
                self.pending = after, then

    def _settle(self, frame: types.FrameType) -> None:
        """Look at what the last instruction gave, if it gave something."""
        if self.pending is None:
            return
        (offset, then), self.pending = self.pending, None
        if frame.f_lasti == offset:
            depth = self.depths[offset]
            then(slots(frame, self.start, depth, 1)[0] if depth else None)

    def top(self, depth: int, count: int) -> list[Any]:
        """The uppermost entries of the stack, the last on top."""
        return slots(self.frame, self.start, depth, count)

    # --- handlers ---------------------------------------------------------------------------------

    def _on_unknown(self, step: Any, depth: int) -> None:
        self.reader.refuse(
            f"Python {sys.version.split()[0]} runs an instruction that is not known, {step.opname}",
            "Compute that part outside, and pass the result as an argument.",
        )

    def _on_global(self, step: Any, depth: int) -> None:
        self._name(self.frame.f_globals, step.argval)

    def _name(self, names: dict[str, Any], name: str) -> None:
        reader, builtin = self.reader, self.frame.f_builtins
        if name in names:
            if not reader._known(names):
                reader._met(names[name])
                reader.watch.note(Kind.ITEM, names, name, names[name])
        elif name in builtin:
            reader.watch.note(Kind.IN, names, name, False)
            reader.watch.note(Kind.ITEM, builtin, name, builtin[name])
        else:
            reader.watch.note(Kind.IN, names, name, False)
            reader.watch.note(Kind.IN, builtin, name, False)

    def _on_name(self, step: Any, depth: int) -> None:
        local = self.frame.f_locals
        if local is not self.frame.f_globals and step.argval in local:
            if (
                not self.code.co_flags & 2
                and isinstance(local, dict)
                and self.code.co_name == "<module>"
            ):
                self.reader._item(local, step.argval)
            return
        self._name(self.frame.f_globals, step.argval)

    def _on_cell(self, step: Any, depth: int) -> None:
        cell = slot(self.frame, step.arg)
        reader = self.reader
        if type(cell) is types.CellType and id(cell) not in reader._inner:
            try:
                value = cell.cell_contents
            except ValueError:
                value = GONE
            reader._met(value)
            reader.watch.note(Kind.CELL, cell, None, value)

    def _on_made_cell(self, step: Any, depth: int) -> Then:
        return lambda _: self.reader._made(slot(self.frame, step.arg))

    def _on_attribute(self, step: Any, depth: int) -> Then | None:
        (o,) = self.top(depth, 1)
        return self.reader._attribute(o, step.argval)

    def _on_attribute_above(self, step: Any, depth: int) -> None:
        found, this, o = self.top(depth, 3)
        if found is super:
            kind = o if isinstance(o, type) and issubclass(o, this) else type(o)
            self.reader._attribute_above(this, o, kind, step.argval)

    def _on_special(self, step: Any, depth: int) -> None:
        """``__enter__`` and its kin, looked up in the class alone."""
        kind = type(self.top(depth, 1)[0])
        found = found_in_classes(kind, step.argrepr)
        if isinstance(found, types.FunctionType) and not library(home(found)):
            self.reader.watch.note(Kind.STORED, kind, step.argrepr, found)
        if step.argrepr in ("__exit__", "__aexit__"):
            self._on_with(step, depth)

    def _on_with(self, step: Any, depth: int) -> None:
        """A context, which may swallow errors; ours do not."""
        kind = type(self.top(depth, 1)[0])
        self.reader._suppressing |= not library(kind.__module__)

    def _on_deleted_item(self, step: Any, depth: int) -> None:
        """The first time it is there, the second time it is not."""
        o, key = self.top(depth, 2)
        if isinstance(o, dict):
            self.reader._has(o, key)
        elif isinstance(o, (list, deque, bytearray)):
            self.reader._contents(o)

    def _on_imported(self, step: Any, depth: int) -> Then:
        if self.top(depth, 2)[0] == 0:  # no relative one
            self.reader._imported(step.argval)

        def then(module: Any) -> None:
            name = getattr(module, "__name__", None)
            if isinstance(name, str) and sys.modules.get(name) is module:
                self.reader.watch.note(Kind.ITEM, sys.modules, name, module)

        return then

    def _on_item(self, step: Any, depth: int) -> Then | None:
        o, key = self.top(depth, 2)
        return self._item(o, key)

    def _item(self, o: Any, key: Any) -> Then | None:
        reader = self.reader
        if type(o) is Tensor or type(key) is Tensor:
            return reader._handed([o, key])
        if isinstance(o, np.ndarray) and not isinstance(key, Tensor):
            reader._item(o, key)
            return reader._result_of([o])
        fixed = reader._fixed_too(o)
        makes = type(o) is defaultdict and o.default_factory in (list, dict, set)
        if makes and type(key) in PLAIN and key not in o:
            fixed = reader._made  # by this
        reader._item(o, key)
        if fixed is None and type(key) is slice:
            return reader._result_of([o])  # a new list
        return fixed

    def _on_slice(self, step: Any, depth: int) -> Then | None:
        o, start, stop = self.top(depth, 3)
        found = self._item(o, slice(start, stop))
        return found or self.reader._result_of([o])

    def _on_store_attribute(self, step: Any, depth: int) -> Then | None:
        return self.reader._set(self.top(depth, 1)[0], step.argval)

    def _on_store_item(self, step: Any, depth: int) -> Then | None:
        value, o, key = self.top(depth, 3)
        if isinstance(o, (dict, list)):  # which reads nothing of it
            if type(key) is slice or not same_again(key):
                self.reader._changed(o)
            return None
        if of_engine(o) or of_engine(value) or of_engine(key):
            return self.reader._handed([value, o, key])
        if isinstance(o, np.ndarray):
            self.reader._deep([value, key])
        return None

    def _on_store_slice(self, step: Any, depth: int) -> Then | None:
        value, o, _, _ = self.top(depth, 4)
        if of_engine(o) or of_engine(value):
            return self.reader._handed([value, o])
        self.reader._deep([value])
        self.reader._changed(o)
        return None

    def _on_binary(self, step: Any, depth: int) -> Then | None:
        if step.argrepr == "[]":
            return self._on_item(step, depth)
        values = self.top(depth, 2)
        if step.argrepr in ("%", "%=") and isinstance(values[0], (str, bytes)):
            self.reader._written_out(values[1:])
        return self.reader._operated(values)

    def _on_unary(self, step: Any, depth: int) -> Then | None:
        return self.reader._operated(self.top(depth, 1))

    def _on_contains(self, step: Any, depth: int) -> Then | None:
        item, o = self.top(depth, 2)
        if of_engine(o):
            return self.reader._handed([item, o])
        if isinstance(found_in_classes(type(o), "__contains__"), types.FunctionType):
            return None
        self.reader._has(o, item)
        return None

    def _on_true(self, step: Any, depth: int) -> None:
        self.reader._true(self.top(depth, 1)[0])

    def _on_formatted(self, step: Any, depth: int) -> None:
        count = (
            2
            if step.opname == "FORMAT_WITH_SPEC" or (step.opname == "FORMAT_VALUE" and step.arg & 4)
            else 1
        )
        values = self.top(depth, count)[:1]
        self.reader._written_out(values)
        self.reader._deep(values)

    def _on_iterated(self, step: Any, depth: int) -> Then | None:
        return self.reader._iterated(self.top(depth, 1)[0])

    def _on_unpacked(self, step: Any, depth: int) -> Then | None:
        o = self.top(depth, 1)[0]
        if of_engine(o):
            return None
        self.reader._iterated(o)
        if step.opname != "UNPACK_EX":
            return None
        return lambda _: self._made_rest(step, depth)

    def _made_rest(self, step: Any, depth: int) -> None:
        """The list that ``a, *b = …`` makes."""
        before, behind = step.arg & 0xFF, step.arg >> 8
        self.reader._made(self.top(depth + before + behind, before + 1)[0])

    def _on_next(self, step: Any, depth: int) -> Then | None:
        o = self.top(depth, 1)[0]
        self.reader._advanced(o)
        return self.reader._fixed_too(o)

    def _on_extended(self, step: Any, depth: int) -> None:
        self.reader._iterated(self.top(depth, 1)[0])

    def _on_sent(self, step: Any, depth: int) -> None:
        o, _ = self.top(depth, 2)
        if hasattr(type(o), "__next__"):
            self.reader._advanced(o)

    def _on_built(self, step: Any, depth: int) -> Then:
        return self.reader._made

    def _on_length(self, step: Any, depth: int) -> None:
        self.reader._len(self.top(depth, 1))

    def _on_matched_keys(self, step: Any, depth: int) -> None:
        o, keys = self.top(depth, 2)
        for key in keys:
            if isinstance(o, dict):
                self.reader._item(o, key)

    def _on_matched_class(self, step: Any, depth: int) -> None:
        o, kind, names = self.top(depth, 3)
        self.reader._attribute(o, "__class__")
        if not isinstance(o, kind):
            return
        if step.arg:
            self.reader._attribute(kind, "__match_args__")
            names = (*getattr(kind, "__match_args__", ())[: step.arg], *names)
        for name in names:
            self.reader._attribute(o, name)

    def _on_intrinsic(self, step: Any, depth: int) -> Then | None:
        if step.argrepr in ("INTRINSIC_UNARY_POSITIVE",):
            return self._on_unary(step, depth)
        if step.argrepr in _INTRINSICS:
            return None
        self._on_unknown(step, depth)
        return None

    def _on_intrinsic_2(self, step: Any, depth: int) -> None:
        if step.argrepr not in _INTRINSICS:
            self._on_unknown(step, depth)

    def _on_call(self, step: Any, depth: int) -> Then | None:
        step, names = step
        count = step.arg
        first, second, *args = self.top(depth, count + 2)
        return self._call(first, second, args, names)

    def _on_call_with_names(self, step: Any, depth: int) -> Then | None:
        first, second, *args, names = self.top(depth, step.arg + 3)
        return self._call(first, second, args, names)

    def _call(
        self, first: Any, second: Any, args: list[Any], names: tuple[str, ...]
    ) -> Then | None:
        if first is EMPTY:
            f = second
        else:
            f, args = first, args if second is EMPTY else [second, *args]
        kwargs = dict(zip(names, args[len(args) - len(names) :], strict=True))
        return self.reader._called(f, args[: len(args) - len(names)], kwargs)

    def _on_call_unpacked(self, step: Any, depth: int) -> Then | None:
        named = sys.version_info >= (3, 14) or bool(step.arg & 1)
        first, second, args, *rest = self.top(depth, 3 + named)
        f = second if first is EMPTY else first
        reader = self.reader
        if not isinstance(args, (list, tuple)):
            reader._iterated(args)
            args = [args]
        else:
            reader._contents(args)
        kwargs = rest[0] if rest and rest[0] is not EMPTY else {}
        if isinstance(kwargs, dict):
            reader._contents(kwargs)
        return reader._called(f, list(args), dict(kwargs) if isinstance(kwargs, dict) else {})


_INTRINSICS = frozenset(
    {
        *("INTRINSIC_LIST_TO_TUPLE", "INTRINSIC_STOPITERATION_ERROR", "INTRINSIC_ASYNC_GEN_WRAP"),
        *("INTRINSIC_TYPEVAR", "INTRINSIC_PARAMSPEC", "INTRINSIC_TYPEVARTUPLE", "INTRINSIC_TYPEALIAS"),
        *("INTRINSIC_SUBSCRIPT_GENERIC", "INTRINSIC_PREP_RERAISE_STAR", "INTRINSIC_SET_FUNCTION_TYPE_PARAMS"),
        *("INTRINSIC_TYPEVAR_WITH_BOUND", "INTRINSIC_TYPEVAR_WITH_CONSTRAINTS", "INTRINSIC_PRINT"),
        *("INTRINSIC_SET_TYPEPARAM_DEFAULT",),
    }
)  # fmt: skip

_HANDLERS: dict[str, Callable[..., Then | None]] = {
    **dict.fromkeys(("LOAD_GLOBAL",), Followed._on_global),
    **dict.fromkeys(("LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"), Followed._on_name),
    **dict.fromkeys(
        ("LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR_DEREF", "DELETE_DEREF"),
        Followed._on_cell,
    ),
    **dict.fromkeys(
        ("LOAD_ATTR", "LOAD_METHOD", "IMPORT_FROM", "DELETE_ATTR"), Followed._on_attribute
    ),
    **dict.fromkeys(("DELETE_GLOBAL",), Followed._on_global),
    **dict.fromkeys(("DELETE_NAME",), Followed._on_name),
    **dict.fromkeys(("DELETE_SUBSCR",), Followed._on_deleted_item),
    **dict.fromkeys(("BEFORE_WITH", "BEFORE_ASYNC_WITH"), Followed._on_with),
    **dict.fromkeys(("LOAD_SUPER_ATTR",), Followed._on_attribute_above),
    **dict.fromkeys(("IMPORT_NAME",), Followed._on_imported),
    **dict.fromkeys(("BINARY_SUBSCR",), Followed._on_item),
    **dict.fromkeys(("BINARY_SLICE",), Followed._on_slice),
    **dict.fromkeys(("STORE_ATTR",), Followed._on_store_attribute),
    **dict.fromkeys(("STORE_SUBSCR",), Followed._on_store_item),
    **dict.fromkeys(("STORE_SLICE",), Followed._on_store_slice),
    **dict.fromkeys(("BINARY_OP", "COMPARE_OP"), Followed._on_binary),
    **dict.fromkeys(("UNARY_NEGATIVE", "UNARY_POSITIVE", "UNARY_INVERT"), Followed._on_unary),
    **dict.fromkeys(("CONTAINS_OP",), Followed._on_contains),
    **dict.fromkeys(
        (
            *("UNARY_NOT", "TO_BOOL", "JUMP_IF_FALSE_OR_POP", "JUMP_IF_TRUE_OR_POP"),
            *("POP_JUMP_IF_FALSE", "POP_JUMP_IF_TRUE", "POP_JUMP_FORWARD_IF_FALSE"),
            *(
                "POP_JUMP_FORWARD_IF_TRUE",
                "POP_JUMP_BACKWARD_IF_FALSE",
                "POP_JUMP_BACKWARD_IF_TRUE",
            ),
        ),
        Followed._on_true,
    ),
    **dict.fromkeys(
        ("FORMAT_VALUE", "FORMAT_SIMPLE", "FORMAT_WITH_SPEC", "CONVERT_VALUE"),
        Followed._on_formatted,
    ),
    **dict.fromkeys(("GET_ITER", "GET_YIELD_FROM_ITER"), Followed._on_iterated),
    **dict.fromkeys(("UNPACK_SEQUENCE", "UNPACK_EX"), Followed._on_unpacked),
    **dict.fromkeys(("FOR_ITER",), Followed._on_next),
    **dict.fromkeys(("SEND",), Followed._on_sent),
    **dict.fromkeys(
        ("LIST_EXTEND", "SET_UPDATE", "DICT_UPDATE", "DICT_MERGE"), Followed._on_extended
    ),
    **dict.fromkeys(("BUILD_LIST", "BUILD_MAP", "BUILD_SET", "MAKE_FUNCTION"), Followed._on_built),
    **dict.fromkeys(("GET_LEN",), Followed._on_length),
    **dict.fromkeys(("MATCH_KEYS",), Followed._on_matched_keys),
    **dict.fromkeys(("MATCH_CLASS",), Followed._on_matched_class),
    **dict.fromkeys(("CALL_INTRINSIC_1",), Followed._on_intrinsic),
    **dict.fromkeys(("CALL_INTRINSIC_2",), Followed._on_intrinsic_2),
    **dict.fromkeys(("MAKE_CELL",), Followed._on_made_cell),
    **dict.fromkeys(("LOAD_SPECIAL",), Followed._on_special),
    **dict.fromkeys(("CALL",), Followed._on_call),
    **dict.fromkeys(("CALL_KW",), Followed._on_call_with_names),
    **dict.fromkeys(("CALL_FUNCTION_EX",), Followed._on_call_unpacked),
}

# By code: by offset, what is done before an instruction (handler, instruction, depth, next offset);
# how deep the stack is; where it begins.
_Plan = tuple[types.CodeType, dict[int, Any], dict[int, int], int]
_plans: dict[int, _Plan] = {}


def _known_plan(code: types.CodeType) -> _Plan:
    known = _plans.get(id(code))
    if known is None or known[0] is not code:
        if len(_plans) > 5000:
            _plans.clear()
        deep = depths(code)
        known = _plans[id(code)] = code, _planned(code, deep), deep, variables(code)
    return known


@functools.lru_cache(maxsize=1000)
def _catches(code: types.CodeType) -> bool:
    """Whether code of the user's has an ``except`` or a ``finally`` (a ``with`` is looked at where it is)."""
    if of_python(code):
        return False
    steps = [step.opname for step in dis.get_instructions(code)]
    return any(
        a == "PUSH_EXC_INFO" and b != "WITH_EXCEPT_START" for a, b in itertools.pairwise(steps)
    )


def _planned(code: types.CodeType, deep: dict[int, int]) -> dict[int, Any]:
    plan: dict[int, Any] = {}
    steps = list(dis.get_instructions(code))
    names: tuple[str, ...] = ()
    starts: list[int] = []
    for i, step in enumerate(steps):
        starts.append(step.offset)
        if step.opname == "EXTENDED_ARG":
            continue
        if step.opname == "KW_NAMES":
            names = step.argval if isinstance(step.argval, tuple) else code.co_consts[step.arg or 0]
        if step.opname not in _HARMLESS and starts[0] in deep:
            handler = _HANDLERS.get(step.opname, Followed._on_unknown)
            told: Any = step
            if step.opname == "CALL":
                told, names = (step, names), ()
            after = steps[i + 1].offset if i + 1 < len(steps) else -1
            for (
                offset
            ) in starts:  # an argument of more than a byte comes in instructions of its own
                plan[offset] = handler, told, deep[starts[0]], after
        starts = []
    return plan
