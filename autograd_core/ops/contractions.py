"""Contractions: sums of products over shared indices."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from ..abstract import native
from ..aliases import Array, ArrayLike, Params
from ..arrays import as_array
from ..errors import ShapeError
from ..kinds import Contract, shape_of
from ..primitives import REGISTRY, primitive
from ..shapes import Shape, broadcast
from ..shelves import TENSORS
from ..zeros import settled, winning

__all__ = ["affine", "einsum", "matmul"]


def _matmul_shape(a: Shape, b: Shape) -> Shape:
    if not a or not b:
        raise ShapeError("a scalar operand; use * instead")
    inner = b[-2] if len(b) > 1 else b[0]
    if a[-1] != inner:
        raise ShapeError(
            f"inner sizes differ: {a[-1]} (last axis of a) and {inner} (second to last of b)"
        )
    return (*broadcast(a[:-2], b[:-2]), *a[-2:-1], *(b[-1:] if len(b) > 1 else ()))


def _swapped(xp: Any, t: Any) -> Any:
    n = len(t.shape)
    if n == 2:
        return xp.transpose(t, axes=(1, 0))
    return xp.transpose(t, axes=(*range(n - 2), n - 1, n - 2))


def _matmul_left(xp: Any, g: Any, y: Any, a: Any, b: Any) -> Any:
    if len(b.shape) == 1:  # (…, n) @ (n,): the cotangent has lost the last axis
        return xp.multiply(xp.reshape(g, shape=(*g.shape, 1)), b)
    if len(a.shape) == 1 and len(b.shape) > 2:  # (n,) @ (…, n, m)
        rows = xp.matmul(xp.reshape(g, shape=(*g.shape[:-1], 1, g.shape[-1])), _swapped(xp, b))
        return xp.reshape(rows, shape=(*rows.shape[:-2], rows.shape[-1]))
    return xp.matmul(g, _swapped(xp, b))


def _matmul_right(xp: Any, g: Any, y: Any, a: Any, b: Any) -> Any:
    if len(b.shape) == 1:
        if len(a.shape) == 2:
            return xp.matmul(_swapped(xp, a), g)
        return xp.multiply(xp.reshape(g, shape=(*g.shape, 1)), a)
    if len(a.shape) == 1:
        column = xp.reshape(a, shape=(a.shape[0], 1))
        return xp.multiply(column, xp.reshape(g, shape=(*g.shape[:-1], 1, g.shape[-1])))
    return xp.matmul(_swapped(xp, a), g)


def _product(a: Array, b: Array) -> Any:
    # For two matrices ndarray.dot is the same product at less than half of matmul's overhead.
    if a.ndim == 2 and b.ndim == 2:
        return a.dot(b)
    return np.matmul(a, b)


def _matrices(c: Any) -> Any:
    """Vectors, matrices and stacks of them that broadcast, each with each."""
    shapes = (
        ((c.M, c.N), (c.N, c.P)),
        ((c.N,), (c.N,)),
        ((c.M, c.N), (c.N,)),
        ((c.N,), (c.N, c.P)),
        ((c.R, c.M, c.N), (c.R, c.N, c.P)),
        ((c.R, c.M, c.N), (c.N, c.P)),
        ((c.R, 1, c.N), (1, c.N, c.P)),
        ((c.M, 1), (1, c.P)),
        ((c.R, c.M, c.N), (c.N,)),
        ((c.N,), (c.R, c.N, c.P)),
    )
    return [((c.real(*a), c.real(*b)), {}) for a, b in shapes]


@primitive(
    Contract(_matmul_shape),
    vjp=(_matmul_left, _matmul_right),
    ufunc=np.matmul,
    forward=_product,
    label="@",
    cases=_matrices,
)
def matmul(a: ArrayLike, b: ArrayLike) -> Any:
    """Matrix product ``a @ b``; leading axes broadcast.

    Parameters
    ----------
    a : array_like, shape (…, n, k) or (k,)
    b : array_like, shape (…, k, m) or (k,)

    Returns
    -------
    Tensor, shape (…, n, m); without the axis of a one-dimensional operand

    Raises
    ------
    ShapeError
        If the inner sizes differ, or an operand is a scalar.
    """


def _still_side(side: int) -> Any:
    """The rule of `matmul` by one operand, where the other one's zeros may win."""
    rule, other = (_matmul_left, _matmul_right)[side], 1 - side

    def still(xp: Any, g: Any, y: Any, a: Any, b: Any, zeros: Any) -> Any:
        return rule(winning(xp, (a, b)[other]) if other in zeros else xp, g, y, a, b)

    return still


