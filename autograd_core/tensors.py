"""Tensor: an array that remembers how it was made.

The tensor itself is the node of the tape: the primitive that made it, its ordered inputs with
repeats, and the primitive's params. No closures and no reference cycles, so memory is returned
as soon as the last name is gone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .abstract import Abstract, without_values
from .aliases import Array, ArrayLike, Params
from .arrays import as_array, check_dtype
from .context import CONTEXT, Context, within
from .dispatch import FOLDS, NUMPY as NUMPY, answer, answered, refused, title
from .effects import Capture
from .errors import (
    CaptureError,
    ConfigError,
    DTypeError,
    GraphError,
    NotDifferentiableError,
    ShapeError,
)
from .exchange import (
    CPU,
    as_numpy,
    capsule,
    locked,
    masked,
    notebook,
    plain,
    refuse_masked,
    written,
)
from .graph import WRITES, duplicate, own, pullback, seed_for
from .memory import SEQUENCE, ReadOnlyArray
from .operators import Operators
from .shelves import ARRAYS, TENSORS

__all__ = [
    "Tensor",
    "leaf",
    "mark",
    "tensor",
]


class Tensor(Operators):
    """An n-dimensional array that remembers how it was made.

    Made by `autograd_core.tensor` and by operations, never by calling the class.

    Attributes
    ----------
    requires_grad : bool
        Whether ``backward`` computes a gradient for it.
    grad : Tensor or None
        The gradient, after ``backward``; detached unless ``create_graph=True``.
    name, role : str or None
        Labels for drawings, states and proofs ("weight"; "parameter", "dropout mask").

    Notes
    -----
    ``==`` and the orders compare element by element; hashing is by identity. ``+=`` gives a new
    tensor (it never writes memory that a graph may need) except on a leaf under ``no_grad``.
    Integer and complex tensors cannot require a gradient. Subclassing is refused: operations test
    for the exact class on their hot path. There is no ``__getattr__``: with one, Python reads every
    slot the slow way (35 ns instead of 10, a tenth of a small training step).
    """

    __slots__ = (
        "__weakref__",
        "_context",  # scope and phase in which it was made
        "_grad",
        "_inputs",  # operands in order: Tensor, Python number or Dim; see graph.operands_of
        "_line",  # user's file:line, in anomaly mode
        "_op",  # Primitive, or None for a leaf
        "_params",
        "_second",
        "_seq",  # order of creation
        "_value",  # ndarray, NumPy scalar, Abstract, or a tuple of them (several outputs)
        "_written",  # when a leaf was last written in place
        "name",
        "requires_grad",
        "role",
    )

    _context: Context
    _value: Any
    _grad: Tensor | bool | None
    _inputs: Any
    _line: str | None
    _op: Any
    _params: dict[str, Any]
    _second: Any
    _seq: int
    _written: int
    name: str | None
    role: str | None
    requires_grad: bool

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise DTypeError(
            "Tensor", "tensors are made by ag.tensor(values), not by calling the class."
        )

    def __init_subclass__(cls) -> None:
        raise DTypeError(
            "Tensor", "the class is final; operations test for it exactly. Hold one instead."
        )

    # --- what it is -------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the axes: ints, or Dims while traced for every size."""
        return self._value.shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self._value.shape)

    @property
    def size(self) -> Any:
        """Number of elements."""
        total: Any = 1
        for n in self._value.shape:
            total = total * n
        return total

    @property
    def dtype(self) -> np.dtype[Any]:
        """NumPy dtype."""
        return self._value.dtype

    @property
    def device(self) -> str:
        """Where the values lie: "cpu", as NumPy says it."""
        return "cpu"

    def to_device(self, device: str, /, *, stream: Any = None) -> Tensor:
        """The tensor itself, since there is one device.

        Raises
        ------
        ConfigError
            If ``device`` is another than "cpu", or ``stream`` is given.
        """
        if device != "cpu" or stream is not None:
            raise ConfigError(
                "to_device", f'expected "cpu" and no stream; received {device!r}, {stream!r}.'
            )
        return self

    @property
    def is_leaf(self) -> bool:
        """Whether it was given, rather than computed by a recorded operation."""
        return self._op is None

    @property
    def data(self) -> Array:
        """The values, as a view that is read-only for good; writing to it says what to do."""
        return locked(self._concrete("Tensor.data")).view(ReadOnlyArray)

    def numpy(self) -> Array:
        """The values, as a read-only view (``np.array(t.data)`` for a copy of one's own).

        Raises
        ------
        NotDifferentiableError
            In a differentiated function, of a tensor that carries a gradient.
        """
        self._uncut("Tensor.numpy")
        return self.data

    def tolist(self) -> Any:
        """The values as nested Python lists; a Python number for 0 dimensions.

        Raises
        ------
        NotDifferentiableError
            In a differentiated function, of a tensor that carries a gradient.
        """
        self._uncut("Tensor.tolist")
        return self.data.tolist()

    def nonzero(self) -> tuple[Array, ...]:
        """Index arrays of the elements that are not 0, one for each axis; without a gradient."""
        return np.nonzero(self.data)

    def searchsorted(self, v: ArrayLike, side: str = "left") -> Any:
        """Where values would stand in this sorted array; an index array, without a gradient."""
        return np.searchsorted(self.data, plain("searchsorted", v), side)  # type: ignore[call-overload]

    def item(self) -> Any:
        """The single element as a Python number.

        Raises
        ------
        ShapeError
            If there is more than one element.
        NotDifferentiableError
            In a differentiated function, of a tensor that carries a gradient.
        """
        return self._scalar("Tensor.item").item()

    def detach(self) -> Tensor:
        """The same values, without history; a copy, so that later writes do not meet.

        In a trace the values stay connected, and only the gradient stops.
        """
        if CONTEXT.get().capture is not None:
            return TENSORS.stop_gradient(self)
        data = self._value
        return leaf(data if isinstance(data, (Abstract, np.generic)) else data.copy())

    # --- gradients --------------------------------------------------------------------------

    @property
    def grad(self) -> Tensor | None:
        """The gradient that ``backward`` left here, or None."""
        capture = CONTEXT.get().capture
        if capture is not None:
            return _grad_in(capture, self)
        grad = self._grad
        if type(grad) is Tensor:
            return grad
        if grad is False:
            raise consumed(self)
        return None

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None and type(value) is not Tensor:
            raise DTypeError(
                "Tensor.grad", f"expected a Tensor or None; received {type(value).__name__}."
            )
        if value is not None and value.shape != self.shape:
            raise ShapeError("Tensor.grad", f"expected shape {self.shape}; received {value.shape}.")
        capture = CONTEXT.get().capture
        if capture is not None:
            capture.gradients[id(self)] = (self, value)
        else:
            self._grad = value

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Ask for a gradient from now on, or for none (a frozen parameter); returns the tensor.

        Raises
        ------
        DTypeError
            If it holds no floats.
        GraphError
            If it was computed.
        CaptureError
            If it lies outside of a compiled step that asks: at later runs nothing would happen.
        """
        wanted = bool(requires_grad)
        if wanted and self.dtype.kind != "f":
            raise DTypeError(
                "requires_grad_",
                f"a tensor of dtype {self.dtype} has no gradient. Expected a float dtype. "
                "Make it with ag.tensor(values, dtype=np.float64).",
            )
        capture = CONTEXT.get().capture
        made_here = capture is not None and self._op is not None and self._op.stops
        if self._op is not None and not (made_here and wanted):
            raise GraphError(
                "requires_grad_",
                f"only a leaf may be asked; this tensor was computed by {self._op.name}. "
                "Use t.detach().requires_grad_() for a leaf of its values.",
            )
        if wanted == self.requires_grad:
            return self
        if (
            capture is not None
            and capture.blind
            and self._op is None
            and self._context.capture is None
        ):
            raise CaptureError(
                "requires_grad_",
                "inside of a compiled step a tensor outside of it would be changed, but "
                "at the first run only. Expected tensors that are frozen before. Call it outside of ag.jit.",
            )
        self.requires_grad = wanted
        if made_here:
            self._grad = True
        return self

    def retain_grad(self) -> Tensor:
        """Ask that ``backward`` leaves ``.grad`` on this computed tensor too; returns it."""
        if not self.requires_grad:
            raise NotDifferentiableError(
                "retain_grad", "this tensor does not depend on a tensor that requires a gradient."
            )
        if self._op is not None and self._grad is None:
            self._grad = True
        return self

    def backward(
        self,
        gradient: ArrayLike | None = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
    ) -> None:
        """Add d(self)/d(leaf) to ``.grad`` of every leaf that requires one.

        Parameters
        ----------
        gradient : array_like, shape of self, optional
            The cotangent to start from; may be left out for a tensor of one element (then 1).
        retain_graph : bool, optional
            Keep the graph for another backward or a drawing. Default: the value of
            ``create_graph``; otherwise the graph is freed.
        create_graph : bool
            Record the backward itself, so that gradients can be differentiated again.

        Raises
        ------
        NotDifferentiableError
            If this tensor does not depend on a leaf that requires a gradient.
        ShapeError
            If ``gradient`` is needed and missing, or of another shape.
        GraphError
            If the graph was freed by an earlier backward, or a leaf was written since.
        """
        if not self.requires_grad:
            raise NotDifferentiableError(
                "backward",
                "this tensor does not depend on any tensor that requires a gradient. Make "
                "a leaf with ag.tensor(values, requires_grad=True), and compute outside of no_grad.",
            )
        captured = CONTEXT.get().capture is not None
        retain = captured or (create_graph if retain_graph is None else retain_graph)
        if type(self._value) is Abstract and not (captured or create_graph):
            raise CaptureError(
                "backward",
                "this tensor is made of arrays without values. Expected numbers. Use "
                "create_graph=True or ag.grad, which record the gradient, or prove.backward.",
            )
        if captured or create_graph:
            owners = CONTEXT.get().capture.owners if captured else {}  # type: ignore[union-attr]
            with within(recording=True), np.errstate(all="ignore"):
                seed = seed_for(self, gradient, TENSORS, "backward")
                gradients = pullback(
                    [self], [seed], TENSORS, retain=retain, masked=gradient is not None
                )
                with within(recording=create_graph):  # else what is left in .grad is detached
                    for t, g in gradients.items():
                        t = owners.get(id(t), t)
                        g = g if create_graph else TENSORS.identity(g)
                        t.grad = g if t.grad is None else t.grad + g
            return
        with np.errstate(all="ignore"):
            seed = seed_for(self, gradient, ARRAYS, "backward")
            gradients = pullback([self], [seed], ARRAYS, retain=retain, masked=gradient is not None)
            borrowed = {id(seed)}
            for t in gradients:
                if t._grad is False:
                    raise consumed(t)
            for t, g in gradients.items():
                old = t._grad  # True where retain_grad has asked for one
                t._grad = leaf(old._value + g if type(old) is Tensor else own(g, borrowed))

    # --- writing ----------------------------------------------------------------------------

    def assign(self, values: ArrayLike) -> Tensor:
        """Write ``values`` into this leaf and stamp it; returns the leaf.

        A graph recorded before the write then refuses its backward (GraphError). During a trace
        nothing is written: the value goes to the program's write-set.

        Parameters
        ----------
        values : array_like, broadcastable to the shape of self
            Cast to the leaf's dtype.

        Raises
        ------
        GraphError
            If this tensor was computed: only leaves may be written.
        ShapeError
            If ``values`` does not fit.
        NotDifferentiableError
            If ``values`` carries a gradient, which the write would cut: in a differentiated
            function, and elsewhere unless under ``no_grad``, which says that it is meant.
        """
        if self._op is not None:
            raise GraphError(
                "assign",
                f"only a leaf may be written; this tensor was computed by {self._op.name}. "
                "Compute a new tensor instead.",
            )
        _kept_whole("assign", values)
        capture = CONTEXT.get().capture
        if capture is not None:
            _assign_in(capture, self, values)
            return self
        source = (
            values._concrete("assign") if type(values) is Tensor else as_array("assign", values)
        )
        try:
            source = np.broadcast_to(source, self.shape)
        except ValueError:
            raise ShapeError(
                "assign", f"expected values of shape {self.shape}; received {source.shape}."
            ) from None
        if isinstance(self._value, np.ndarray):
            _check_kind(self, source.dtype)
            np.copyto(self._value, source, casting="same_kind")
        else:
            self._value = np.array(source, self.dtype)[()]
        self._written = WRITES.last = SEQUENCE()
        return self

    def _update(self, name: str, other: ArrayLike) -> Tensor:
        """``self += other`` and friends: a new tensor, or a write on a leaf under no_grad."""
        value: Tensor = getattr(TENSORS, name)(self, other)
        if self._op is not None:
            return value
        if not CONTEXT.get().recording:
            if value.shape != self.shape:
                raise ShapeError(
                    f"{name} in place",
                    f"the result has shape {value.shape}, the leaf {self.shape}.",
                )
            return self.assign(value)
        if self.requires_grad:
            raise GraphError(
                f"{name} in place",
                "this leaf requires a gradient, and would be lost from sight. "
                "Write `y = x + …` to compute a new tensor, or `with ag.no_grad(): x += …` to "
                "change the leaf itself.",
            )
        return value

    def __iadd__(self, other: ArrayLike) -> Tensor:
        return self._update("add", other)

    def __isub__(self, other: ArrayLike) -> Tensor:
        return self._update("subtract", other)

    def __imul__(self, other: ArrayLike) -> Tensor:
        return self._update("multiply", other)

    def __itruediv__(self, other: ArrayLike) -> Tensor:
        return self._update("divide", other)

    def __setitem__(self, index: Any, values: ArrayLike) -> None:
        context = CONTEXT.get()
        if context.recording or self._op is not None:
            raise GraphError(
                "t[index] = values",
                "a tensor's memory is not written while it may be recorded. "
                "Use ag.index_update(t, index, values), or `with ag.no_grad(): t[index] = values` on a leaf.",
            )
        refuse_masked("t[index] = values", (index, values))
        _kept_whole("t[index] = values", values)
        if context.capture is not None:
            self.assign(TENSORS.index_update(self, index, values))
            return
        changed = np.array(self._concrete("t[index] = values"))
        source = values._concrete("t[index] = values") if type(values) is Tensor else values
        try:
            changed[_plain_index(index)] = source
        except (ValueError, IndexError) as error:
            raise ShapeError("t[index] = values", f"{error}.") from None
        self.assign(changed)

    # --- Python's and NumPy's protocols -----------------------------------------------------

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        data = self._concrete("np.asarray(tensor)")
        if self._carries():
            raise NotDifferentiableError(
                "np.asarray(tensor)",
                "a plain array would cut the gradient in silence. Expected a "
                "tensor that requires none. Use t.detach() where cutting is meant, the functions of "
                "autograd_core (or NumPy's own on the tensor) otherwise; `np.array([t, u])` and "
                "`buffer[i] = t` become ag.stack([t, u]).",
            )
        return as_numpy(data, dtype, copy)

    def __array_namespace__(self, *, api_version: str | None = None) -> Any:
        return TENSORS.array_namespace(api_version)

    def __dlpack__(
        self,
        *,
        stream: Any = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[int, int] | None = None,
        copy: bool | None = None,
    ) -> Any:
        if self._carries():
            raise NotDifferentiableError(
                "from_dlpack(tensor)",
                "another library's array would cut the gradient in silence. "
                "Expected a tensor that requires none. Use t.detach() where cutting is meant.",
            )
        return capsule(self._concrete("from_dlpack"), stream, max_version, dl_device, copy)

    def __dlpack_device__(self) -> tuple[int, int]:
        return CPU

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return notebook(self, include, exclude)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        fold = FOLDS.get((ufunc, method))
        if fold is not None:
            function = NUMPY[fold]
            return answered(fold, function, inputs, {"axis": 0, **kwargs})
        function = answer(ufunc)
        if method != "__call__" or function is None:
            raise refused(ufunc, method)
        if any(kwargs.get(k) is not None for k in kwargs):
            raise DTypeError(
                title(ufunc),
                f"options {sorted(kwargs)} are not supported on a Tensor. Give the result a "
                "name instead of out=; choose with ag.where instead of where=; cast with ag.cast.",
            )
        return function(*inputs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        function = NUMPY.get(func)
        if function is None:
            raise refused(func)
        return answered(func, function, args, kwargs)

    @property
    def _mask(self) -> Any:
        # numpy.ma asks whatever it is given for these two: the gradient would be cut in silence.
        raise masked("np.ma", "an operand is a Tensor")

    _data = _mask

    def _concrete(self, question: str) -> Any:
        if isinstance(self._value, Abstract):
            raise self._value.unknown(question)
        capture = CONTEXT.get().capture
        if capture is not None:
            if capture.blind:
                raise without_values(question, self.shape)
            written = capture.current(self)
            if written is not self:
                return written._concrete(question)
        return self._value

    def _carries(self) -> bool:
        """Whether there is a gradient to cut: a graph that was freed has none."""
        return self.requires_grad and (self._op is None or self._inputs is not None)

    def _uncut(self, question: str) -> None:
        if self._carries() and CONTEXT.get().transform:
            raise NotDifferentiableError(
                question,
                "inside a differentiated function this would cut the gradient in "
                "silence. Keep it a tensor; use ag.stop_gradient(t) or t.detach() where cutting is meant.",
            )

    def _scalar(self, question: str) -> Any:
        self._uncut(question)
        if self.size != 1:
            raise ShapeError(question, f"expected one element; received shape {self.shape}.")
        return np.asarray(self._concrete(question)).reshape(())[()]

    def __float__(self) -> float:
        return float(self._scalar("float(tensor)"))

    def __int__(self) -> int:
        return int(self._scalar("int(tensor)"))

    def __index__(self) -> int:
        if not np.issubdtype(self.dtype, np.integer):
            raise DTypeError("index", f"expected an integer tensor; received dtype {self.dtype}.")
        return int(self._scalar("index"))

    def __bool__(self) -> bool:
        if self.size != 1:
            raise ShapeError(
                "bool(tensor)",
                f"expected one element; received shape {self.shape}. Use ag.where, "
                "or np.all(t.detach()), np.any(t.detach()).",
            )
        return bool(np.asarray(self._concrete("bool(tensor)")).reshape(())[()])

    def __format__(self, spec: str) -> str:
        if not spec:
            return str(self)
        if self.size != 1:
            raise ShapeError(
                f"format(tensor, {spec!r})",
                f"expected one element; received shape {self.shape}. Format "
                "elements one by one, or write np.array2string(t.detach().numpy(), precision=3).",
            )
        # (To print a number cuts no gradient.)
        try:
            return format(np.asarray(self._concrete("format(tensor)")).item(), spec)
        except ValueError as error:
            raise ConfigError(
                f"format(tensor, {spec!r})", f"{error}. The element has dtype {self.dtype}."
            ) from None

    def __len__(self) -> int:
        if self.ndim == 0:
            raise ShapeError("len(tensor)", "a tensor of shape () has no length.")
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        if self.ndim == 0:
            raise ShapeError("iteration", "a tensor of shape () has no axis to go along.")
        return (self[i] for i in range(self.shape[0].__index__()))

    def __contains__(self, value: object) -> bool:
        raise DTypeError("`in`", "compare and reduce instead: np.any((t == value).detach()).")

    def __copy__(self) -> Tensor:
        """A leaf with memory of its own; a computed tensor as a further node of its graph."""
        return TENSORS.identity(self) if self._op is not None else self.__deepcopy__({})

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        """A tensor with memory of its own, and a copy of the graph behind it if it has one.

        The copy's backward reaches copies of the leaves. PyTorch refuses computed tensors here.
        So is ``.grad``, of every tensor that is copied (its values, once its graph was freed).

        Raises
        ------
        GraphError
            If the graph was freed by a backward.
        """
        return duplicate(self, memo)

    def __reduce__(self) -> Any:
        if self.requires_grad and self._op is not None:
            raise GraphError(
                "pickle", "only leaves can be pickled; this tensor has a history. Use t.detach()."
            )
        array = np.array(self._concrete("pickle"))
        made = leaf, (array, self.requires_grad, self.name, self.role)
        grad = self._grad
        if type(grad) is Tensor:  # its values; like the leaf, it comes back without a history
            grad = leaf(np.array(grad._concrete("pickle")), False, grad.name, grad.role)
        elif grad is not False:
            return made
        return *made, (None, {"_grad": grad})

    def __repr__(self) -> str:
        if isinstance(self._value, tuple):
            return f"Tensor(tuple of {len(self._value)}, made by {self._op.name})"
        if isinstance(self._value, Abstract):
            body = repr(self._value)
        else:
            body = written(np.asarray(self._value), "Tensor(")
        extra = [] if self.dtype == np.float64 else [f"dtype={self.dtype}"]
        if self.name:
            extra.append(f"name={self.name!r}")
        if self._op is not None and self.requires_grad:
            extra.append(f"op={self._op.name}")
        elif self.requires_grad:
            extra.append("requires_grad=True")
        return f"Tensor({', '.join([body, *extra])})"


def _kept_whole(operation: str, values: Any) -> None:
    """Refuse to write values whose gradient would be cut without a word."""
    if type(values) is not Tensor or not values._carries():
        return
    context = CONTEXT.get()
    if context.recording or (context.transform and context.capture is None):
        raise NotDifferentiableError(
            operation,
            f"the values (shape {values.shape}) carry a gradient, and a leaf has no history: "
            "the write would cut it in silence. Expected values without one. Compute with the values "
            "themselves instead of writing them, or write values.detach() where cutting is meant.",
        )


def _plain_index(index: Any) -> Any:
    if type(index) is Tensor:
        return np.asarray(index.detach())
    return tuple(_plain_index(i) for i in index) if isinstance(index, tuple) else index


_NEW = Tensor.__new__
_NO_PARAMS: Params = {}


def leaf(
    data: Any, requires_grad: bool = False, name: str | None = None, role: str | None = None
) -> Tensor:
    """A leaf that takes ``data`` over without copying; for the engine's own use."""
    t = _NEW(Tensor)
    t._value = data
    t._op = None
    t._inputs = ()
    t._params = _NO_PARAMS
    t._seq = 0
    t._written = 0
    t._context = CONTEXT.get()
    t._grad = t._line = None
    t.name = name
    t.role = role
    t.requires_grad = requires_grad
    return t


