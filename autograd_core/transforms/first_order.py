"""Functions to their derivatives: grad, value_and_grad, vjp, jvp, jacobian."""

from __future__ import annotations

import functools
import numbers
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, TypeVar

import numpy as np

from ..abstract import Abstract, native
from ..arrays import as_array, check_dtype
from ..context import CONTEXT, unveiled, within
from ..errors import ConfigError, DTypeError, ShapeError, UnreachableError
from ..functional import stack
from ..graph import history, own, pullback, seed_for
from ..memory import SEQUENCE
from ..ops import broadcast_to, cast, concatenate, identity, reshape
from ..ops.contractions import eye
from ..options import Choice
from ..primitives import REGISTRY, apply
from ..shapes import Dim, count
from ..shelves import ARRAYS, TENSORS, Shelf
from ..tensors import Tensor, leaf
from ..trees import flatten, map_tree, unflatten
from .batching import evaluate, spread
from .recording import Dependents

__all__ = ["grad", "jacobian", "jvp", "value_and_grad", "vjp"]

Argnums = int | Sequence[int]
_P = ParamSpec("_P")  # a derivative takes what its function takes
_T = TypeVar("_T")


def _variable(operation: str, value: Any) -> Tensor:
    """An argument as something to differentiate by: a leaf, or a node linked to what was given."""
    if type(value) is not Tensor and not isinstance(value, Abstract):
        value = as_array(operation, value)
    if isinstance(value, Abstract):
        value = leaf(value)
    dtype = value.dtype
    if dtype.kind != "f":
        raise DTypeError(
            operation,
            f"an argument to differentiate by has dtype {dtype}. Expected floats. "
            "Write 1.0 rather than 1, choose other argnums, or close over the integers.",
        )
    traced = CONTEXT.get().capture is not None
    if traced and type(value) is not Tensor:
        check_dtype(operation, dtype, True)
        value = leaf(np.array(value, native(dtype)))
    if type(value) is Tensor and (
        traced or value.requires_grad or value._op is not None or isinstance(value._value, Abstract)
    ):
        t: Tensor = identity(value)
        if t is value or t._op is None:
            t = leaf(value._value)
        if value._op is None and isinstance(t._value, np.ndarray):
            t._value = t._value.copy()  # a later write to the argument must not reach the pullback
        t.requires_grad = True
        t.name, t.role = value.name, value.role
        return t
    data = value._value if type(value) is Tensor else value
    check_dtype(operation, dtype, True)
    return leaf(np.array(data, native(dtype)), True)


