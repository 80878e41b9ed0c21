"""Optimizer: parameters in groups, a pure update rule, and a step that applies it in place."""

from __future__ import annotations

import inspect
import math
import numbers
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import KW_ONLY
from typing import Any, ClassVar, Literal

import numpy as np

import autograd_core as ag
from autograd_core.aliases import Array
from autograd_core.context import CONTEXT, refused
from autograd_core.errors import AnomalyError, CaptureError, ConfigError
from autograd_core.structure import Structured, bump

from .captured_step import record_step
from .declared import Declared, argument
from .groups import Group
from .hyperparameters import Choice
from .parameters import Params, groups_of
from .schedules.schedule import Schedule
from .scope import Scope
from .state import State, load_state, state_of
from .transforms.transform import Transform

__all__ = ["Optimizer", "Params", "State"]

NonFinite = Literal["raise", "skip", "ignore"]


class Optimizer(Declared, Structured):
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
    maximize : bool
        Climb instead of descend: the whole rule, transforms included, is shown −g for g. A group may differ.
    transforms : sequence of Transform
        What stands around the update, the outermost first: clipping, decay, averaging. A group may
        have its own.
    nonfinite : {"raise", "skip", "ignore"}
        What `step` does when a gradient holds nan or inf. ``"raise"``: AnomalyError naming the
        parameter. ``"skip"``: nothing at all, and `skipped` counts it. ``"ignore"``: the update is
        made, without looking (it saves a pass over the gradients).
    *values, **options
        Default values of the hyperparameters, in the order in which they are declared or by name.

    Attributes
    ----------
    hyperparameters : dict of str to range
        Class attribute: name and range of each, from the annotated attributes of the class; see
        `Declared`. As attributes of an optimizer they are those of all groups.
    scope : {"element", "parameter", "all"}
        Class attribute: what one call of the rule sees. ``"element"`` (the default): flat arrays cut
        anywhere, so an element's new value may depend on that element alone; this is checked when an
        optimizer is made, and a rule that looks further is refused by name. ``"parameter"``: one
        parameter, in its shape (the norms of LARS and LAMB). ``"all"``: all parameters of a group
        that have a gradient, of one dtype, end to end in one flat array (clipping by the norm of
        everything); ``step`` is then that of the one updated most often. Eager and compiled steps
        give the same.
    numbers : tuple of str
        Class attribute: those of its slots that are one number for each parameter, instead of an array of
        its shape. Scope ``"parameter"`` alone has such.
    param_groups : tuple of Group
        Each a checked dict of hyperparameters, with ``.params``.
    updates : int
        Steps taken, the k or j of the slides.
    skipped : int
        Steps not taken because of ``nonfinite="skip"``.
    carried : dict of str to array
        What it keeps beside the slots, of shapes that do not change; a part of its state.

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
    * Slots start at zero, again where a choice brings them back: momentum that was 0 for a while begins anew.
    * Copying (``copy.deepcopy``) or pickling an optimizer together with its model keeps the two
      together; by itself it carries copies of the parameters along.

    Examples
    --------
    A new optimizer is a class of its own; nothing else has to be written.

    >>> import numpy as np, autograd_core as ag
    >>> from optim.hyperparameters import NonNegative
    >>> class SignDescent(Optimizer):
    ...     lr: NonNegative
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

    scope: ClassVar[Scope] = "element"
    numbers: ClassVar[tuple[str, ...]] = ()

    examples: ClassVar[Sequence[Mapping[str, Any]]] = ()
    """Options under which it gets from a distance of 3 to the minimum of a bowl of curvatures 1, 4 and
    8 in 300 updates: what the contract of the tests tries it with."""

    on_quadratics: ClassVar[Mapping[str, Any]] = {}
    """Options under which it gets to a thousandth of its first gradient on any of 50 random coupled quadratics of
    curvatures between 1/condition and 1, condition 10 or 100, in 20,000 updates. If empty, the first example."""

    # A Callable, so that a subclass may name its slots and hyperparameters.
    update: ClassVar[Callable[..., tuple[Any, ...]]]
    """``update(theta, g, *slots, step, **hyperparameters) -> (theta, *slots)``; pure.

    ``step`` counts from 1. A hyperparameter that is a `Term` is None when it is 0. One that names ``loss``, too, is
    told it, a number: see `asks_for_loss`.
    """

    # The arguments that are no hyperparameters.
    _given_params: Params = argument(alias="params")
    _given_transforms: Sequence[Transform] = argument(alias="transforms", default=(), kw_only=True)
    _nonfinite: NonFinite = argument(alias="nonfinite", default="raise", kw_only=True)
    # What holds of every rule, and is no argument of it.
    _: KW_ONLY
    maximize: bool = False
    _open = ("lr",)

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for name in cls.hyperparameters:
            if name in ("updates", "skipped", "carried"):
                raise TypeError(
                    f"{cls.__name__}.{name}: expected another name: every optimizer has an attribute {name!r} "
                    "of its own."
                )
            setattr(cls, name, _OfAllGroups(name))
        if cls.numbers and cls.scope != "parameter":
            raise TypeError(
                f'{cls.__name__}.numbers: expected none, or scope = "parameter": a rule of scope {cls.scope!r} '
                f"is not called for one parameter. Received {cls.numbers!r}."
            )
        _check_names(cls)

    def __init__(
        self,
        params: Params,
        *values: Any,
        transforms: Sequence[Transform] = (),
        nonfinite: NonFinite = "raise",
        **options: Any,
    ) -> None:
        self.nonfinite = nonfinite
        self.updates = 0
        self.skipped = 0
        self.carried: dict[str, Array] = {}
        defaults = {**self._given(values, options), "transforms": transforms}
        groups = [{**defaults, **group} for group in groups_of(type(self).__name__, params)]
        self.param_groups = tuple(
            Group(
                group.pop("params"), type(self), transforms=group.pop("transforms"), options=group
            )
            for group in groups
        )

    # --- what a subclass may say ------------------------------------------------------------------

    @classmethod
    def slots(cls, options: Mapping[str, Any]) -> tuple[str, ...]:
        """Names of the arrays kept for each parameter, given the hyperparameters."""
        return ()

    @classmethod
    def asks_for_loss(cls, options: Mapping[str, Any]) -> bool:
        """Whether the update is told ``loss``, which `step` is then to be handed, given the hyperparameters.

        By default, if it names it without giving it a default.
        """
        loss = inspect.signature(cls.update).parameters.get("loss")
        return loss is not None and loss.default is inspect.Parameter.empty

    @classmethod
    def check(cls, options: Mapping[str, Any]) -> None:
        """Raise ConfigError if hyperparameters, each within its range, do not go together."""

    # --- the rule ---------------------------------------------------------------------------------

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
    def lr(self) -> float | Schedule:
        """The learning rate η of all groups; setting it sets it in each.

        So it is with every hyperparameter: ``optimizer.momentum = 0.5``.

        Raises
        ------
        ConfigError
            When read while groups differ; when set outside its range.
        """
        raise AttributeError(f"{type(self).__name__} has no hyperparameter 'lr'.")

    @lr.setter
    def lr(self, value: float | Schedule) -> None:
        raise AttributeError(f"{type(self).__name__} has no hyperparameter 'lr'.")

    @property
    def transforms(self) -> tuple[Transform, ...]:
        """What stands around the update in all groups; setting it sets it in each.

        Raises
        ------
        ConfigError
            When read while groups differ; when set to what cannot stand there.
        """
        first, *others = (group.transforms for group in self.param_groups)
        if any(other != first for other in others):
            raise ConfigError(
                f"{type(self).__name__}.transforms",
                "the groups differ. Read optimizer.param_groups[i].transforms.",
            )
        return first

    @transforms.setter
    def transforms(self, transforms: Sequence[Transform]) -> None:
        for group in self.param_groups:
            group.transforms = tuple(transforms)

    def zero_grad(self) -> None:
        """Forget the gradients: ``grad`` becomes None in every parameter."""
        for group in self.param_groups:
            for t in group.params:
                t.grad = None

    def step(self, loss: Any = None) -> None:
        """Make one update of every parameter that has a gradient.

        Parameters
        ----------
        loss : Tensor of one element or float, optional
            What the gradients are of. Needed by a rule that compares losses, such as
            ``Rprop(form="irprop+")``; others do not look at it.

        Raises
        ------
        AnomalyError
            If a gradient, or a loss that is needed, is not finite and ``nonfinite="raise"``; no parameter was
            changed.
        ConfigError
            If a loss is needed and there is none.

        Notes
        -----
        Inside of `ag.jit` and `ag.trace` nothing is written: new values of parameters and slots are
        writes of the program, hyperparameters and counts of steps its numbers. (A traced program
        says nothing of ``nonfinite="raise"``; a compiled step raises.)
        """
        if self.compares_losses:
            loss = self._checked_loss(loss)
        elif callable(loss):
            raise self._called(loss)
        capture = CONTEXT.get().capture
        if capture is not None:
            record_step(self, capture, loss)
            return
        work = [(group, arena) for group in self.param_groups for arena in group.arenas]
        for _, arena in work:
            arena.load()
        if self.nonfinite != "ignore":
            for _, arena in work:
                bad = arena.not_finite()
                if bad is not None and self.nonfinite == "raise":
                    t = arena.tensors[bad]
                    raise self.anomaly(t, np.asarray(t.grad))
                if bad is not None:
                    self.skipped += 1
                    return
            if isinstance(loss, float) and not math.isfinite(loss):
                if self.nonfinite == "raise":
                    raise self.loss_anomaly(loss)
                self.skipped += 1
                return
        for group, arena in work:
            told = (loss,) if group.rule.asks_for_loss else ()
            arena.update(group.rule, (*group.scalars, *told))
        self.updates += 1

    def _checked_loss(self, loss: Any) -> Any:
        """The loss as a float; inside of a capture as a tensor of shape ()."""
        where = f"{type(self).__name__}.step"
        if loss is None:
            raise ConfigError(
                where,
                "its rule compares losses, and there is none. Expected the loss that backward() was called "
                "on; received nothing. Call optimizer.step(loss).",
            )
        if callable(loss):
            raise self._called(loss)
        if np.size(loss) != 1 or not isinstance(loss, (ag.Tensor, numbers.Real, np.ndarray)):
            raise ConfigError(
                where,
                "expected the loss, a Tensor of one element or a float; received "
                f"{f'shape {np.shape(loss)}' if np.size(loss) != 1 else f'{loss!r:.60}'}. Pass its mean.",
            )
        if isinstance(loss, ag.Tensor) and CONTEXT.get().capture is not None:
            return ag.stop_gradient(ag.reshape(loss, ()))
        return float(loss.item() if isinstance(loss, (ag.Tensor, np.ndarray)) else loss)

    def _called(self, closure: Any) -> ConfigError:
        """A function in place of the loss, as PyTorch's optimizers take: here it would not be run."""
        return ConfigError(
            f"{type(self).__name__}.step",
            f"expected the loss, a Tensor of one element or a float, or nothing; received the function {closure!r:.60}. "
            "Call it, call backward() on what it gives, and then step(). Optimizers that evaluate the loss themselves, "
            "such as LBFGS, take a function.",
        )

    @property
    def compares_losses(self) -> bool:
        """Whether `step` is to be told the loss."""
        return any(group.rule.asks_for_loss for group in self.param_groups)

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

    def anomaly(self, t: ag.Tensor, g: Array, ahead: int = 0) -> AnomalyError:
        """The error for a gradient ``g`` of ``t``, ``ahead`` steps after the next."""
        place = next(i for i, other in enumerate(self.params) if other is t)
        bad = int(g.size - np.isfinite(g).sum())
        name = f" ({t.name!r})" if t.name else ""
        return AnomalyError(
            f"{type(self).__name__}.step",
            f"the gradient of parameter {place}{name}, shape {t.shape}, "
            f"is not finite in {bad} of {g.size} elements, at step {self.updates + 1 + ahead}. No parameter "
            "was changed. Lower the learning rate, find the operation with `with ag.detect_anomaly():`, or "
            'pass nonfinite="skip".',
        )

    def loss_anomaly(self, loss: Any, ahead: int = 0) -> AnomalyError:
        """The error for a loss that is not finite, ``ahead`` steps after the next."""
        return AnomalyError(
            f"{type(self).__name__}.step",
            f"the loss is {float(loss)}, at step {self.updates + 1 + ahead}, and is to be compared. Expected a "
            "finite number. No parameter was changed. Lower the learning rate, find the operation with "
            '`with ag.detect_anomaly():`, or pass nonfinite="skip".',
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
            f"{type(self).__name__}.slots_of",
            f"the tensor of shape {parameter.shape} is none of its parameters.",
        )

    # --- state ------------------------------------------------------------------------------------

    def state_dict(self) -> State:
        """All that a later optimizer needs in order to go on exactly like this one.

        Returns
        -------
        dict
            ``"arrays"``: slots as ``"<slot>.<parameter>"``, `carried` as ``"memory.<name>"``, and
            ``"steps"``, the updates made to each parameter, shape (parameters,), int64.
            ``"scalars"``: JSON values (class, groups with their hyperparameters and the names and
            shapes of their parameters, `updates`, `skipped`). Copies: later steps do not change it.

        Raises
        ------
        CaptureError
            Inside of a compiled step, which would see the numbers of one moment.
        """
        _not_captured(f"{type(self).__name__}.state_dict")
        return state_of(self)

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
        load_state(self, state)

    def __getstate__(self) -> dict[str, Any]:
        # Memory is shared between tensors and arenas; a copy has to be laid out anew.
        others = {name: value for name, value in vars(self).items() if name != "_groups"}
        groups = [
            ({**group, "params": list(group.params)}, group.transforms)
            for group in self.param_groups
        ]
        return {"others": others, "groups": groups, "state": self.state_dict()}

    def __setstate__(self, copied: dict[str, Any]) -> None:
        vars(self).update(copied["others"])
        self.param_groups = tuple(
            Group(group.pop("params"), type(self), group, transforms)
            for group, transforms in copied["groups"]
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
                operation,
                "called inside of a compiled step, where counts and slots are not known: they are "
                "what they are at each run. Call it outside; a slot is read by slots_of(parameter).",
            )
        )