def tensor(
    values: ArrayLike,
    dtype: Any = None,
    requires_grad: bool = False,
    name: str | None = None,
    role: str | None = None,
) -> Tensor:
    """A leaf tensor with a copy of ``values``.

    Parameters
    ----------
    values : array_like
        Numbers in any nesting, an array, or a Tensor (its values are copied, not its history).
    dtype : dtype-like, optional
        Default: NumPy's for the values (float64 for Python floats).
    requires_grad : bool
        Ask ``backward`` for its gradient; floats only.
    name, role : str, optional
        Labels for drawings and states.

    Raises
    ------
    DTypeError
        If the values are complex or not numbers, or integers that ask for a gradient.
    ShapeError
        If nested lists are ragged.
    NotDifferentiableError
        In a differentiated function, of a Tensor that carries a gradient.

    Examples
    --------
    >>> import autograd_core as ag
    >>> x = ag.tensor([1.0, 2.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    Tensor([2., 4.])
    """
    if isinstance(values, Abstract):
        check_dtype("tensor", values.dtype, requires_grad)
        return leaf(values, requires_grad, name, role)
    if type(values) is Tensor:
        values._uncut("tensor(tensor)")
    capture = CONTEXT.get().capture
    if capture is not None and capture.blind and type(values) in (Tensor, np.ndarray):
        return _tensor_in(values, dtype, requires_grad, name, role)
    if type(values) is Tensor:
        values = values._value
        if isinstance(values, Abstract):
            return leaf(Abstract(values.shape, dtype or values.dtype), requires_grad, name, role)
    array = as_array("tensor", values, dtype)
    check_dtype("tensor", array.dtype, requires_grad)
    if array.ndim == 0:  # a NumPy scalar: arithmetic on it takes a tenth of a 0-d array's time
        return leaf(array[()], requires_grad, name, role)
    return leaf(
        array if isinstance(values, (list, tuple)) else array.copy(),
        requires_grad,
        name,
        role,
    )