class Recorded:
    """One run of a function with some arguments made variables."""

    def __init__(
        self,
        operation: str,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: Any,
        argnums: Argnums,
    ) -> None:
        self.operation = operation
        self.single = isinstance(argnums, int)
        numbers = (argnums,) if isinstance(argnums, int) else tuple(argnums)
        for n in numbers:
            if not isinstance(n, int) or not -len(args) <= n < len(args):
                raise ConfigError(
                    operation, f"argnums {argnums} do not fit {len(args)} positional arguments."
                )
        chosen = tuple(args[n] for n in numbers)
        values, self.structure = flatten(chosen)
        if not values:
            raise ConfigError(operation, f"the arguments {argnums} hold no arrays.")
        self.outer = CONTEXT.get()
        with within(recording=True, transform=True), unveiled():
            self.variables = [_variable(operation, g) for g in values]
            replaced = unflatten(self.structure, self.variables)
            full = list(args)
            for n, value in zip(numbers, replaced, strict=True):
                full[n] = value
            self.result = function(*full, **kwargs)
        self.wanted = {id(v): v for v in self.variables}
        # The derivative is recorded, and differentiable itself, where something outside of this call
        # depends on it. In a capture it is recorded always, since there are no values; and in a
        # trace, or a loop's body, it stays differentiable, which is done to these later.
        capture = self.outer.capture
        later = capture is not None and (self.outer.transform or not capture.blind)
        self.recording = self.outer.recording and (
            later
            or any(type(g) is Tensor and g.requires_grad for g in values)
            or self._closes_over_gradients()
        )
        self.linked = self.recording or capture is not None
        self.xp = TENSORS if self.linked else ARRAYS

    def _closes_over_gradients(self) -> bool:
        outputs = [t for t in flatten(self.result)[0] if type(t) is Tensor]
        return any(
            t._op is None and t.requires_grad and id(t) not in self.wanted
            for t in history(outputs, True, self.wanted)
        )

    def demand(self, outputs: Sequence[Any], unreachable: str) -> list[Tensor]:
        """The history of ``outputs`` back to the variables.

        Raises
        ------
        UnreachableError
            If a variable is not in it, unless ``unreachable`` is "zero".
        """
        roots = [o for o in outputs if type(o) is Tensor and o.requires_grad]
        nodes = history(roots, True, self.wanted)
        reached = {id(t) for t in nodes}
        for position, v in enumerate(self.variables):
            if unreachable == "raise" and id(v) not in reached:
                which = (
                    f"leaf {position} of the arguments"
                    if position or len(self.variables) > 1
                    else "the argument"
                )
                raise UnreachableError(
                    self.operation,
                    f"the result does not depend on {which}, of shape {v.shape}, through "
                    "differentiable operations. Expected it to be used with gradients recorded (a value that "
                    "was assigned, detached or turned into numbers is not). Do not differentiate by it, or "
                    'pass unreachable="zero" where zeros are meant.',
                )
        return nodes

    def pull(
        self,
        outputs: Sequence[Tensor],
        seeds: Sequence[Any],
        nodes: list[Tensor] | None = None,
        masked: bool = True,
    ) -> Any:
        """Cotangents of the variables, in the nesting of the chosen arguments."""
        return self.nest(self.parts(outputs, seeds, nodes, masked))

    def nest(self, parts: Sequence[Tensor]) -> Any:
        """One tensor for each variable, in the nesting of the chosen arguments."""
        tree = unflatten(self.structure, parts)
        return tree[0] if self.single else tree

    def parts(
        self,
        outputs: Sequence[Tensor],
        seeds: Sequence[Any],
        nodes: list[Tensor] | None = None,
        masked: bool = True,
    ) -> list[Tensor]:
        """Cotangents of the variables, flat; zeros where none arrives.

        Parameters
        ----------
        nodes : list of Tensor, optional
            The history of the outputs, where `demand` has found it.
        masked : bool
            Whether zeros in the seeds are meant.
        """
        roots = [o for o in outputs if o.requires_grad]
        starts = [s for o, s in zip(outputs, seeds, strict=True) if o.requires_grad]
        with (
            within(recording=self.recording, transform=self.outer.transform),
            np.errstate(all="ignore"),
        ):
            if nodes is None:
                nodes = history(roots, True, self.wanted)
            cotangents = pullback(roots, starts, self.xp, nodes, self.wanted, masked=masked)
            seeded = {id(s) for s in seeds}
            parts: list[Tensor] = []
            for v in self.variables:
                if v in cotangents:
                    part = cotangents[v]
                    parts.append(part if self.linked else leaf(own(part, seeded)))
                else:
                    parts.append(zeros_like(v))
        return parts

    def value(self, result: Any) -> Any:
        """A result to hand out: with its history only where something outside depends on it."""
        return (
            result
            if self.recording
            else map_tree(lambda t: t.detach() if type(t) is Tensor else t, result)
        )


def zeros_like(like: Tensor) -> Tensor:
    if isinstance(like._value, Abstract):
        return broadcast_to(cast(0, like.dtype), like.shape)
    return leaf(np.zeros(like.shape, like.dtype))


def scalar(operation: str, result: Any) -> Tensor:
    if type(result) is not Tensor:
        raise ShapeError(
            operation,
            f"the function returned {type(result).__name__}. Expected a scalar Tensor, "
            "made from its arguments by tensor operations.",
        )
    if result.size != 1:
        raise ShapeError(
            operation,
            f"the function returned shape {result.shape}. Expected a scalar; reduce it "
            "with .sum() or .mean(), or use ag.jacobian or ag.vjp.",
        )
    return result


def _unreachable(operation: str, choice: str) -> str:
    return Choice(("raise", "zero")).check(f"{operation}: unreachable", choice)


def value_and_grad(
    function: Callable[_P, _T],
    argnums: Argnums = 0,
    *,
    has_aux: bool = False,
    unreachable: str = "raise",
) -> Callable[_P, tuple[_T, Any]]:
    """A function that returns the value of ``function`` and its gradient.

    Parameters
    ----------
    function : callable
        Returns a scalar Tensor (or, with ``has_aux``, a pair of it and anything).
    argnums : int or sequence of int
        Which positional arguments to differentiate by; each an array, or nested lists, tuples and
        dicts of arrays.
    has_aux : bool
        The function returns ``(value, aux)``; so does the result, as ``((value, aux), gradient)``.
    unreachable : {"raise", "zero"}
        What to do for an argument that the value does not depend on.

    Returns
    -------
    callable
        ``(value, gradient)``; the gradient has the nesting of the argument (a tuple for several
        argnums). Detached, unless something outside the call requires a gradient through it.

    Raises
    ------
    ShapeError
        If the value is not a scalar.
    UnreachableError
        See ``unreachable``.
    DTypeError
        If an argument to differentiate by is not of floats.
    """
    return differentiated("grad", function, argnums, has_aux, unreachable)


