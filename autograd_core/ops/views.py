"""Views: every element of the result is an element of an operand, or zero."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..aliases import Array, ArrayLike, Axis, Params
from ..errors import OutOfRangeError, ShapeError
from ..kinds import Contract, View, shape_of
from ..primitives import primitive
from ..shapes import Dim, Shape, broadcast, count, normalise_axes
from ..shelves import TENSORS

__all__ = [
    "Index",
    "broadcast_to",
    "concatenate",
    "embed",
    "flip",
    "identity",
    "overlap_add",
    "reshape",
    "slice_",
    "stop_gradient",
    "transpose",
    "windows",
]


@primitive(
    View(lambda x: x, ordered=True),
    vjp=lambda xp, g, y, x: g,
    same=True,
    cases=lambda c: [((c.real(c.M),), {})],
)
def identity(x: ArrayLike) -> Any:
    """The same values as a node of their own; programs leave it out."""
    return x


@primitive(
    View(lambda x: x, ordered=True),
    label="stop gradient",
    same=True,
    cases=lambda c: [((c.real(c.M),), {})],
)
def stop_gradient(x: ArrayLike) -> Any:
    """The same values as a constant: no gradient passes.

    Programs and drawings keep the connection; `Tensor.detach` ends the history too.
    """
    return x


def _target(operands: Any, params: Params) -> Params:
    """The shape with -1 resolved."""
    old, shape = shape_of(operands[0]), params["shape"]
    shape = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
    sizes: list[Any] = [n if isinstance(n, Dim) else n.__index__() for n in shape]
    unknown = [i for i, n in enumerate(sizes) if not isinstance(n, Dim) and n < 0]
    if len(unknown) > 1 or any(sizes[i] != -1 for i in unknown):
        raise ShapeError(f"the shape {shape} may have one -1 and no other negative size")
    total = count(old)
    if unknown:
        known = count(tuple(n for n in sizes if n != -1))
        if known == 0 or (
            not isinstance(total, Dim) and not isinstance(known, Dim) and total % known
        ):
            raise ShapeError(f"{total} elements cannot be arranged as {shape}")
        sizes[unknown[0]] = total // known
    if count(tuple(sizes)) != total:
        raise ShapeError(f"{total} elements cannot be arranged as {shape}")
    return {"shape": tuple(sizes)}


@primitive(
    View(lambda x, shape: shape, ordered=True),
    vjp=lambda xp, g, y, x, shape: xp.reshape(g, shape=x.shape),
    label="reshape",
    prepare=_target,
    numpy=np.reshape,
    cases=lambda c: [
        ((c.real(c.M, c.N),), {"shape": (c.M, 1, c.N)}),
        ((c.real(1, c.M, 1),), {"shape": (c.M,)}),
        ((c.real(c.M, c.N),), {"shape": (c.M, c.N)}),
        ((c.real(c.M, c.N * c.P),), {"shape": (c.M * c.N, c.P)}),
        ((c.real(2, 3),), {"shape": (3, -1)}),
        ((c.real(1),), {"shape": ()}),
    ],
)
def reshape(x: ArrayLike, shape: Any) -> Any:
    """The same elements, in C order, in another shape; one size may be -1."""
    return np.reshape(x, shape)


def _axes(operands: Any, params: Params) -> Params:
    ndim, axes = len(shape_of(operands[0])), params["axes"]
    if axes is None:
        return {"axes": tuple(reversed(range(ndim)))}
    axes = tuple(axes)
    if len(normalise_axes(axes, ndim)) != ndim:
        raise ShapeError(f"transpose needs each of {ndim} axes once; received {axes}")
    return {"axes": tuple(a % ndim for a in axes)}


@primitive(
    View(lambda x, axes: tuple(x[a] for a in axes)),
    vjp=lambda xp, g, y, x, axes: xp.transpose(g, axes=tuple(map(axes.index, range(len(axes))))),
    label="transpose",
    prepare=_axes,
    numpy=np.transpose,
    cases=lambda c: [
        ((c.real(c.M, c.N),), {"axes": None}),
        ((c.real(c.M, 1, c.N),), {"axes": (2, 0, 1)}),
    ],
)
def transpose(x: ArrayLike, axes: tuple[int, ...] | None = None) -> Any:
    """Axes permuted; reversed by default."""
    return x if axes == () else x.transpose(axes)  # () also of a bare number


_SMALL = 4096  # elements


def _fits(operands: Any, params: Params) -> Params:
    shape = params["shape"]
    shape = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
    if broadcast(shape_of(operands[0]), shape) != shape:
        raise ShapeError(f"the shape {shape_of(operands[0])} does not broadcast to {shape}")
    return {"shape": shape}


@primitive(
    View(lambda x, shape: shape, ordered=True),
    vjp=lambda xp, g, y, x, shape: g,  # the walk sums it back to the shape of x
    label="broadcast",
    prepare=_fits,
    numpy=np.broadcast_to,
    cases=lambda c: [
        ((c.real(c.M, 1),), {"shape": (c.R, c.M, c.N)}),
        ((c.real(),), {"shape": (c.M,)}),
        ((c.real(c.N),), {"shape": (c.M, c.N)}),
    ],
)
def broadcast_to(x: ArrayLike, shape: Any) -> Any:
    """Repeated along new axes and axes of size 1; a large result does not use memory."""
    if math.prod(shape) > _SMALL:
        return np.broadcast_to(x, shape)
    # A copy takes 0.4 us, the view 2.1, and what comes after runs over it at half the speed.
    y = np.empty(shape, float if type(x) is float else x.dtype)
    y[...] = x
    return y


def _joined(*shapes: Shape, axis: int) -> Shape:
    first = shapes[0]
    total: Any = 0
    for s in shapes:
        if len(s) != len(first) or any(s[i] != first[i] for i in range(len(first)) if i != axis):
            raise ShapeError(f"shapes {first} and {s} differ off the axis {axis}")
        total = total + s[axis]
    return (*first[:axis], total, *first[axis + 1 :])


def _join_axis(operands: Any, params: Params) -> Params:
    if not operands:
        raise ShapeError("there is nothing to join")
    ndim = len(shape_of(operands[0]))
    if ndim == 0:
        raise ShapeError("0-dimensional operands cannot be joined; use ag.stack")
    (axis,) = normalise_axes(params["axis"], ndim)
    return {"axis": axis}


def _parts(xp: Any, asked: tuple[int, ...], g: Any, y: Any, *xs: Any, axis: int) -> Any:
    # All parts in one walk along the axis: one rule for each would go through them all again.
    found: dict[int, Any] = {}
    whole, start = (slice(None),) * axis, 0
    wanted = set(asked)
    for i, x in enumerate(xs):
        stop = start + x.shape[axis]
        if i in wanted:
            found[i] = xp.slice_(g, index=Index.of((*whole, slice(start, stop))))
        start = stop
    return found


@primitive(
    View(_joined),
    vjp=_parts,
    label="concatenate",
    prepare=_join_axis,
    joint=True,
    cases=lambda c: [
        ((c.real(c.M, c.N), c.real(c.M, c.N)), {"axis": 1}),
        ((c.real(c.M, c.N), c.real(c.M, c.N), c.real(c.M, c.N)), {"axis": 0}),
        ((c.real(2, 1), c.real(2, 2), c.real(2, 1)), {"axis": -1}),
        ((c.real(1, 2), c.real(2, 2)), {"axis": 0}),
    ],
)
def concatenate_(*xs: ArrayLike, axis: int = 0) -> Any:
    """Operands joined along an existing axis; `concatenate` takes them as a sequence."""
    return np.concatenate(xs, axis)


_GROUP = 64


def concatenate(xs: Any, axis: int | None = 0, dtype: Any = None) -> Any:
    """Tensors or arrays of a sequence joined along an existing axis.

    Parameters
    ----------
    xs : sequence of array_like
    axis : int or None
        None: of the flattened operands.
    dtype : dtype-like, optional
        Default: NumPy's for the operands.

    Raises
    ------
    ShapeError
        If shapes differ off the axis, or there is nothing to join.
    """
    if dtype is not None:
        xs = [TENSORS.cast(x, dtype) for x in xs]
    parts = list(xs) if axis is not None else [reshape(x, -1) for x in xs]
    along = 0 if axis is None else axis
    # A rule is handed all operands, once for each of them: joined in groups, many take linear time.
    while len(parts) > _GROUP:
        groups = [parts[i : i + _GROUP] for i in range(0, len(parts), _GROUP)]
        parts = [concatenate_(*g, axis=along) if len(g) > 1 else g[0] for g in groups]
    return concatenate_(*parts, axis=along)


@dataclass(frozen=True)
class Index:
    """A basic index (ints, slices, None, Ellipsis) as a hashable param.

    Attributes
    ----------
    entries : tuple
        An int, None, "...", or ("slice", start, stop, step) each.
    """

    entries: tuple[Any, ...]

    @classmethod
    def of(cls, index: Any) -> Index:
        """From what stands between the brackets."""
        parts = index if isinstance(index, tuple) else (index,)
        return cls(tuple(cls._entry(p) for p in parts))

    @staticmethod
    def _entry(part: Any) -> Any:
        if isinstance(part, slice):
            bounds = (part.start, part.stop, part.step)
            return (
                "slice",
                *(b if b is None or isinstance(b, Dim) else b.__index__() for b in bounds),
            )
        if part is Ellipsis:
            return "..."
        return None if part is None else part.__index__()

    def key(self) -> tuple[Any, ...]:
        """What NumPy takes between the brackets."""
        return tuple(
            slice(*e[1:]) if isinstance(e, tuple) else Ellipsis if e == "..." else e
            for e in self.entries
        )

    def substitute(self, sizes: Any) -> Index:
        """With Dims replaced by their values under ``sizes`` (name to int)."""
        from ..shapes import substitute

        return Index(tuple(substitute(e, sizes) for e in self.entries))

    def shape(self, shape: Shape) -> Shape:
        """Shape of ``x[index]`` for ``x`` of ``shape``.

        Raises
        ------
        ShapeError
            If there are too many entries, or an int is out of range.
        """
        result: list[Any] = []
        for e, n in self.along(shape):
            if e is None:
                result.append(1)
            elif isinstance(e, tuple):
                result.append(_sliced(n, *e[1:]))
            elif not isinstance(n, Dim) and not -n <= e < n:
                raise OutOfRangeError(f"index {e} is out of range for size {n}")
        return tuple(result)

    def along(self, shape: Shape) -> list[tuple[Any, Any]]:
        """Each entry with the size of its axis, None for a new one; the dots written out.

        Raises
        ------
        ShapeError
            If there are too many entries.
        """
        consumed = len([e for e in self.entries if e is not None and e != "..."])
        if consumed > len(shape):
            raise ShapeError(f"{consumed} indices for {len(shape)} dimensions")
        entries = list(self.entries)
        dots = entries.index("...") if "..." in entries else len(entries)
        fill: list[Any] = [("slice", None, None, None)] * (len(shape) - consumed)
        entries[dots : dots + 1] = fill
        sizes = iter(shape)
        return [(e, None if e is None else next(sizes)) for e in entries]

    def __repr__(self) -> str:
        words = []
        for e in self.entries:
            if isinstance(e, tuple):
                start, stop, step = ("" if b is None else str(b) for b in e[1:])
                words.append(f"{start}:{stop}" + (f":{step}" if step else ""))
            else:
                words.append(str(e))
        return f"[{', '.join(words)}]"


def _sliced(n: Any, start: Any, stop: Any, step: Any) -> Any:
    if start is None and stop is None and step in (None, 1, -1):
        return n
    if any(isinstance(v, Dim) for v in (n, start, stop)):
        run = run_of(n, start, stop, step)
        if run is None:
            raise ShapeError(
                f"the size of {start}:{stop}:{step} on a symbolic axis {n} is not known"
            )
        return run[2]
    return len(range(*slice(start, stop, step).indices(n)))


def run_of(n: Any, start: Any, stop: Any, step: Any) -> tuple[Any, int, Any, Any] | None:
    """A slice of a symbolic axis: its first place, its step, its size, and where it ends.

    A bound is taken to be inside where it may be; a start that is a size has to be. None where its
    size is not a polynomial in those of the axis, or is not known.
    """
    step = 1 if step is None else step
    if step == 0:
        return None
    if step < 0:
        size = _rounded_up(n, -step) if start is None and stop is None else None
        return None if size is None else (n - 1, step, size, n)
    first = _from_front(0 if start is None else start, n)
    end = _from_front(n if stop is None else stop, n)
    if first is None or end is None or _positive(end - n):
        return None
    inside = _positive(end - first) or not (isinstance(start, Dim) or _positive(first - end))
    size = _rounded_up(end - first, step)
    return (first, step, size, end) if inside and size is not None else None


def _rounded_up(n: Any, step: int) -> Any:
    """n / step, rounded up; None where that depends on the sizes in ``n``."""
    if step == 1:
        return n
    terms = n.terms if isinstance(n, Dim) else {(): n}
    if any(names and c % step for names, c in terms.items()):
        return None
    over = terms.get((), 0)
    return (n - over) // step + -(-over // step)


def _from_front(bound: Any, n: Any) -> Any:
    """A bound of a slice as counted from the front; None where that is not known."""
    if not _positive(-bound):
        return bound
    counted = n + bound
    return counted if _positive(counted + 1) else None


def _positive(n: Any) -> bool:
    """Whether a size is positive whatever the names in it are."""
    return all(c > 0 for c in n.terms.values()) if isinstance(n, Dim) else n > 0


def _add_slice(whole: Array, g: Array, index: Index) -> None:
    whole[index.key()] += g


@primitive(
    View(lambda x, index: index.shape(x)),
    vjp=lambda xp, g, y, x, index: xp.embed(g, index=index, shape=x.shape),
    into=_add_slice,
    passes="parts",
    label="{index}",
    cases=lambda c: [
        ((c.real(c.M, c.N),), {"index": Index.of((0,))}),
        ((c.real(c.M, c.N),), {"index": Index.of((slice(None), None, 1))}),
        ((c.real(c.M, c.N),), {"index": Index.of((Ellipsis, None))}),
        ((c.real(c.M, 3 * c.N),), {"index": Index.of((slice(None), slice(c.N, 2 * c.N)))}),
        ((c.real(4),), {"index": Index.of((slice(None, None, 2),))}),
        ((c.real(3, 4),), {"index": Index.of((slice(1, None), None, -1))}),
        ((c.real(3),), {"index": Index.of((slice(None, None, -1),))}),
    ],
)
def slice_(x: ArrayLike, index: Index) -> Any:
    """``x[index]`` for a basic index; see `getitem`."""
    return np.asarray(x)[index.key()]


@primitive(
    View(lambda x, index, shape: shape, pads=True),
    vjp=lambda xp, g, y, x, index, shape: xp.slice_(g, index=index),
    label="embed {index}",
    cases=lambda c: [
        ((c.real(c.N),), {"index": Index.of((0,)), "shape": (c.M, c.N)}),
        (
            (c.real(c.M, c.N),),
            {"index": Index.of((slice(None), slice(c.N, 2 * c.N))), "shape": (c.M, 3 * c.N)},
        ),
        ((c.real(2),), {"index": Index.of((slice(1, 3),)), "shape": (4,)}),
        ((c.real(2, 1),), {"index": Index.of((slice(1, None), None, -1)), "shape": (3, 4)}),
    ],
)
def embed(x: ArrayLike, index: Index, shape: Any) -> Any:
    """Zeros of ``shape`` with ``x`` written at a basic index: the transpose of `slice_`."""
    x = np.asarray(x)
    whole: Array = np.zeros(shape, x.dtype)
    whole[index.key()] = x
    return whole


def _flip_axes(operands: Any, params: Params) -> Params:
    return {"axis": normalise_axes(params["axis"], len(shape_of(operands[0])))}


@primitive(
    View(lambda x, axis: x),
    vjp=lambda xp, g, y, x, axis: xp.flip(g, axis=axis),
    prepare=_flip_axes,
    numpy=np.flip,
    cases=lambda c: [((c.real(2, 3),), {"axis": (1,)}), ((c.real(3),), {"axis": None})],
)
def flip(x: ArrayLike, axis: Axis = None) -> Any:
    """Order reversed along axes (all by default)."""
    return np.flip(x, axis)


def _turn(operands: Any, params: Params) -> Params:
    shape = shape_of(operands[0])
    (axis,) = normalise_axes(params["axis"], len(shape))
    shift, n = params["shift"].__index__(), shape[axis]
    return {"shift": shift if isinstance(n, Dim) else shift % (n or 1), "axis": axis}


@primitive(
    View(lambda x, shift, axis: x),
    vjp=lambda xp, g, y, x, shift, axis: xp.roll_(g, shift=-shift, axis=axis),
    label="roll {shift}",
    prepare=_turn,
    cases=lambda c: [
        ((c.real(3),), {"shift": 1, "axis": 0}),
        ((c.real(2, 4),), {"shift": -1, "axis": -1}),
        ((c.real(3, 2),), {"shift": 3, "axis": 0}),
        *([((c.real(0, 2),), {"shift": 1, "axis": 0})] if c.numbers else ()),
    ],
)
def roll_(x: ArrayLike, shift: int, axis: int) -> Any:
    """Elements moved along one axis, round the end; `roll` takes several, or none."""
    return np.roll(x, shift, axis)


# --- windows ------------------------------------------------------------------------------------


def places_of(length: Any, span: int, step: int) -> Any:
    """How many windows that reach over ``span`` lie within ``length``, ``step`` apart.

    Raises
    ------
    ShapeError
        If of a symbolic length that is not known for all its sizes.
    """
    places = _rounded_up(length - span + 1, step)
    if places is None:
        raise ShapeError(
            f"how many windows, {step} apart, lie within a symbolic size {length} is not known"
        )
    return places


def reach_of(size: Any, dilation: int) -> Any:
    """Over how many elements a window reaches whose elements are ``dilation`` apart."""
    return (size - 1) * dilation + 1


def _windowed(x: Shape, axis: int, size: Any, step: int = 1, dilation: int = 1) -> Shape:
    n, span = x[axis], reach_of(size, dilation)
    if not isinstance(n, Dim) and not isinstance(size, Dim) and not 0 < span <= n:
        raise ShapeError(f"a window of size {span} does not fit size {n} of axis {axis}")
    return (*x[:axis], places_of(n, span, step), *x[axis + 1 :], size)


def _apart(params: Params, name: str) -> int:
    n: int = params.get(name, 1).__index__()
    if n < 1:
        raise ShapeError(f"expected a {name} of 1 or more; received {n}")
    return n


def _window(operands: Any, params: Params) -> Params:
    shape = shape_of(operands[0])
    (axis,) = normalise_axes(params["axis"], len(shape))
    size = params["size"] if isinstance(params["size"], Dim) else params["size"].__index__()
    step, dilation = _apart(params, "step"), _apart(params, "dilation")
    _windowed(shape, axis, size, step, dilation)
    return {"axis": axis, "size": size, "step": step, "dilation": dilation}


@primitive(
    View(_windowed),
    vjp=lambda xp, g, y, x, axis, size, step, dilation: xp.overlap_add(
        g, axis=axis, step=step, dilation=dilation, length=x.shape[axis]
    ),
    label="windows {size}",
    prepare=_window,
    cases=lambda c: [
        ((c.real(4),), {"axis": 0, "size": 2}),
        ((c.real(5),), {"axis": 0, "size": 2, "step": 2}),
        ((c.real(5),), {"axis": 0, "size": 2, "dilation": 3}),
        *([((c.real(3, 4, 2),), {"axis": 1, "size": 3})] if c.numbers else ()),
        *(
            [((c.real(2, 9, 2),), {"axis": 1, "size": 3, "step": 3, "dilation": 2})]
            if c.numbers
            else ()
        ),
    ],
)
def windows(x: ArrayLike, axis: int, size: int, step: int = 1, dilation: int = 1) -> Any:
    """Windows of a size along an axis.

    The axis becomes their number; a new last axis goes through a window.

    Parameters
    ----------
    size : int
        Elements of a window.
    step : int
        How far apart windows begin. What is left over at the end is in none.
    dilation : int
        How far apart the elements of a window are.

    Raises
    ------
    ShapeError
        If a window is larger than the axis, or empty.
    """
    x = np.asarray(x)
    shape, strides = _windowed(x.shape, axis, size, step, dilation), list(x.strides)
    strides.append(strides[axis] * dilation)
    strides[axis] *= step
    return np.lib.stride_tricks.as_strided(x, shape, strides, writeable=False)


def _overlapped(x: Shape, axis: int, step: int = 1, dilation: int = 1, length: Any = None) -> Shape:
    if len(x) < 2:
        raise ShapeError(f"expected windows, of two dimensions or more; received shape {x}")
    if 0 in (x[axis], x[-1]):
        raise ShapeError(f"expected windows, one or more, that are not empty; received shape {x}")
    whole = (x[axis] - 1) * step + reach_of(x[-1], dilation)
    if length is None:
        length = whole
    over = length - whole
    if isinstance(over, Dim) or not 0 <= over < step:
        raise ShapeError(
            f"{x[axis]} windows of {x[-1]} elements reach over {whole}; expected a length that is "
            f"less than {step} longer; received {length}"
        )
    return (*x[:axis], length, *x[axis + 1 : -1])


def _overlap(operands: Any, params: Params) -> Params:
    shape, length = shape_of(operands[0]), params.get("length")
    (axis,) = normalise_axes(params["axis"], len(shape) - 1)
    step, dilation = _apart(params, "step"), _apart(params, "dilation")
    if length is not None and not isinstance(length, Dim):
        length = length.__index__()
    length = _overlapped(shape, axis, step, dilation, length)[axis]
    return {"axis": axis, "step": step, "dilation": dilation, "length": length}


@primitive(
    Contract(_overlapped),
    vjp=lambda xp, g, y, x, axis, step, dilation, length: xp.windows(
        g, axis=axis, size=x.shape[-1], step=step, dilation=dilation
    ),
    prepare=_overlap,
    cases=lambda c: [
        ((c.real(2, 3),), {"axis": 0}),
        ((c.real(2, 1, 3),), {"axis": 0}),
        ((c.real(2, 3),), {"axis": 0, "step": 2, "length": 6}),
        ((c.real(2, 2),), {"axis": 0, "dilation": 3}),
        *(
            [
                ((c.real(2, 3, 5),), {"axis": 0}),
                ((c.real(3, 2, 4),), {"axis": 1}),
                ((c.real(2, 3, 2),), {"axis": 1, "step": 3, "dilation": 2, "length": 11}),
            ]
            if c.numbers
            else ()
        ),
    ],
)
def overlap_add(
    x: ArrayLike, axis: int, step: int = 1, dilation: int = 1, length: Any = None
) -> Any:
    """Windows added up where they overlap: the transpose of `windows`.

    Their number is the size of ``axis``, their elements stand along the last one.

    Parameters
    ----------
    step, dilation : int
        See `windows`.
    length : int, optional
        How long the axis becomes: as long as the windows reach, or less than ``step`` longer.

    Raises
    ------
    ShapeError
        If there are no windows, or another length.
    """
    number, size = x.shape[axis], x.shape[-1]
    # Laid out as x is: behind a product of matrices that are windows, w runs fastest, not the window.
    shape = _overlapped(x.shape, axis, step, dilation, length)
    dtype = np.dtype(np.float32) if x.dtype.char == "e" else x.dtype  # as all sums of float16
    sums = _empty_like(x, shape, dtype)
    others = [i for i in range(len(shape)) if i != axis]
    rows, y = x.transpose((*others, axis, len(shape))), sums.transpose((*others, axis))
    if size <= number:  # the shorter loop
        apart, inside = step, (number - 1) * step + 1
        parts = [(j * dilation, rows[..., j]) for j in range(size)]
    else:
        apart, inside = dilation, (size - 1) * dilation + 1
        parts = [(i * step, rows[..., i, :]) for i in range(number)]
    # The first part at places of its own is put there, and what it does not reach is 0.
    met: set[int] = set()
    for start, part in parts:
        first = start % apart
        where = y[..., start : start + inside : apart]
        if first in met:
            where += part
            continue
        met.add(first)
        where[...] = part
        y[..., first:start:apart] = 0
        y[..., start + inside - 1 + apart :: apart] = 0
    for first in set(range(min(apart, y.shape[-1]))) - met:
        y[..., first::apart] = 0
    return sums.astype(x.dtype, copy=False)


def _empty_like(x: Array, shape: Shape, dtype: Any) -> Array:
    """New memory whose axes lie in the order of the first axes of ``x``."""
    order = sorted(range(len(shape)), key=lambda i: -abs(x.strides[i]))
    new: Array = np.empty([shape[i] for i in order], dtype)
    return new.transpose([order.index(i) for i in range(len(shape))])