@primitive(
    Contract(lambda a, b, zeros: _matmul_shape(a, b)),
    vjp=(_still_side(0), _still_side(1)),
    meaning=lambda xp, a, b, zeros: xp.matmul(a, b),
    passes="parts",
    label="@",
    cases=lambda c: [
        (operands, {"zeros": zeros})
        for (operands, _), zeros in zip(
            _matrices(c), itertools.cycle(((1,), (0,), (0, 1))), strict=False
        )
    ],
)
def matmul_still(a: ArrayLike, b: ArrayLike, zeros: tuple[int, ...]) -> Any:
    """``a @ b``, in which zeros of the operands ``zeros`` (by position) win over infinities and nan.

    What `matmul` is where the reverse walk has a cotangent behind a mask; see `still`.
    """
    return settled(_product, (a, b), zeros)


def _affine_shape(x: Shape, weight: Shape, bias: Shape) -> Shape:
    if len(weight) != 2 or len(bias) != 1 or not x:
        raise ShapeError("expected x (…, in), weight (in, out), bias (out,)")
    if x[-1] != weight[0]:
        raise ShapeError(f"the last axis of x is {x[-1]}, but weight takes {weight[0]} inputs")
    if bias[0] != weight[1]:
        raise ShapeError(f"bias has size {bias[0]}, but weight gives {weight[1]} outputs")
    return (*x[:-1], weight[1])


def _affine_weight(xp: Any, g: Any, y: Any, x: Any, weight: Any, bias: Any) -> Any:
    if len(x.shape) == 2:
        return xp.matmul(xp.transpose(x, axes=(1, 0)), g)
    if len(x.shape) == 1:
        return xp.multiply(xp.reshape(x, shape=(x.shape[0], 1)), g)
    return xp.matmul(_swapped(xp, x), g)


@primitive(
    Contract(_affine_shape),
    vjp=(
        lambda xp, g, y, x, weight, bias: xp.matmul(g, xp.transpose(weight, axes=(1, 0))),
        _affine_weight,
        lambda xp, g, y, x, weight, bias: g,
    ),
    meaning=lambda xp, x, weight, bias: xp.matmul(x, weight) + bias,
    label="x W + b",
    cases=lambda c: (
        [
            ((c.real(*rows, c.N), c.real(c.N, c.P), c.real(c.P)), {})
            for rows in ((c.M,), (), (c.R, c.M))
        ]
        + [((c.real(c.M, 1), c.real(1, c.P), c.real(c.P)), {})]
    ),
)
def affine(x: ArrayLike, weight: ArrayLike, bias: ArrayLike) -> Any:
    """``x @ weight + bias``: the weighted addition of a layer, as one node.

    Parameters
    ----------
    x : array_like, shape (…, in)
    weight : array_like, shape (in, out)
    bias : array_like, shape (out,)

    Returns
    -------
    Tensor, shape (…, out)

    Raises
    ------
    ShapeError
        If sizes do not agree.
    """
    if weight.ndim != 2 or bias.shape != weight.shape[1:]:  # the rest is for NumPy to find
        _affine_shape(x.shape, weight.shape, bias.shape)  # raises
    y = x.dot(weight) if x.ndim == 2 else np.matmul(x, weight)
    if y.dtype == bias.dtype:
        y += bias  # y is new memory
        return y
    return y + bias


