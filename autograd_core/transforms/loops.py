"""The primitive `scan`: a Program taken again and again, its NumPy loop, and its pullback."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..abstract import Abstract, native
from ..aliases import ArrayLike, Params
from ..context import CONTEXT, within
from ..effects import Capture
from ..errors import DTypeError, ShapeError
from ..evaluators import RECORDING
from ..graph import history, operands_of, pullback
from ..kinds import Loop, View, shape_of
from ..numpy_calls import CallList, take
from ..primitives import primitive
from ..program import Program, Var
from ..shapes import count
from ..shelves import TENSORS
from ..tensors import Tensor, leaf
from ..tracing import build

__all__ = ["enclosed", "looped", "sources"]


def enclosed(
    name: str,
    consts: Sequence[Tensor],
    changing: Sequence[Tensor],
    outputs: Sequence[Tensor],
) -> tuple[Program[Any], list[Tensor]]:
    """The Program of a loop's body from its graph, and the values of its consts.

    Parameters
    ----------
    consts, changing : sequences of Tensor
        Its inputs: what is the same in every iteration; carries, then slices.
    outputs : sequence of Tensor

    Returns
    -------
    body : Program
        Has no captures: leaves found on the way are further consts.
    consts : list of Tensor
    """
    structure = [None] * len(outputs)
    program = build(name, [*consts, *changing], outputs, structure)
    count = len(consts)
    inputs = (*program.inputs[:count], *(v for v, _ in program.captures), *program.inputs[count:])
    body: Program[Any] = Program(name, inputs, (), program.applications, program.outputs, structure)
    return body, [*consts, *(t for _, t in program.captures)]


def sources(body: Program[Any]) -> tuple[frozenset[int], ...]:
    """For each output the inputs, by position, that a gradient of it goes to."""
    if sources not in body.memo:
        nowhere: frozenset[int] = frozenset()
        sources_of: dict[Any, Any] = {
            v: frozenset([k]) if v.dtype.kind == "f" else nowhere for k, v in enumerate(body.inputs)
        }
        for step in body.applications:
            p, behind = step.primitive, [sources_of.get(o, nowhere) for o in step.operands]
            if p.picks:
                (by_part,) = behind
                result = by_part[step.params["index"]] if type(by_part) is tuple else by_part
            elif p.reach:
                reached = p.reach(**step.params)
                result = tuple([nowhere.union(*(behind[i] for i in r)) for r in reached])
            else:
                rules = p.vjp if p.differentiable and not p.variadic else (p.differentiable or None,) * len(behind)  # fmt: skip
                parts = [b for b, rule in zip(behind, rules, strict=True) if rule is not None]
                result = nowhere.union(*parts) if step.result.dtype.kind == "f" else nowhere
            sources_of[step.result] = result
        body.memo[sources] = tuple([sources_of.get(o, nowhere) for o in body.outputs])
    known: tuple[frozenset[int], ...] = body.memo[sources]
    return known


# --- the loop by NumPy ----------------------------------------------------------------------------


class _Iterations:
    """A body prepared for many iterations."""

    def __init__(self, body: Program[Any], consts: int, carries: int) -> None:
        self.consts, self.carries = consts, carries
        calls = CallList(body, fixed=body.inputs[:consts])
        self._once, self._steps, self._values = calls.once, calls.steps, calls.values
        self._outputs = [calls.place(o) for o in body.outputs]
        self._described = [(o.shape, o.dtype) for o in body.outputs]  # type: ignore[union-attr]

    def run(self, operands: Sequence[Any], length: int, reverse: bool) -> tuple[Any, ...]:
        """All iterations; the final carries, then the stacked ys."""
        values, steps = self._values.copy(), self._steps
        consts, carries = self.consts, self.carries
        first = consts + carries
        values[:first] = operands[:first]
        slices = [(first + k, x) for k, x in enumerate(operands[first:])]
        value_at, kept, stacked = (
            values.__getitem__,
            self._outputs[:carries],
            self._outputs[carries:],
        )
        ys = [np.empty((length, *shape), dtype) for shape, dtype in self._described[carries:]]
        rows = list(zip(ys, stacked, strict=True))
        t = -1
        try:
            take(self._once, values)
            for t in range(length - 1, -1, -1) if reverse else range(length):
                for place, x in slices:
                    values[place] = x[t]
                take(steps, values)
                for y, place in rows:
                    y[t] = values[place]
                values[consts:first] = map(value_at, kept)  # all are read before one is written
        except (ValueError, TypeError, IndexError) as error:
            where = f"at iteration {t}: " if t >= 0 else ""
            raise type(error)(f"{where}{error}") from None
        finals = [
            np.array(x, dtype)[()] if isinstance(x, np.ndarray) else x
            for x, (_, dtype) in zip(values[consts:first], self._described, strict=False)
        ]
        return (*finals, *ys)


def _forward(
    *operands: Any, body: Program[Any], consts: int, carries: int, length: int, reverse: bool
) -> tuple[Any, ...]:
    key = _Iterations, consts, carries
    if key not in body.memo:
        body.memo[key] = _Iterations(body, consts, carries)
    results: tuple[Any, ...] = body.memo[key].run(operands, length, reverse)
    return results


# --- its pullback ---------------------------------------------------------------------------------


class _Linear:
    """The body run on variables and pulled back, without values, as a graph.

    Parameters
    ----------
    asked : tuple of int
        Operands whose cotangents are wanted.
    live : tuple of int
        Stacked outputs that a cotangent reaches.

    Attributes
    ----------
    frontier : list of Var
        What the pullback reads of an iteration, carries first: worth keeping.
    """

    def __init__(
        self,
        body: Program[Any],
        consts: int,
        carries: int,
        asked: tuple[int, ...],
        live: tuple[int, ...],
    ) -> None:
        self.body, self.consts, self.carries, self.asked = body, consts, carries, asked
        split = consts + carries
        with within(capture=Capture(), recording=True, phase=None, scope=()):
            # A carry wants a cotangent if it was asked for, or depends on what was.
            active = {i - consts for i in asked if consts <= i < split}
            while True:
                wanted = {*asked, *(consts + j for j in active)}
                inputs = [
                    leaf(Abstract(v.shape, v.dtype, v.weak), k in wanted, v.name, v.role)
                    for k, v in enumerate(body.inputs)
                ]
                values = body.fold(RECORDING, *inputs)
                results: list[Tensor] = [values[o] for o in body.outputs]  # type: ignore[index]
                more = active | {j for j in range(carries) if results[j].requires_grad}
                if more == active:
                    break
                active = more
            self.active = sorted(active)
            self.live = [k for k in live if results[k].requires_grad]
            self.pulled = [
                leaf(Abstract(o.shape, o.dtype))
                for o in (results[k] for k in (*self.active, *self.live))
            ]
            pairs = [
                (results[k], u)
                for k, u in zip((*self.active, *self.live), self.pulled, strict=True)
                if results[k].requires_grad
            ]
            variables = {id(inputs[k]): inputs[k] for k in sorted(wanted)}
            outputs, seeds = [o for o, _ in pairs], [u for _, u in pairs]
            nodes = history(outputs, True, variables)
            with np.errstate(all="ignore"):
                masked = CONTEXT.get().masked
                cotangents = pullback(outputs, seeds, TENSORS, nodes, variables, masked=masked)
            self.inputs = inputs

            def part(k: int) -> Tensor:
                if inputs[k] in cotangents:
                    return cotangents[inputs[k]]
                zero: Tensor = TENSORS.cast(0, dtype=inputs[k].dtype)
                return TENSORS.broadcast_to(zero, shape=inputs[k].shape)

            self.carried = [part(consts + j) for j in self.active]
            # Sums over the iterations: products of what an iteration has are summed by one product
            # after the loop; the rest is added up in it.
            self.fixed = [k for k in asked if k < consts]
            self.products: list[tuple[int, Tensor, Tensor, tuple[int, ...]]] = []
            self.summed: list[int] = []
            self.sums: list[Tensor] = []
            self.totals: list[Tensor] = []
            for k in self.fixed:
                products, remainder = (
                    self._terms(part(k)) if inputs[k] in cotangents else ([], None)
                )
                self.products += [(k, *factors) for factors in products]
                if remainder is not None:
                    self.summed.append(k)
                    self.sums.append(leaf(Abstract(inputs[k].shape, inputs[k].dtype)))
                    self.totals.append(self.sums[-1] + remainder)
            self.sliced = [k for k in asked if k >= split and inputs[k] in cotangents]
            self.slices = [cotangents[inputs[k]] for k in self.sliced]
        self._var = {id(t): var for var, t in values.items() if type(t) is Tensor}
        self._tensor = {var: t for var, t in values.items() if type(t) is Tensor}
        self.frontier = self._read()

    def _terms(self, part: Tensor) -> tuple[list[_Factors], Tensor | None]:
        """A sum taken apart: x and g for terms ``xᵀ g``, rows by rows; and what is left."""
        fixed = {id(t) for t in self.inputs[: self.consts]}
        products: list[_Factors] = []
        left: list[Tensor] = []
        stack = [part]
        while stack:
            t = stack.pop()
            operands = operands_of(t) or ()
            name = None if t._op is None else t._op.name
            if name == "add" and all(type(a) is Tensor and a.shape == t.shape for a in operands):
                stack.extend(reversed(operands))
                continue
            factors = _product(t)
            if factors is None or any(id(a) in fixed for a in factors[:2]):
                left.append(t)
            else:
                products.append(factors)
        remainder = None
        for t in left:
            remainder = t if remainder is None else remainder + t
        return products, remainder

    def _roots(self) -> list[Tensor]:
        factors = [t for _, x, g, _ in self.products for t in (x, g)]
        return [*self.carried, *self.totals, *self.slices, *factors]

    def _read(self) -> list[Var]:
        """Forward values that the pullback reads and that are worth keeping."""
        read: dict[Var, None] = {}
        stack, seen = list(self._roots()), set()
        while stack:
            t = stack.pop()
            if id(t) in seen:
                continue
            seen.add(id(t))
            var = self._var.get(id(t))
            if var is not None and t._op is None:
                read[var] = None
                continue
            operands = [a for a in operands_of(t) or () if type(a) is Tensor]
            # Views are taken again; what has several outputs cannot be stacked.
            if var is not None and not (isinstance(t._op.kind, View) and len(operands) == 1):
                read[var] = None
                continue
            stack.extend(operands)
        inputs = self.body.inputs
        carried = [v for v in inputs[self.consts : self.consts + self.carries] if v in read]
        return [*carried, *(v for v in read if v not in inputs)]

    def assembled(self, kept: dict[Var, int]) -> _Pulled | None:
        """The pullback's own body, reading what is ``kept`` as stacked outputs by their position.

        None if it needs a carry that is not kept.
        """
        consts, split = self.consts, self.consts + self.carries
        inputs = self.inputs
        saved = {id(self._tensor[v]): k for v, k in kept.items() if v in self._tensor}
        sliced = {id(t): k for k, t in enumerate(inputs) if k >= split}
        # What is stacked already need not be stacked again for the products after the loop.
        made = {
            id(t): t
            for t in self._roots()[len(self.carried) + len(self.totals) + len(self.slices) :]
            if id(t) not in saved and id(t) not in sliced
        }
        outputs = [*self.carried, *self.totals, *self.slices, *made.values()]
        stop: dict[int, Any] = dict.fromkeys(
            [*map(id, inputs), *saved, *map(id, self.pulled), *map(id, self.sums)]
        )
        reached = {id(t) for t in history(outputs, False, stop)}
        if any(id(t) in reached and id(t) not in saved for t in inputs[consts:split]):
            return None
        fixed = [k for k in range(consts) if id(inputs[k]) in reached]
        slices = [k for k in range(split, len(inputs)) if id(inputs[k]) in reached]
        tensors = {id(t): t for t in self._tensor.values()}
        stacked = [key for key in saved if key in reached and key not in sliced]
        alive = len(self.active)
        body, values = enclosed(
            f"pullback of {self.body.name}",
            [inputs[k] for k in fixed],
            [
                *self.pulled[:alive],
                *self.sums,
                *(inputs[k] for k in slices),
                *(tensors[key] for key in stacked),
                *self.pulled[alive:],
            ],
            outputs,
        )
        sources: dict[int, tuple[str, int]] = {key: ("made", i) for i, key in enumerate(made)}
        sources |= {key: ("kept", k) for key, k in saved.items()}
        sources |= {key: ("operand", k) for key, k in sliced.items()}
        products = [(k, sources[id(x)], sources[id(g)], won) for k, x, g, won in self.products]
        return _Pulled(
            self, body, values[len(fixed) :], fixed, slices, [saved[k] for k in stacked], products
        )


# x and g, and which of them have zeros that win in their product, by position.
_Factors = tuple[Tensor, Tensor, tuple[int, ...]]


def _product(t: Tensor) -> _Factors | None:
    """The factors of a matrix ``xᵀ g``: of two vectors, or of matrices of as many rows."""
    stills: list[Any] = []
    while t._op is not None and t._op.name == "still":
        t, by = operands_of(t) or (t, None)
        stills.append(by)
    name = None if t._op is None else t._op.name
    if len(t.shape) != 2 or name not in ("multiply", "matmul", "matmul_still"):
        return None
    a, b = operands_of(t) or (None, None)
    if (
        type(a) is not Tensor
        or type(b) is not Tensor
        or any(x is not a and x is not b for x in stills)
    ):
        return None
    (n, m), inner = t.shape, None if a._op is None else a._op.name
    if name != "multiply":
        behind = operands_of(a) if inner == "transpose" and len(b.shape) == 2 else None
        won = t._params.get("zeros", ())
        return (behind[0], b, won) if behind and len(behind[0].shape) == 2 else None
    won = tuple([i for i, x in enumerate((a, b)) if any(x is y for y in stills)])
    if inner != "reshape" or a.shape != (n, 1) or b.shape not in ((m,), (1, m)):
        return None
    (x,) = operands_of(a) or (None,)
    if b.shape == (1, m):
        if b._op is None or b._op.name != "reshape":
            return None
        (b,) = operands_of(b) or (None,)
    return (x, b, won) if x.shape == (n,) and b.shape == (m,) else None


class _Pulled:
    """A pullback ready to run: its body, and where each of its operands comes from."""

    def __init__(
        self,
        linear: _Linear,
        body: Program[Any],
        constants: list[Tensor],
        fixed: list[int],
        slices: list[int],
        kept: list[int],
        products: list[Any],
    ) -> None:
        self.body, self.constants = body, constants
        self.fixed, self.slices, self.kept, self.products = fixed, slices, kept, products
        self.active, self.live = linear.active, linear.live
        self.summed, self.sliced, self.consts = linear.summed, linear.sliced, linear.consts

    def run(
        self, xp: Any, g: Any, y: Any, operands: Any, length: Any, reverse: bool
    ) -> dict[int, Any]:
        """Cotangents by the position of the operand."""

        def zeros(like: Any) -> Any:
            return xp.broadcast_to(xp.cast(0, dtype=like.dtype), shape=shape_of(like))

        constants = [t._value if xp.shelf == "ARRAYS" else t for t in self.constants]
        first = [operands[self.consts + j] for j in self.active]
        carried = [
            zeros(x) if g[j] is None else g[j] for j, x in zip(self.active, first, strict=True)
        ]
        kept = {k: xp.pick(y, index=k) for k in self.kept}
        results = xp.scan(
            *(operands[k] for k in self.fixed),
            *constants,
            *carried,
            *(zeros(operands[k]) for k in self.summed),
            *(operands[k] for k in self.slices),
            *kept.values(),
            *(g[k] for k in self.live),
            body=self.body,
            consts=len(self.fixed) + len(constants),
            carries=len(self.active) + len(self.summed),
            length=length,
            reverse=not reverse,
        )
        places = [*(self.consts + j for j in self.active), *self.summed, *self.sliced]
        result = dict(zip(places, results, strict=False))

        def stacked(source: tuple[str, int]) -> Any:
            where, k = source
            if where == "operand":
                t = operands[k]
            elif where == "made":
                t = results[len(places) + k]
            else:
                t = kept[k] if k in kept else xp.pick(y, index=k)
            rows = (count(t.shape[:-1]), t.shape[-1])
            return t if t.shape == rows else xp.reshape(t, shape=rows)

        for k, x, u, won in self.products:
            factors = xp.transpose(stacked(x), axes=(1, 0)), stacked(u)
            product = xp.matmul_still(*factors, zeros=won) if won else xp.matmul(*factors)
            result[k] = result[k] + product if k in result else product
        return result


def _linear(body: Program[Any], consts: int, carries: int, asked: Any, live: Any) -> _Linear:
    key = _Linear, consts, carries, asked, live, CONTEXT.get().masked
    if key not in body.memo:
        body.memo[key] = _Linear(body, consts, carries, asked, live)
    found: _Linear = body.memo[key]
    return found


def _keeping(body: Program[Any], linear: _Linear) -> Program[Any]:
    """The body with what its pullback reads as further ys."""
    more = tuple(v for v in linear.frontier if v not in body.outputs[linear.carries :])
    if not more:
        return body
    outputs = (*body.outputs, *more)
    return Program(body.name, body.inputs, (), body.applications, outputs, [None] * len(outputs))


def _reach(
    body: Program[Any], consts: int, carries: int, length: Any, reverse: bool
) -> tuple[frozenset[int], ...]:
    """For each result the operands that a gradient of it goes to."""
    key = _reach, consts, carries
    if key not in body.memo:
        once = sources(body)
        # What a carry depends on at the end: on its start, and by way of any number of iterations.
        after = [frozenset([consts + j]) for j in range(carries)]

        def through(inputs: frozenset[int]) -> frozenset[int]:
            carried = [after[k - consts] for k in inputs if consts <= k < consts + carries]
            return inputs.union(*carried)

        while True:
            more = [a | through(once[j]) for j, a in enumerate(after)]
            if more == after:
                break
            after = more
        body.memo[key] = (*after, *map(through, once[carries:]))
    known: tuple[frozenset[int], ...] = body.memo[key]
    return known


def _kept(body: Program[Any], carries: int) -> dict[Var, int]:
    """The stacked outputs of a body by their Var."""
    return {o: k for k, o in enumerate(body.outputs) if k >= carries and isinstance(o, Var)}


def _rule(
    xp: Any,
    asked: tuple[int, ...],
    g: Any,
    y: Any,
    *operands: Any,
    body: Program[Any],
    consts: int,
    carries: int,
    length: Any,
    reverse: bool,
) -> dict[int, Any]:
    """Cotangents by another loop, in the other direction, over the body's own pullback."""
    live = tuple([k for k in range(carries, len(body.outputs)) if g[k] is not None])
    key = _Pulled, consts, carries, asked, live, CONTEXT.get().masked
    if key not in body.memo:
        linear = _linear(body, consts, carries, asked, live)
        body.memo[key] = linear.assembled(_kept(body, carries)), linear
    pulled, linear = body.memo[key]
    if pulled is None:  # it was recorded without what the pullback reads: once more, with it
        if (key, "again") not in body.memo:
            longer = _keeping(body, linear)
            body.memo[key, "again"] = longer, linear.assembled(_kept(longer, carries))
        longer, pulled = body.memo[key, "again"]
        parts = xp.scan(*operands, body=longer, consts=consts, carries=carries, length=length, reverse=reverse)  # fmt: skip
        y = _Parts(parts)
        xp = _picking(xp)
    cotangents: dict[int, Any] = pulled.run(xp, g, y, operands, length, reverse)
    return cotangents


