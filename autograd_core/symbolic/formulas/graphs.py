"""sympy expressions as graphs of tensors."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import sympy
from sympy.matrices import expressions as matrices

from ... import functional, ops
from ...errors import ConfigError, ProofError, ShapeError
from ...functional import linalg
from ...ops.contractions import eye
from ...shapes import Dim, Shape
from ...tensors import Tensor, tensor
from ..exact import decimal
from ..functions import Function
from ..indexed import size
from ..places import index, indices_in, size_of
from .lowering import Lowering, free_indices, nodes_of, replaced, supported
from .readings import dimension

__all__ = ["SUPPORTED", "from_sympy"]


def from_sympy(expr: Any, inputs: Mapping[Any, Any], axes: Sequence[Any] | None = None) -> Any:
    """A sympy expression as a Tensor, recorded so that it can be differentiated and proved.

    Equal subexpressions become one node. A sum over indices of a product is an einsum; a fraction
    of exponentials, and the logarithm of a sum of them, go by way of logsumexp, which does not
    overflow.

    Parameters
    ----------
    expr : sympy.Expr, sympy matrix or array, or nested lists or an ndarray of expressions
        Built with sympy or by `to_sympy`. Text is refused: none is ever parsed or evaluated.
    inputs : mapping of Symbol, IndexedBase, MatrixSymbol or name to Tensor or array
        What the symbols stand for. A Symbol may stand for an array: the expression is then
        computed at each of its elements. ``z[0,1]``, as `to_sympy` names elements, is an element
        of ``z``. Sizes are read off the arrays.
    axes : sequence of index or name, optional
        The order of the result's axes, where more than one index is free.

    Returns
    -------
    Tensor
        In the dtype of the inputs.

    Raises
    ------
    ConfigError
        If ``expr`` is text, ``inputs`` no mapping, or ``axes`` are not the free indices.
    ProofError
        If there is a node that is not in `SUPPORTED`, a symbol without an input, or two symbols of
        one name with different assumptions.
    ShapeError
        If an index runs over axes of different sizes, or a sum not over all of an axis.

    Examples
    --------
    >>> import sympy, autograd_core as ag
    >>> from autograd_core.symbolic import from_sympy
    >>> x = sympy.Symbol("x")
    >>> t = ag.tensor([0.0, 1.0], requires_grad=True)
    >>> y = from_sympy(sympy.exp(x) * x, {x: t})
    >>> y.sum().backward()
    >>> t.grad.numpy().round(4).tolist()
    [1.0, 5.4366]
    """
    if not isinstance(inputs, Mapping):
        raise ConfigError(
            "from_sympy",
            "expected inputs as a mapping of symbols or names to tensors, such as {x: t}; "
            f"received {type(inputs).__name__}.",
        )
    given = _named_inputs(inputs)
    if isinstance(expr, (list, tuple, np.ndarray, sympy.NDimArray, sympy.MatrixBase)):
        return _stacked(expr, given)
    _check(expr)
    if isinstance(expr, sympy.MatrixExpr):
        return _Matrices(given).tensor(expr)
    ready, arrays, free = _prepared(expr, given)
    order = _order(free, axes)
    found = _Graph(arrays).array(ready, order)
    return found if isinstance(found, Tensor) else tensor(float(found))


def _stacked(expr: Any, given: dict[str, Tensor]) -> Tensor:
    """An array of expressions; what they share is built once."""
    if isinstance(expr, (sympy.NDimArray, sympy.MatrixBase)):
        entries = np.array(expr.tolist(), dtype=object)
    else:
        entries = np.array(expr, dtype=object)
    if not entries.size:
        raise ConfigError("from_sympy", "the array has no elements. Expected at least one.")
    for e in entries.flat:
        _check(e)
    whole = sympy.Tuple(*(sympy.sympify(e, strict=True) for e in entries.flat))
    ready, arrays, free = _prepared(whole, given)
    if free:
        names = ", ".join(sorted(i.name for i in free))
        raise ConfigError("from_sympy", f"elements of an array have the free indices {names}.")
    graph = _Graph(arrays)
    parts = [graph.array(e) for e in ready.args]
    first = next((p for p in parts if isinstance(p, Tensor)), tensor(0.0))
    found = functional.stack([p if isinstance(p, Tensor) else 0 * first + p for p in parts])
    return found.reshape(entries.shape + found.shape[1:])


# --- what is given ------------------------------------------------------------------------------------


def _check(e: Any) -> None:
    if isinstance(e, (str, bytes)):
        raise ConfigError(
            "from_sympy",
            f"expected a sympy expression; received text of {len(e)} characters. Text is never "
            "parsed; build the expression with sympy's own functions.",
        )
    if not isinstance(e, (sympy.Basic, int, float, np.integer, np.floating)):
        raise ConfigError(
            "from_sympy", f"expected a sympy expression; received {type(e).__name__}."
        )


def _named_inputs(inputs: Mapping[Any, Any]) -> dict[str, Tensor]:
    """Tensors by name."""
    found: dict[str, Tensor] = {}
    for key, value in inputs.items():
        if isinstance(key, str):
            name = key
        elif isinstance(key, (sympy.Symbol, sympy.MatrixSymbol)):
            name = key.name
        elif isinstance(key, sympy.IndexedBase):
            name = str(key.label.name)
        else:
            raise ConfigError(
                "from_sympy",
                f"the key {key!r} of inputs is a {type(key).__name__}. Expected a Symbol, "
                "IndexedBase, MatrixSymbol or name.",
            )
        if name in found:
            raise ConfigError("from_sympy", f"inputs has two entries for {name}.")
        found[name] = value if isinstance(value, Tensor) else tensor(value)
    return found


def _prepared(
    e: Any, given: dict[str, Tensor]
) -> tuple[Any, dict[sympy.Symbol, tuple[Any, list[Any]]], list[sympy.Symbol]]:
    """The expression with indices that know their sizes; what its symbols stand for; free indices."""
    e = sympy.sympify(e, strict=True)
    nodes = nodes_of(e)
    _same_names(nodes)
    elements = [node for node in nodes if isinstance(node, sympy.Indexed)]
    sums = [node for node in nodes if isinstance(node, sympy.Sum)]
    labels = {a.base.label for a in elements}
    bound = {limit[0] for s in sums for limit in s.limits}
    terms = {t for a in elements for t in a.indices}
    terms |= {t for d in nodes if isinstance(d, sympy.KroneckerDelta) for t in d.args[:2]}
    runs = bound | {
        t
        for t in terms - labels
        if isinstance(t, (sympy.Symbol, sympy.Idx)) and _name(t) not in given
    }
    arrays: dict[sympy.Symbol, tuple[Any, list[Any]]] = {}
    sizes: dict[Any, Any] = {}  # of indices, and what the names of sizes are
    for a in elements:
        arrays[a.base.label] = _element(a, given, runs, sizes)
    _bounds(sums, sizes)
    shapes: list[Shape] = [x.shape for x in given.values()]
    dims = {name for s in shapes for n in s if isinstance(n, Dim) for name in n.names}
    symbols = [node for node in nodes if node.is_Symbol]
    for s in symbols:
        if s.name in dims and s.name not in given and s not in runs:
            sizes.setdefault(s, Dim.named(s.name))
    unknown = [t for t in runs if t not in sizes]
    if unknown:
        names = ", ".join(sorted(map(_name, unknown)))
        raise ProofError("from_sympy", f"no array tells the size of the axis of {names}.")
    for s in symbols:
        if not (s in sizes or s in labels or _inside_index(s, runs)):
            arrays[s] = (_input(s, given), [])
            if elements and arrays[s][0].ndim:
                raise ShapeError(
                    "from_sympy",
                    f"{s} stands for an array without an index in an expression that has "
                    "indices. Write its element with IndexedBase.",
                )
    into = {t: index(_name(t), size(n)) if t in runs else size(n) for t, n in sizes.items()}
    ready = replaced(e, {t: new for t, new in into.items() if t != new})
    free = free_indices(ready, {})
    return ready, arrays, sorted(free, key=lambda i: i.name)


def _element(
    a: sympy.Indexed, given: dict[str, Tensor], runs: set[Any], sizes: dict[Any, Any]
) -> tuple[Tensor, list[Any]]:
    """The array of an element and the sizes of its axes; notes those of the indices."""
    x = _input(a.base.label, given)
    shape: list[Any] = list(x.shape)
    if len(a.indices) != len(shape):  # axes of size 1 may go without an index
        shape = [None if n == 1 else n for n in shape]
    held = [n for n in shape if n is not None]
    if len(a.indices) != len(held):
        raise ShapeError(
            "from_sympy",
            f"{a} has {len(a.indices)} indices; {a.base.label} has the shape {x.shape}.",
        )
    for term, n in zip(a.indices, held, strict=True):
        if term in runs:
            _agree(sizes, term, n, "index")
            own: Any = None
            if isinstance(term, sympy.Idx):
                own = None if term.upper is None else term.upper + 1
            elif indices_in(term):
                own = size_of(term)
            if own is not None and own.is_Symbol:
                _agree(sizes, own, n, "size")
    return x, [None if n is None else size(n) for n in shape]


def _inside_index(s: sympy.Symbol, runs: Iterable[Any]) -> bool:
    """Whether ``s`` is only the name of an Idx."""
    return any(isinstance(t, sympy.Idx) and s == t.label for t in runs)


def _name(t: Any) -> str:
    return str(t.label.name if isinstance(t, sympy.Idx) else t.name)


def _same_names(nodes: Iterable[Any]) -> None:
    met: dict[str, sympy.Symbol] = {}
    for s in nodes:
        if not s.is_Symbol or isinstance(s, sympy.Dummy):
            continue
        other = met.setdefault(s.name, s)
        if other != s:
            raise ProofError(
                "from_sympy",
                f"two symbols are called {s.name} and differ in their assumptions. Expected one "
                "symbol for one name.",
            )


def _input(s: sympy.Symbol, given: dict[str, Tensor]) -> Tensor:
    if s.name in given:
        return given[s.name]
    match = re.fullmatch(r"(.+)\[(\d+(?:,\d+)*)\]", s.name)
    if match is not None and match[1] in given:
        found: Tensor = given[match[1]][tuple(map(int, match[2].split(",")))]
        return found
    raise ProofError(
        "from_sympy",
        f"there is no input for the symbol {s}. Received inputs for {', '.join(given) or 'none'}.",
    )


def _agree(sizes: dict[Any, Any], key: Any, n: Any, what: str) -> None:
    if sizes.setdefault(key, n) != n:
        raise ShapeError(
            "from_sympy", f"the {what} {key} runs over axes of sizes {sizes[key]} and {n}."
        )


def _bounds(sums: Iterable[sympy.Sum], sizes: dict[Any, Any]) -> None:
    """Check that sums run over whole axes, and note what the names of sizes are."""
    for s in sorted(sums, key=str):
        for k, low, high in (tuple(limit) for limit in s.limits):
            n = high + 1
            if low != 0:
                raise ShapeError(
                    "from_sympy",
                    f"the sum over {k} starts at {low}. Expected 0: indices count from 0, as in NumPy.",
                )
            if n.is_Integer and k not in sizes:
                sizes[k] = int(n)
            elif n.is_Symbol and k in sizes:
                _agree(sizes, n, sizes[k], "size")
            elif n.is_Symbol and n in sizes:
                sizes[k] = sizes[n]
            elif k in sizes and size(sizes[k]) != n.xreplace(
                {key: size(value) for key, value in sizes.items() if isinstance(key, sympy.Symbol)}
            ):
                raise ShapeError(
                    "from_sympy",
                    f"the sum over {k} runs to {high} along an axis of size {sizes[k]}. Expected all "
                    "of the axis; take a part of the array first.",
                )


def _order(free: list[sympy.Symbol], axes: Sequence[Any] | None) -> tuple[sympy.Symbol, ...]:
    names = {i.name: i for i in free}
    if axes is None and len(free) <= 1:
        return tuple(free)
    wanted = [a if isinstance(a, str) else _name(a) for a in axes or ()]
    if sorted(wanted) != sorted(names):
        raise ConfigError(
            "from_sympy",
            f"the free indices are {', '.join(names) or 'none'}. Expected axes= with these in the "
            f"order of the result's axes; received {axes!r}.",
        )
    return tuple(names[name] for name in wanted)


# --- the shelf of tensors -------------------------------------------------------------------------------


class _Tensors:
    """Operations on tensors and Python numbers."""

    def __init__(self, like: Tensor | None) -> None:
        self._dtype = np.dtype(np.float64) if like is None else like.dtype

    def _tensor(self, x: Any) -> Any:
        """A number as a tensor of the inputs' dtype."""
        if isinstance(x, Tensor):
            return x
        return ops.cast(x, dtype=self._dtype)

    def number(self, value: Any) -> Any:
        if isinstance(value, sympy.Rational) and value.q == 1:
            return int(value)
        found = float(value)
        if (
            isinstance(value, sympy.Rational)
            and value.q & (value.q - 1)
            and decimal(found) != value
        ):
            return self.multiply([int(value.p)], [int(value.q)])  # 1/3 is no float
        return found

    def size(self, n: sympy.Expr) -> Any:
        return dimension(n)

    def add(self, terms: Sequence[tuple[bool, Any]]) -> Any:
        # Tensors before numbers, so that a number takes its dtype from what it meets.
        ordered = sorted(terms, key=lambda term: (not isinstance(term[1], Tensor), term[0]))
        minus, found = ordered[0]
        found = -found if minus else found
        for minus, term in ordered[1:]:
            found = found - term if minus else found + term
        return found

    def multiply(self, above: Sequence[Any], below: Sequence[Any]) -> Any:
        ordered = sorted(above, key=lambda x: not isinstance(x, Tensor))
        plain = not any(isinstance(x, Tensor) for x in (*above, *below))
        if plain and (below or any(isinstance(x, Dim) for x in above)):
            ordered = [self._tensor(x) for x in ordered[:1]] + ordered[1:]
        found = ordered[0] if ordered else None
        for x in ordered[1:]:
            found = found * x
        for x in sorted(below, key=lambda x: not isinstance(x, Tensor)):
            if found is None:
                found = self._tensor(1) if not isinstance(x, Tensor) else 1
            found = found / x
        return 1 if found is None else found

    def power(self, base: Any, exponent: Any) -> Any:
        if not isinstance(exponent, sympy.Rational):
            return self._tensor(base) ** exponent
        if exponent == sympy.Rational(1, 2):
            return ops.sqrt(self._tensor(base))
        if exponent == 1:
            return base
        if exponent == 2:
            return ops.square(self._tensor(base))
        if exponent.q == 1:
            return base ** int(exponent)
        if decimal(float(exponent)) == exponent:
            return self._tensor(base) ** float(exponent)
        log = ops.log(self._tensor(base))  # a third is no float
        return ops.exp(log * int(exponent.p) / int(exponent.q))

    def call(self, f: Function, *values: Any) -> Any:
        if not any(isinstance(v, Tensor) for v in values):
            values = (*values[: f.orders], *map(self._tensor, values[f.orders :]))
        result = f.array(*values)
        if result.dtype.kind == "b" and not f.condition:  # an indicator is a number
            result = ops.cast(result, dtype=self._dtype)
        return result

    def where(self, condition: Any, a: Any, b: Any) -> Any:
        if not isinstance(a, Tensor) and not isinstance(b, Tensor):
            a = self._tensor(a)
        return ops.where(condition, a, b)

    def layout(self, x: Any, order: Sequence[int], new: Sequence[int], ndim: int) -> Any:
        if list(order) != sorted(order):
            x = ops.transpose(x, axes=tuple(order))
        for n in new:
            x = functional.expand_dims(x, n)
        return x

    def entry(self, x: Any, places: Sequence[int | None]) -> Any:
        return x[tuple(slice(None) if n is None else n for n in places)]

    def total(self, x: Any, axes: tuple[int, ...], ndim: int) -> Any:
        return ops.sum(x, axis=axes)

    def einsum(self, subscripts: str, values: Sequence[Any]) -> Any:
        return ops.einsum(subscripts, *values)

    def largest(self, x: Any, axes: tuple[int, ...]) -> Any:
        return ops.max(x, axis=axes)

    def logsumexp(self, x: Any, axes: tuple[int, ...]) -> Any:
        return ops.logsumexp(x, axis=axes)

    def rows(self, x: Any, labels: Any) -> Any:
        return x[labels]

    def along(self, x: Any, labels: Any, sizes: Sequence[sympy.Expr]) -> Any:
        n = len(sizes)
        labels = ops.broadcast_to(labels, shape=tuple(map(dimension, sizes)))
        found = functional.take_along_axis(x, functional.expand_dims(labels, n), axis=n)
        return found[(*(slice(None) for _ in sizes), 0)]

    def count(self, n: sympy.Expr) -> Any:
        if not n.is_Integer:
            raise ProofError(
                "from_sympy",
                f"an index stands as a number along an axis of size {n}. Expected a size that is "
                "a number.",
            )
        return tensor(np.arange(int(n), dtype=self._dtype))

    def eye(self, n: sympy.Expr) -> Any:
        return eye(dimension(n), dtype=self._dtype)

    def stretched(self, x: Any, sizes: Sequence[sympy.Expr]) -> Any:
        return ops.broadcast_to(self._tensor(x), shape=tuple(map(dimension, sizes)))


