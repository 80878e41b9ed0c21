"""summary: the layers of a model with shapes, parameters and costs, read off its recorded program."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core.aliases import ArrayLike
from autograd_core.errors import ConfigError
from autograd_core.exchange import plain
from autograd_core.options import Whole
from autograd_core.program import Application, Program, Var
from autograd_core.trees import flatten

from .module import Module
from .substitution import functional_call

__all__ = ["Summary", "SummaryRow", "summary"]

Scope = tuple[str, ...]


@dataclass(frozen=True)
class SummaryRow:
    """A layer as it was called, with all that is in it.

    Attributes
    ----------
    name : str
        The path in the model, as in its state: "0", "encoder.layers.1"; "" for the model itself.
    kind : str
        Its class.
    shapes : tuple of tuple of int
        Of what it gives to the rest of the model: one, as a rule. None where nothing was recorded in it: it
        was not called, or does nothing, such as dropout in evaluation.
    parameters, trainable : int
        Numbers in its parameters, and in those that are not frozen. A shared one counts in each row.
    flops : int
        Operations on floats of the forward; a product and a sum are two.
    kept : int
        Bytes of values computed in it that the backward reads.
    """

    name: str
    kind: str
    shapes: tuple[tuple[int, ...], ...]
    parameters: int
    trainable: int
    flops: int
    kept: int


@dataclass(frozen=True)
class Summary:
    """A model as a table, which is what is printed; the numbers are its rows.

    Attributes
    ----------
    rows : tuple of SummaryRow
        The model, and below it each layer in the order of the first call.
    """

    rows: tuple[SummaryRow, ...]

    @property
    def parameters(self) -> int:
        """Numbers in all parameters, shared ones once."""
        return self.rows[0].parameters

    @property
    def trainable(self) -> int:
        """Those that are not frozen."""
        return self.rows[0].trainable

    @property
    def flops(self) -> int:
        """Operations on floats of one forward."""
        return self.rows[0].flops

    @property
    def kept(self) -> int:
        """Bytes that a backward by all trainable parameters reads of the forward's values."""
        return self.rows[0].kept

    def __str__(self) -> str:
        head = ("layer", "output", "parameters", "FLOPs", "kept for backward")
        cells = [head]
        depths: dict[str, int] = {}
        for row in self.rows:
            above = max(
                (name for name in depths if f"{row.name}.".startswith(f"{name}." if name else "")),
                key=len,
                default=None,
            )
            depths[row.name] = depth = 0 if above is None else depths[above] + 1
            label = row.name[len(above) + 1 if above else 0 :]
            shapes = " ".join(str(shape).replace(" ", "") for shape in row.shapes)
            cells.append(
                (
                    "  " * depth + (f"{label}: {row.kind}" if label else row.kind),
                    shapes or "–",
                    f"{row.parameters:,}",
                    f"{row.flops:,}",
                    _bytes(row.kept),
                )
            )
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = [
            "  ".join(
                cell.ljust(width) if k < 2 else cell.rjust(width)
                for k, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in cells
        ]
        rule = "-" * max(map(len, lines))
        frozen = self.parameters - self.trainable
        foot = f"{self.parameters:,} parameters" + (f", {frozen:,} of them frozen" * (frozen > 0))
        return "\n".join([lines[0], rule, *lines[1:], rule, foot])

    __repr__ = __str__


def summary(model: Module, *inputs: ArrayLike | ag.Abstract | tuple[int, ...]) -> Summary:
    """The layers of a model, with output shapes, parameters, FLOPs and bytes kept for the backward.

    Read off the program that the model records on arrays without values: nothing is computed, drawn or
    changed, however large the input. It is recorded in the mode that the model is in.

    Parameters
    ----------
    model : Module
    *inputs : array_like, ag.Abstract, or tuple of int
        What it is called with; of an array only shape and dtype matter. A tuple of ints is a shape, in
        the dtype of the first parameter.

    Returns
    -------
    Summary
        Printed, a table.

    Raises
    ------
    ConfigError
        If ``model`` is no Module, there is no input, or a shape has a dimension that is no number.
    AutogradError
        What the model itself raises on such inputs.

    Notes
    -----
    FLOPs are counted step by step, by the cost that each primitive declares (a multiply or an add is 1, an
    exponential 10). Kept are the values of the forward that rules of the backward read, views of them and
    the model's inputs, parameters and buffers left out: what a compiled step keeps. An eager graph keeps
    every value until its backward.

    Examples
    --------
    >>> import nn
    >>> print(
    ...     nn.summary(
    ...         nn.Sequential(nn.Linear(784, 100), nn.Sigmoid(), nn.Linear(100, 10)), (60, 784)
    ...     )
    ... )
    layer         output    parameters      FLOPs  kept for backward
    ----------------------------------------------------------------
    Sequential    (60,10)       79,510  9,618,600            23.4 kB
      0: Linear   (60,100)      78,500  9,414,000                0 B
      1: Sigmoid  (60,100)           0     84,000            23.4 kB
      2: Linear   (60,10)        1,010    120,600                0 B
    ----------------------------------------------------------------
    79,510 parameters
    """
    if not isinstance(model, Module):
        raise ConfigError(
            "summary", f"expected a Module first; received {type(model).__name__}, and x behind it."
        )
    if not inputs:
        raise ConfigError(
            "summary",
            "expected what the model is called with. Pass an array, or its shape: "
            "nn.summary(model, (32, 784)).",
        )
    dtype = next((p.dtype for p in model.parameters()), np.dtype(np.float32))
    given = [_abstract(x, dtype) for x in inputs]
    # Its state without values, too: nothing is computed from it, such as the bits of a mask.
    state = {name: ag.Abstract(tensor.shape, tensor.dtype) for name, tensor in model._named_state()}

    def called(state: Mapping[str, Any], *inputs: Any) -> Any:
        return functional_call(model, state, inputs)

    forward = ag.trace(called)(state, *given)
    rows = list(_rows(model, forward, _kept(model, state, given)))
    _put_in(rows, model)
    return Summary(tuple(rows))


def _abstract(x: Any, dtype: np.dtype[Any]) -> ag.Abstract:
    if isinstance(x, tuple) and x and all(isinstance(n, int | np.integer) for n in x):
        return ag.Abstract(tuple(Whole().check("summary: shape", n) for n in x), dtype)
    if not isinstance(x, ag.Abstract):
        x = x if isinstance(x, ag.Tensor) else plain("summary", x)
        return ag.Abstract(x.shape, x.dtype)
    if not all(isinstance(n, int) for n in x.shape):
        raise ConfigError(
            "summary", f"expected sizes that are numbers; received {x}. Choose a size for each."
        )
    return x


def _rows(model: Module, forward: Program[Any], kept: Mapping[Scope, int]) -> Iterator[SummaryRow]:
    """Rows of the scopes in which something was recorded, each below its parent."""
    from autograd_core.compiler.costs import cost_of_call  # not needed where nothing is summed up

    root = type(model).__name__
    steps = [step for step in forward.applications if step.scope[:1] == (root,)]
    scopes = list(dict.fromkeys(s.scope[:n] for s in steps for n in range(1, len(s.scope) + 1)))
    scopes = scopes or [(root,)]
    # Below its parent, in the order of the first call.
    first = {scope: n for n, scope in enumerate(scopes)}
    scopes.sort(key=lambda scope: [first[scope[: n + 1]] for n in range(len(scope))])
    read: dict[Var, list[Scope]] = {}
    for step in forward.applications:
        for operand in step.operands:
            if isinstance(operand, Var):
                read.setdefault(operand, []).append(step.scope)
    outputs = set(forward.outputs)
    for scope in scopes:
        name, module = _found(model, scope)
        inside = [step for step in steps if step.scope[: len(scope)] == scope]
        given = [
            step.result
            for step in inside
            if step.result in outputs
            or any(other[: len(scope)] != scope for other in read.get(step.result, ()))
        ]
        if len(scope) == 1:
            given = [value for value in forward.outputs if isinstance(value, Var)]
        shapes = [tuple(value.shape) for value in given]
        yield _row(
            name,
            module,
            scope[-1].rpartition(":")[2],
            tuple(dict.fromkeys(shapes)),
            sum(cost_of_call(step).flops for step in inside),
            sum(size for place, size in kept.items() if place[: len(scope)] == scope),
        )


def _put_in(rows: list[SummaryRow], model: Module) -> None:
    """Add the modules in which nothing was recorded, each behind the one before it in the tree."""
    there = {row.name for row in rows}
    before = ""
    for name, module in model.named_modules():
        if name not in there and not module._uncalled:
            family = [k for k, r in enumerate(rows) if f"{r.name}.".startswith(f"{before}.")]
            at = family[-1] + 1 if family and before else len(rows)
            rows.insert(at, _row(name, module, type(module).__name__, (), 0, 0))
        before = name


def _row(
    name: str, module: Module | None, kind: str, shapes: Any, flops: int, kept: int
) -> SummaryRow:
    parameters = [] if module is None else list(module.parameters())
    trainable = sum(p.size for p in parameters if p.requires_grad)
    return SummaryRow(name, kind, shapes, sum(p.size for p in parameters), trainable, flops, kept)


def _found(model: Module, scope: Scope) -> tuple[str, Module | None]:
    """The path and the module of a scope; no module for a scope of the user's own."""
    path: list[str] = []
    module: Module | None = model
    for entry in scope[1:]:
        name, colon, kind = entry.rpartition(":")
        inner = module
        for part in name.split(".") if colon else ():
            inner = None if inner is None else dict(inner._registered("child")).get(part)
        if not colon or inner is None or type(inner).__name__ != kind:
            # Called past its parent, as in self.block.conv(x): by its name, if only one has it.
            known = [] if module is None else list(module.modules())
            same = [m for m in known if m._name == name and type(m).__name__ == kind]
            inner = same[0] if len(same) == 1 and colon else None
        path.append(name if colon else entry)
        module = inner
    return ".".join(path), module


def _kept(
    model: Module, state: Mapping[str, ag.Abstract], given: list[ag.Abstract]
) -> dict[Scope, int]:
    """Bytes of values of the forward that a backward by the trainable parameters reads, by scope."""
    trained = {name: state[name] for name, p in model.named_parameters() if p.requires_grad}
    rest = {name: values for name, values in state.items() if name not in trained}

    def floats(trained: Mapping[str, Any], rest: Mapping[str, Any], *inputs: Any) -> list[Any]:
        leaves, _ = flatten(functional_call(model, {**trained, **rest}, inputs))
        return [leaf for leaf in leaves if leaf.dtype.kind == "f"]

    def pulled(trained: Any, rest: Any, given: Any, cotangents: Any) -> Any:
        _, pull = ag.vjp(lambda t: floats(t, rest, *given), trained, unreachable="zero")
        return pull(cotangents)

    outputs = ag.trace(floats)(trained, rest, *given).outputs
    if not trained or not outputs:
        return {}
    cotangents = [ag.Abstract(v.shape, v.dtype) for v in outputs if isinstance(v, Var)]
    program = ag.trace(pulled)(trained, rest, given, cotangents)
    made: dict[Var, Application] = {
        step.result: step for step in program.applications if not step.backward
    }
    # What a loop kept for its backward is taken out of its results by steps of the backward.
    picks = [step for step in program.applications if step.primitive.name == "pick"]
    made |= {step.result: step for step in picks if step.operands[0] in made}
    needed: set[Var] = set()
    for step in program.applications:
        if step.backward and step.result not in made:
            for operand in step.operands:
                owner = _owner(operand, made)
                if owner is not None:
                    needed.add(owner)
    sizes: dict[Scope, int] = {}
    for value in needed:
        scope = made[value].scope
        sizes[scope] = sizes.get(scope, 0) + math.prod(value.shape) * value.dtype.itemsize
    return sizes


def _owner(value: Any, made: Mapping[Var, Application]) -> Var | None:
    """The value of the forward whose memory this one is; None for inputs, parameters and constants."""
    while isinstance(value, Var) and value in made:
        step = made[value]
        if not step.primitive.view or step.primitive.name == "pick" or not _is_view(step, made):
            return value
        value = step.operands[0]
    return None


def _is_view(step: Application, made: Mapping[Var, Application]) -> bool:
    """Whether a step moves no memory: every view but a reshape of what is not in order."""
    if step.primitive.name != "reshape":
        return True
    value: Any = step.operands[0]
    while isinstance(value, Var) and value in made and made[value].primitive.view:
        if made[value].primitive.name not in ("reshape", "identity"):
            return False
        value = made[value].operands[0]
    return True


def _bytes(count: int) -> str:
    size, units = float(count), iter(("B", "kB", "MB", "GB"))
    unit = next(units)
    while size >= 1000 and unit != "GB":
        size, unit = size / 1024, next(units)
    return f"{size:.3g} {unit}" if size < 1000 else f"{size:,.0f} {unit}"