def differentiated(
    operation: str,
    function: Callable[..., Any],
    argnums: Argnums,
    has_aux: bool = False,
    unreachable: str = "raise",
) -> Callable[..., Any]:
    """`value_and_grad`, with errors that name the ``operation`` that was called."""
    choice = _unreachable(operation, unreachable)

    @functools.wraps(function, updated=())
    def both(*args: Any, **kwargs: Any) -> Any:
        run = Recorded(operation, function, args, kwargs, argnums)
        result, aux = run.result if has_aux else (run.result, None)
        value = scalar(operation, result)
        with within(recording=run.recording):
            seed = seed_for(value, None, run.xp, operation)
        gradient = run.pull([value], [seed], run.demand([value], choice), masked=False)
        value = run.value(value)
        return ((value, run.value(aux)), gradient) if has_aux else (value, gradient)

    return both


def grad(
    function: Callable[_P, Any], argnums: Argnums = 0, *, unreachable: str = "raise"
) -> Callable[_P, Any]:
    """A function that returns the gradient of a scalar ``function``; see `value_and_grad`.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.grad(lambda w: ag.sum(ag.square(w)))(np.array([1.0, 2.0]))
    Tensor([2., 4.])
    """
    return gradient_of("grad", function, argnums, unreachable)


def gradient_of(
    operation: str, function: Callable[..., Any], argnums: Argnums, unreachable: str
) -> Callable[..., Any]:
    """`grad`, with errors that name the ``operation`` that was called."""
    both = differentiated(operation, function, argnums, False, unreachable)

    @functools.wraps(function, updated=())
    def gradient(*args: Any, **kwargs: Any) -> Any:
        return both(*args, **kwargs)[1]

    return gradient


def vjp(
    function: Callable[..., _T], *primals: Any, unreachable: str = "raise"
) -> tuple[_T, Callable[[Any], Any]]:
    """The value at ``primals``, and the function that pulls a cotangent back to them.

    Parameters
    ----------
    function : callable
        Of arrays (or nestings of them) to a Tensor or nested tensors.
    *primals : array_like or nestings
    unreachable : {"raise", "zero"}
        What to do for a primal that the value does not depend on.

    Returns
    -------
    value : as the function's
    pull : callable
        Takes a cotangent in the nesting and shapes of ``value`` and returns a tuple of cotangents,
        one for each primal. May be called many times.

    Raises
    ------
    ShapeError
        If a cotangent's shape differs from its output's.
    UnreachableError
        See ``unreachable``.
    """
    choice = _unreachable("vjp", unreachable)
    run = Recorded("vjp", function, primals, {}, tuple(range(len(primals))))
    outputs, _ = flatten(run.result)
    nodes = run.demand(outputs, choice)

    def pull(cotangent: Any) -> Any:
        cotangents = flatten(cotangent)[0]
        if len(cotangents) != len(outputs):
            raise ShapeError(
                "vjp", f"expected {len(outputs)} cotangents; received {len(cotangents)}."
            )
        with within(recording=run.recording):
            seeds = [
                seed_for(o, c, run.xp, "vjp") for o, c in zip(outputs, cotangents, strict=True)
            ]
        return run.pull(outputs, seeds, nodes)

    return run.value(run.result), pull