def _parse(subscripts: str, shapes: tuple[Shape, ...]) -> tuple[list[str], str]:
    """Operand letters and result letters of complete subscripts."""
    text = subscripts.replace(" ", "")
    if text.count("->") != 1 or "." in text:
        raise ShapeError(
            f"subscripts {subscripts!r}: expected letters, commas and one '->', no '...'"
        )
    left, result = text.split("->")
    terms = left.split(",")
    if len(terms) != len(shapes):
        raise ShapeError(
            f"subscripts {subscripts!r} name {len(terms)} operands; received {len(shapes)}"
        )
    for term, shape in zip(terms, shapes, strict=True):
        if not (term.isalpha() or term == "") or len(term) != len(shape):
            raise ShapeError(f"subscripts {term!r} do not fit an operand of shape {shape}")
    if len(set(result)) != len(result) or not set(result) <= set("".join(terms)):
        raise ShapeError(f"result subscripts {result!r} must be letters of the operands, once each")
    return terms, result


def _einsum_shape(*shapes: Shape, subscripts: str) -> Shape:
    terms, result = _parse(subscripts, shapes)
    sizes: dict[str, Any] = {}
    for term, shape in zip(terms, shapes, strict=True):
        for letter, size in zip(term, shape, strict=True):
            if sizes.setdefault(letter, size) != size:
                raise ShapeError(f"index {letter!r} has sizes {sizes[letter]} and {size}")
    return tuple(sizes[letter] for letter in result)


def _check_einsum(operands: Any, params: Params) -> Params:
    text, shapes = params["subscripts"], tuple(map(shape_of, operands))
    if any(type(n) is not int for shape in shapes for n in shape):
        _einsum_shape(*shapes, subscripts=text)
    else:
        _known(text, shapes)
    return params if " " not in text else {**params, "subscripts": text.replace(" ", "")}


@functools.lru_cache(maxsize=1024)
def _known(subscripts: str, shapes: tuple[Shape, ...]) -> Shape:
    """The shape of a result, looked at once for what comes again and again."""
    return _einsum_shape(*shapes, subscripts=subscripts)


def _einsum_rule(xp: Any, index: int, g: Any, y: Any, *xs: Any, subscripts: str) -> Any:
    """Contract the cotangent with the other operands; indices of this operand alone broadcast.

    An index repeated inside one operand (a diagonal) gets a second letter, tied by an identity.
    """
    text = _plain_rule(subscripts, index)
    if text is not None:
        return xp.einsum_(g, *xs[:index], *xs[index + 1 :], subscripts=text)
    terms, result = _parse(subscripts, tuple(x.shape for x in xs))
    own = terms[index]
    spare = iter(
        c for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" if c not in subscripts
    )
    inputs, arrays = (
        [result, *terms[:index], *terms[index + 1 :]],
        [g, *xs[:index], *xs[index + 1 :]],
    )
    target, known = "", set("".join(inputs))
    for position, letter in enumerate(own):
        size = xs[index].shape[position]
        if letter in target:
            twin = next(spare)
            inputs.append(letter + twin)
            arrays.append(xp.eye(size=size, dtype=g.dtype))
            target += twin
        else:
            target += letter
            if letter not in known:  # summed away: its cotangent is the same at every place
                inputs.append(letter)
                arrays.append(xp.broadcast_to(xp.cast(1, dtype=g.dtype), shape=(size,)))
    return xp.einsum_(*arrays, subscripts=",".join(inputs) + "->" + target)


@functools.lru_cache(maxsize=1024)
def _plain_rule(subscripts: str, index: int) -> str | None:
    """The rule's subscripts, where each index of the operand is once in it and somewhere else."""
    left, result = subscripts.split("->")
    terms = left.split(",")
    own = terms.pop(index)
    once = len(set(own)) == len(own) and set(own) <= {*result, *"".join(terms)}
    return ",".join([result, *terms]) + "->" + own if once else None


def _contracted(c: Any) -> Any:
    """Sums over indices of one, two and three operands: traces, diagonals, outer products, batches."""
    m, n, k = c.M, c.N, c.P
    table = {
        "ij,jk->ik": ((m, n), (n, k)),
        "ii->": ((m, m),),
        "ii->i": ((m, m),),
        "iij->j": ((m, m, n),),
        "ij,i->j": ((m, n), (m,)),
        "i,j->": ((m,), (n,)),
        "i,j->ij": ((m,), (n,)),
        "ij,ij->": ((m, n), (m, n)),
        "ij,jk,k->i": ((m, n), (n, k), (k,)),
        "ij->ji": ((m, n),),
        "ij->": ((m, n),),
        "ij,ij->ij": ((m, 1), (m, 1)),
        "bii,ib->b": ((k, n, n), (n, k)),
    }
    return [
        (tuple(c.real(*s) for s in shapes), {"subscripts": text}) for text, shapes in table.items()
    ]


