"""Linear algebra through LAPACK: opaque to every evaluator but NumPy's.

Matrices are the last two axes; those before them are batches. Rules are in terms of the others, so
that they are right to every order.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from ..aliases import Array, ArrayLike, Params
from ..errors import ConfigError, LinAlgError, MissingDependencyError, ShapeError, SingularError
from ..kinds import Opaque, View, shape_of
from ..primitives import primitive
from ..shapes import Shape, broadcast
from ..shelves import TENSORS

__all__ = [
    "cholesky",
    "cofactor",
    "det",
    "eigh",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "solve_sylvester",
    "svd",
]


def _matrix(shape: Shape) -> None:
    if len(shape) < 2:
        raise ShapeError(f"expected a matrix, two dimensions or more; received shape {shape}")


def _square(shape: Shape) -> None:
    if len(shape) < 2 or shape[-1] != shape[-2]:
        raise ShapeError(f"expected a square matrix; received shape {shape}")


def _transposed(xp: Any, a: Any) -> Any:
    n = len(a.shape)
    return xp.transpose(a, axes=(*range(n - 2), n - 1, n - 2))


def _eye(xp: Any, a: Any) -> Any:
    """The identity matrix of the size of ``a``'s last axis, for every matrix of the batch."""
    n = a.shape[-1]
    return xp.broadcast_to(xp.eye(size=n, dtype=a.dtype), shape=(*a.shape[:-2], n, n))


def _column(xp: Any, v: Any) -> Any:
    return xp.reshape(v, shape=(*v.shape, 1))


def _row(xp: Any, v: Any) -> Any:
    return xp.reshape(v, shape=(*v.shape[:-1], 1, v.shape[-1]))


def _below(xp: Any, a: Any) -> Any:
    """1 below the diagonal, 0 elsewhere: differences of running sums of the identity."""
    n = a.shape[-1]
    eye = xp.eye(size=n, dtype=a.dtype)
    return xp.cumsum(eye, axis=0) - eye


def _check_matrix(operands: Any, params: Params) -> Params:
    _matrix(shape_of(operands[0]))
    return params


def _check_square(operands: Any, params: Params) -> Params:
    _square(shape_of(operands[0]))
    return params


def _named(call: Any, kind: type[LinAlgError] = LinAlgError) -> Any:
    """NumPy's LinAlgError as ours, which the recorder explains."""
    try:
        return call()
    except np.linalg.LinAlgError as error:
        raise kind(str(error)) from None


def _each(call: Any, *stacks: Array) -> Array:
    """A call on the matrices of stacks, nan for those that it refuses."""
    try:
        return np.asarray(call(*stacks))
    except np.linalg.LinAlgError:
        lead = np.broadcast_shapes(*(s.shape[:-2] for s in stacks))
        last = stacks[-1]
        if not lead:
            return np.full(last.shape, np.nan, np.result_type(*stacks, np.float16))
        full = [np.broadcast_to(s, (*lead, *s.shape[-2:])) for s in stacks]
        found = [_each(call, *(s[i] for s in full)) for i in np.ndindex(*lead)]
        return np.array(found).reshape(*lead, *last.shape[-2:])


def _inverse(xp: Any, a: Any) -> Any:
    """The transposed inverse; nan of a singular matrix."""
    return xp.solve(_transposed(xp, a), _eye(xp, a), singular="nan")


# --- systems ------------------------------------------------------------------------------------


def _solve_shape(a: Shape, b: Shape, singular: str = "raise") -> Shape:
    _square(a)
    if len(b) == 1:
        if b[0] != a[-1]:
            raise ShapeError(f"expected a right-hand side of size {a[-1]}; received {b[0]}")
        return a[:-1]
    if not b or b[-2] != a[-1]:
        raise ShapeError(
            f"expected a right-hand side of shape ({a[-1]},) or (…, {a[-1]}, m); received {b}"
        )
    return (*broadcast(a[:-2], b[:-2]), *b[-2:])


def _check_solve(operands: Any, params: Params) -> Params:
    _solve_shape(shape_of(operands[0]), shape_of(operands[1]))
    singular = params.get("singular", "raise")
    if singular not in ("raise", "nan"):
        raise ConfigError(
            "solve", f"expected singular 'raise' or 'nan'; received {singular!r:.40}."
        )
    return {"singular": singular}


