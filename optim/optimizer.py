"""Optimizer: parameters in groups, a pure update rule, and a step that applies it in place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Literal, TypedDict

import numpy as np

import autograd_core as ag
from autograd_core.aliases import Array
from autograd_core.context import CONTEXT, Structured, bump, refused
from autograd_core.errors import AnomalyError, CaptureError, ConfigError, StateError

from .arena import Arena
from .captured_step import record_step
from .groups import Group
from .hyperparameters import Choice, Hyperparameter, dropped
from .scope import Scope

__all__ = ["Optimizer", "Params", "State"]

Params = Iterable[ag.Tensor] | Iterable[Mapping[str, Any]]
NonFinite = Literal["raise", "skip", "ignore"]


class State(TypedDict):
    """What an object needs to go on as if it had never stopped."""

    arrays: dict[str, Array]
    scalars: dict[str, Any]  # JSON values


class Optimizer(Structured):
    """What all optimizers share: groups, gradients, steps, state.

    A subclass says what its hyperparameters are, which slots it keeps for each parameter, and how
    one update is computed. The rule is a pure function in Tensor operators, with the slide's
    letters: the function that is proved is the one that runs, and `step` runs it in place over all
    parameters of a group at once.

    Parameters
    ----------
    params : iterable of Tensor, or iterable of dict
        Leaves that require a gradient, or are frozen; or groups, each a dict with the key ``"params"`` and any
        hyperparameters that are to differ from the defaults given here.
    nonfinite : {"raise", "skip", "ignore"}
        What `step` does when a gradient holds nan or inf. ``"raise"``: AnomalyError naming the
        parameter. ``"skip"``: nothing at all, and `skipped` counts it. ``"ignore"``: the update is
        made, without looking (it saves a pass over the gradients).
    **options
        Default values of the hyperparameters.

    Attributes
    ----------
    hyperparameters : dict of str to Interval or Choice
        Class attribute: name and range of each.
    scope : {"element", "parameter", "all"}
        Class attribute: what one call of the rule sees. ``"element"`` (the default): flat arrays cut
        anywhere, so an element's new value may depend on that element alone; this is checked when an
        optimizer is made, and a rule that looks further is refused by name. ``"parameter"``: one
        parameter, in its shape (the norms of LARS and LAMB). ``"all"``: all parameters of a group
        that have a gradient, of one dtype, end to end in one flat array (clipping by the norm of
        everything); ``step`` is then that of the one updated most often. Eager and compiled steps
        give the same.
    param_groups : tuple of Group
        Each a checked dict of hyperparameters, with ``.params``.
    updates : int
        Steps taken, the k or j of the slides.
    skipped : int
        Steps not taken because of ``nonfinite="skip"``.

    Raises
    ------
    ConfigError
        If there are no parameters, one is given twice, was computed or is a buffer, none requires a
        gradient, a hyperparameter is unknown or outside its range, or the rule looks beyond its scope.

    Notes
    -----
    * A parameter whose ``grad`` is None, and a frozen one (``requires_grad_(False)``) whatever its
      ``grad``, is left as it is, slots and count of steps included. It may be frozen and unfrozen at
      any time.
    * Construction moves the parameters of each group and dtype into one flat array. Values do not
      change, but views that were taken of their memory before no longer follow them.
    * Slots start at zero.
    * Copying (``copy.deepcopy``) or pickling an optimizer together with its model keeps the two
      together; by itself it carries copies of the parameters along.

    Examples
    --------
    A new optimizer is a class of its own; nothing else has to be written.

    >>> import numpy as np, autograd_core as ag
    >>> from optim.hyperparameters import NON_NEGATIVE
    >>> class SignDescent(Optimizer):
    ...     hyperparameters = {"lr": NON_NEGATIVE}
    ...
    ...     def __init__(self, params, lr):
    ...         super().__init__(params, lr=lr)
    ...
    ...     @staticmethod
    ...     def update(theta, g, *, step, lr):
    ...         return (theta - lr * ag.sign(g),)
    >>> w = ag.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = SignDescent([w], lr=0.5)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    Tensor([ 0.5, -1.5], requires_grad=True)
    """

    hyperparameters: ClassVar[dict[str, Hyperparameter]] = {}
    scope: ClassVar[Scope] = "element"

    # A Callable, so that a subclass may name its slots and hyperparameters.
    update: ClassVar[Callable[..., tuple[Any, ...]]]
    """``update(theta, g, *slots, step, **hyperparameters) -> (theta, *slots)``; pure.

    ``step`` counts from 1. A hyperparameter with ``zero_drops_term`` is None when it is 0.
    """

    def __init__(self, params: Params, *, nonfinite: NonFinite = "raise", **options: Any) -> None:
        kind = type(self).__name__
        self.nonfinite = nonfinite
        self.updates = 0
        self.skipped = 0
        groups = _groups(kind, params)
        _check_parameters(kind, [t for group in groups for t in group["params"]])
        self.param_groups = tuple(
            Group(
                group["params"],
                type(self),
                {**options, **{name: value for name, value in group.items() if name != "params"}},
            )
            for group in groups
        )

    # --- what a subclass may say ------------------------------------------------------------------

    @classmethod
    def slots(cls, options: Mapping[str, Any]) -> tuple[str, ...]:
        """Names of the arrays kept for each parameter, given the hyperparameters."""
        return ()

    @classmethod
    def check(cls, options: Mapping[str, Any]) -> None:
        """Raise ConfigError if hyperparameters, each within its range, do not go together."""

    # --- the rule ---------------------------------------------------------------------------------

    @classmethod
    def split(cls, options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, float]]:
        """Options that shape the rule (choices, dropped terms), and those that are its inputs."""
        constants: dict[str, Any] = {}
        scalars: dict[str, float] = {}
        for name, kind in cls.hyperparameters.items():
            value = options[name]
            if isinstance(kind, Choice):
                constants[name] = value
            elif dropped(kind, value):
                constants[name] = None
            else:
                scalars[name] = value
        return constants, scalars

    def program(
        self, group: int = 0, size: int | ag.Dim | tuple[int, ...] | None = None
    ) -> ag.Program[Any]:
        """The update rule of a group as it is run: a Program to print, draw or prove.

        Parameters
        ----------
        group : int
            Which group.
        size : int, Dim or tuple of int, optional
            Elements of flat arrays, or a shape. Default: a symbolic size, which stands for every one.

        Returns
        -------
        Program
            Inputs: theta, g, the slots, then the numbers in the order of
            ``param_groups[group].rule.scalars``. Outputs: theta, the slots.
        """
        chosen = self.param_groups[group]
        (n,) = ag.dims("n") if size is None else (size,)
        return chosen.rule.program(n, chosen.params[0].dtype)

    # --- use --------------------------------------------------------------------------------------

    @property
    def param_groups(self) -> tuple[Group, ...]:
        """The groups, in the order in which they were given."""
        return self._groups

    @param_groups.setter
    def param_groups(self, groups: Iterable[Group]) -> None:
        self._groups = tuple(groups)
        bump()

    @property
    def params(self) -> tuple[ag.Tensor, ...]:
        """All parameters, group by group."""
        return tuple(t for group in self.param_groups for t in group.params)

    @property
    def lr(self) -> float:
        """The learning rate η of all groups; setting it sets it in each.

        Raises
        ------
        ConfigError
            When read while groups differ; when set outside its range.
        """
        rates = {group["lr"] for group in self.param_groups}
        if len(rates) > 1:
            raise ConfigError(
                f"{type(self).__name__}.lr: the groups differ: {sorted(rates)}. Read "
                "optimizer.param_groups[i]['lr']."
            )
        rate: float = rates.pop()
        return rate

    @lr.setter
    def lr(self, value: float) -> None:
        for group in self.param_groups:
            group["lr"] = value

    def zero_grad(self) -> None:
        """Forget the gradients: ``grad`` becomes None in every parameter."""
        for group in self.param_groups:
            for t in group.params:
                t.grad = None

    def step(self) -> None:
        """Make one update of every parameter that has a gradient.

        Raises
        ------
        AnomalyError
            If a gradient is not finite and ``nonfinite="raise"``; no parameter was changed.

        Notes
        -----
        Inside of `ag.jit` and `ag.trace` nothing is written: new values of parameters and slots are
        writes of the program, hyperparameters and counts of steps its numbers. (A traced program
        says nothing of ``nonfinite="raise"``; a compiled step raises.)
        """
        capture = CONTEXT.get().capture
        if capture is not None:
            record_step(self, capture)
            return
        work = [(group, arena) for group in self.param_groups for arena in group.arenas]
        for _, arena in work:
            arena.load()
        if self.nonfinite != "ignore":
            for _, arena in work:
                bad = arena.not_finite()
                if bad is not None and self.nonfinite == "raise":
                    t = arena.tensors[bad]
                    raise self._anomaly(t, np.asarray(t.grad))
                if bad is not None:
                    self.skipped += 1
                    return
        for group, arena in work:
            arena.update(group.rule, group.scalars)
        self.updates += 1

    @property
    def nonfinite(self) -> NonFinite:
        """What `step` does when a gradient holds nan or inf."""
        return self._nonfinite

    @nonfinite.setter
    def nonfinite(self, value: NonFinite) -> None:
        Choice(("raise", "skip", "ignore")).check(f"{type(self).__name__}: nonfinite", value)
        self._nonfinite = value
        bump()

    def __structure__(self) -> tuple[Any, ...]:
        return type(self), self._nonfinite, *self.param_groups

    def _anomaly(self, t: ag.Tensor, g: Array, ahead: int = 0) -> AnomalyError:
        """The error for a gradient ``g`` of ``t``, ``ahead`` steps after the next."""
        place = next(i for i, other in enumerate(self.params) if other is t)
        bad = int(g.size - np.isfinite(g).sum())
        name = f" ({t.name!r})" if t.name else ""
        return AnomalyError(
            f"{type(self).__name__}.step: the gradient of parameter {place}{name}, shape {t.shape}, "
            f"is not finite in {bad} of {g.size} elements, at step {self.updates + 1 + ahead}. No parameter "
            "was changed. Lower the learning rate, find the operation with ag.detect_anomaly(), or "
            'pass nonfinite="skip".'
        )

    def slots_of(self, parameter: ag.Tensor) -> dict[str, Array]:
        """The slots of one parameter by name, as read-only views of its shape.

        Raises
        ------
        ConfigError
            If this optimizer does not have the parameter.
        """
        for group in self.param_groups:
            for arena in group.arenas:
                for i, t in enumerate(arena.tensors):
                    if t is parameter:
                        return {name: _read_only(arena.slot(name, i)) for name in group.rule.slots}
        raise ConfigError(
            f"{type(self).__name__}.slots_of: the tensor of shape {parameter.shape} is none of its parameters."
        )

    # --- state ------------------------------------------------------------------------------------

    def _places(self) -> list[tuple[Group, Arena, int]]:
        """Where each parameter lies, in the order of `params`."""
        found: dict[int, tuple[Group, Arena, int]] = {}
        for group in self.param_groups:
            for arena in group.arenas:
                found.update({id(t): (group, arena, i) for i, t in enumerate(arena.tensors)})
        return [found[id(t)] for t in self.params]

    def state_dict(self) -> State:
        """All that a later optimizer needs in order to go on exactly like this one.

        Returns
        -------
        dict
            ``"arrays"``: slots as ``"<slot>.<parameter>"``, and ``"steps"``, the updates made to
            each parameter, shape (parameters,), int64. ``"scalars"``: JSON values (class, groups
            with their hyperparameters and the names and shapes of their parameters, `updates`,
            `skipped`). Copies: later steps do not change it.

        Raises
        ------
        CaptureError
            Inside of a compiled step, which would see the numbers of one moment.
        """
        _not_captured(f"{type(self).__name__}.state_dict")
        places = self._places()
        arrays = {"steps": np.array([arena.steps[i] for _, arena, i in places], np.int64)}
        for k, (group, arena, i) in enumerate(places):
            for name in group.rule.slots:
                arrays[f"{name}.{k}"] = np.array(arena.slot(name, i))
        return {
            "arrays": arrays,
            "scalars": {
                "optimizer": type(self).__name__,
                "updates": self.updates,
                "skipped": self.skipped,
                "groups": [
                    {
                        **group,
                        "params": [[t.name, list(t.shape), str(t.dtype)] for t in group.params],
                    }
                    for group in self.param_groups
                ],
            },
        }

    def load_state_dict(self, state: State | Mapping[str, Any]) -> None:
        """Take over a state that `state_dict` gave: all of it, or none and an error.

        Hyperparameters are taken over too, the learning rate among them.

        Raises
        ------
        StateError
            One error that lists every fault: another class, other groups or parameters, missing,
            unexpected, mis-shaped and mis-typed arrays, hyperparameters outside their range.
            Nothing was changed.
        CaptureError
            Inside of a compiled step.
        """
        _not_captured(f"{type(self).__name__}.load_state_dict")
        faults: list[str] = []
        try:
            arrays, scalars = dict(state["arrays"]), dict(state["scalars"])
            options = [
                {name: value for name, value in group.items() if name != "params"}
                for group in scalars["groups"]
            ]
            labels = [
                [(name, tuple(shape), dtype) for name, shape, dtype in group["params"]]
                for group in scalars["groups"]
            ]
            counts = int(scalars["updates"]), int(scalars["skipped"])
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise StateError(
                f"{type(self).__name__}.load_state_dict: not a state of an optimizer ({error!r}). "
                "Nothing was changed. Pass what state_dict() returned."
            ) from None
        if scalars.get("optimizer") != type(self).__name__:
            faults.append(
                f"class: expected {type(self).__name__}, received {scalars.get('optimizer')}"
            )
        faults += self._group_faults(labels, options)
        steps = np.asarray(arrays.pop("steps", None))
        places = self._places()
        if not faults:
            faults += _array_faults(self._expected(options), arrays)
            if steps.shape != (len(places),) or steps.dtype.kind not in "iu" or (steps < 0).any():
                faults.append(
                    f"steps: expected {len(places)} counts of 0 or more, received {steps!r}"
                )
        if faults:
            raise StateError.listing(
                f"{type(self).__name__}.load_state_dict",
                "the state does not fit; nothing was changed.",
                faults,
                "Build the optimizer with the class, groups and parameters it was saved with.",
            )
        for group, values in zip(self.param_groups, options, strict=True):
            group.take({name: group.checked(name, values[name]) for name in group})
            for arena in group.arenas:
                arena.forget()
        for k, (group, arena, i) in enumerate(places):
            arena.steps[i] = int(steps[k])
            for name in group.rule.slots:
                arena.slot(name, i)[...] = arrays[f"{name}.{k}"]
        self.updates, self.skipped = counts

    def _group_faults(
        self, labels: list[list[tuple[Any, ...]]], options: list[dict[str, Any]]
    ) -> list[str]:
        """What keeps groups of a state from being the groups here."""
        if len(labels) != len(self.param_groups):
            return [f"groups: expected {len(self.param_groups)}, received {len(labels)}"]
        faults: list[str] = []
        for k, (group, found, values) in enumerate(
            zip(self.param_groups, labels, options, strict=True)
        ):
            own = [(t.name, t.shape, str(t.dtype)) for t in group.params]
            if len(found) != len(own):
                faults.append(f"group {k}: expected {len(own)} parameters, received {len(found)}")
            for i, (a, b) in enumerate(zip(own, found, strict=False)):
                named_alike = a[0] is None or b[0] is None or a[0] == b[0]
                if not named_alike or a[1:] != b[1:]:
                    faults.append(
                        f"group {k}, parameter {i}: expected {_label(a)}, received {_label(b)}"
                    )
            for name in sorted(values.keys() ^ set(group)):
                what = "missing" if name in group else "unexpected"
                faults.append(f"group {k}: {what} hyperparameter {name!r}")
            try:
                self.check(
                    {name: group.checked(name, values[name]) for name in group if name in values}
                )
            except KeyError:
                pass  # listed as missing above
            except ConfigError as error:
                faults.append(f"group {k}: {error}")
        return faults

    def _expected(self, options: list[dict[str, Any]]) -> dict[str, ag.Tensor]:
        """Names of the arrays that a state with these hyperparameters holds, and whose they are."""
        owners = [
            (t, values)
            for group, values in zip(self.param_groups, options, strict=True)
            for t in group.params
        ]
        return {
            f"{name}.{k}": t for k, (t, values) in enumerate(owners) for name in self.slots(values)
        }

    def __getstate__(self) -> dict[str, Any]:
        # Memory is shared between tensors and arenas; a copy has to be laid out anew.
        rest = {name: value for name, value in vars(self).items() if name != "_groups"}
        groups = [{**group, "params": list(group.params)} for group in self.param_groups]
        return {"rest": rest, "groups": groups, "state": self.state_dict()}

    def __setstate__(self, copied: dict[str, Any]) -> None:
        vars(self).update(copied["rest"])
        self.param_groups = tuple(
            Group(group.pop("params"), type(self), group) for group in copied["groups"]
        )
        self.load_state_dict(copied["state"])

    def __repr__(self) -> str:
        if len(self.param_groups) == 1:
            return f"{type(self).__name__}({self.param_groups[0]!r})"
        lines = [f"  {k}: {group!r}" for k, group in enumerate(self.param_groups)]
        return "\n".join([f"{type(self).__name__}(", *lines, ")"])


def _not_captured(operation: str) -> None:
    capture = CONTEXT.get().capture
    if capture is not None and capture.blind:
        raise refused(
            CaptureError(
                f"{operation}: called inside of a compiled step, where counts and slots are not known: they are "
                "what they are at each run. Call it outside; a slot is read by slots_of(parameter)."
            )
        )


def _label(label: tuple[Any, ...]) -> str:
    name, shape, dtype = label
    return f"{name or 'a parameter'} of shape {shape}, {dtype}"


def _groups(kind: str, params: Any) -> list[dict[str, Any]]:
    """What the user gave, as a list of groups."""
    if isinstance(params, (ag.Tensor, Mapping)) or not isinstance(params, Iterable):
        raise ConfigError(
            f"{kind}: expected an iterable of parameters, or of groups; received "
            f"{type(params).__name__}. Pass model.parameters(), [tensor], or [{{'params': …, 'lr': …}}]."
        )
    entries = list(params)
    if not any(isinstance(entry, Mapping) for entry in entries):
        entries = [{"params": entries}]
    groups: list[dict[str, Any]] = []
    for k, entry in enumerate(entries):
        if not isinstance(entry, Mapping) or "params" not in entry:
            raise ConfigError(
                f"{kind}: group {k} is {type(entry).__name__}. Expected every group to be a dict with "
                "the key 'params'."
            )
        found = entry["params"]
        found = [found] if isinstance(found, ag.Tensor) else list(found)
        if not found:
            raise ConfigError(
                f"{kind}: no parameters{f' in group {k}' if len(entries) > 1 else ''}. Expected at "
                "least one. A generator can be read once only: call model.parameters() again."
            )
        groups.append({**entry, "params": found})
    return groups


def _check_parameters(kind: str, params: list[Any]) -> None:
    seen: dict[int, int] = {}
    for k, t in enumerate(params):
        if not isinstance(t, ag.Tensor):
            raise ConfigError(
                f"{kind}: parameter {k} is {type(t).__name__}. Expected a Tensor; "
                "model.parameters() gives them."
            )
        label = f"{kind}: parameter {k}{f' ({t.name!r})' if t.name else ''}, shape {t.shape},"
        if not t.is_leaf:
            raise ConfigError(
                f"{label} was computed. Expected a leaf. Optimize the tensors that it was computed from."
            )
        if t.dtype.kind != "f" or t.role == "buffer":
            raise ConfigError(
                f"{label} is no parameter but {'a buffer' if t.role == 'buffer' else f'of dtype {t.dtype}'}. "
                "Expected tensors to be trained, of a float dtype. Leave it out."
            )
        if id(t) in seen:
            raise ConfigError(
                f"{label} is given twice, first as parameter {seen[id(t)]}. Give it once."
            )
        seen[id(t)] = k
    if params and not any(t.requires_grad or t.role == "parameter" for t in params):
        raise ConfigError(
            f"{kind}: none of the {len(params)} parameters requires a gradient. Expected tensors to be "
            "trained. Make them with ag.tensor(values, requires_grad=True)."
        )


def _array_faults(expected: dict[str, ag.Tensor], arrays: dict[str, Any]) -> list[str]:
    faults = [f"missing: {name}" for name in expected if name not in arrays]
    faults += [f"unexpected: {name}" for name in arrays if name not in expected]
    for name, t in expected.items():
        if name in arrays:
            found = np.asarray(arrays[name])
            if found.shape != t.shape:
                faults.append(f"wrong shape: {name}: expected {t.shape}, received {found.shape}")
            elif found.dtype != t.dtype:
                faults.append(f"wrong dtype: {name}: expected {t.dtype}, received {found.dtype}")
    return faults


def _read_only(array: Array) -> Array:
    array.flags.writeable = False
    return array
