"""sympy expressions as graphs of tensors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import sympy

from ... import functional
from ...errors import ConfigError
from ...tensors import Tensor, tensor
from .inputs import Value, name_of, named_inputs, prepared
from .lowering import supported
from .matrices import MATRICES, Matrices
from .tensor_shelf import Graph

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
        of ``z``. Sizes are read off the arrays. Python's numbers take the dtype of what they meet;
        numbers that contradict a symbol's assumptions are refused.
    axes : sequence of index or name, optional
        The order of the result's axes, where more than one index is free.

    Returns
    -------
    Tensor
        In the dtype of the inputs.

    Raises
    ------
    ConfigError
        If ``expr`` is text, ``inputs`` no mapping, or ``axes`` are not the free indices; if a number
        is not what the assumptions of its symbol say: sympy simplifies by them.
    DTypeError
        If an input is not of real numbers, or labels are not integers.
    ProofError
        If there is a node that is not in `SUPPORTED`, a symbol without an input, or two symbols of
        one name with different assumptions.
    ShapeError
        If an index runs over axes of different sizes, a sum not over all of an axis, or a matrix has
        another shape than its symbol.

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
    named = named_inputs(inputs)
    if isinstance(expr, (list, tuple, np.ndarray, sympy.Tuple, sympy.NDimArray, sympy.MatrixBase)):
        return _stacked(expr, named)
    _check(expr)
    if isinstance(expr, sympy.MatrixExpr):
        return Matrices(named).tensor(expr)
    ready, arrays, free = prepared(expr, named)
    order = _order(free, axes)
    result = Graph(arrays).array(ready, order)
    return result if isinstance(result, Tensor) else tensor(float(result))


def _stacked(expr: Any, named: dict[str, Value]) -> Tensor:
    """An array of expressions; what they share is built once."""
    if isinstance(expr, (sympy.NDimArray, sympy.MatrixBase)):
        entries = np.array(expr.tolist(), dtype=object)
    else:
        entries = np.array(list(expr) if isinstance(expr, sympy.Tuple) else expr, dtype=object)
    if not entries.size:
        raise ConfigError("from_sympy", "the array has no elements. Expected at least one.")
    for e in entries.flat:
        _check(e)
    together = sympy.Tuple(*(sympy.sympify(e, strict=True) for e in entries.flat))
    ready, arrays, free = prepared(together, named)
    if free:
        names = ", ".join(sorted(i.name for i in free))
        raise ConfigError("from_sympy", f"elements of an array have the free indices {names}.")
    graph = Graph(arrays)
    parts = [graph.array(e) for e in ready.args]
    first = next((p for p in parts if isinstance(p, Tensor)), tensor(0.0))
    stacked = functional.stack([p if isinstance(p, Tensor) else 0 * first + p for p in parts])
    return stacked.reshape(entries.shape + stacked.shape[1:])


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


def _order(free: list[sympy.Symbol], axes: Sequence[Any] | None) -> tuple[sympy.Symbol, ...]:
    names = {i.name: i for i in free}
    if axes is None and len(free) <= 1:
        return tuple(free)
    given = (axes,) if isinstance(axes, (sympy.Symbol, sympy.Idx)) else axes or ()
    listed = list(given) if isinstance(given, Iterable) else [given]
    named = all(isinstance(a, (str, sympy.Symbol, sympy.Idx)) for a in listed)
    wanted = [a if isinstance(a, str) else name_of(a) for a in listed] if named else []
    if not named or sorted(wanted) != sorted(names):
        raise ConfigError(
            "from_sympy",
            f"the free indices are {', '.join(names) or 'none'}. Expected axes= with these in the "
            f"order of the result's axes; received {axes!r}.",
        )
    return tuple(names[name] for name in wanted)


# The nodes that `from_sympy` reads, and what each becomes.
SUPPORTED: dict[str, str] = {
    **supported(),
    **{kind.__name__: becomes for kind, (becomes, _) in MATRICES.items()},
}