def _solve_right(xp: Any, g: Any, y: Any, a: Any, b: Any, singular: str) -> Any:
    if len(b.shape) == 1:
        found = xp.solve(_transposed(xp, a), _column(xp, g), singular="nan")
        return xp.reshape(found, shape=g.shape)
    return xp.solve(_transposed(xp, a), g, singular="nan")


def _solve_left(xp: Any, g: Any, y: Any, a: Any, b: Any, singular: str) -> Any:
    w = _solve_right(xp, g, y, a, b, singular)
    if len(b.shape) == 1:
        return -(_column(xp, w) * _row(xp, y))
    return -xp.matmul(w, _transposed(xp, y))


# Matrix and right side: with entries that are symbols small ones, whose inverses can be written.
_SYSTEMS: tuple[list[tuple[tuple[int, ...], tuple[int, ...]]], ...] = (
    [((2, 2), (2,)), ((2, 2), (2, 2)), ((2, 1, 1), (1, 2))],
    [
        ((3, 3), (3,)),
        ((3, 3), (3, 2)),
        ((2, 3, 3), (3,)),
        ((2, 3, 3), (3, 2)),
        ((3, 3), (2, 3, 2)),
        ((1, 3, 3), (2, 3, 1)),
    ],
)


def _squares(c: Any) -> Any:
    """Square matrices."""
    return [((c.matrix(*s),), {}) for s in ([(3, 3), (2, 3, 3)] if c.numbers else [(2, 2)])]


@primitive(
    Opaque(_solve_shape, real=True, core=2),
    vjp=(_solve_left, _solve_right),
    prepare=_check_solve,
    numpy=np.linalg.solve,
    cases=lambda c: [((c.matrix(*a), c.real(*b)), {}) for a, b in _SYSTEMS[c.numbers]],
)
def solve(a: ArrayLike, b: ArrayLike, singular: Literal["raise", "nan"] = "raise") -> Any:
    """Solution x of ``a @ x = b``.

    Parameters
    ----------
    a : array_like, shape (…, n, n)
    b : array_like, shape (n,) or (…, n, m)
        Leading axes broadcast with those of ``a``.
    singular : str
        What comes of a singular matrix: "raise" an error, as NumPy does even if it is one of many, or
        "nan" in its place alone.

    Returns
    -------
    Tensor, shape (…, n) or (…, n, m)

    Raises
    ------
    ShapeError
        If shapes do not fit.
    SingularError
        If a matrix is singular.
    ConfigError
        If ``singular`` is another.
    """
    if singular == "raise":
        return _named(lambda: np.linalg.solve(a, b), SingularError)
    if b.ndim > 1:
        return _each(np.linalg.solve, a, b)
    return _each(np.linalg.solve, a, b[:, None])[..., 0]


def _slogdet_rule(xp: Any, g: Any, y: Any, a: Any) -> Any:
    return xp.reshape(g[1], shape=(*a.shape[:-2], 1, 1)) * _inverse(xp, a)


@primitive(
    Opaque(lambda a: [a[:-2], a[:-2]], real=True, core=2),
    vjp=_slogdet_rule,
    prepare=_check_square,
    numpy=np.linalg.slogdet,
    outputs=2,
    cases=_squares,
)
def slogdet(a: ArrayLike) -> Any:
    """Sign and logarithm of the absolute value of a determinant.

    Parameters
    ----------
    a : array_like, shape (…, n, n)

    Returns
    -------
    sign, logabsdet : Tensor, shape (…)
        The sign has derivative zero; that of the logarithm is the transposed inverse.
    """
    sign, logabsdet = np.linalg.slogdet(a)
    return np.asarray(sign), np.asarray(logabsdet)


def _det_meaning(xp: Any, a: Any) -> Any:
    sign, log = xp.slogdet(a)
    return sign * xp.exp(log)


