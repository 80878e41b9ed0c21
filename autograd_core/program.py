"""Program: what a function does, as a flat list of primitive applications.

`trace` (tracing.py) records a function on arrays without values, forward and, where the function
takes gradients, backward. Everything else evaluates a Program: NumPy (here), symbols, drawing,
native code.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from .abstract import Abstract, native
from .aliases import Params
from .arrays import as_array
from .errors import DTypeError, ShapeError
from .evaluators import RECORDING, Reference, bound
from .listing import listing
from .primitives import Primitive
from .shapes import Dim, Shape, substitute
from .tensors import Tensor
from .trees import unflatten

__all__ = ["Application", "Evaluator", "Literal", "Program", "Var"]

V = TypeVar("V")


class Var:
    """A value of a program.

    Attributes
    ----------
    number : int
        Position in its program; `letter` is the name that it is printed under.
    shape : tuple of int or Dim
    dtype : numpy.dtype
        In this machine's order of bytes; a captured array may be in another, and is converted when
        it is read.
    weak : bool
        A Python number, which takes the dtype of what it meets.
    name, role : str or None
        Labels given by the user or a layer.
    parts : tuple of Abstract or None
        For the value of a primitive with several outputs, which only ``pick`` reads.
    """

    __slots__ = ("dtype", "name", "number", "parts", "role", "shape", "weak")

    def __init__(self, number: int, data: Any, name: str | None, role: str | None) -> None:
        self.number = number
        self.parts: tuple[Any, ...] | None = data if isinstance(data, tuple) else None
        first = self.parts[0] if self.parts else data
        self.shape: Shape = () if self.parts else tuple(first.shape)
        self.dtype: np.dtype[Any] = native(first.dtype)
        self.weak: bool = isinstance(first, Abstract) and first.weak
        self.name = name
        self.role = role

    @property
    def letter(self) -> str:
        """a, b, …, z, ba, bb, …: unique in the program."""
        letters, n = "", self.number
        while True:
            letters = string.ascii_lowercase[n % 26] + letters
            n //= 26
            if n == 0:
                return letters

    @property
    def type(self) -> str:
        """Dtype and sizes, such as ``float64[32,10]``; a weak scalar is ``number``."""
        if self.parts:
            return "(" + ", ".join(_type(p.dtype, p.shape) for p in self.parts) + ")"
        return "number" if self.weak else _type(self.dtype, self.shape)

    def __repr__(self) -> str:
        return f"{self.letter}: {self.type}"


def _type(dtype: Any, shape: Shape) -> str:
    return f"{dtype}[{','.join(map(str, shape))}]"


class Literal:
    """A Python number or a Dim that stands in an application; exact, and weak in dtype."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return str(self.value)


Atom = Var | Literal


class Application:
    """One step: ``result = primitive(operands, params)``.

    Attributes
    ----------
    scope : tuple of str
        Path of named scopes (modules) in which it was recorded.
    backward : bool
        Whether it was recorded by a reverse walk.
    phase : Var or None
        In the backward: the forward value whose cotangent it passes on, if that is still in the
        program.
    line : str or None
        The user's ``file:line``, in anomaly mode.
    """

    __slots__ = ("backward", "line", "operands", "params", "phase", "primitive", "result", "scope")

    def __init__(
        self,
        primitive: Primitive,
        operands: tuple[Atom, ...],
        params: Params,
        result: Var,
        scope: tuple[str, ...] = (),
        phase: Var | None = None,
        line: str | None = None,
        backward: bool = False,
    ) -> None:
        self.primitive = primitive
        self.operands = operands
        self.params = params
        self.result = result
        self.scope = scope
        self.phase = phase
        self.line = line
        self.backward = backward or phase is not None

    def __repr__(self) -> str:
        operands = " ".join(o.letter if isinstance(o, Var) else str(o) for o in self.operands)
        stated = {k: v for k, v in self.params.items() if v is not False and v is not None}
        params = " ".join(f"{k}={_short(v)}" for k, v in stated.items())
        return " ".join(filter(None, (self.primitive.name, operands, params)))


def _short(value: Any) -> str:
    if isinstance(value, Program):
        return f"‹{value.name}›"
    return str(value).replace(" ", "") if isinstance(value, tuple) else str(value)


class Evaluator(Protocol[V]):
    """A reading of programs: what a captured tensor, a literal and an application are."""

    def capture(self, var: Var, tensor: Tensor) -> V:
        """Value of a tensor that the function closed over."""

    def literal(self, value: Any) -> V:
        """Value of a Python number or Dim."""

    def apply(self, application: Application, operands: tuple[V, ...]) -> V:
        """Value of a step's result."""