class _Graph(Lowering[Any]):
    """The lowering to tensors."""

    def __init__(self, arrays: dict[sympy.Symbol, tuple[Any, list[Any]]]) -> None:
        floats = [x for x, _ in arrays.values() if x.dtype.kind == "f"]
        like = max(floats, key=lambda x: x.dtype.itemsize, default=None)
        super().__init__(_Tensors(like), arrays)


# --- matrices -------------------------------------------------------------------------------------------


class _Matrices:
    """Matrix expressions as tensors with two axes."""

    def __init__(self, given: dict[str, Tensor]) -> None:
        self.given = given
        self._memo: dict[Any, Tensor] = {}

    def tensor(self, e: Any) -> Tensor:
        """A matrix expression."""
        for node in sympy.postorder_traversal(e):
            if isinstance(node, sympy.MatrixExpr) and node not in self._memo:
                read = next((r for k, (_, r) in MATRICES.items() if isinstance(node, k)), None)
                if read is None:
                    raise ProofError(
                        "symbolic",
                        f"the matrix {type(node).__name__} cannot be written with arrays. Expected "
                        + ", ".join(kind.__name__ for kind in MATRICES)
                        + ".",
                    )
                self._memo[node] = read(self, node)
        return self._memo[e]

    def of(self, e: Any) -> Any:
        """An operand: a matrix, or a scalar expression of the inputs."""
        if isinstance(e, sympy.MatrixExpr):
            return self._memo[e]
        ready, arrays, _ = _prepared(e, self.given)
        return _Graph(arrays).array(ready)

    def symbol(self, e: Any) -> Tensor:
        """An input with two axes."""
        x = _input(sympy.Symbol(e.name), self.given)
        if x.ndim != 2:
            raise ShapeError(
                "from_sympy",
                f"the matrix {e.name} was given an array of shape {x.shape}. Expected two axes.",
            )
        return x

    def identity(self, e: Any) -> Tensor:
        """The identity of a size that is a number."""
        if not e.shape[0].is_Integer:
            raise ProofError("from_sympy", f"{e} has the size {e.shape[0]}. Expected a number.")
        found: Tensor = eye(int(e.shape[0]))
        return found

    def power(self, e: Any) -> Tensor:
        """A whole power."""
        n = e.exp
        if not n.is_Integer:
            raise ProofError("from_sympy", f"{e} has the exponent {n}. Expected a whole number.")
        found: Tensor = linalg.matrix_power(self.of(e.base), int(n))
        return found


