"""Derivatives against finite differences, first and second order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..aliases import Array
from ..context import no_grad
from ..errors import DTypeError, GradcheckError
from ..exchange import refuse_masked
from ..tensors import Tensor, tensor
from ..trees import flatten, unflatten
from .first_order import vjp

__all__ = ["gradcheck", "gradgradcheck"]

# Five-point stencil: error h**4 f''''' / 30, so h = 1e-3 leaves about 1e-13 of a smooth function.
_STEP = 1e-3
_STENCIL = ((-2, 1 / 12), (-1, -8 / 12), (1, 8 / 12), (2, -1 / 12))


def gradcheck(
    function: Callable[..., Any],
    *args: Any,
    rtol: float = 1e-6,
    atol: float = 1e-8,
    step: float = _STEP,
    seed: int = 0,
) -> bool:
    """Compare reverse-mode derivatives of ``function`` with finite differences, at ``args``.

    Every element of every argument is moved, in float64, against a random weighting of all
    outputs (a uniform one would miss faults that cancel, as in batch norm).

    Parameters
    ----------
    function : callable
        Of float64 arrays to a Tensor or nested tensors; smooth within 2 ``step`` of ``args``.
    *args : array_like
        Float64 arrays, also those in lists, tuples and dicts, are differentiated by; others are
        passed on.
    rtol, atol : float
        ``|analytic - numeric| <= atol + rtol * max(|numeric|, scale)`` with the largest numeric
        derivative of the argument as scale.
    step : float
        Distance between the points of the five-point stencil.
    seed : int
        Of the weighting.

    Returns
    -------
    bool
        True; a difference raises.

    Raises
    ------
    GradcheckError
        Names the argument, the position, both values and the tolerances.
    DTypeError
        If no argument is float64.
    """
    arrays, moved, names, of = _arguments("gradcheck", function, args)
    outputs, pull = vjp(of, *(arrays[i] for i in moved), unreachable="zero")
    rng = np.random.default_rng(seed)
    weights = [rng.uniform(0.5, 1.5, o.shape) * rng.choice([-1.0, 1.0], o.shape) for o in outputs]
    several = sum(w.size for w in weights) > 1
    weights = weights if several else [np.ones(w.shape) for w in weights]
    what = f" of a weighted sum of the results (weights by seed={seed})" if several else ""
    analytic = pull(weights)

    def weighted(*chosen: Array) -> float:
        with no_grad():
            results = of(*(tensor(c) for c in chosen))
        total = 0.0
        for o, w in zip(results, weights, strict=True):
            total += float((np.asarray(o.detach().data, np.float64) * w).sum())
        return total

    for position, i in enumerate(moved):
        points = [np.array(arrays[j]) for j in moved]
        numeric = np.empty(points[position].shape)
        for index in np.ndindex(numeric.shape):
            centre = points[position][index]
            slope = 0.0
            for k, coefficient in _STENCIL:
                points[position][index] = centre + k * step
                slope += coefficient * weighted(*points)
            points[position][index] = centre
            numeric[index] = slope / step
        _compare(np.asarray(analytic[position].detach().data), numeric, names[i], rtol, atol, what)
    return True


def _arguments(
    operation: str, function: Callable[..., Any], args: Sequence[Any]
) -> tuple[list[Any], list[int], list[str], Callable[..., list[Tensor]]]:
    """What is moved: float64 leaves of the arguments, as arrays of their own.

    Returns
    -------
    leaves : list
    moved : list of int
        Which of them: arrays of float64, and Python floats that are arguments themselves.
    names : list of str
        Where each leaf stands: "0", "1['weight']".
    of : callable
        The function of the moved leaves, to its float results.
    """
    refuse_masked(operation, args)
    leaves, structure = flatten(tuple(args))
    names = [name for i, a in enumerate(args) for name in _names(a, str(i))]
    plain = [a.detach().data if type(a) is Tensor else a for a in leaves]
    moved = [
        i
        for i, a in enumerate(plain)
        if (type(a) is float and names[i].isdigit()) or getattr(a, "dtype", None) == np.float64
    ]
    if not moved:
        raise DTypeError(
            operation,
            "no argument is float64. Expected at least one array, which may be nested in "
            "lists, tuples and dicts; float32 is too coarse for differences. Convert with "
            "np.asarray(x, float).",
        )
    arrays = [np.array(a) if i in moved else leaves[i] for i, a in enumerate(plain)]

    def of(*chosen: Any) -> list[Tensor]:
        full = list(arrays)
        for i, c in zip(moved, chosen, strict=True):
            full[i] = c
        outputs = flatten(function(*unflatten(structure, full)))[0]
        return [o for o in outputs if type(o) is Tensor and o.dtype.kind == "f"]

    return arrays, moved, names, of


def _names(tree: Any, name: str) -> list[str]:
    """Where the leaves of a nested argument stand, in the order of `flatten`."""
    if isinstance(tree, dict):
        return [n for k, v in tree.items() for n in _names(v, f"{name}[{k!r}]")]
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return [
            n for k, v in zip(tree._fields, tree, strict=True) for n in _names(v, f"{name}.{k}")
        ]
    if isinstance(tree, (list, tuple)):
        return [n for k, v in enumerate(tree) for n in _names(v, f"{name}[{k}]")]
    return [name]


def _compare(
    analytic: Array, numeric: Array, argument: str, rtol: float, atol: float, what: str
) -> None:
    if not numeric.size:
        return
    scale = np.max(np.abs(numeric), initial=0.0, where=np.isfinite(numeric))
    error = np.abs(analytic - numeric)
    allowed = atol + rtol * np.maximum(np.abs(numeric), scale)
    wrong = ~(error <= allowed)
    if wrong.any():
        worst = np.unravel_index(
            np.argmax(np.where(wrong, np.nan_to_num(error, nan=np.inf), -1)), error.shape
        )
        raise GradcheckError(
            "gradcheck",
            f"argument {argument} at {tuple(map(int, worst))}: the derivative{what} is "
            f"{float(analytic[worst])!r} by the engine and {float(numeric[worst])!r} by differences; "
            f"{int(wrong.sum())} of {wrong.size} elements differ by more than rtol={rtol}, atol={atol}. "
            "Look at the VJP rule, or for a kink or a pole near the point.",
        )


def gradgradcheck(
    function: Callable[..., Any], *args: Any, rtol: float = 1e-5, atol: float = 1e-7, seed: int = 1
) -> bool:
    """`gradcheck` of the derivative: second order, by every argument and by the cotangent.

    Parameters and errors are those of `gradcheck`; ``args`` that are float64 are differentiated
    by, twice.
    """
    arrays, moved, _, of = _arguments("gradgradcheck", function, args)
    chosen = [arrays[i] for i in moved]
    with no_grad():
        shapes = [o.shape for o in of(*(tensor(c) for c in chosen))]
    rng = np.random.default_rng(seed)
    cotangents = [rng.uniform(0.5, 1.5, s) for s in shapes]

    def gradient(*operands: Any) -> Any:
        xs, us = operands[: len(moved)], operands[len(moved) :]
        _, pull = vjp(of, *xs, unreachable="zero")
        return pull(list(us))

    return gradcheck(gradient, *chosen, *cotangents, rtol=rtol, atol=atol, seed=seed)
