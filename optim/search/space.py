"""Spaces of configurations: what each hyperparameter may be, and which configurations are tried.

A value is what JSON knows (numbers, strings, True, None, and lists of them), so that a row of results says
exactly what was tried. Anything else is given a name: ``{"unit": {"relu": nn.ReLU, "tanh": nn.Tanh}}``.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from autograd_core.errors import ConfigError
from autograd_core.options import Whole

__all__ = ["Integers", "LogUniform", "Uniform"]

RESERVED = ("repeat", "seed", "seconds", "error")  # other columns of the table
_MOST = 10**6  # configurations of a grid
_ATTEMPTS = 100_000  # draws for one that was not drawn before


# --- one hyperparameter ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Uniform:
    """A real number between two bounds, each place equally likely.

    Parameters
    ----------
    low, high : float
        low < high; drawn from [low, high).

    Examples
    --------
    >>> 0.1 <= Uniform(0.1, 0.5).draw(np.random.default_rng(0)) < 0.5
    True
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        _check_bounds(self, float)

    def draw(self, rng: np.random.Generator) -> float:
        """A number."""
        return float(rng.uniform(self.low, self.high))


@dataclass(frozen=True)
class LogUniform:
    """A positive number whose logarithm is uniform: each factor is as likely as any other.

    Parameters
    ----------
    low, high : float
        0 < low < high.

    Examples
    --------
    >>> 1e-4 <= LogUniform(1e-4, 1.0).draw(np.random.default_rng(0)) <= 1.0
    True
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        _check_bounds(self, float)
        if self.low <= 0:
            raise ConfigError(
                "LogUniform", f"low: expected a number over 0; received {self.low!r}. Use Uniform."
            )

    def draw(self, rng: np.random.Generator) -> float:
        """A number."""
        number = math.exp(rng.uniform(math.log(self.low), math.log(self.high)))
        return min(max(number, self.low), self.high)


@dataclass(frozen=True)
class Integers:
    """A whole number from ``low`` to ``high``, both included.

    Parameters
    ----------
    low, high : int
        low < high.
    log : bool
        Whether each factor is as likely as any other, instead of each number.

    Examples
    --------
    >>> sorted({Integers(1, 3).draw(np.random.default_rng(i)) for i in range(30)})
    [1, 2, 3]
    """

    low: int
    high: int
    log: bool = False

    def __post_init__(self) -> None:
        _check_bounds(self, int)
        if self.log and self.low < 1:
            raise ConfigError(
                "Integers", f"low: with log=True expected 1 or more; received {self.low!r}."
            )

    def draw(self, rng: np.random.Generator) -> int:
        """A number."""
        if not self.log:
            return int(rng.integers(self.low, self.high, endpoint=True))
        number = math.exp(rng.uniform(math.log(self.low), math.log(self.high + 1)))
        return min(max(int(number), self.low), self.high)


def _check_bounds(distribution: Any, kind: type) -> None:
    name = type(distribution).__name__
    for field in ("low", "high"):
        value = getattr(distribution, field)
        number = isinstance(value, (int, np.integer) if kind is int else (int, float, np.number))
        if not number or isinstance(value, bool) or not math.isfinite(value):
            words = "a whole number" if kind is int else "a finite number"
            raise ConfigError(name, f"{field}: expected {words}; received {value!r:.60}.")
        object.__setattr__(distribution, field, kind(value))
    if not distribution.low < distribution.high:
        raise ConfigError(
            name, f"expected low < high; received {distribution.low!r} and {distribution.high!r}."
        )


class _Listed(NamedTuple):
    """Values that were listed, and what a row of results says for each."""

    values: tuple[Any, ...]
    labels: tuple[Any, ...]

    def draw(self, rng: np.random.Generator) -> int:
        """The place of one."""
        return int(rng.integers(len(self.values)))


# --- all of them ----------------------------------------------------------------------------------------


class Configuration(NamedTuple):
    """What a trial is called with, and what the results say of it."""

    values: dict[str, Any]
    labels: dict[str, Any]

    @property
    def key(self) -> str:
        """The labels as text: what tells one configuration from another, in whatever order."""
        return json.dumps(self.labels, sort_keys=True, allow_nan=False)


class Space:
    """What each hyperparameter may be.

    Parameters
    ----------
    operation : str
        For messages.
    space : mapping
        Name to a list of values, a dict of named values, or a distribution.
    """

    def __init__(self, operation: str, space: Any) -> None:
        self._operation = operation
        if not isinstance(space, Mapping) or not space:
            raise ConfigError(
                operation,
                "space: expected a dict of hyperparameters and their values, at least one; received "
                f"{'an empty one' if isinstance(space, Mapping) else repr(space)[:60]}. "
                'Pass {"lr": [0.01, 0.1]}, say.',
            )
        self.dimensions: dict[str, Any] = {}
        for name, given in space.items():
            if not isinstance(name, str) or not name or name in RESERVED:
                raise ConfigError(
                    operation,
                    f"space: expected names that are strings, and not {', '.join(RESERVED)}; received {name!r}.",
                )
            self.dimensions[name] = self._dimension(name, given)

    def _dimension(self, name: str, given: Any) -> Any:
        where = f"space: {name!r}"
        if isinstance(given, Uniform | LogUniform | Integers):
            return given
        if isinstance(given, Mapping):
            values, labels = tuple(given.values()), tuple(given)
            if not all(isinstance(label, str) for label in labels):
                raise ConfigError(
                    self._operation,
                    f"{where}: expected strings as names of values; received {labels!r:.60}.",
                )
        elif isinstance(given, list | tuple | range | np.ndarray):
            values = tuple(given.tolist() if isinstance(given, np.ndarray) else given)
            labels = tuple(self._label(where, value) for value in values)
        else:
            raise ConfigError(
                self._operation,
                f"{where}: expected a list of values, a dict of named ones, or a distribution "
                f"(Uniform, LogUniform, Integers of optim.search); received {given!r:.60}. For a single value pass [value].",
            )
        if not values:
            raise ConfigError(
                self._operation,
                f"{where} has no values. Expected at least one. Leave it out, or list some.",
            )
        texts = [json.dumps(label) for label in labels]
        for i, text in enumerate(texts):
            if text in texts[:i]:
                raise ConfigError(
                    self._operation,
                    f"{where} lists {text} twice. Expected each value once. For several seeds of each "
                    "configuration pass repeats=.",
                )
        return _Listed(values, labels)

    def _label(self, where: str, value: Any) -> Any:
        """A value as JSON has it."""
        if isinstance(value, np.generic):
            value = value.item()
        if isinstance(value, list | tuple):
            return [self._label(where, entry) for entry in value]
        if value is None or isinstance(value, bool | int | str):
            return value
        if isinstance(value, float) and math.isfinite(value):
            return value
        raise ConfigError(
            self._operation,
            f"{where}: expected finite numbers, strings, True, False, None and lists of them; received "
            f"{value!r:.60}. Give others a name: {{{where.rpartition(' ')[2]}: {{'name': value}}}}.",
        )

    def describe(self) -> dict[str, Any]:
        """What a file of results says of the space; lists are as they are in the rows."""
        return {
            name: "listed"
            if isinstance(dimension, _Listed)
            else {"distribution": type(dimension).__name__, **vars(dimension)}
            for name, dimension in self.dimensions.items()
        }

    def grid(self) -> list[Configuration]:
        """All combinations, the last name fastest."""
        for name, dimension in self.dimensions.items():
            if not isinstance(dimension, _Listed):
                raise ConfigError(
                    self._operation,
                    f"space: {name!r} is {dimension!r}. Expected lists of values. List some, or use random_search.",
                )
        count = math.prod(len(dimension.values) for dimension in self.dimensions.values())
        if count > _MOST:
            raise ConfigError(
                self._operation,
                f"the grid has {count:,} configurations. Expected at most {_MOST:,}. Use random_search.",
            )
        places = [range(len(dimension.values)) for dimension in self.dimensions.values()]
        return [self._configuration(chosen) for chosen in itertools.product(*places)]

    def random(self, n: int, seed: int) -> list[Configuration]:
        """The first ``n`` of an endless row that ``seed`` stands for; each is there once."""
        count = self._count()
        if count is not None and n > count:
            raise ConfigError(
                self._operation,
                f"n: expected at most {count}, which is how many configurations there are; received {n}. "
                "Use grid_search for all of them; for several seeds of each pass repeats=.",
            )
        found: dict[str, Configuration] = {}
        for i in range(n):
            for attempt in range(_ATTEMPTS):
                rng = np.random.default_rng([seed, i, attempt])
                # In the order of the names: so it does not matter in which they were given.
                drawn = {name: self.dimensions[name].draw(rng) for name in sorted(self.dimensions)}
                configuration = self._configuration([drawn[name] for name in self.dimensions])
                if configuration.key not in found:
                    found[configuration.key] = configuration
                    break
            else:
                raise ConfigError(
                    self._operation,
                    f"after {i} configurations no further one was found in {_ATTEMPTS:,} draws. Expected a "
                    "larger space. Lower n.",
                )
        return list(found.values())

    def _count(self) -> int | None:
        sizes = []
        for dimension in self.dimensions.values():
            if isinstance(dimension, Integers):
                sizes.append(dimension.high - dimension.low + 1)
            elif isinstance(dimension, _Listed):
                sizes.append(len(dimension.values))
            else:
                return None
        return math.prod(sizes)

    def _configuration(self, chosen: Sequence[Any]) -> Configuration:
        values, labels = {}, {}
        for (name, dimension), value in zip(self.dimensions.items(), chosen, strict=True):
            listed = isinstance(dimension, _Listed)
            values[name] = dimension.values[value] if listed else value
            labels[name] = dimension.labels[value] if listed else value
        return Configuration(values, labels)


class Job(NamedTuple):
    """A trial that is to be run: a configuration, and which of its repetitions."""

    configuration: Configuration
    repeat: int
    seed: int

    @property
    def key(self) -> str:
        """What tells it from all others."""
        return f"{self.repeat} {self.configuration.key}"


def jobs(configurations: Sequence[Configuration], repeats: int, seed: int) -> Iterator[Job]:
    """Each configuration so many times; all of them once, then all of them again.

    A trial's seed comes from the search's, the configuration and the repetition, and from nothing else: neither
    from the order in which trials are run, nor from who runs them, nor from which others there are.
    """
    repeats = Whole(1).check("repeats", repeats)
    for repeat in range(repeats):
        for configuration in configurations:
            digest = hashlib.sha256(f"{seed} {repeat} {configuration.key}".encode()).digest()
            yield Job(configuration, repeat, int.from_bytes(digest[:4], "little"))
