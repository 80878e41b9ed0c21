"""A parameter group: some parameters, the hyperparameters that hold for them, and their rule."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from typing import Any, ClassVar, Protocol

import numpy as np

import autograd_core as ag
from autograd_core.context import within
from autograd_core.errors import ConfigError
from autograd_core.structure import Structured, bump

from .arena import Arena
from .chain import Update
from .declared import Range
from .hyperparameters import Choice, Interval, checked, dropped
from .rule import Rule
from .schedules.schedule import Schedule
from .scope import SCOPES, Scope, check_scope
from .transforms.transform import Transform

__all__ = ["Group"]


class Kind(Protocol):
    """What a group asks of the class of its optimizer."""

    __name__: str
    hyperparameters: ClassVar[Mapping[str, Range]]
    scope: ClassVar[Scope]
    numbers: ClassVar[tuple[str, ...]]
    update: ClassVar[Update]

    @classmethod
    def slots(cls, options: Mapping[str, Any]) -> tuple[str, ...]: ...

    @classmethod
    def asks_for_loss(cls, options: Mapping[str, Any]) -> bool: ...

    @classmethod
    def check(cls, options: Mapping[str, Any]) -> None: ...


class _MissingError(ConfigError, KeyError):
    """A hyperparameter that a group does not have: to ``in`` and ``get`` a missing key."""

    __str__ = Exception.__str__  # a KeyError shows its message in quotes


class Group(MutableMapping[str, Any], Structured):
    """The hyperparameters of some parameters, as a dict that checks what is put into it.

    Values may be set between steps, ``group["lr"] *= 0.1``; a number may be a `Schedule`.
    ``group.params`` are the parameters.

    Raises
    ------
    ConfigError
        If a value is outside its range, a name is unknown, or an entry is deleted. Of an unknown name that is read
        it is a KeyError, too.
    """

    def __init__(
        self,
        params: Sequence[ag.Tensor],
        kind: Any,
        options: Mapping[str, Any],
        transforms: Iterable[Transform] = (),
    ) -> None:
        self.params = tuple(params)
        self._kind: Kind = kind
        self._dtypes = tuple(dict.fromkeys(t.dtype for t in self.params))
        self._rules: dict[Any, Rule] = {}
        # What a captured step reads at every run: one list for good, unlike `scalars`.
        self.numbers: list[float] = []
        names = [*kind.hyperparameters, *(n for n in options if n not in kind.hyperparameters)]
        values = {name: self.checked(name, options.get(name)) for name in names}
        self.take(values, self.checked_transforms(transforms))
        self.arenas = [
            Arena([t for t in self.params if t.dtype == d], kind.numbers) for d in self._dtypes
        ]

    def checked(self, name: str, value: Any) -> Any:
        """``value`` as hyperparameter ``name`` holds it, or a ConfigError."""
        known = self._kind.hyperparameters
        if name not in known:
            raise ConfigError(
                self._kind.__name__,
                f"unknown hyperparameter {name!r}. Expected one of {', '.join(known)}.",
            )
        allowed = known[name]
        value = checked(allowed, f"{self._kind.__name__}: {name}", value)
        for dtype in self._dtypes if isinstance(value, float) else ():
            with np.errstate(over="ignore", under="ignore"):
                rounded = float(dtype.type(value))
            if isinstance(allowed, Interval) and not allowed.holds(rounded):
                raise ConfigError(
                    self._kind.__name__,
                    f"{name}: {value:g} is {rounded:g} in {dtype}, the dtype of a parameter. Expected there, too, "
                    f"{allowed}. Pass one that it can tell apart, or train in float32.",
                )
        return value

    def checked_transforms(self, transforms: Any) -> tuple[Transform, ...]:
        """Transforms as a tuple, or a ConfigError."""
        given = tuple(transforms) if isinstance(transforms, (list, tuple)) else (transforms,)
        for t in given:
            if not isinstance(t, Transform):
                raise ConfigError(
                    self._kind.__name__,
                    "transforms: expected a list of optim.Transform, such as "
                    f"[optim.ClipByNorm(5.0)]; received {t!r}.",
                )
        return given

    def rule_of(self, values: Mapping[str, Any], transforms: Sequence[Transform]) -> Rule:
        """The rule that belongs to checked values.

        Raises
        ------
        ConfigError
            If they do not go together.
        """
        kind = self._kind
        kind.check(values)
        constants: dict[str, Any] = {}
        scalars: list[str] = []
        for name, allowed in kind.hyperparameters.items():
            value = values[name]
            if dropped(allowed, value):
                constants[name] = None
            elif isinstance(allowed, Choice) or isinstance(value, Schedule):
                constants[name] = value
            else:
                scalars.append(name)
        key = (*constants.items(), *transforms)
        if key not in self._rules:
            if kind.scope not in SCOPES:
                raise ConfigError(
                    kind.__name__, f"expected scope, one of {SCOPES}; received {kind.scope!r}."
                )
            slots = kind.slots(values)
            _check_slots(kind.__name__, slots, ("theta", "g", "step", *kind.hyperparameters))
            told = ("loss",) if kind.asks_for_loss(values) else ()
            maximize = constants.pop("maximize")
            numbers = [name for name in slots if name in kind.numbers]
            rule = Rule(
                kind.update,
                slots,
                ("step", *scalars, *told),
                constants,
                kind.scope,
                transforms,
                numbers,
                maximize,
            )
            if rule.scope == "all" and len(self._dtypes) > 1:
                raise ConfigError(
                    kind.__name__,
                    f"the parameters of one group have dtypes {', '.join(map(str, self._dtypes))}. "
                    'Expected one dtype, since its rule has scope "all" and takes them as one array. '
                    "Give a group for each dtype.",
                )
            if rule.elementwise is not None:
                check_scope(kind.__name__, rule.elementwise)
            self._rules[key] = rule
        return self._rules[key]

    def take(self, values: dict[str, Any], transforms: tuple[Transform, ...]) -> None:
        """Take over checked values, all of them, with the rule that belongs to them."""
        rule = self.rule_of(values, transforms)
        self._values, self._transforms = values, transforms
        if getattr(self, "rule", None) is not rule:
            self.rule = rule
            for arena in getattr(self, "arenas", ()):
                arena.keep(rule.slots)
            bump()
        self.scalars = tuple(values[name] for name in rule.options)
        self.numbers[:] = self.scalars

    @property
    def transforms(self) -> tuple[Transform, ...]:
        """What stands around the update, the outermost first; may be set between steps."""
        return self._transforms

    @transforms.setter
    def transforms(self, transforms: Iterable[Transform]) -> None:
        self.take(self._values, self.checked_transforms(transforms))

    def now(self, name: str) -> Any:
        """A hyperparameter at the next update: what its schedule gives there, if it has one.

        Where parameters have had unequally many updates, that of the one updated most often.
        """
        value = self[name]
        if not isinstance(value, Schedule):
            return value
        with within(capture=None), ag.no_grad():
            return float(value(max(max(arena.steps) for arena in self.arenas)))

    def __structure__(self) -> tuple[Any, ...]:
        return self.rule, self.params, *self.arenas

    def __getitem__(self, name: str) -> Any:
        try:
            return self._values[name]
        except KeyError:
            raise _MissingError(
                self._kind.__name__,
                f"expected one of its hyperparameters, {', '.join(self._values)}; received {name!r}.",
            ) from None

    def __setitem__(self, name: str, value: Any) -> None:
        self.take({**self._values, name: self.checked(name, value)}, self._transforms)

    def __delitem__(self, name: str) -> None:
        raise ConfigError(
            self._kind.__name__, f"{name!r} cannot be deleted from a group; set another value."
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        count = sum(t.size for t in self.params)
        noun = "parameter" if len(self.params) == 1 else "parameters"
        head = [f"{len(self.params)} {noun} of {count:,} numbers"]
        told = {name: value for name, value in self.items() if name != "maximize" or value}
        values = [f"{name}={value!r}" for name, value in told.items()]
        around = [f"transforms={list(self.transforms)}"] if self.transforms else []
        return ", ".join(head + values + around)


def _check_slots(kind: str, slots: Sequence[str], others: Sequence[str]) -> None:
    """Refuse slots that would have one name, or that of another input of the rule."""
    for k, name in enumerate(slots):
        if not name.isidentifier() or name in (*others, *slots[:k]):
            raise ConfigError(
                kind,
                f"its slots are {', '.join(map(repr, slots))}; expected identifiers, each once, and none of "
                f"{', '.join(others)}. Rename {name!r}.",
            )
