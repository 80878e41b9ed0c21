"""What penalties on weights share: which parameters they are on, their strength, and their sums."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

import autograd_core as ag
from autograd_core.aliases import ArrayLike
from autograd_core.errors import ConfigError
from autograd_core.options import NON_NEGATIVE, Choice

from ..containers import ModuleList
from ..module import Module

__all__: list[str] = []

Chosen = Literal["weights", "all"] | Sequence[str] | Callable[[str, ag.Tensor], bool]
_NAMED: Choice[Literal["weights", "all"]] = Choice(("weights", "all"))


def checked_choice(name: str, parameters: Any) -> Any:
    """Which parameters of a model are meant, as `chosen` takes it.

    Raises
    ------
    ConfigError
        If it is no name of a choice, no sequence of names and no function.
    """
    if callable(parameters):
        return parameters
    if isinstance(parameters, list | tuple) and parameters:
        if all(isinstance(path, str) for path in parameters):
            return tuple(parameters)
    elif isinstance(parameters, str):
        return _NAMED.check(f"{name}: parameters", parameters)
    raise ConfigError(
        name,
        "parameters: expected 'weights', 'all', a list of names of parameters or layers, or a function "
        f"(name, tensor) -> bool; received {parameters!r:.60}.",
    )


def chosen(name: str, model: Module, parameters: Any) -> list[tuple[str, ag.Tensor]]:
    """The parameters of a model that are meant, each once, with their names.

    Raises
    ------
    ConfigError
        If a name is that of no parameter and no layer, or there is nothing left.
    """
    found = list(model.named_parameters())
    if parameters == "weights":
        found = [(path, w) for path, w in found if w.ndim >= 2]
    elif callable(parameters):
        found = [(path, w) for path, w in found if parameters(path, w)]
    elif parameters != "all":
        paths = [path for path, _ in found]
        for asked in parameters:
            if not any(path == asked or path.startswith(f"{asked}.") for path in paths):
                raise ConfigError(
                    name,
                    f"parameters: there is no parameter or layer {asked!r}. Expected of "
                    f"{', '.join(paths[:6]) or 'none'}; received {asked!r}.",
                )
        found = [
            (path, w)
            for path, w in found
            if any(path == asked or path.startswith(f"{asked}.") for asked in parameters)
        ]
    if not found:
        raise ConfigError(
            name,
            f"there are no weights to penalize or to constrain: parameters={parameters!r} leaves none of "
            'this model. Expected at least one; received none. Pass parameters="all", or the arrays.',
        )
    return found


class Penalty(Module):
    """λ R(W) of the weights, a part of the loss.

    Parameters
    ----------
    lam : float, ≥ 0
        λ.
    parameters : {"weights", "all"}, sequence of str, or callable
        Which parameters of a model are meant: those with at least two axes, so neither biases nor
        the scales and shifts of normalization; all; those of these names, and of layers of these
        names (``"0"``, ``"encoder.weight"``); or those for which ``parameters(name, tensor)`` is True.

    Notes
    -----
    Sums are penalties: ``nn.L1(a) + nn.L2(b)``, and with them strengths that differ by layer,
    ``nn.L2(a, parameters=["0"]) + nn.L2(b, parameters=["2"])``. A shared parameter counts once, a
    frozen one too, though nothing moves it.
    """

    def __init__(self, lam: float, *, parameters: Chosen = "weights") -> None:
        name = type(self).__name__
        self.lam = NON_NEGATIVE.check(f"{name}: lam", lam)
        self.penalized = checked_choice(name, parameters)

    def _of(self, weights: list[Any]) -> ag.Tensor:
        """The penalty of these arrays."""
        raise NotImplementedError

    def proximal(self, w: ArrayLike, step: float | ag.Tensor = 1.0) -> ag.Tensor:
        """The w' with the least ½ ‖w' − w‖² + η λ R(w'): the step that is exact where R has a kink.

        Parameters
        ----------
        w : array_like
            One array; where R is a sum over arrays, each has its own.
        step : float or Tensor
            η ≥ 0: the learning rate of the step before it.
        """
        raise NotImplementedError

    def forward(self, weights: Module | Iterable[ArrayLike]) -> ag.Tensor:
        """Return the penalty, shape ().

        Parameters
        ----------
        weights : Module, or iterable of array_like
            A model, of which the parameters are taken that are meant; or the very arrays to
            penalize, all of them.
        """
        if isinstance(weights, Module):
            found = [w for _, w in chosen(type(self).__name__, weights, self.penalized)]
        else:
            found = list(weights)
        return self._of(found)

    def __add__(self, other: object) -> PenaltySum:
        if not isinstance(other, Penalty | PenaltySum):
            return NotImplemented
        return PenaltySum(self, other)

    def extra_repr(self) -> str:
        """Give the strength, and what is not the default."""
        shown = [f"{self.lam:g}"]
        for key, option in list(inspect.signature(type(self)).parameters.items())[1:]:
            value = self.penalized if key == "parameters" else getattr(self, key)
            if value != option.default:
                text = f'"{value}"' if isinstance(value, str) else f"{value!r}"
                shown.append(f"{key}={getattr(value, '__name__', text)}")
        return ", ".join(shown)


class PenaltySum(Module):
    """Several penalties in one: what ``nn.L1(a) + nn.L2(b)`` gives.

    Its ``parts`` are those that are added, in their order, without sums among them.

    Parameters
    ----------
    *penalties : penalties, or sums of them

    Raises
    ------
    ConfigError
        If there are none, or one is no penalty on weights.

    Examples
    --------
    >>> import numpy as np, nn
    >>> both = nn.L1(1.0) + nn.L2(2.0)
    >>> float(both([np.array([[3.0, -1.0]])]))
    14.0
    """

    parts: ModuleList

    def __init__(self, *penalties: Module) -> None:
        for penalty in penalties:
            if not isinstance(penalty, Penalty | PenaltySum):
                raise ConfigError(
                    "PenaltySum",
                    f"expected penalties on weights, such as nn.L2(0.1); received {penalty!r:.60}.",
                )
        if not penalties:
            raise ConfigError("PenaltySum", "expected at least one penalty; received none.")
        parts = [
            part
            for penalty in penalties
            for part in (penalty.parts if isinstance(penalty, PenaltySum) else [penalty])
        ]
        self.parts = ModuleList(parts)

    def forward(self, weights: Module | Iterable[ArrayLike]) -> ag.Tensor:
        """Return the sum of the penalties, shape ().

        Parameters
        ----------
        weights : Module, or iterable of array_like
            As each of them takes it.
        """
        given = weights if isinstance(weights, Module) else list(weights)
        total, *others = [part(given) for part in self.parts]
        for other in others:
            total = total + other
        return total

    def __add__(self, other: object) -> PenaltySum:
        if not isinstance(other, Penalty | PenaltySum):
            return NotImplemented
        return PenaltySum(self, other)
