"""Second derivatives: the Hessian, and its product with a vector."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, ParamSpec

import numpy as np

from ..errors import ConfigError
from ..trees import flatten
from .first_order import Argnums, affordable, derived, gradient_of, vjp

__all__ = ["hessian", "hvp"]


_P = ParamSpec("_P")  # a derivative takes what its function takes


def hessian(
    function: Callable[_P, Any],
    argnums: Argnums = 0,
    *,
    max_entries: int = 10**8,
    unreachable: str = "raise",
) -> Callable[_P, Any]:
    """A function that returns all second derivatives of a scalar ``function``.

    Parameters
    ----------
    function : callable
        Returns a scalar Tensor.
    argnums : int or sequence of int
        The argument to differentiate by: an array, or a nesting of arrays. Several are as a nesting of them.
    max_entries : int
        Refuse, before anything is run, a result of more numbers than this, in all of its blocks
        together (10**8 float64 are 0.8 GB).
    unreachable : {"raise", "zero"}
        What to do for an argument that the value does not depend on. (A linear function has a
        gradient that does not depend on the argument: its second derivatives are zeros.)

    Returns
    -------
    callable
        For an array argument of shape S: a Tensor of shape ``(*S, *S)``; for a nesting, the
        nesting twice.

    Raises
    ------
    ConfigError
        If it would have more than ``max_entries`` numbers; says how many bytes they are (100,000
        parameters: 80 GB), and points to `hvp`.
    UnreachableError
        See ``unreachable``.
    """
    gradient = gradient_of("hessian", function, argnums, unreachable)
    second = derived("hessian", gradient, argnums, max_entries, "zero")

    @functools.wraps(function, updated=())
    def derivatives(*args: Any, **kwargs: Any) -> Any:
        chosen = (argnums,) if isinstance(argnums, int) else tuple(argnums)
        if all(isinstance(n, int) and -len(args) <= n < len(args) for n in chosen):
            # As many rows as columns: known before anything is run.
            leaves = flatten([args[n] for n in chosen])[0]
            arrays = [x if hasattr(x, "shape") else np.asarray(x) for x in leaves]
            affordable("hessian", arrays, arrays, max_entries)
        return second(*args, **kwargs)

    return derivatives


def hvp(
    function: Callable[..., Any], argnums: int = 0, *, unreachable: str = "raise"
) -> Callable[..., Any]:
    """A function that returns the product of the Hessian of ``function`` with a vector.

    Parameters
    ----------
    function : callable
        Returns a scalar Tensor.
    argnums : int
        The argument to differentiate by: an array, or a nesting of arrays.
    unreachable : {"raise", "zero"}
        What to do for an argument that the value does not depend on; see `hessian`.

    Returns
    -------
    callable
        ``product(*args, v)``: the arguments of ``function``, then ``v`` in the nesting and shapes
        of the argument ``argnums``. Costs about two gradients; the Hessian is never formed.

    Raises
    ------
    ConfigError
        If ``v`` is missing.
    UnreachableError
        See ``unreachable``.

    References
    ----------
    Pearlmutter (1994), "Fast exact multiplication by the Hessian".
    """
    gradient = gradient_of("hvp", function, argnums, unreachable)

    @functools.wraps(function, updated=())
    def product(*args: Any) -> Any:
        if len(args) < 2:
            raise ConfigError("hvp", "expected the function's arguments and then the vector.")
        *arguments, v = args
        try:
            inspect.signature(function).bind(*arguments)
        except TypeError as error:
            raise ConfigError(
                "hvp",
                f"expected the function's arguments and then the vector; received {len(args)} "
                f"values, the last of them the vector, and the function does not fit: {error}.",
            ) from None
        except ValueError:  # a builtin, which says nothing of its arguments
            pass
        moved = list(arguments)

        def at(x: Any) -> Any:
            moved[argnums] = x
            return gradient(*moved)

        # The Hessian is symmetric: pulling v back through the gradient is the product.
        _, pull = vjp(at, arguments[argnums], unreachable="zero")
        return pull(v)[0]

    return product