def _read_only(array: Array) -> Array:
    array.flags.writeable = False
    return array


class _OfAllGroups:
    """A hyperparameter as an attribute of the optimizer: that of all groups."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, optimizer: Optimizer | None, kind: type[Optimizer]) -> Any:
        if optimizer is None:
            return self
        values = {group[self.name] for group in optimizer.param_groups}
        if len(values) > 1:
            raise ConfigError(
                f"{kind.__name__}.{self.name}",
                f"the groups differ: {sorted(values, key=repr)}. Read "
                f"optimizer.param_groups[i][{self.name!r}].",
            )
        return values.pop()

    def __set__(self, optimizer: Optimizer, value: Any) -> None:
        for group in optimizer.param_groups:
            group[self.name] = value


def _check_names(cls: type[Optimizer]) -> None:
    """Refuse a rule whose names are not those that its class declares."""
    if "update" not in vars(cls):
        return
    arguments = inspect.signature(cls.update).parameters.values()
    if any(a.kind is a.VAR_KEYWORD for a in arguments):
        return
    asked = {a.name for a in arguments if a.kind is a.KEYWORD_ONLY}
    own = [name for name in cls.hyperparameters if name not in Optimizer.hyperparameters]
    there = {"step", *own}
    if "loss" in cls.hyperparameters:
        raise TypeError(
            f"{cls.__name__}.loss: expected another name: it is what `step` is told; see asks_for_loss."
        )
    asked.discard("loss")
    if asked != there:
        raise TypeError(
            f"{cls.__name__}.update: expected the names step, {', '.join(own)} after *; "
            f"missing: {', '.join(sorted(there - asked)) or 'none'}; "
            f"unknown: {', '.join(sorted(asked - there)) or 'none'}."
        )