class Program(Generic[V]):
    """A function as a flat, immutable list of primitive applications.

    Attributes
    ----------
    name : str
    inputs : tuple of Var
    captures : tuple of (Var, Tensor)
        Tensors that the function closed over (parameters, buffers, constants); read when run.
    applications : tuple of Application
        In order: operands stand before results.
    outputs : tuple of Var or Literal
    writes : tuple of (Var, Var or Literal)
        What the function assigned: a captured leaf and its new value. Running a program returns
        them nowhere and writes nothing; evaluators that perform effects read this.
    memo : dict
        What was derived from it (its pullback, code that runs it) and lives as long as it does.

    Notes
    -----
    ``print(program)`` shows it; ``program(*arrays)`` runs it with NumPy.
    """

    def __init__(
        self,
        name: str,
        inputs: tuple[Var, ...],
        captures: tuple[tuple[Var, Tensor], ...],
        applications: tuple[Application, ...],
        outputs: tuple[Atom, ...],
        structure: Any,
        writes: tuple[tuple[Var, Atom], ...] = (),
    ) -> None:
        self.name = name
        self.inputs = inputs
        self.captures = captures
        self.applications = applications
        self.outputs = outputs
        self.structure = structure
        self.writes = writes
        self.memo: dict[Any, Any] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "memo": {}}

    def __len__(self) -> int:
        return len(self.applications)

    def __iter__(self) -> Iterator[Application]:
        return iter(self.applications)

    def all_steps(self) -> Iterator[Application]:
        """Every step, and after a loop the steps of its body."""
        for step in self.applications:
            yield step
            for value in step.params.values():
                if isinstance(value, Program):
                    yield from value.all_steps()

    # --- evaluation -------------------------------------------------------------------------

    def fold(self, evaluator: Evaluator[Any], *inputs: Any) -> dict[Var, Any]:
        """The value of every Var under an evaluator."""
        if len(inputs) != len(self.inputs):
            raise ShapeError(
                self.name, f"expected {len(self.inputs)} inputs; received {len(inputs)}."
            )
        values: dict[Var, Any] = dict(zip(self.inputs, inputs, strict=True))
        for var, tensor in self.captures:
            values[var] = evaluator.capture(var, tensor)
        for step in self.applications:
            operands = tuple(
                evaluator.literal(o.value) if isinstance(o, Literal) else values[o]
                for o in step.operands
            )
            values[step.result] = evaluator.apply(step, operands)
        return values

    def evaluate(self, evaluator: Evaluator[Any], *inputs: Any) -> Any:
        """The outputs under an evaluator, in the nesting of the traced function's result."""
        values = self.fold(evaluator, *inputs)
        found = [
            evaluator.literal(o.value) if isinstance(o, Literal) else values[o]
            for o in self.outputs
        ]
        return unflatten(self.structure, found)

    def __call__(self, *arrays: Any) -> Any:
        """Outputs as NumPy arrays for the given inputs."""
        values, sizes = self._checked(arrays)
        return self.evaluate(Reference(sizes), *values)

    def values(self, *arrays: Any) -> dict[Var, Any]:
        """Every value of the program as a NumPy array (captures are read now)."""
        values, sizes = self._checked(arrays)
        return self.fold(Reference(sizes), *values)

    def as_function(self) -> Callable[..., Any]:
        """The program as a function of tensors: its steps are recorded again as it runs."""

        def replayed(*tensors: Any) -> Any:
            return self.evaluate(RECORDING, *tensors)

        replayed.__name__ = self.name
        return replayed

    def at(self, sizes: Mapping[str, int]) -> Program[Any]:
        """The same program with named sizes replaced by numbers.

        Parameters
        ----------
        sizes : mapping of str to int
            A value from 1 on for each name; names that are left out stay symbolic.
        """
        if not sizes:
            return self
        moved: dict[Var, Var] = {}

        def var(old: Var) -> Var:
            if old not in moved:
                parts = old.parts or (Abstract(old.shape, old.dtype, old.weak),)
                data = [Abstract(substitute(p.shape, sizes), p.dtype, p.weak) for p in parts]
                moved[old] = Var(
                    old.number, tuple(data) if old.parts else data[0], old.name, old.role
                )
            return moved[old]

        def atom(old: Atom) -> Atom:
            return var(old) if isinstance(old, Var) else Literal(substitute(old.value, sizes))

        steps = tuple(
            Application(
                step.primitive,
                tuple(map(atom, step.operands)),
                bound(step.params, dict(sizes)),
                var(step.result),
                step.scope,
                None if step.phase is None else var(step.phase),
                step.line,
                step.backward,
            )
            for step in self.applications
        )
        return Program(
            self.name,
            tuple(map(var, self.inputs)),
            tuple((var(v), t) for v, t in self.captures),
            steps,
            tuple(map(atom, self.outputs)),
            self.structure,
            tuple((var(target), atom(value)) for target, value in self.writes),
        )

    substitute = at  # what a param is asked for

    def _checked(self, arrays: Sequence[Any]) -> tuple[list[Any], dict[str, int]]:
        """Inputs as arrays of the right shape and dtype, and the sizes that Dims take."""
        if len(arrays) != len(self.inputs):
            raise ShapeError(
                self.name, f"expected {len(self.inputs)} inputs; received {len(arrays)}."
            )
        sizes: dict[str, int] = {}
        values: list[Any] = []
        for var, value in zip(self.inputs, arrays, strict=True):
            if var.weak:
                values.append(float(value))
                continue
            array = (
                value._concrete(self.name) if type(value) is Tensor else as_array(self.name, value)
            )
            bind(self.name, var, array.shape, sizes)
            if array.dtype != var.dtype and not np.can_cast(array.dtype, var.dtype, "same_kind"):
                raise DTypeError(self.name, f"input {var!r} received dtype {array.dtype}.")
            values.append(np.asarray(array, var.dtype))
        return values, sizes

    def __str__(self) -> str:
        return listing(self)

    def __repr__(self) -> str:
        return f"<program {self.name}: {len(self.inputs)} inputs, {len(self)} steps>"


def bind(operation: str, var: Var, shape: Shape, sizes: dict[str, int]) -> None:
    """Check a concrete shape against a Var's, and note the sizes that named Dims take."""
    fits = len(shape) == len(var.shape)
    for expected, size in zip(var.shape, shape, strict=False):
        if (
            isinstance(expected, Dim)
            and len(expected.names) == 1
            and expected == Dim.named(*expected.names)
        ):
            (name,) = expected.names
            fits = fits and size >= 1 and sizes.setdefault(name, size) == size
        elif isinstance(expected, Dim):
            fits = fits and expected.substitute(sizes) == size
        else:
            fits = fits and expected == size
    if not fits:
        known = f" with {sizes}" if sizes else ""
        raise ShapeError(operation, f"input {var!r} received an array of shape {shape}{known}.")
