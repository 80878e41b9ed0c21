"""The state of an optimizer: all that another one needs to go on exactly as this one would have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypedDict

import numpy as np

import autograd_core as ag
from autograd_core.aliases import Array
from autograd_core.errors import ConfigError, StateError

from .arena import Arena
from .declared import from_json, to_json
from .groups import Group

__all__ = ["State", "load_state", "state_of"]


class State(TypedDict):
    """What an object needs to go on as if it had never stopped."""

    arrays: dict[str, Array]
    scalars: dict[str, Any]  # JSON values


class Stateful(Protocol):
    """What is read and written here of an optimizer."""

    updates: int
    skipped: int
    carried: dict[str, Array]

    @property
    def param_groups(self) -> tuple[Group, ...]: ...
    @property
    def params(self) -> tuple[ag.Tensor, ...]: ...


class _Settings(NamedTuple):
    """What a state says of one group."""

    labels: list[tuple[Any, ...]]  # of its parameters: name, shape, dtype
    values: dict[str, Any]
    transforms: Any


def state_of(optimizer: Stateful) -> State:
    """A copy of all that ``optimizer`` has; see `Optimizer.state_dict`."""
    places = _places(optimizer)
    arrays = {"steps": np.array([arena.steps[i] for _, arena, i in places], np.int64)}
    for k, (group, arena, i) in enumerate(places):
        for name in group.rule.slots:
            arrays[f"{name}.{k}"] = np.array(arena.slot(name, i))
    arrays.update({f"memory.{name}": np.array(array) for name, array in optimizer.carried.items()})
    return {
        "arrays": arrays,
        "scalars": {
            "optimizer": type(optimizer).__name__,
            "updates": optimizer.updates,
            "skipped": optimizer.skipped,
            "groups": [
                {
                    **{name: to_json(value) for name, value in group.items()},
                    **({"transforms": to_json(group.transforms)} if group.transforms else {}),
                    "params": [[t.name, list(t.shape), str(t.dtype)] for t in group.params],
                }
                for group in optimizer.param_groups
            ],
        },
    }


def load_state(optimizer: Stateful, state: State | Mapping[str, Any]) -> None:
    """Take over a state: all of it, or none and a StateError; see `Optimizer.load_state_dict`."""
    kind = type(optimizer).__name__
    faults: list[str] = []
    try:
        arrays, scalars = dict(state["arrays"]), dict(state["scalars"])
        groups = [_settings(group) for group in scalars["groups"]]
        counts = int(scalars["updates"]), int(scalars["skipped"])
    except (AttributeError, ConfigError, KeyError, TypeError, ValueError) as error:
        raise StateError(
            f"{kind}.load_state_dict",
            f"not a state of an optimizer ({error!r}). "
            "Nothing was changed. Pass what state_dict() returned.",
        ) from None
    except StateError as error:
        raise StateError(f"{kind}.load_state_dict", f"{error} Nothing was changed.") from None
    if scalars.get("optimizer") != kind:
        faults.append(f"class: expected {kind}, received {scalars.get('optimizer')}")
    faults += _group_faults(optimizer, groups)
    steps = np.asarray(arrays.pop("steps", None))
    places = _places(optimizer)
    if not faults:
        faults += _array_faults(_expected(optimizer, groups), arrays)
        if steps.shape != (len(places),) or steps.dtype.kind not in "iu" or (steps < 0).any():
            faults.append(f"steps: expected {len(places)} counts of 0 or more, received {steps!r}")
    if faults:
        raise StateError.listing(
            f"{kind}.load_state_dict",
            "the state does not fit; nothing was changed.",
            faults,
            "Build the optimizer with the class, groups and parameters it was saved with.",
        )
    for group, settings in zip(optimizer.param_groups, groups, strict=True):
        group.take(*_checked(group, settings))
        for arena in group.arenas:
            arena.forget()
    for k, (group, arena, i) in enumerate(places):
        arena.steps[i] = int(steps[k])
        for name in group.rule.slots:
            arena.slot(name, i)[...] = arrays[f"{name}.{k}"]
    for name, array in optimizer.carried.items():
        array[...] = arrays[f"memory.{name}"]
    optimizer.updates, optimizer.skipped = counts


def _settings(written: Mapping[str, Any]) -> _Settings:
    apart = {"params", "transforms"}
    return _Settings(
        [(name, tuple(shape), dtype) for name, shape, dtype in written["params"]],
        {name: from_json(value) for name, value in written.items() if name not in apart},
        from_json(written.get("transforms", [])),
    )


def _checked(group: Group, settings: _Settings) -> tuple[dict[str, Any], tuple[Any, ...]]:
    values = {name: group.checked(name, settings.values[name]) for name in group}
    return values, group.checked_transforms(settings.transforms)


def _places(optimizer: Stateful) -> list[tuple[Group, Arena, int]]:
    """Where each parameter lies, in the order of `params`."""
    places: dict[int, tuple[Group, Arena, int]] = {}
    for group in optimizer.param_groups:
        for arena in group.arenas:
            places.update({id(t): (group, arena, i) for i, t in enumerate(arena.tensors)})
    return [places[id(t)] for t in optimizer.params]


def _group_faults(optimizer: Stateful, groups: Sequence[_Settings]) -> list[str]:
    """What keeps groups of a state from being the groups here."""
    if len(groups) != len(optimizer.param_groups):
        return [f"groups: expected {len(optimizer.param_groups)}, received {len(groups)}"]
    faults: list[str] = []
    for k, (group, settings) in enumerate(zip(optimizer.param_groups, groups, strict=True)):
        own = [(t.name, t.shape, str(t.dtype)) for t in group.params]
        if len(settings.labels) != len(own):
            faults.append(
                f"group {k}: expected {len(own)} parameters, received {len(settings.labels)}"
            )
        for i, (a, b) in enumerate(zip(own, settings.labels, strict=False)):
            named_alike = a[0] is None or b[0] is None or a[0] == b[0]
            if not named_alike or a[1:] != b[1:]:
                faults.append(
                    f"group {k}, parameter {i}: expected {_label(a)}, received {_label(b)}"
                )
        for name in sorted(settings.values.keys() ^ set(group)):
            what = "missing" if name in group else "unexpected"
            faults.append(f"group {k}: {what} hyperparameter {name!r}")
        try:
            group.rule_of(*_checked(group, settings))
        except KeyError:
            pass  # listed as missing above
        except ConfigError as error:
            faults.append(f"group {k}: {error}")
    return faults


def _expected(optimizer: Stateful, groups: Sequence[_Settings]) -> dict[str, tuple[Any, Any]]:
    """Names of the arrays that a state with these settings holds, with their shapes and dtypes."""
    owners = [
        (t, group.rule_of(*_checked(group, settings)))
        for group, settings in zip(optimizer.param_groups, groups, strict=True)
        for t in group.params
    ]
    slots = {
        f"{name}.{k}": (rule.shape_of(name, t.shape), t.dtype)
        for k, (t, rule) in enumerate(owners)
        for name in rule.slots
    }
    kept = {f"memory.{name}": (a.shape, a.dtype) for name, a in optimizer.carried.items()}
    return {**slots, **kept}


def _label(label: tuple[Any, ...]) -> str:
    name, shape, dtype = label
    return f"{name or 'a parameter'} of shape {shape}, {dtype}"


def _array_faults(expected: dict[str, tuple[Any, Any]], arrays: dict[str, Any]) -> list[str]:
    faults = [f"missing: {name}" for name in expected if name not in arrays]
    faults += [f"unexpected: {name}" for name in arrays if name not in expected]
    for name, (shape, dtype) in expected.items():
        if name in arrays:
            array = np.asarray(arrays[name])
            if array.shape != shape:
                faults.append(f"wrong shape: {name}: expected {shape}, received {array.shape}")
            elif array.dtype != dtype:
                faults.append(f"wrong dtype: {name}: expected {dtype}, received {array.dtype}")
    return faults