class _Parts(tuple):  # type: ignore[type-arg]
    """Outputs that were picked already."""

    __slots__ = ()


class _picking:  # noqa: N801 - stands where a shelf stands
    """A shelf whose ``pick`` knows outputs that were picked already."""

    def __init__(self, xp: Any) -> None:
        self._xp = xp

    def __getattr__(self, name: str) -> Any:
        return getattr(self._xp, name)

    @staticmethod
    def pick(parts: Any, index: int) -> Any:
        return parts[index]


# --- the declaration ------------------------------------------------------------------------------


def _fitting(operands: Any, params: Params) -> Params:
    """Params, once the operands fit the body's inputs."""
    body, consts, carries, length = (
        params["body"], params["consts"], params["carries"], params["length"],
    )  # fmt: skip
    if len(operands) != len(body.inputs):
        raise ShapeError(f"the body takes {len(body.inputs)} operands; received {len(operands)}")
    for k, (var, x) in enumerate(zip(body.inputs, operands, strict=True)):
        shape = var.shape if k < consts + carries else (length, *var.shape)
        if not var.weak and shape_of(x) != shape:
            raise ShapeError(f"operand {k} has shape {shape_of(x)}; the body takes {shape}")
        if not var.weak and native(x.dtype) != var.dtype:
            raise DTypeError(
                "scan",
                f"operand {k} has dtype {x.dtype}. Expected {var.dtype}, which the body takes. "
                "Cast it.",
            )
    return params