@primitive(
    Contract(_einsum_shape),
    vjp=_einsum_rule,
    label="{subscripts}",
    prepare=_check_einsum,
    cases=_contracted,
)
def einsum_(*operands: ArrayLike, subscripts: str) -> Any:
    """Operands contracted by explicit subscripts; `einsum` takes the subscripts first."""
    if len(operands) == 2:
        a, b = operands
        if a.dtype == b.dtype and a.dtype.char in "fd":  # what BLAS multiplies
            plan = _plan(subscripts, a.shape, b.shape)
            if plan is not None:
                return plan.product(a, b)
    dtype = np.result_type(*operands)
    if dtype.char == "e":  # in float32, as matmul sums it
        return np.einsum(
            subscripts, *operands, dtype=np.float32, optimize=len(operands) > 2
        ).astype(dtype)
    return np.einsum(subscripts, *operands, optimize=len(operands) > 2)


def _still_rule(xp: Any, index: int, g: Any, y: Any, *xs: Any, subscripts: str, zeros: Any) -> Any:
    won = [xs[i] for i in zeros if i != index]
    return _einsum_rule(winning(xp, *won), index, g, y, *xs, subscripts=subscripts)


@primitive(
    Contract(lambda *shapes, subscripts, zeros: _einsum_shape(*shapes, subscripts=subscripts)),
    vjp=_still_rule,
    meaning=lambda xp, *operands, subscripts, zeros: xp.einsum_(*operands, subscripts=subscripts),
    passes="parts",
    label="{subscripts}",
    prepare=_check_einsum,
    cases=lambda c: [
        (operands, {**params, "zeros": zeros})
        for (operands, params), zeros in zip(
            _contracted(c), ((0,), (0,), (0,), None, None, None, (1,), None, (0, 2)), strict=False
        )
        if zeros
    ],
)
def einsum_still(*operands: ArrayLike, subscripts: str, zeros: tuple[int, ...]) -> Any:
    """As `einsum_`; zeros of the operands ``zeros`` (by position) win over infinities and nan."""
    contract = functools.partial(REGISTRY["einsum_"].forward, subscripts=subscripts)
    return settled(contract, operands, zeros)


class _Side(NamedTuple):
    """An operand as a stack of matrices.

    Attributes
    ----------
    alone : tuple of int
        Axes that nothing else has, to be summed away first.
    axes : tuple of int
        The other axes: those of the stack, of the rows, of the columns.
    shape : tuple of int
        Of the stack of matrices.
    rows : frozenset of int
        Positions in ``axes`` of the rows.
    turned : tuple of (tuple of int, tuple of int)
        ``axes`` and ``shape`` with columns before rows.
    """

    alone: tuple[int, ...]
    axes: tuple[int, ...]
    shape: Shape
    rows: frozenset[int]
    turned: tuple[tuple[int, ...], Shape]

    @classmethod
    def of(
        cls, term: str, stack: list[str], rows: list[str], columns: list[str], sizes: dict[str, int]
    ) -> _Side:
        """From the letters of an operand."""
        known = [*stack, *rows, *columns]
        own = [c for c in term if c in known]
        stack = [c for c in stack if c in own]

        def laid(*groups: list[str]) -> tuple[tuple[int, ...], Shape]:
            axes = tuple(own.index(c) for group in (stack, *groups) for c in group)
            shape = tuple(math.prod([sizes[c] for c in group]) for group in (stack, *groups))
            return axes, shape if stack else shape[1:]

        axes, shape = laid(rows, columns)
        alone = tuple(i for i, c in enumerate(term) if c not in known)
        return cls(alone, axes, shape, frozenset(own.index(c) for c in rows), laid(columns, rows))

    def matrices(self, x: Array) -> Array:
        """The operand as matrices; the axis that is quickest to run along stays innermost."""
        if self.alone:
            x = x.sum(self.alone)
        inner = min(range(x.ndim), key=lambda i: (x.strides[i] or math.inf, -x.shape[i], -i))
        if inner in self.rows:
            axes, shape = self.turned
            return x.transpose(axes).reshape(shape).swapaxes(-1, -2)
        return x.transpose(self.axes).reshape(self.shape)