def jvp(
    function: Callable[..., _T],
    primals: Sequence[Any],
    tangents: Sequence[Any],
    *,
    unreachable: str = "raise",
) -> tuple[_T, _T]:
    """The value at ``primals`` and its derivative in the direction ``tangents``.

    A pullback is linear in its cotangent, so the derivative of the pullback is the pushforward:
    no rule beside the VJP is needed.

    Parameters
    ----------
    function : callable
    primals, tangents : sequences of arrays or nestings, of equal shapes
    unreachable : {"raise", "zero"}
        What to do for a primal that the value does not depend on.

    Returns
    -------
    value, tangent : as the function's value

    Raises
    ------
    ShapeError
        If primals and tangents differ in number or shape.
    UnreachableError
        See ``unreachable``.
    """
    choice = _unreachable("jvp", unreachable)
    directions = flatten(tuple(tangents))[0]
    outer = CONTEXT.get()
    with within(recording=True):
        run = Recorded("jvp", function, tuple(primals), {}, tuple(range(len(primals))))
        if len(directions) != len(run.variables):
            raise ShapeError(
                "jvp", f"expected {len(run.variables)} tangents; received {len(directions)}."
            )
        outputs, structure = flatten(run.result)
        run.demand(outputs, choice)
        linked = run.linked or any(type(d) is Tensor and d.requires_grad for d in directions)
        dummies = [dummy(o) for o in outputs]
        live = [(o, u) for o, u in zip(outputs, dummies, strict=True) if o.requires_grad]
        with np.errstate(all="ignore"):
            pulled = _pulled([o for o, _ in live], [u for _, u in live], TENSORS, run.wanted)
    recording = linked and outer.recording
    linked = recording or outer.capture is not None
    xp = TENSORS if linked else ARRAYS
    cotangents, seeds = [], []
    with within(recording=recording), np.errstate(all="ignore"):
        for v, direction in zip(run.variables, directions, strict=True):
            g = pulled.get(v)
            seed = seed_for(v, direction, xp, "jvp")
            if g is not None and g.requires_grad:
                cotangents.append(g)
                seeds.append(seed)
        wanted = {id(u): u for u in dummies}
        pushed = _pulled(cotangents, seeds, xp, wanted, True)
        seeded = {id(s) for s in seeds}
        parts = [
            (pushed[u] if linked else leaf(own(pushed[u], seeded)))
            if u in pushed
            else zeros_like(u)
            for u in dummies
        ]
    value = run.result if recording else map_tree(lambda t: t.detach(), run.result)
    return value, unflatten(structure, parts)


def _pulled(
    outputs: list[Tensor],
    seeds: list[Any],
    xp: Shelf,
    wanted: dict[int, Tensor],
    masked: bool = False,
) -> Any:
    return pullback(outputs, seeds, xp, history(outputs, True, wanted), wanted, masked=masked)


def dummy(output: Tensor) -> Tensor:
    """A cotangent whose value does not matter, since the pullback is linear in it.

    But for 0: a zero cotangent stays zero through a pole.
    """
    if isinstance(output._value, Abstract):
        t = broadcast_to(cast(1, output.dtype), output.shape)
    else:
        t = leaf(np.ones(output.shape, output.dtype))
    if t._op is None:
        t.requires_grad = True
        return t
    u: Tensor = apply(REGISTRY["identity"], (t,), {})
    u.requires_grad = True
    return u


def jacobian(
    function: Callable[_P, Any],
    argnums: Argnums = 0,
    *,
    max_entries: int = 10**8,
    unreachable: str = "raise",
) -> Callable[_P, Any]:
    """A function that returns all first derivatives of ``function``.

    Parameters
    ----------
    function : callable
        Returns a Tensor, or nested tensors.
    argnums : int or sequence of int
    max_entries : int
        Refuse, before computing, a result of more numbers than this (10**8 float64 are 0.8 GB).
    unreachable : {"raise", "zero"}
        What to do for an argument that no output depends on. (An output that does not depend on an
        argument that others depend on has zeros for it.)

    Returns
    -------
    callable
        For each output (in the function's nesting), for each argument (in its nesting): a Tensor
        of shape ``(*output.shape, *argument.shape)``.

    Notes
    -----
    One pullback is recorded and taken for many output elements at once, as by `vmap`: for as many as
    keep every value on the way within 65,536 numbers. Up to 6 elements, or where that would be 6 or
    fewer, there is one backward for each. In a trace all are taken at once.

    Raises
    ------
    ConfigError
        If the result would have more than ``max_entries`` numbers; points to `vjp` and `hvp`.
    UnreachableError
        See ``unreachable``.
    """
    return derived("jacobian", function, argnums, max_entries, unreachable)


def derived(
    operation: str,
    function: Callable[..., Any],
    argnums: Argnums,
    max_entries: int,
    unreachable: str,
) -> Callable[..., Any]:
    """`jacobian`, with errors that name the ``operation`` that was called."""
    choice = _unreachable(operation, unreachable)
    if not (isinstance(max_entries, numbers.Real) and max_entries >= 1):
        raise ConfigError(
            operation,
            f"max_entries: expected a number of 1 or more; received {max_entries!r}.",
        )

    @functools.wraps(function, updated=())
    def derivatives(*args: Any, **kwargs: Any) -> Any:
        run = Recorded(operation, function, args, kwargs, argnums)

        def rows(output: Any) -> Any:
            return run.nest(_blocks(run, output, count(output.shape)))

        outputs = flatten(run.result)[0]
        for output in outputs:
            if type(output) is not Tensor:
                raise ShapeError(
                    operation, f"the function returned {type(output).__name__}. Expected tensors."
                )
        affordable(operation, outputs, run.variables, max_entries)
        run.demand(outputs, choice)
        return map_tree(rows, run.result)

    return derivatives


