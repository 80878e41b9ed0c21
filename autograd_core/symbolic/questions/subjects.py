"""What a question is about, as Programs: of a recorded loss, a Program or a function.

Every question begins here: arguments become one Program whose inputs are what is differentiated by (and
arrays without values), with the numbers of those that are meant, and the facts that were given, by the
names of inputs.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ... import introspect
from ...abstract import Abstract
from ...errors import ProofError
from ...program import Program, Var
from ...tensors import Tensor
from ...tracing import trace
from ..arguments import fitting, leaves_of, numbers_of
from ..facts import SumsTo, contradiction

__all__ = ["named_inputs", "recorded", "subject", "unused", "values_at_hand", "with_outputs"]


def subject(
    operation: str,
    loss: Any,
    wrt: Any,
    args: Sequence[Any],
    declared: Sequence[SumsTo],
    sides: Sequence[Any] = (),
) -> tuple[Program[Any], tuple[int, ...], list[tuple[str, SumsTo]]]:
    """The forward as a Program, the numbers of the inputs that are meant, and facts of inputs.

    ``sides`` are all that the statement is made of, if that is more than one tensor.
    """
    tensors: list[Tensor] = []
    if isinstance(loss, Tensor):
        leaves, names = leaves_of(operation, wrt)
        # Arrays without values cannot be closed over: they are inputs, too.
        tensors = [*leaves, *_without_values(sides or [loss], leaves)]
        program = _program(loss, tensors)
        for var, name in zip(program.inputs, names, strict=False):
            var.name = name
        numbers = tuple(range(len(leaves)))
    else:
        program, numbers = _from_function(operation, loss, wrt, args)
    if not numbers and operation == "prove.backward":
        raise ProofError(operation, "wrt is empty. Expected at least one leaf to decide.")
    return program, numbers, _facts_of(operation, declared, program, tensors)


def _from_function(
    operation: str, loss: Any, wrt: Any, args: Sequence[Any]
) -> tuple[Program[Any], tuple[int, ...]]:
    if not isinstance(loss, Program) and not callable(loss):
        raise ProofError(
            operation,
            "expected a recorded Tensor, a Program or a function; received "
            f"{type(loss).__name__}. Pass the loss before its backward, or the function that computes it.",
        )
    if not isinstance(loss, Program):
        fitting(operation, loss, args)
    program = loss if isinstance(loss, Program) else trace(loss)(*args)
    return program, numbers_of(operation, wrt, program)


def _program(root: Tensor, leaves: Sequence[Tensor]) -> Program[Any]:
    """What was recorded of a tensor; a leaf of its own is what it is."""
    if root._op is None and not any(root is t for t in leaves):
        inputs = [Abstract(t.shape, t.dtype) for t in leaves]
        return trace(lambda *given: root, "loss")(*inputs)
    return introspect.program(root, wrt=leaves, name="loss")


def _without_values(roots: Sequence[Tensor], leaves: Sequence[Tensor]) -> list[Tensor]:
    """Leaves behind ``roots`` that have shapes only, in the order in which they are met."""
    found: dict[int, Tensor] = {}
    for root in roots:
        for _, t in _program(root, leaves).captures:
            if isinstance(t._value, Abstract):
                found[id(t)] = t
    return list(found.values())


def _facts_of(
    operation: str, declared: Sequence[SumsTo], program: Program[Any], tensors: Sequence[Tensor]
) -> list[tuple[str, SumsTo]]:
    """Facts with the names that their arrays have among the program's inputs, each once.

    Raises
    ------
    ProofError
        If one speaks of no input, or they cannot hold together.
    """
    names = named_inputs(program, range(len(program.inputs)))
    by_input: dict[int, list[SumsTo]] = {}
    for fact in declared:
        n = _input_of(operation, fact, names, tensors)
        shape = program.inputs[n].shape
        if not -len(shape) <= fact.axis < len(shape):
            raise ProofError(
                operation,
                f"{fact}, but {names[n]} has the shape {shape}. Expected one of its axes.",
            )
        fact = replace(fact, axis=fact.axis % len(shape))
        known = by_input.setdefault(n, [])
        if all((fact.axis, fact.value) != (other.axis, other.value) for other in known):
            known.append(fact)
    for n, facts in by_input.items():
        why = contradiction(program.inputs[n].shape, facts)
        if why:
            raise ProofError(
                operation,
                f"the facts contradict one another: {why}. Expected facts that one array "
                "can have; axes over which the sums are the same have the same size, under one name.",
            )
    return [(names[n], fact) for n, facts in by_input.items() for fact in facts]


def _input_of(
    operation: str, fact: SumsTo, names: Mapping[int, str], tensors: Sequence[Tensor]
) -> int:
    """The number of the input that a fact speaks of."""
    for n, name in names.items():
        if isinstance(fact.array, Tensor):
            found = n < len(tensors) and fact.array is tensors[n]
        else:
            found = fact.array == name
        if found:
            return n
    raise ProofError(
        operation,
        f"the fact that {fact} speaks of no input. Expected one of {', '.join(names.values())}.",
    )


def recorded(loss: Any, wrt: Any) -> tuple[Tensor, list[Tensor]] | None:
    """A recorded loss and the leaves that are meant."""
    if not isinstance(loss, Tensor):
        return None
    if isinstance(wrt, Tensor):
        return loss, [wrt]
    return loss, list(wrt.values() if isinstance(wrt, Mapping) else wrt)


def values_at_hand(
    program: Program[Any], loss: Any, wrt: Any, args: Sequence[Any]
) -> dict[int, Any]:
    """Values that inputs of the program had when it was recorded, by number."""
    if isinstance(loss, Tensor):
        arrays = (
            [wrt] if isinstance(wrt, Tensor) else wrt.values() if isinstance(wrt, Mapping) else wrt
        )
    else:
        arrays = args
    at_hand = {n: t._value if isinstance(t, Tensor) else t for n, t in enumerate(arrays)}
    return {
        n: at_hand[n]
        for n, v in enumerate(program.inputs)
        if n in at_hand and not isinstance(at_hand[n], Abstract) and np.shape(at_hand[n]) == v.shape
    }


def named_inputs(program: Program[Any], numbers: Sequence[int]) -> dict[int, str]:
    """Names of inputs, primed where they are taken."""
    names: list[str] = []
    for v in program.inputs:
        names.append(unused(v.name or v.letter, names))
    return {n: names[n] for n in numbers}


def unused(name: str, taken: Container[str]) -> str:
    """The name, with primes if it is taken."""
    while name in taken:
        name += "'"
    return name


def with_outputs(program: Program[Any], outputs: Sequence[int]) -> Program[Any]:
    """The program with some of its outputs only, and the steps that these need."""
    chosen = tuple(program.outputs[n] for n in outputs)
    needed = {o for o in chosen if isinstance(o, Var)}
    steps = []
    for step in reversed(program.applications):
        if step.result in needed:
            needed.update(o for o in step.operands if isinstance(o, Var))
            steps.append(step)
    captures = tuple((v, t) for v, t in program.captures if v in needed)
    return Program(program.name, program.inputs, captures, tuple(reversed(steps)), chosen, None)
