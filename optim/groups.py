"""A parameter group: some parameters and the hyperparameters that hold for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping, Sequence
from typing import Any

import autograd_core as ag
from autograd_core.context import Structured, bump
from autograd_core.errors import ConfigError

from .arena import Arena
from .hyperparameters import Hyperparameter
from .rule import Rule
from .scope import check_scope

__all__ = ["Group"]


class Group(MutableMapping[str, Any], Structured):
    """The hyperparameters of some parameters, as a dict that checks what is put into it.

    ``group["lr"] *= 0.1`` between steps is all that a schedule needs. ``group.params`` are the
    parameters.

    Raises
    ------
    ConfigError
        If a value is outside its range, a name is unknown, or an entry is deleted.
    """

    def __init__(
        self, params: Sequence[ag.Tensor], kind: type[Any], options: dict[str, Any]
    ) -> None:
        self.params = tuple(params)
        self._kind = kind
        self._rules: dict[tuple[Any, ...], Rule] = {}
        # What a captured step reads at every run: one list for good, unlike `scalars`.
        self.numbers: list[float] = []
        names = [*kind.hyperparameters, *(n for n in options if n not in kind.hyperparameters)]
        self.take({name: self.checked(name, options.get(name)) for name in names})
        dtypes = dict.fromkeys(t.dtype for t in self.params)
        if self.rule.scope == "all" and len(dtypes) > 1:
            raise ConfigError(
                f"{kind.__name__}: the parameters of one group have dtypes {', '.join(map(str, dtypes))}. "
                'Expected one dtype, since its rule has scope "all" and takes them as one array. Give a '
                "group for each dtype."
            )
        self.arenas = [Arena([t for t in self.params if t.dtype == d]) for d in dtypes]

    def checked(self, name: str, value: Any) -> Any:
        """``value`` as hyperparameter ``name`` holds it, or a ConfigError."""
        known: dict[str, Hyperparameter] = self._kind.hyperparameters
        if name not in known:
            raise ConfigError(
                f"{self._kind.__name__}: unknown hyperparameter {name!r}. Expected one of "
                f"{', '.join(known)}."
            )
        return known[name].check(f"{self._kind.__name__}: {name}", value)

    def take(self, values: dict[str, Any]) -> None:
        """Take over checked ``values``, all of them, with the rule that belongs to them."""
        self._kind.check(values)
        constants, scalars = self._kind.split(values)
        key = tuple(constants.items())
        if key not in self._rules:
            update: Callable[..., Any] = self._kind.update
            rule = Rule(
                update, self._kind.slots(values), ("step", *scalars), constants, self._kind.scope
            )
            check_scope(self._kind.__name__, rule)
            self._rules[key] = rule
        self._values = values
        if getattr(self, "rule", None) is not self._rules[key]:
            self.rule = self._rules[key]
            bump()
        self.scalars = tuple(scalars.values())
        self.numbers[:] = self.scalars

    def __structure__(self) -> tuple[Any, ...]:
        return self.rule, self.params, *self.arenas

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self.take({**self._values, name: self.checked(name, value)})

    def __delitem__(self, name: str) -> None:
        raise ConfigError(
            f"{self._kind.__name__}: {name!r} cannot be deleted from a group; set another value."
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        count = sum(t.size for t in self.params)
        noun = "parameter" if len(self.params) == 1 else "parameters"
        head = [f"{len(self.params)} {noun} of {count:,} numbers"]
        return ", ".join(head + [f"{name}={value!r}" for name, value in self.items()])
