"""scan: a loop over the elements of arrays that is recorded as one operation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..abstract import Abstract
from ..arrays import as_array
from ..errors import ConfigError, DTypeError, ShapeError
from ..kinds import Loop
from ..primitives import REGISTRY
from ..shapes import Dim
from ..shelves import TENSORS
from ..tensors import Tensor, leaf
from ..tracing import trace
from ..trees import flatten, unflatten
from .loops import enclosed, looped
from .recording import Dependents, run_blind, title_of

__all__ = ["scan"]


def scan(
    function: Callable[..., Any],
    init: Any,
    xs: Any = None,
    length: Any = None,
    reverse: bool = False,
) -> tuple[Any, Any]:
    """Apply ``function`` along the first axis of ``xs``, handing a carry from step to step.

    With the numbers of a list it is the loop ::

        carry = init
        for x in xs:
            carry, y = function(carry, x)
            ys.append(y)

    as one recorded operation: the function is run once, on arrays without values, and the body that it
    records is taken ``length`` times by NumPy. Time to record, size of the program and depth of the
    graph do not grow with the length.

    Parameters
    ----------
    function : callable
        Of a carry and an x, to a pair: the next carry, and a y. Both are arrays or nested lists, tuples
        and dicts of them; a y may be None. Tensors that it closes over get their gradients, too.
    init : array_like or nesting
        The first carry.
    xs : array_like or nesting, optional
        Arrays of shape (length, …). Default: x is None.
    length : int or Dim, optional
        Number of steps; needed without ``xs``. May be 0.
    reverse : bool
        From the last x to the first; ys[k] is still that of xs[k].

    Returns
    -------
    carry : as init
        The last one.
    ys : as the function's y
        With an axis of ``length`` in front.

    Raises
    ------
    ShapeError
        If a carry changes its shape, or xs differ in length, or differ from ``length``.
    DTypeError
        If a carry changes its dtype.
    ConfigError
        If the function does not return a pair, the nesting of the carry changes, the length is missing,
        or the function assigns to a tensor.
    CaptureError
        If the function asks a traced array for its values (``if carry > 0``, ``carry.item()``).

    Notes
    -----
    Signature and meaning are ``jax.lax.scan``'s. A Python number in ``init`` takes the dtype that the
    function gives it. What an iteration's pullback reads is kept for the backward, ``length`` times
    its memory. Random bits of a key and a counter that are not carried are drawn once, and are the
    same in every iteration.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> total, sums = ag.scan(lambda c, x: (c + x, c + x), 0.0, np.array([1.0, 2.0, 3.0]))
    >>> total.item(), sums.tolist()
    (6.0, [1.0, 3.0, 6.0])
    >>> ag.grad(lambda w: ag.scan(lambda c, _: (c * w, None), 1.0, length=5)[0])(2.0).item()
    80.0
    """
    if not callable(function):
        raise ConfigError("scan", f"expected a function first; received {type(function).__name__}.")
    title = title_of(function)
    carried, nesting = flatten(init)
    sliced, slicing = flatten(xs)
    arrays = [_operand(title, "xs", x) for x in sliced]
    length = _length(title, arrays, length)
    first = [_operand(title, "init", c) for c in carried]
    dtypes = [None if c is None else c.dtype for c in first]
    weak = [_is_weak(c) for c in carried]
    settled = not any(weak)
    while True:
        carries = [
            None if c is None else leaf(Abstract(c.shape, d, w and not settled))
            for c, d, w in zip(first, dtypes, weak, strict=True)
        ]
        slices = [None if x is None else leaf(Abstract(x.shape[1:], x.dtype)) for x in arrays]
        for made, original in zip((*carries, *slices), (*first, *arrays), strict=True):
            if type(original) is Tensor and made is not None:
                made.name, made.role = original.name, original.role
        result, writes, since = run_blind(
            "scan", function, (unflatten(nesting, carries), unflatten(slicing, slices)), {}
        )
        if writes:
            name = f" {writes[0][0].name!r}" if writes[0][0].name else ""
            raise ConfigError(
                f"scan of {title}",
                f"the function assigned to the tensor{name} of shape "
                f"{writes[0][0].shape}. Expected a function without effects; make it part of the carry.",
            )
        nexts, ys, last, stacking = _returned(title, result, nesting)
        if settled:
            break
        # A Python number has the dtype that comes out, as in the second iteration.
        dtypes = [
            n.dtype if w and type(n) is Tensor else d
            for n, d, w in zip(nexts, dtypes, weak, strict=True)
        ]
        first = [_cast(c, d) if w else c for c, d, w in zip(first, dtypes, weak, strict=True)]
        settled = True
    for k, (old, new) in enumerate(zip(carries, nexts, strict=True)):
        _check_carry(title, k, len(carries), old, new)
    inputs = [t for t in (*carries, *slices) if t is not None]
    outputs = [
        t if type(t) is Tensor else leaf(np.array(as_array("scan", t)))
        for t in (*nexts, *ys)
        if t is not None
    ]
    steps = Dependents(inputs, outputs, since)
    outside = {id(t): t for t in (*steps.read, *(o for o in outputs if o not in steps))}
    body, consts = enclosed(title, list(outside.values()), inputs, outputs)
    count = sum(t is not None for t in carries)
    values = [steps.outside(t) for t in consts]
    results = iter(
        looped(
            [*values, *(c for c in first if c is not None), *(x for x in arrays if x is not None)],
            body,
            len(consts),
            count,
            length,
            bool(reverse),
        )
    )
    final = [None if c is None else next(results) for c in nexts]
    stacked = [None if y is None else next(results) for y in ys]
    return unflatten(last, final), unflatten(stacking, stacked)


def _operand(title: str, what: str, value: Any) -> Any:
    """A leaf of ``init`` or ``xs`` as a Tensor or an array; None stays."""
    if value is None:
        return None
    if isinstance(value, Abstract):
        value = leaf(value)
    if type(value) is not Tensor:
        value = as_array(f"scan of {title}", value)
    if what == "xs" and not value.shape:
        raise ShapeError(
            f"scan of {title}",
            "a leaf of xs has shape (), without an axis to go along. Expected arrays of "
            "shape (length, …); a list is a nesting: pass np.asarray of it. What is the same in every "
            "step may be closed over.",
        )
    return value


def _is_weak(value: Any) -> bool:
    if type(value) is Tensor:
        value = value._value
    if isinstance(value, Abstract):
        return value.weak
    return isinstance(value, (int, float)) and not isinstance(value, (bool, np.generic))


def _cast(value: Any, dtype: Any) -> Any:
    return TENSORS.cast(value, dtype=dtype) if type(value) is Tensor else value.astype(dtype)


def _length(title: str, arrays: list[Any], length: Any) -> Any:
    """Number of steps from xs and ``length``."""
    if length is not None and not isinstance(length, Dim):
        if not hasattr(length, "__index__") or length.__index__() < 0:
            raise ConfigError(
                f"scan of {title}", f"expected a length of 0 or more; received {length!r:.40}."
            )
        length = length.__index__()
    for k, x in enumerate(arrays):
        if x is None:
            continue
        if length is None:
            length = x.shape[0]
        elif x.shape[0] != length:
            raise ShapeError(
                f"scan of {title}",
                f"leaf {k} of xs has shape {x.shape}, and so {x.shape[0]} steps. Expected "
                f"{length}, as the leaves before it or length= say.",
            )
    if length is None:
        raise ConfigError(
            f"scan of {title}",
            "neither xs nor length. Expected arrays to go along, or length=, the number of steps.",
        )
    return length


def _returned(title: str, result: Any, nesting: Any) -> tuple[list[Any], list[Any], Any, Any]:
    """What the function returned: leaves of the carry and of y, and their nestings."""
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        raise ConfigError(
            f"scan of {title}",
            f"the function returned {type(result).__name__}"
            f"{f' of {len(result)}' if isinstance(result, (tuple, list)) else ''}. Expected a pair "
            "(carry, y); return (carry, None) where nothing is to be stacked.",
        )
    nexts, last = flatten(result[0])
    ys, stacking = flatten(result[1])
    if last != nesting:
        raise ConfigError(
            f"scan of {title}",
            f"the carry changed its nesting from {nesting!r:.60} to {last!r:.60}. Expected the "
            "same after every step; return (carry, y) in this order.",
        )
    for t in (*nexts, *ys):
        if t is not None and type(t) is not Tensor:
            try:
                as_array(f"scan of {title}", t)
            except DTypeError:
                raise DTypeError(
                    f"scan of {title}",
                    f"the function returned {type(t).__name__}. Expected tensors, or nested "
                    "lists, tuples and dicts of them.",
                ) from None
    return nexts, ys, last, stacking


def _check_carry(title: str, k: int, count: int, old: Any, new: Any) -> None:
    """Refuse a carry of another shape or dtype than before."""
    which = "the carry" if count == 1 else f"leaf {k} of the carry"
    if (old is None) != (new is None):
        raise ConfigError(
            f"scan of {title}",
            f"{which} changed from {_described(old)} to {_described(new)}. Expected an array "
            "before and after every step, or None.",
        )
    if old is None:
        return
    array = new if type(new) is Tensor else as_array("scan", new)
    change = f"changed from {_described(old)} to {_described(array)}"
    if tuple(array.shape) != tuple(old.shape):
        raise ShapeError(
            f"scan of {title}",
            f"{which} {change}. Expected the same shape after every step. Give init that "
            f"shape (np.zeros({tuple(array.shape)})), or reduce or reshape what the function returns.",
        )
    if array.dtype != old.dtype:
        raise DTypeError(
            f"scan of {title}",
            f"{which} {change}. Expected the same dtype after every step. Give init the "
            f"dtype {array.dtype} (0.0 rather than np.zeros(…, int)), or cast what the function returns: "
            f".astype(np.{old.dtype}).",
        )


def _described(value: Any) -> str:
    if value is None:
        return "None"
    return f"{value.dtype}[{','.join(map(str, value.shape))}]"


def _cases(c: Any) -> list[Any]:
    """Loops with a const, one and two carries, xs and ys, in both directions."""
    xp: Any = TENSORS

    def case(function: Any, *shapes: tuple[int, ...], **options: Any) -> Any:
        program = trace(lambda *args: scan(*function(*args), **options)[0])(*map(Abstract, shapes))
        (step,) = (s for s in program if isinstance(s.primitive.kind, Loop))
        return [c.real(*s) for s in shapes], step.params

    if not c.numbers:
        return [
            case(lambda w, h, xs: (lambda h, x: (h * w + x, h * x), h, xs), (2,), (2,), (3, 2)),
            case(lambda h, xs: (lambda h, x: (xp.exp(h * x), None), h, xs), (), (2,), reverse=True),
            case(
                lambda a, b: (lambda c, x: ((c[1], c[0] @ c[1]), None), (a, b)),
                (2, 2),
                (2, 2),
                length=2,
            ),
        ]
    return [
        case(
            lambda w, h, xs: (lambda h, x: (xp.tanh(x @ w + h), (xp.sum(h), x)), h, xs),
            *((3, 2), (2,), (4, 3)),
        ),
        case(
            lambda a, b, xs: (lambda c, x: ((xp.sin(c[0] * x), c[0]), c[1] * x), (a, b), xs),
            *((), (), (4,)),
            reverse=True,
        ),
        case(lambda w, h: (lambda h, x: (w @ h, None), h), (2, 2), (2, 3), length=3),
    ]


REGISTRY["scan"].cases = _cases  # of the primitive, by the public function that records it