@primitive(
    Opaque(lambda a: a[:-2], real=True, core=2),
    vjp=lambda xp, g, y, a: xp.reshape(g, shape=(*g.shape, 1, 1)) * xp.cofactor(a),
    meaning=_det_meaning,
    prepare=_check_square,
    numpy=np.linalg.det,
    cases=lambda c: [*_squares(c), ((c.matrix(2, 1, 1),), {})],
)
def det(a: ArrayLike) -> Any:
    """Determinants of square matrices, shape (…, n, n); the gradient is the matrix of cofactors.

    At a singular matrix the gradient is right, and the second derivative nan.
    """
    return np.linalg.det(a)


def _cofactor_meaning(xp: Any, a: Any) -> Any:
    d = _det_meaning(xp, a)
    return xp.reshape(d, shape=(*a.shape[:-2], 1, 1)) * _inverse(xp, a)


def _cofactor_rule(xp: Any, g: Any, y: Any, a: Any) -> Any:
    # With b the transposed inverse, dy = tr(bᵀ da) y - b daᵀ y.
    b = _inverse(xp, a)
    shared = xp.sum(g * y, axis=(-2, -1), keepdims=True)
    return b * shared - xp.matmul(xp.matmul(y, _transposed(xp, g)), b)


@primitive(
    Opaque(lambda a: a, real=True, core=2),
    vjp=_cofactor_rule,
    meaning=_cofactor_meaning,
    prepare=_check_square,
    cases=lambda c: [*_squares(c), ((c.matrix(2, 1, 1),), {})],
)
def cofactor(a: ArrayLike) -> Any:
    """Matrix of cofactors of square matrices: the determinant times the transposed inverse.

    It exists for singular matrices, too; its derivative is computed where they are not singular.
    """
    finite = np.isfinite(a).all((-2, -1), keepdims=True)
    if finite.all():
        return _each(_cofactors, a)
    # LAPACK raises for nan, and with infinities it may never come back.
    found = _each(_cofactors, np.where(finite, a, np.zeros((), a.dtype)))
    return np.where(finite, found, np.full((), np.nan, found.dtype))


def _cofactors(a: Array) -> Array:
    # a = u diag(s) v: every factor has its own, and that of diag(s) leaves one s out at each place.
    u, s, v = np.linalg.svd(a)
    sign = np.rint(np.linalg.det(u) * np.linalg.det(v))
    ones = np.ones((*s.shape[:-1], 1), s.dtype)
    before = np.cumprod(np.concatenate([ones, s[..., :-1]], -1), -1)
    after = np.cumprod(np.concatenate([ones, s[..., :0:-1]], -1), -1)[..., ::-1]
    rest = sign[..., None] * before * after
    return np.matmul(u * rest[..., None, :], v).astype(s.dtype, copy=False)


def _sylvester_shape(a: Shape, b: Shape, q: Shape) -> Shape:
    if any(len(s) != 2 for s in (a, b, q)) or a[0] != a[1] or b[0] != b[1] or q != (a[0], b[0]):
        raise ShapeError(f"expected matrices (n, n), (m, m) and (n, m); received {a}, {b}, {q}")
    return q


def _check_sylvester(operands: Any, params: Params) -> Params:
    _sylvester_shape(*map(shape_of, operands))
    return params


def _sylvester_meaning(xp: Any, a: Any, b: Any, q: Any) -> Any:
    # Row by row of x, one system of n m unknowns: a ⊗ 1 + 1 ⊗ bᵀ.
    n, m = q.shape
    left = xp.einsum_(a, xp.eye(size=m, dtype=float), subscripts="ij,kl->ikjl")
    right = xp.einsum_(xp.eye(size=n, dtype=float), b, subscripts="ij,lk->ikjl")
    system = xp.reshape(left + right, shape=(n * m, n * m))
    return xp.reshape(xp.solve(system, xp.reshape(q, shape=(n * m,))), shape=(n, m))


def _sylvester_right(xp: Any, g: Any, a: Any, b: Any) -> Any:
    return xp.solve_sylvester(_transposed(xp, a), _transposed(xp, b), g)


