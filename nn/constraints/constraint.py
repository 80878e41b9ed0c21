"""What hard constraints share: which parameters they are on, and how they are kept."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

import autograd_core as ag
from autograd_core.aliases import ArrayLike
from autograd_core.errors import ConfigError
from autograd_core.options import SWITCH

from ..module import Module
from ..regularizers.penalty import Chosen, checked_choice, chosen

__all__: list[str] = []


class Constraint:
    """A convex set that weights are to be in. Calling it with a model puts them there.

    Called after each step of an optimizer it is projected gradient descent, whose fixed points are
    the constrained minimisers where the loss is convex. It may stand in a compiled step, and is what
    ``optim.fit(constraint=…)`` takes.

    Parameters
    ----------
    parameters : {"weights", "all"}, sequence of str, or callable
        Which parameters of a model are meant, as for penalties: see `nn.L2`.
    each : bool
        Whether each parameter is in the set by itself, or all of them, end to end, are one vector θ.

    Notes
    -----
    Frozen parameters stay as they are, and do not count. A shared one is projected once.
    """

    examples: ClassVar[Sequence[Mapping[str, Any]]] = ({},)
    """Options to try it with: what the contract of the tests does."""

    def __init__(self, *, parameters: Chosen = "weights", each: bool = True) -> None:
        name = type(self).__name__
        self.constrained = checked_choice(name, parameters)
        self.each = SWITCH.check(f"{name}: each", each)

    def project(self, w: ArrayLike) -> ag.Tensor:
        """The nearest point of the set: a function that can be differentiated, traced and compiled."""
        raise NotImplementedError

    def excess(self, w: ArrayLike) -> ag.Tensor:
        """By how much the constraint is missed, shape (); at most 0 where it is kept."""
        raise NotImplementedError

    def __call__(self, weights: Module | Iterable[ag.Tensor]) -> None:
        """Project the parameters, in place.

        Parameters
        ----------
        weights : Module, or iterable of Tensor
            A model, of which the parameters are taken that are meant; or the very parameters.

        Raises
        ------
        ConfigError
            If there is nothing to constrain, or something that cannot be assigned to.
        """
        parameters = self._parameters(weights)
        with ag.no_grad():
            if self.each:
                for w in parameters:
                    w.assign(self.project(w))
            elif parameters:
                for w, new in zip(parameters, self._split(parameters), strict=True):
                    w.assign(new)

    def violation(self, weights: Module | Iterable[ag.Tensor]) -> float:
        """The largest `excess` of the parameters, or 0.0: how far the constraint is missed."""
        parameters = self._parameters(weights)
        with ag.no_grad():
            parts = parameters if self.each or not parameters else [_flat(parameters)]
            return max([0.0, *(float(self.excess(w).item()) for w in parts)])

    def _parameters(self, weights: Module | Iterable[ag.Tensor]) -> list[ag.Tensor]:
        name = type(self).__name__
        if isinstance(weights, Module):
            return [w for _, w in chosen(name, weights, self.constrained) if w.requires_grad]
        found = list(weights)
        wrong = [
            w
            for w in found
            if not isinstance(w, ag.Tensor) or not (w.requires_grad or w.role == "parameter")
        ]
        if wrong or not found:
            raise ConfigError(
                name,
                "expected a model or parameters, which are changed in place; received "
                f"{wrong[0] if wrong else found!r:.60}. Of arrays: {name}(…).project(array).",
            )
        return [w for w in {id(w): w for w in found}.values() if w.requires_grad]

    def _split(self, parameters: list[ag.Tensor]) -> list[Any]:
        flat = self.project(_flat(parameters))
        ends = np.cumsum([w.size for w in parameters])
        return [
            ag.cast(ag.reshape(flat[end - w.size : end], w.shape), w.dtype)
            for w, end in zip(parameters, ends.tolist(), strict=True)
        ]

    def __repr__(self) -> str:
        shown = []
        for key, option in inspect.signature(type(self)).parameters.items():
            value = self.constrained if key == "parameters" else getattr(self, key)
            if value is option.default or value == option.default:
                continue
            text = getattr(value, "__name__", repr(value))
            shown.append(text if option.kind is option.POSITIONAL_OR_KEYWORD else f"{key}={text}")
        return f"{type(self).__name__}({', '.join(shown)})"


def _flat(parameters: list[ag.Tensor]) -> ag.Tensor:
    return ag.concatenate([ag.ravel(w) for w in parameters])