class _Plan(NamedTuple):
    """Two operands as stacks of matrices, so that BLAS contracts them.

    Attributes
    ----------
    swapped : bool
        Whether the second operand is the left matrix.
    left, right : _Side
    shape : tuple of int
        The product's axes, one for each letter.
    order : tuple of int
        These axes in the order of the result.
    """

    swapped: bool
    left: _Side
    right: _Side
    shape: Shape
    order: tuple[int, ...]

    def product(self, a: Array, b: Array) -> Any:
        """The contraction of the two operands."""
        if self.swapped:
            a, b = b, a
        product = np.matmul(self.left.matrices(a), self.right.matrices(b))
        return product.reshape(self.shape).transpose(self.order)


_SMALL = 64  # multiplications in one matrix product, below which einsum's own loop is quicker
_LARGE = 4096  # and above which a matrix is worth a call of its own


@functools.lru_cache(maxsize=1024)
def _plan(subscripts: str, a: Shape, b: Shape) -> _Plan | None:
    """How BLAS contracts operands of these shapes; None where einsum's own loop is no slower."""
    (first, second), result = _parse(subscripts, (a, b))
    if len(set(first)) != len(first) or len(set(second)) != len(second):
        return None  # a diagonal
    sizes = dict(zip(first + second, a + b, strict=True))
    larger, other = (first, second) if math.prod(a) >= math.prod(b) else (second, first)
    shared = {c for c in first if c in second}
    summed = [c for c in larger if c in shared and c not in result]
    if not summed or 0 in sizes.values():
        return None

    def size(letters: Iterable[str]) -> int:
        return math.prod([sizes[c] for c in letters])

    stack = [c for c in result if c in shared]
    rows = [c for c in result if c in larger and c not in shared]
    columns = [c for c in result if c in other and c not in shared]
    work = size(rows) * size(columns) * size(summed)
    if work < _SMALL or size(rows) == size(columns) == 1:
        return None
    # A convolution's images: each is a matrix of its own, if that puts the result in its order.
    order = [c for c in result if c not in stack]
    while (
        not shared & {*result}
        and order
        and order[0] in rows
        and order not in ([*rows, *columns], [*columns, *rows])
    ):
        if work // sizes[order[0]] < _LARGE:
            break
        work //= sizes[order[0]]
        stack.append(rows.pop(0))
        del order[0]
    ordered = order == [*rows, *columns] or order == [*columns, *rows]
    # The larger operand on the right: its letters come last.
    turned = order == [*columns, *rows] if ordered else size(rows) > size(columns)
    left, right = (other, larger) if turned else (larger, other)
    if turned:
        rows, columns = columns, rows
    letters = [*stack, *rows, *columns]
    return _Plan(
        left is not first,
        _Side.of(left, stack, rows, summed, sizes),
        _Side.of(right, stack, summed, columns, sizes),
        tuple(sizes[c] for c in letters),
        tuple(letters.index(c) for c in result),
    )