@primitive(
    Loop(),
    vjp=_rule,
    forward=_forward,
    prepare=_fitting,
    label="scan ×{length}",
    outputs=2,
    joint=True,
    reach=_reach,
)
def scan(
    *operands: ArrayLike,
    body: Any,
    consts: int,
    carries: int,
    length: Any,
    reverse: bool = False,
) -> Any:
    """A Program taken ``length`` times, each time on the carries that the last one left.

    The public function that records one is `autograd_core.scan`. This is the contract that it, the
    pullback, `vmap` and every evaluator keep.

    Parameters
    ----------
    *operands : array_like
        In the order of the body's inputs: consts, first carries, xs. An x has the shape of its input
        with ``length`` in front; the others have the shape and the dtype of their inputs.
    body : Program
        Without captures and writes. Inputs: ``consts`` values that are the same in every iteration,
        ``carries`` values of which the body makes the next, then one slice of each x. Outputs, all
        Vars, in a flat list: the next carries, of the shapes and dtypes of the carries, then ys. An
        output may be an input; a Var may stand there twice.
    consts, carries : int
        How many inputs are which.
    length : int or Dim
        Number of iterations, 0 included.
    reverse : bool
        Iteration k takes slice ``length - 1 - k`` of the xs, and its ys go there.

    Returns
    -------
    tuple of Tensor
        The last carries, then the ys, stacked: ``length`` in front. In a program this is one Var with
        ``parts``, which ``pick`` reads; ys that nothing picks need not be kept.

    Notes
    -----
    In iteration t, with ``c`` the consts::

        (h', y...) = body(c..., h..., x[t]...);  h = h';  ys[t] = y

    The pullback is another `scan`, in the other direction. Its consts are the body's, its carries the
    cotangents of the carries and the sums of those of the consts; its xs are the xs, what was kept of
    the forward, and the cotangents of the ys. A cotangent of a const that is a product ``xᵀ g`` in every
    iteration is no carry: x and g are stacked, and there is one product after the loop. What is kept are the values that the pullback reads: a
    y that is the body's own carry or intermediate value serves. Without them the forward is run once
    more in the backward. ``body`` may hold symbolic sizes; ``body.at(sizes)`` puts numbers for them.
    """


def looped(
    operands: Sequence[Any],
    body: Program[Any],
    consts: int,
    carries: int,
    length: Any,
    reverse: bool,
) -> tuple[Any, ...]:
    """Record a loop; where a gradient may be asked for, with what its pullback reads kept.

    Parameters and result are those of `scan`.
    """
    count = len(body.outputs)
    asked = tuple([i for i, a in enumerate(operands) if type(a) is Tensor and a.requires_grad])
    if asked and CONTEXT.get().recording:
        live = tuple([k for k in range(carries, count) if body.outputs[k].dtype.kind == "f"])  # type: ignore[union-attr]
        linear = _linear(body, consts, carries, asked, live)
        longer = _keeping(body, linear)
        key = _Pulled, consts, carries, asked, live, CONTEXT.get().masked
        if key not in longer.memo:
            longer.memo[key] = linear.assembled(_kept(longer, carries)), linear
        body = longer
    results = scan(
        *operands, body=body, consts=consts, carries=carries, length=length, reverse=reverse
    )
    return tuple(results)[:count]