def _fold(function: Callable[[Any, Any], Any]) -> Callable[[_Matrices, Any], Any]:
    def read(of: _Matrices, e: Any) -> Any:
        parts = [of.of(a) for a in e.args]
        found = parts[0]
        for part in parts[1:]:
            found = function(found, part)
        return found

    return read


def _product(a: Any, b: Any) -> Any:
    whole = [isinstance(x, Tensor) and x.ndim == 2 for x in (a, b)]
    return a @ b if all(whole) else a * b


MATRICES: dict[Any, tuple[str, Callable[[_Matrices, Any], Tensor]]] = {
    sympy.MatrixSymbol: ("an input with two axes", _Matrices.symbol),
    sympy.MatAdd: ("+", _fold(lambda a, b: a + b)),
    sympy.MatMul: ("@", _fold(_product)),
    matrices.HadamardProduct: ("*", _fold(lambda a, b: a * b)),
    sympy.Transpose: ("transpose", lambda of, e: ops.transpose(of.of(e.arg), axes=(1, 0))),
    sympy.Inverse: ("linalg.inv", lambda of, e: linalg.inv(of.of(e.arg))),
    sympy.MatPow: ("linalg.matrix_power", _Matrices.power),
    sympy.Identity: ("eye", _Matrices.identity),
}

# The nodes that `from_sympy` reads, and what each becomes.
SUPPORTED: dict[str, str] = {
    **supported(),
    **{kind.__name__: becomes for kind, (becomes, _) in MATRICES.items()},
}
