"""sympy's matrix expressions as tensors with two axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy
from sympy.matrices import expressions as matrices

from ... import ops
from ...errors import ProofError, ShapeError
from ...functional import linalg
from ...ops.contractions import eye
from ...tensors import Tensor
from .inputs import Value, agree, input_of, prepared
from .tensor_shelf import Graph, widest

__all__ = ["MATRICES", "Matrices"]


class Matrices:
    """Matrix expressions as tensors with two axes."""

    def __init__(self, named: dict[str, Value]) -> None:
        self.named = named
        self._sizes: dict[Any, Any] = {}
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
        ready, arrays, _ = prepared(e, self.named)
        return Graph(arrays).array(ready)

    def symbol(self, e: Any) -> Tensor:
        """An input with two axes."""
        x = input_of(sympy.Symbol(e.name), self.named)
        if not isinstance(x, Tensor) or x.ndim != 2:
            shape = x.shape if isinstance(x, Tensor) else ()
            raise ShapeError(
                "from_sympy",
                f"the matrix {e.name} was given an array of shape {shape}. Expected two axes.",
            )
        for n, own in zip(e.shape, x.shape, strict=True):
            if n.is_Integer and int(n) != own:
                raise ShapeError(
                    "from_sympy",
                    f"the matrix {e.name} of shape {e.shape} was given an array of shape {x.shape}.",
                )
            if n.is_Symbol:
                agree(self._sizes, n, own, "size")
        return x

    def identity(self, e: Any) -> Tensor:
        """The identity of a size that is a number."""
        if not e.shape[0].is_Integer:
            raise ProofError("from_sympy", f"{e} has the size {e.shape[0]}. Expected a number.")
        identity: Tensor = eye(int(e.shape[0]), dtype=widest(self.named.values()))
        return identity

    def power(self, e: Any) -> Tensor:
        """A whole power."""
        n = e.exp
        if not n.is_Integer:
            raise ProofError("from_sympy", f"{e} has the exponent {n}. Expected a whole number.")
        found: Tensor = linalg.matrix_power(self.of(e.base), int(n))
        return found


def _fold(function: Callable[[Any, Any], Any]) -> Callable[[Matrices, Any], Any]:
    def read(of: Matrices, e: Any) -> Any:
        parts = [of.of(a) for a in e.args]
        found = parts[0]
        for part in parts[1:]:
            found = function(found, part)
        return found

    return read


def _product(a: Any, b: Any) -> Any:
    whole = [isinstance(x, Tensor) and x.ndim == 2 for x in (a, b)]
    return a @ b if all(whole) else a * b


MATRICES: dict[Any, tuple[str, Callable[[Matrices, Any], Tensor]]] = {
    sympy.MatrixSymbol: ("an input with two axes", Matrices.symbol),
    sympy.MatAdd: ("+", _fold(lambda a, b: a + b)),
    sympy.MatMul: ("@", _fold(_product)),
    matrices.HadamardProduct: ("*", _fold(lambda a, b: a * b)),
    sympy.Transpose: ("transpose", lambda of, e: ops.transpose(of.of(e.arg), axes=(1, 0))),
    sympy.Inverse: ("linalg.inv", lambda of, e: linalg.inv(of.of(e.arg))),
    sympy.MatPow: ("linalg.matrix_power", Matrices.power),
    sympy.Identity: ("eye", Matrices.identity),
}
