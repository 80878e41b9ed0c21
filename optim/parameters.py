"""What may be optimized: the parameters that an optimizer is given, as groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import autograd_core as ag
from autograd_core.errors import ConfigError

__all__ = ["Params", "groups_of"]

Params = Iterable[ag.Tensor] | Iterable[Mapping[str, Any]]


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