@primitive(
    Opaque(_sylvester_shape, real=True, core=2),
    vjp=(
        lambda xp, g, y, a, b, q: -xp.matmul(_sylvester_right(xp, g, a, b), _transposed(xp, y)),
        lambda xp, g, y, a, b, q: -xp.matmul(_transposed(xp, y), _sylvester_right(xp, g, a, b)),
        lambda xp, g, y, a, b, q: _sylvester_right(xp, g, a, b),
    ),
    meaning=_sylvester_meaning,
    prepare=_check_sylvester,
    cases=lambda c: [
        ((c.matrix(n, n), c.matrix(m, m), c.real(n, m)), {})
        for n, m in ([(3, 2)] if c.numbers else [(2, 1), (1, 2)])
    ],
)
def solve_sylvester(a: ArrayLike, b: ArrayLike, q: ArrayLike) -> Any:
    """Solution x of ``a @ x + x @ b = q`` (SciPy's name).

    Parameters
    ----------
    a : array_like, shape (n, n)
    b : array_like, shape (m, m)
        No eigenvalue of ``a`` is the negative of one of ``b``.
    q : array_like, shape (n, m)

    Returns
    -------
    Tensor, shape (n, m)

    Raises
    ------
    ShapeError
        If shapes do not fit.
    LinAlgError
        If there is no single solution.
    """
    try:
        from scipy.linalg import solve_sylvester as scipys
    except ImportError:
        raise MissingDependencyError(
            "solve_sylvester",
            "needs SciPy, which is not installed. Expected the extra `data`: pip "
            "install 'gradproof[data]'.",
        ) from None
    return _named(lambda: scipys(a, b, q))


# --- factors ------------------------------------------------------------------------------------


def _lower(xp: Any, s: Any) -> Any:
    """A cotangent in all entries as one in the lower triangle, which alone is read."""
    below = _below(xp, s)
    return s * (xp.eye(size=s.shape[-1], dtype=s.dtype) + below) + _transposed(xp, s) * below


def _cholesky_rule(xp: Any, g: Any, y: Any, a: Any) -> Any:
    # Murray 2016, eq. 9: S = L⁻ᵀ Φ(Lᵀ g) L⁻¹, Φ the lower triangle with half of the diagonal.
    half = _below(xp, y) + xp.eye(size=y.shape[-1], dtype=y.dtype) / 2
    phi = xp.matmul(_transposed(xp, y), g) * half
    upper = _transposed(xp, y)
    left = xp.solve(upper, phi, singular="nan")
    s = _transposed(xp, xp.solve(upper, _transposed(xp, left), singular="nan"))
    return _lower(xp, (s + _transposed(xp, s)) / 2)


@primitive(
    Opaque(lambda a: a, real=True, core=2),
    vjp=_cholesky_rule,
    prepare=_check_square,
    numpy=np.linalg.cholesky,
    cases=lambda c: [
        ((c.positive(*s),), {})
        for s in ([(2, 3, 3), (3, 3), (1, 1)] if c.numbers else [(2, 2), (2, 1, 1)])
    ],
)
def cholesky(a: ArrayLike) -> Any:
    """Lower triangle L with ``L @ L.T = a``.

    Parameters
    ----------
    a : array_like, shape (…, n, n)
        Symmetric and positive definite; the lower triangle alone is read and has a gradient.

    Raises
    ------
    ShapeError
        If ``a`` is not square.
    LinAlgError
        If one is not positive definite.
    """
    return _named(lambda: np.linalg.cholesky(a))


def _gaps(xp: Any, w: Any) -> Any:
    """w[j] - w[i] at (i, j), and 1 on the diagonal."""
    return _row(xp, w) - _column(xp, w) + xp.eye(size=w.shape[-1], dtype=w.dtype)


def _eigh_rule(xp: Any, g: Any, y: Any, a: Any, UPLO: str) -> Any:
    w, v = xp.pick(y, index=0), xp.pick(y, index=1)
    off = 1 - xp.eye(size=w.shape[-1], dtype=w.dtype)
    turned = xp.xdivy(off * xp.matmul(_transposed(xp, v), g[1]), _gaps(xp, w))
    middle = turned + _row(xp, g[0]) * xp.eye(size=w.shape[-1], dtype=w.dtype)
    s = xp.matmul(xp.matmul(v, middle), _transposed(xp, v))
    lower = _lower(xp, (s + _transposed(xp, s)) / 2)
    return lower if UPLO == "L" else _transposed(xp, lower)


