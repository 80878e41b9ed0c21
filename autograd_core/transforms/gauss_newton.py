"""The product of the generalized Gauss-Newton matrix with a vector."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..context import within
from ..errors import ConfigError, ShapeError, UnreachableError
from ..graph import history, pullback, seed_for
from ..shelves import TENSORS
from ..tensors import Tensor
from ..trees import flatten
from .first_order import Recorded, dummy, scalar, zeros_like

__all__ = ["gnvp"]


def gnvp(function: Callable[..., Any], argnums: int = 0) -> Callable[..., Any]:
    """A function that returns the product of the Gauss-Newton matrix of ``function`` with a vector.

    With the outputs z(w) and the loss E = c(z(w), w), in the Hessian of E ::

        ∇²E = Jᵀ (∂²c/∂z²) J + ∂²c/∂w² + mixed terms + Σ_k (∂c/∂z_k) ∇² z_k,    J = ∂z/∂w

    the last sum is left out, as if z were linear in w. What remains is positive semidefinite wherever c
    is convex: squared error and softmax cross-entropy of a network's outputs, with a convex penalty.

    Parameters
    ----------
    function : callable
        Returns ``(loss, outputs)``: a Tensor of one element, and the tensors (or a nesting of them) that
        it was computed from.
    argnums : int
        The argument to differentiate by: an array, or a nesting of arrays.

    Returns
    -------
    callable
        ``product(*args, v)``: the arguments of ``function``, then ``v`` in the nesting and shapes
        of the argument ``argnums``. Costs about three gradients; the matrix is never formed.

    Raises
    ------
    ConfigError
        If ``v`` is missing, or the function returns no such pair.
    ShapeError
        If ``v`` does not fit.
    UnreachableError
        If the loss does not depend on the outputs.

    References
    ----------
    Schraudolph (2002), Fast curvature matrix-vector products for second-order gradient descent.

    Examples
    --------
    A line through a square: E = (w²)²/2 has E'' = 6w², of which J² = 4w² is the Gauss-Newton part.

    >>> import numpy as np, autograd_core as ag
    >>> def loss(w):
    ...     z = w * w
    ...     return ag.sum(z * z) / 2, z
    >>> ag.gnvp(loss)(np.array([3.0]), np.array([1.0]))
    Tensor([36.])
    """

    @functools.wraps(function, updated=())
    def product(*args: Any) -> Any:
        if len(args) < 2:
            raise ConfigError("gnvp", "expected the function's arguments and then the vector.")
        *arguments, v = args
        with within(recording=True):
            run = Recorded("gnvp", function, tuple(arguments), {}, argnums)
            loss, outputs = _pair(run.result)
            directions = flatten(v)[0]
            if len(directions) != len(run.variables):
                raise ShapeError(
                    "gnvp",
                    f"expected a vector of {len(run.variables)} arrays, as the argument; received "
                    f"{len(directions)}.",
                )
            inner = {id(z): z for z in outputs if z.requires_grad and id(z) not in run.wanted}
            both = {**inner, **run.wanted}
            seeds = {
                id(w): seed_for(w, d, TENSORS, "gnvp")
                for w, d in zip(run.variables, directions, strict=True)
            }
            with np.errstate(all="ignore"):
                # J v: the pullback Jᵀu is linear in u, so its derivative by u is the pushforward.
                dummies = {key: dummy(z) for key, z in inner.items()}
                pulled = _pulled(list(inner.values()), list(dummies.values()), run.wanted)
                live = [w for w in run.variables if w in pulled and pulled[w].requires_grad]
                pushed = _pulled(
                    [pulled[w] for w in live],
                    [seeds[id(w)] for w in live],
                    {id(u): u for u in dummies.values()},
                )
                tangents = seeds | {key: pushed[u] for key, u in dummies.items() if u in pushed}
                # The Hessian of c by (z, w) times (J v, v); the walk ends at z.
                slopes = _pulled([loss], [seed_for(loss, None, TENSORS, "gnvp")], both)
                if inner and not any(z in slopes for z in inner.values()):
                    raise UnreachableError(
                        "gnvp",
                        "the loss does not depend on the outputs. Expected (loss, outputs) with a loss that "
                        "was computed from these outputs. Return those that the criterion was given.",
                    )
                curved = [t for t in slopes if slopes[t].requires_grad and id(t) in tangents]
                second = _pulled(
                    [slopes[t] for t in curved], [tangents[id(t)] for t in curved], both
                )
                # And back through Jᵀ.
                back = [z for z in inner.values() if z in second]
                parts = _pulled(back, [second[z] for z in back], run.wanted)
            total = []
            for w in run.variables:
                found = [part[w] for part in (parts, second) if w in part]
                total.append(sum(found[1:], found[0]) if found else zeros_like(w))
        return run.value(run.nest(total))

    return product


def _pulled(outputs: list[Tensor], seeds: list[Any], wanted: dict[int, Tensor]) -> dict[Any, Any]:
    if not outputs:
        return {}
    return pullback(outputs, seeds, TENSORS, history(outputs, True, wanted), wanted, masked=True)


def _pair(result: Any) -> tuple[Tensor, list[Tensor]]:
    if isinstance(result, tuple) and len(result) == 2:
        outputs = flatten(result[1])[0]
        if outputs and all(type(z) is Tensor for z in outputs):
            return scalar("gnvp", result[0]), outputs
    raise ConfigError(
        "gnvp",
        "expected a function that returns (loss, outputs), tensors both; received "
        f"{type(result).__name__}. Return the loss together with what it was computed from.",
    )