def affordable(
    operation: str, outputs: Sequence[Any], inputs: Sequence[Any], max_entries: float
) -> None:
    """Refuse so many derivatives, of all outputs by all inputs together; symbolic sizes are let pass.

    Raises
    ------
    ConfigError
        Says how many numbers and bytes, and points to products with a vector.
    """
    wide = sum(count(v.shape) for v in inputs)
    n = sum(count(o.shape) for o in outputs)
    entries = n * wide
    if isinstance(entries, Dim) or entries <= max_entries:
        return
    size = sum(count(o.shape) * o.dtype.itemsize for o in outputs) * wide
    raise ConfigError(
        operation,
        f"{n:,} outputs by {wide:,} inputs are {entries:.3g} numbers ({size / 1e9:.3g} GB), more than "
        f"max_entries={max_entries:.3g}. Use ag.vjp or ag.jvp (ag.hvp for a Hessian) for products with "
        "a vector, or raise max_entries.",
    )


# Up to so many rows, one backward for each is faster than a backward without values first, which
# takes a dozen microseconds a step.
_FEW = 6
# As many rows at once as keep every value on the way within so many numbers, that is, in cache.
_NUMBERS = 2**16


def _blocks(run: Recorded, output: Tensor, n: Any) -> list[Tensor]:
    """The derivatives of an output of ``n`` elements, a Tensor for each variable."""
    shapes = [(*output.shape, *v.shape) for v in run.variables]
    empty = not isinstance(n, Dim) and n == 0
    rows = None if empty or not output.requires_grad else _at_once(run, output, n)
    blocks: list[Tensor] = []
    with within(recording=run.recording):
        if rows is not None:
            for v, part, shape in zip(run.variables, rows, shapes, strict=True):
                zero = broadcast_to(cast(0, v.dtype), shape)
                blocks.append(zero if part is None else reshape(part, shape))
        elif empty or not output.requires_grad:
            dtypes = [output.dtype if empty else v.dtype for v in run.variables]
            blocks = [broadcast_to(cast(0, d), s) for d, s in zip(dtypes, shapes, strict=True)]
        else:
            one_by_one = []
            for k in range(n):
                unit = np.zeros(n, output.dtype)
                unit[k] = 1
                seed = seed_for(output, unit.reshape(output.shape), run.xp, "jacobian")
                one_by_one.append(run.parts([output], [seed]))
            for column, shape in zip(zip(*one_by_one, strict=True), shapes, strict=True):
                blocks.append(reshape(stack(column), shape))
    return blocks


def _at_once(run: Recorded, output: Tensor, n: Any) -> list[Tensor | None] | None:
    """Rows of the derivatives by one pullback, taken for many cotangents at once.

    None where a row at a time is better; a None inside where all derivatives are 0.
    """
    traced = run.outer.capture is not None
    fixed = not traced and not isinstance(n, Dim)
    if fixed and (n <= _FEW or run.outer.anomaly):
        return None
    since = SEQUENCE()
    cotangent = leaf(Abstract(output.shape, output.dtype))
    with within(recording=True, transform=run.outer.transform), np.errstate(all="ignore"):
        nodes = history([output], True, run.wanted)
        pulled = pullback([output], [cotangent], TENSORS, nodes, run.wanted, masked=True)
    parts = [pulled.get(v) for v in run.variables]
    steps = Dependents([cotangent], parts, since)
    sizes = [count(t.shape) for t in (output, *steps.steps) if type(t._value) is not tuple]
    if not fixed or any(isinstance(m, Dim) for m in sizes):
        with within(recording=run.recording):
            seeds = reshape(eye(n, output.dtype), (n, *output.shape))
            rows = evaluate(steps, TENSORS, [cotangent], [seeds], parts, n)
            return [None if r is None else r if f else spread(TENSORS, r, n) for r, f in rows]
    chunk = _NUMBERS // max(sizes)
    if chunk <= _FEW:
        return None
    xp, chunks = run.xp, []
    with within(recording=run.recording), np.errstate(all="ignore"):
        for start in range(0, n, chunk):
            m = min(chunk, n - start)
            seed = np.eye(m, n, start, output.dtype).reshape(m, *output.shape)
            batch = leaf(seed) if run.linked else seed
            rows = evaluate(steps, xp, [cotangent], [batch], parts, m)
            chunks.append([r if f or r is None else spread(xp, r, m) for r, f in rows])
        columns = list(zip(*chunks, strict=True))
        if run.linked:
            return [None if c[0] is None else concatenate(c) for c in columns]
        return [None if c[0] is None else leaf(np.concatenate(c)) for c in columns]
