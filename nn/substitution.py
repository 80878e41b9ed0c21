"""functional_call: a module as a function of its state, which is how it is differentiated by it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, overload

import numpy as np

import autograd_core as ag
from autograd_core.aliases import ArrayLike
from autograd_core.errors import ConfigError, DTypeError, ShapeError, StateError
from autograd_core.substitution import standing_in

from .module import Module

__all__ = ["functional_call"]


@overload
def functional_call(
    model: Module,
    state: Mapping[str, ArrayLike],
    args: Any = (),
    kwargs: Mapping[str, Any] | None = None,
    *,
    buffers: Literal[False] = False,
) -> ag.Tensor: ...
@overload
def functional_call(
    model: Module,
    state: Mapping[str, ArrayLike],
    args: Any = (),
    kwargs: Mapping[str, Any] | None = None,
    *,
    buffers: Literal[True],
) -> tuple[ag.Tensor, dict[str, ag.Tensor]]: ...
def functional_call(
    model: Module,
    state: Mapping[str, ArrayLike],
    args: Any = (),
    kwargs: Mapping[str, Any] | None = None,
    *,
    buffers: bool = False,
) -> Any:
    """Call ``model`` with other values for its parameters and buffers: a pure function of ``state``.

    Gradients flow to the tensors of ``state``, so `ag.grad`, `ag.hessian`, `ag.vmap`, `ag.jit` and a
    few steps of descent inside of a loss are taken of it as of any function. The model is not changed:
    what the call writes to buffers (running statistics, counters of dropout) is returned or dropped.

    Parameters
    ----------
    model : Module
    state : mapping of str to Tensor or array
        Values by the names of `Module.named_parameters` and `Module.named_buffers`, cast to the
        dtypes there. What is left out keeps the model's own value. A tensor that is shared has one
        value: it is given under any of the names that lead to it.
    args : Tensor, array, or tuple
        What the model is called with; a tuple is several arguments.
    kwargs : mapping of str to value, optional
        Arguments by name.
    buffers : bool
        Whether to return the buffers as they are after the call, too.

    Returns
    -------
    Tensor (or what the model returns)
        With ``buffers=True`` a pair: that, and a dict of all buffers by name, to be passed on as part
        of the next state.

    Raises
    ------
    StateError
        If a name is none of the model's, or one shared tensor is given two values.
    ShapeError, DTypeError
        If a value does not fit the tensor that it stands for.

    Notes
    -----
    PyTorch's `torch.func.functional_call` leaves what a forward writes in the given tensors; here
    nothing is written anywhere. A dropout mask follows from key and counter, so two calls with one
    state draw one mask: pass the returned buffers on for the next. Attributes that are set in
    ``forward`` are put back; what it changes inside of a list or dict is not. Each operation takes
    the recorder's general path, some microseconds more than in a plain call; compiled, nothing.

    Examples
    --------
    The Hessian of a module's loss, and a gradient for each example:

    >>> import numpy as np, autograd_core as ag, nn
    >>> model, x, y = nn.Linear(2, 1, rng=0, dtype=np.float64), np.eye(2), np.ones((2, 1))
    >>> loss = lambda w, x, y: nn.MSELoss()(nn.functional_call(model, {"weight": w}, x), y)
    >>> ag.hessian(loss)(model.weight, x, y).numpy().reshape(2, 2).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    >>> each = ag.vmap(ag.grad(loss), in_axes=(None, 0, 0))(model.weight, x[:, None], y[:, None])
    >>> each.shape
    (2, 2, 1)
    """
    if not isinstance(model, Module):
        raise ConfigError(
            "functional_call",
            f"expected a Module; received {type(model).__name__}. Pass the model "
            "first, then the state, then its input.",
        )
    replaced = _given(model, state)
    arguments = args if isinstance(args, tuple) else (args,)
    with standing_in(replaced) as capture:
        output = model(*arguments, **(kwargs or {}))
        if not buffers:
            return output
        after = {path: capture.current(tensor) for path, tensor in model.named_buffers()}
    return output, after


def _given(model: Module, state: Mapping[str, ArrayLike]) -> list[tuple[ag.Tensor, ag.Tensor]]:
    """Pairs of the model's tensors and what stands for each during the call."""
    if not isinstance(state, Mapping):
        raise StateError(
            "functional_call",
            "expected the state as a mapping of names to tensors; received "
            f"{type(state).__name__}. Pass dict(model.named_parameters()), model.state_dict(), or a part.",
        )
    named = dict(model._named_places())
    unknown = [name for name in state if name not in named]
    if unknown:
        raise StateError.listing(
            "functional_call",
            f"{type(model).__name__} has no parameters or buffers of these names:",
            [str(name) for name in unknown],
            f"Expected names among {', '.join(named) or '(none)'}.",
        )
    values: dict[int, tuple[ag.Tensor, ag.Tensor]] = {}
    origin: dict[int, tuple[str, Any]] = {}
    for name, value in state.items():
        target = named[name]
        first, known = origin.setdefault(id(target), (name, value))
        if known is not value:
            raise StateError(
                "functional_call",
                f"{first} and {name} are one shared tensor, and are given two values. "
                "Expected one. Leave one of the names out.",
            )
        values[id(target)] = target, _fitted(name, value, target)
    return list(values.values())


def _fitted(name: str, value: ArrayLike, target: ag.Tensor) -> ag.Tensor:
    """``value`` as a Tensor that can stand for ``target``."""
    tensor = value if isinstance(value, ag.Tensor) else ag.tensor(value)
    if tensor.shape != target.shape:
        raise ShapeError(
            "functional_call",
            f"{name} has the wrong shape. Expected {target.shape}; received {tensor.shape}.",
        )
    if tensor.dtype == target.dtype:
        return tensor
    if not np.can_cast(tensor.dtype, target.dtype, "same_kind"):
        raise DTypeError(
            "functional_call",
            f"{name} has the wrong dtype. Expected {target.dtype}; received {tensor.dtype}.",
        )
    return ag.cast(tensor, target.dtype)