def _check_eigh(operands: Any, params: Params) -> Params:
    _square(shape_of(operands[0]))
    if params["UPLO"] not in ("L", "U"):
        raise ConfigError("eigh", f"expected UPLO 'L' or 'U'; received {params['UPLO']!r:.40}.")
    return params


@primitive(
    Opaque(lambda a, UPLO: [a[:-1], a], real=True, core=2),
    vjp=_eigh_rule,
    prepare=_check_eigh,
    numpy=np.linalg.eigh,
    outputs=2,
    cases=lambda c: [
        ((c.positive(*s),), {"UPLO": part})
        for s, part in (
            [((2, 3, 3), "L"), ((3, 3), "U")]
            if c.numbers
            else [((1, 1), "L"), ((2, 2), "L"), ((2, 2), "U"), ((3, 2, 2), "L")]
        )
    ],
)
def eigh(a: ArrayLike, UPLO: Literal["L", "U"] = "L") -> Any:
    """Eigenvalues, rising, and eigenvectors (columns) of a symmetric matrix.

    Parameters
    ----------
    a : array_like, shape (…, n, n)
        Symmetric; one triangle alone is read and has a gradient.
    UPLO : str
        "L" or "U": which triangle.

    Returns
    -------
    w : Tensor, shape (…, n)
    v : Tensor, shape (…, n, n)

    Notes
    -----
    The derivative of eigenvectors of equal eigenvalues is infinite, except that a zero cotangent
    stays zero; the sign of an eigenvector is LAPACK's.
    """
    return tuple(_named(lambda: np.linalg.eigh(a, UPLO)))


def _svd_rule(xp: Any, g: Any, y: Any, a: Any) -> Any:
    # With a = u diag(s) v: the part inside the spans, then the two parts outside of them.
    u, s, v = (xp.pick(y, index=i) for i in range(3))
    gu, gs, gv = g
    eye = xp.eye(size=s.shape[-1], dtype=s.dtype)
    off, gaps = 1 - eye, _gaps(xp, s)
    p = xp.matmul(_transposed(xp, u), gu)
    q = xp.matmul(v, _transposed(xp, gv))
    f = xp.xdivy(off * (p - _transposed(xp, p)), gaps)
    h = xp.xdivy(off * (q - _transposed(xp, q)), gaps)
    # Shares in [0, 1], so that no square of a singular value leaves the range.
    share = xp.xdivy(_row(xp, s), _row(xp, s) + _column(xp, s))
    middle = f * share + _transposed(xp, share) * h + _row(xp, gs) * eye
    left = gu - xp.matmul(u, p)
    right = gv - xp.matmul(_transposed(xp, q), v)
    return (
        xp.matmul(xp.matmul(u, middle), v)
        + xp.matmul(xp.xdivy(left, _row(xp, s)), v)
        + xp.matmul(u, xp.xdivy(right, _column(xp, s)))
    )


def _svd_shape(a: Shape) -> list[Shape]:
    k = min(a[-2], a[-1])
    return [(*a[:-1], k), (*a[:-2], k), (*a[:-2], k, a[-1])]


@primitive(
    Opaque(_svd_shape, real=True, core=2),
    vjp=_svd_rule,
    prepare=_check_matrix,
    outputs=3,
    cases=lambda c: [
        *(
            (
                ((c.real(*s),), {})
                for s in ((1, 1), (2, 1), (1, 2), (2, 2), (3, 2), (2, 2, 1), (2, 1, 2))
            )
            if not c.numbers
            else ()
        ),
        *(
            [((c.real(4, 3),), {}), ((c.real(2, 2, 3),), {}), ((c.matrix(2, 3, 3),), {})]
            if c.numbers
            else ()
        ),
    ],
)
def svd(a: ArrayLike) -> Any:
    """Singular value decomposition ``a = u @ diag(s) @ vh``, the reduced one.

    Parameters
    ----------
    a : array_like, shape (…, n, m)

    Returns
    -------
    u : Tensor, shape (…, n, k), with k = min(n, m)
    s : Tensor, shape (…, k)
        Falling.
    vh : Tensor, shape (…, k, m)

    Notes
    -----
    The derivative of singular vectors of equal singular values is infinite, except that a zero
    cotangent stays zero; signs are LAPACK's.
    """
    return tuple(_named(lambda: np.linalg.svd(a, full_matrices=False)))