# --- in a capture -----------------------------------------------------------------------------


def consumed(t: Tensor) -> GraphError:
    """The error for a gradient that a compiled step has used up."""
    return GraphError(
        "grad",
        f"the gradient of {repr(t.name) if t.name else 'a leaf'}, shape {t.shape}, was consumed by a "
        "compiled step, which keeps no memory for it. Expected a gradient that an eager backward left. "
        "Pass keep_grads=True to ag.jit, return the gradient from the step, or forget it with zero_grad().",
    )


def _grad_in(capture: Capture, t: Tensor) -> Tensor | None:
    """What ``.grad`` is inside of a capture."""
    key = id(t)
    if key in capture.gradients:
        grad: Tensor | None = capture.gradients[key][1]
        return grad
    if t._op is not None or not capture.blind:
        return t._grad if type(t._grad) is Tensor else None
    if key not in capture.read:
        if t._grad is False:
            raise consumed(t)
        before = t._grad
        if type(before) is Tensor:
            data = Abstract(before.shape, before.dtype)
            before = leaf(data, before.requires_grad, t.name, "gradient")
        capture.read[key] = (t, before)
    known: Tensor | None = capture.read[key][1]
    return known


def _check_kind(target: Tensor, dtype: np.dtype[Any]) -> None:
    """Refuse to write floats to integers, and the like."""
    if not np.can_cast(dtype, target.dtype, "same_kind"):
        raise DTypeError("assign", f"expected dtype {target.dtype}; received {dtype}.")


