"""What may be optimized: the parameters that an optimizer is given, as groups."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core.errors import ConfigError

__all__ = ["Params", "groups_of", "masked"]

Params = Iterable[ag.Tensor] | Iterable[Mapping[str, Any]]


def masked(
    params: Iterable[ag.Tensor],
    mask: Callable[[ag.Tensor], bool] | Iterable[bool],
    **outside: Any,
) -> list[dict[str, Any]]:
    """Parameters as two groups: those that a mask chooses, and the others, for which other values hold.

    Parameters
    ----------
    params : iterable of Tensor
    mask : function of a Tensor to bool, or iterable of bool
        Which are chosen; of an iterable one for each parameter, in their order.
    **outside
        Hyperparameters, or ``transforms``, of those that are not chosen.

    Returns
    -------
    list of dict
        Groups for any optimizer; one that would be empty is left out.

    Raises
    ------
    ConfigError
        If the mask is of another length, gives something else than True and False, or chooses nothing.

    Notes
    -----
    Within a group the order is that of ``params``; ``optimizer.params`` has the chosen ones first. A parameter
    that no rule is to touch is frozen, or not handed over at all.

    Examples
    --------
    Matrices decay, biases do not:

    >>> import numpy as np, autograd_core as ag, optim
    >>> W, b = (
    ...     ag.tensor(np.ones((2, 2)), requires_grad=True),
    ...     ag.tensor(np.ones(2), requires_grad=True),
    ... )
    >>> groups = optim.masked([W, b], lambda t: t.ndim > 1, weight_decay=0.0)
    >>> optimizer = optim.AdamW(groups, weight_decay=0.1)
    >>> [group["weight_decay"] for group in optimizer.param_groups]
    [0.1, 0.0]
    """
    tensors: list[Any] = [params] if isinstance(params, (ag.Tensor, Mapping)) else list(params)
    for k, t in enumerate(tensors):
        if not isinstance(t, ag.Tensor):
            raise ConfigError(
                "masked",
                f"parameter {k} is {type(t).__name__}. Expected tensors, not groups of them.",
            )
    chosen = [mask(t) for t in tensors] if callable(mask) else list(mask)
    if len(chosen) != len(tensors):
        raise ConfigError(
            "masked",
            f"expected a mask of {len(tensors)}, one for each parameter; received {len(chosen)}.",
        )
    for k, flag in enumerate(chosen):
        if not isinstance(flag, (bool, np.bool_)):
            raise ConfigError(
                "masked", f"expected True or False for parameter {k}; received {flag!r:.60}."
            )
    groups = [
        {"params": [t for t, flag in zip(tensors, chosen, strict=True) if flag]},
        {"params": [t for t, flag in zip(tensors, chosen, strict=True) if not flag], **outside},
    ]
    if not groups[0]["params"]:
        raise ConfigError(
            "masked",
            f"the mask chooses none of {len(tensors)} parameters. Expected one at least. Give the optimizer "
            "the parameters as they are, with the values that hold for all.",
        )
    return [group for group in groups if group["params"]]


def groups_of(kind: str, params: Any) -> list[dict[str, Any]]:
    """What the user gave as parameters, as a list of groups: checked, but for hyperparameters."""
    if isinstance(params, (ag.Tensor, Mapping)) or not isinstance(params, Iterable):
        raise ConfigError(
            kind,
            "expected an iterable of parameters, or of groups; received "
            f"{type(params).__name__}. Pass model.parameters(), [tensor], or [{{'params': …, 'lr': …}}].",
        )
    entries = list(params)
    if not any(isinstance(entry, Mapping) for entry in entries):
        entries = [{"params": entries}]
    groups: list[dict[str, Any]] = []
    for k, entry in enumerate(entries):
        if not isinstance(entry, Mapping) or "params" not in entry:
            raise ConfigError(
                kind,
                f"group {k} is {type(entry).__name__}. Expected every group to be a dict with "
                "the key 'params'.",
            )
        members = entry["params"]
        members = [members] if isinstance(members, ag.Tensor) else list(members)
        if not members:
            raise ConfigError(
                kind,
                f"no parameters{f' in group {k}' if len(entries) > 1 else ''}. Expected at "
                "least one. A generator can be read once only: call model.parameters() again.",
            )
        groups.append({**entry, "params": members})
    _check_parameters(kind, [t for group in groups for t in group["params"]])
    return groups


def _check_parameters(kind: str, params: list[Any]) -> None:
    seen: dict[int, int] = {}
    for k, t in enumerate(params):
        if not isinstance(t, ag.Tensor):
            raise ConfigError(
                kind,
                f"parameter {k} is {type(t).__name__}. Expected a Tensor; "
                "model.parameters() gives them.",
            )
        label = f"parameter {k}{f' ({t.name!r})' if t.name else ''}, shape {t.shape},"
        if not t.is_leaf:
            raise ConfigError(
                kind,
                f"{label} was computed. Expected a leaf. Optimize the tensors that it was computed from.",
            )
        if t.dtype.kind != "f" or t.role == "buffer":
            raise ConfigError(
                kind,
                f"{label} is no parameter but {'a buffer' if t.role == 'buffer' else f'of dtype {t.dtype}'}. "
                "Expected tensors to be trained, of a float dtype. Leave it out.",
            )
        if id(t) in seen:
            raise ConfigError(
                kind, f"{label} is given twice, first as parameter {seen[id(t)]}. Give it once."
            )
        seen[id(t)] = k
    if params and not any(t.requires_grad or t.role == "parameter" for t in params):
        raise ConfigError(
            kind,
            f"none of the {len(params)} parameters requires a gradient. Expected tensors to be "
            "trained. Make them with ag.tensor(values, requires_grad=True).",
        )