def _qr_rule(xp: Any, g: Any, y: Any, a: Any) -> Any:
    # Walter and Lehmann 2018: (g_q + q copyltu(r g_rᵀ - g_qᵀ q)) r⁻ᵀ.
    q, r = xp.pick(y, index=0), xp.pick(y, index=1)
    gq, gr = g
    m = xp.matmul(r, _transposed(xp, gr)) - xp.matmul(_transposed(xp, gq), q)
    below = _below(xp, m)
    low = m * below
    symmetric = low + _transposed(xp, low) + m * xp.eye(size=m.shape[-1], dtype=m.dtype)
    right = _transposed(xp, gq + xp.matmul(q, symmetric))
    return _transposed(xp, xp.solve(r, right, singular="nan"))


def _check_tall(operands: Any, params: Params) -> Params:
    shape = shape_of(operands[0])
    _matrix(shape)
    if shape[-2] < shape[-1]:
        raise ShapeError(f"expected as many rows as columns, or more; received shape {shape}")
    return params


@primitive(
    Opaque(lambda a: [a, (*a[:-2], a[-1], a[-1])], real=True, core=2),
    vjp=_qr_rule,
    prepare=_check_tall,
    outputs=2,
    cases=lambda c: (
        [((c.real(4, 3),), {}), ((c.matrix(2, 3, 3),), {})]
        if c.numbers
        else [((c.real(*s),), {}) for s in ((2, 2), (3, 2), (2, 1), (3, 2, 2))]
    ),
)
def qr(a: ArrayLike) -> Any:
    """``a = q @ r`` with orthonormal columns in q and an upper triangle r, the reduced one.

    Parameters
    ----------
    a : array_like, shape (…, n, m), n >= m
        Of full rank, where a gradient is wanted.

    Returns
    -------
    q : Tensor, shape (…, n, m)
    r : Tensor, shape (…, m, m)
    """
    return tuple(_named(lambda: np.linalg.qr(a)))


def _pinv_rule(xp: Any, g: Any, y: Any, a: Any) -> Any:
    # Golub and Pereyra 1973, transposed; right where the rank does not change.
    t, gt = _transposed(xp, y), _transposed(xp, g)
    left = gt - xp.matmul(a, xp.matmul(y, gt))
    right = gt - xp.matmul(xp.matmul(gt, y), a)
    return (
        xp.matmul(xp.matmul(left, y), t)
        + xp.matmul(t, xp.matmul(y, right))
        - xp.matmul(xp.matmul(t, g), t)
    )


@primitive(
    Opaque(lambda a: (*a[:-2], a[-1], a[-2]), real=True, core=2),
    vjp=_pinv_rule,
    prepare=_check_matrix,
    numpy=np.linalg.pinv,
    cases=lambda c: (
        [((c.real(4, 3),), {}), ((c.real(2, 2, 3),), {}), ((c.matrix(3, 3),), {})]
        if c.numbers
        else [((c.real(*s),), {}) for s in ((2, 2), (3, 2), (2, 3), (2, 2, 1))]
    ),
)
def pinv(a: ArrayLike) -> Any:
    """Moore-Penrose inverse.

    Parameters
    ----------
    a : array_like, shape (…, n, m)

    Returns
    -------
    Tensor, shape (…, m, n)

    Notes
    -----
    The derivative holds where the rank is the same all around.
    """
    return _named(lambda: np.linalg.pinv(a))


# The walk collects the cotangents of a tuple node by index, so this rule is never called.
@primitive(
    View(lambda t, index: ()), vjp=lambda xp, g, y, t, index: g, label="output {index}", picks=True
)
def pick(t: ArrayLike, index: int) -> Any:
    """One output of a primitive that has several."""
    return t[index]


def _picked(t: Any, index: int) -> Any:
    """As `pick`, also of a tuple of tensors."""
    return t[index] if type(t) is tuple else pick(t, index)


setattr(TENSORS, "pick", _picked)  # noqa: B010 - a shelf has what is put there