def _explicit(subscripts: str, shapes: list[Shape]) -> tuple[str, list[Shape]]:
    """Subscripts with the ellipsis and the implicit result written out, and the operands' shapes.

    Axes of size 1 that meet others of their letter are left out of their operand: they broadcast.
    """
    text = subscripts.replace(" ", "")
    left, arrow, result = text.partition("->")
    terms = left.split(",")
    complete = "..." not in text and arrow and not any(n == 1 for shape in shapes for n in shape)
    if len(terms) != len(shapes) or complete:
        return text, shapes  # complete, or for `_parse` to explain
    ranks = []
    for term, shape in zip(terms, shapes, strict=True):
        rank = len(shape) - len(term.replace("...", ""))
        if "..." in term and rank < 0:
            raise ShapeError(
                "einsum", f"subscripts {term!r} do not fit an operand of shape {shape}."
            )
        ranks.append(rank if "..." in term else 0)
    spare = [c for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" if c not in text]
    if max(ranks, default=0) > len(spare):
        raise ShapeError("einsum", f"subscripts {subscripts!r} need more than 52 letters.")
    dots = "".join(spare[: max(ranks, default=0)])
    batches: list[Shape] = []
    for term, shape, rank in zip(terms, shapes, ranks, strict=True):
        start = len(term.partition("...")[0])
        batches.append(tuple(shape[start : start + rank]) if "..." in term else ())
    broadcast(*batches)
    written = [
        term.replace("...", dots[len(dots) - rank :])
        for term, rank in zip(terms, ranks, strict=True)
    ]
    wide = {
        letter
        for letters, shape in zip(written, shapes, strict=True)
        for letter, n in zip(letters, shape, strict=False)
        if n != 1
    }
    complete_terms, kept = [], []
    for letters, shape in zip(written, shapes, strict=True):
        alone = [
            n == 1 and letter in wide and letters.count(letter) == 1
            for letter, n in zip(letters, shape, strict=False)
        ]
        if len(letters) != len(shape):
            alone = [False] * len(letters)
        complete_terms.append(
            "".join(c for c, left_out in zip(letters, alone, strict=True) if not left_out)
        )
        kept.append(
            shape
            if not any(alone)
            else tuple(n for n, left_out in zip(shape, alone, strict=True) if not left_out)
        )
    if arrow:
        result = result.replace("...", dots)
    else:
        once = sorted(c for c in set(left) if c.isalpha() and left.count(c) == 1)
        result = dots + "".join(once)
    return ",".join(complete_terms) + "->" + result, kept


def _letters(sublist: Any) -> str:
    """Subscripts in letters from a list of numbers and Ellipsis; in NumPy's order."""
    try:
        return "".join("..." if n is Ellipsis else _LETTERS[n.__index__()] for n in sublist)
    except (TypeError, AttributeError, IndexError):
        raise ShapeError(
            "einsum",
            f"expected numbers from 0 to 51, or Ellipsis, as subscripts; received {sublist!r:.60}.",
        ) from None


_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def einsum(subscripts: Any, *operands: Any, optimize: Any = False) -> Any:
    """Einstein summation with subscripts such as ``"bi,io->bo"``.

    Parameters
    ----------
    subscripts : str
        Letters, commas and ``->``, as in NumPy: repeated letters inside an operand take its
        diagonal, ``...`` stands for axes that broadcast, and without an arrow the result has the
        letters that occur once, in order.
    *operands : array_like
        Or, as in NumPy, lists of numbers for subscripts: ``einsum(a, [0, 1], b, [1, 2], [0, 2])``.
    optimize : any
        Ignored: an order of contraction is looked for from three operands on.

    Raises
    ------
    ShapeError
        If subscripts and shapes do not agree.
    """
    if not isinstance(subscripts, str):
        arguments = (subscripts, *operands)
        if len(arguments) < 2:
            raise ShapeError(
                "einsum",
                "expected subscripts as text, such as 'ij,jk->ik', or operands each with a list "
                f"of numbers; received {subscripts!r:.40}.",
            )
        lists = arguments[1::2] if len(arguments) % 2 == 0 else (*arguments[1:-1:2], arguments[-1])
        terms = [_letters(part) for part in lists]
        operands = arguments[: len(arguments) // 2 * 2 : 2]
        subscripts = ",".join(terms[: len(operands)])
        if len(arguments) % 2:
            subscripts += "->" + terms[-1]
    shapes = [
        tuple(x.shape) if hasattr(x, "shape") else as_array("einsum", x).shape for x in operands
    ]
    text, kept = _explicit(subscripts, shapes)
    arrays = [
        x if shape == old else TENSORS.reshape(x, shape)
        for x, shape, old in zip(operands, kept, shapes, strict=True)
    ]
    return einsum_(*arrays, subscripts=text)


@primitive(
    Contract(lambda size, dtype: (size, size)),
    label="identity matrix",
    cases=lambda c: [((), {"size": c.N, "dtype": np.float64})],
)
def eye(size: Any, dtype: Any = np.float64) -> Any:
    """Identity matrix of ``size``, which may be symbolic."""
    return np.eye(size, dtype=native(dtype))