def _assign_in(capture: Capture, target: Tensor, values: Any) -> None:
    """Note a write to a leaf."""
    value = (
        capture.current(values)
        if type(values) is Tensor
        else leaf(_read_at_runs(as_array("assign", values)))
    )
    try:
        if value.shape != target.shape:
            value = TENSORS.broadcast_to(value, target.shape)
    except ShapeError:
        raise ShapeError(
            "assign", f"expected values of shape {target.shape}; received {value.shape}."
        ) from None
    if value.dtype != target.dtype:
        if isinstance(target._value, np.ndarray):  # as without a capture
            _check_kind(target, value.dtype)
        value = TENSORS.cast(value, target.dtype)
    if target.requires_grad or value.requires_grad:
        # A leaf has no history: what is computed from it later on has a gradient of its own.
        value = TENSORS.stop_gradient(value)
        if target.requires_grad:
            value.requires_grad = value._grad = True
            capture.owners[id(value)] = target
    capture.writes[id(target)] = (target, value)


def _read_at_runs(array: Array) -> Array:
    """``array``, noted as one whose memory is read at every run of a compiled step."""
    capture = CONTEXT.get().capture
    if capture is not None:
        capture.held[id(array)] = array
    return array


def _tensor_in(values: Any, dtype: Any, requires_grad: bool, name: Any, role: Any) -> Tensor:
    """`tensor` in a capture: no copy, since what it would copy is read anew at every run."""
    if type(values) is Tensor:
        held = values
    else:
        held = leaf(_read_at_runs(as_array("tensor", values)), requires_grad, name, role)
        if dtype is None or held.dtype == np.dtype(dtype):
            check_dtype("tensor", held.dtype, requires_grad)
            return held
        held.requires_grad = False
    if dtype is not None and held.dtype != np.dtype(dtype):
        held = TENSORS.cast(held, dtype)
    check_dtype("tensor", held.dtype, requires_grad)
    t: Tensor = TENSORS.stop_gradient(held)
    if requires_grad:
        t.requires_grad = t._grad = True
    return mark(t, role, name)


def mark(t: Tensor, role: str | None = None, name: str | None = None) -> Tensor:
    """Label a tensor for drawings and proofs (role such as "dropout mask"); returns it."""
    if role is not None:
        t.role = role
    if name is not None:
        t.name = name
    return t
