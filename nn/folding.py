"""Dropout taken out of a trained model: W_test = α W."""

from __future__ import annotations

import copy
from typing import Any

import autograd_core as ag
from autograd_core.errors import ConfigError

from . import layers
from .containers import Sequential
from .layers.noise.drawing import Drawing, Keeping
from .layers.noise.drop_connect import DropConnect
from .module import Module

__all__ = ["fold_dropout"]

# f(α x) = α f(x) for α ≥ 0: what may stand between a dropout layer and the weights that take its α.
_PASSING = (
    "AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AvgPool1d", "AvgPool2d", "Flatten", "FractionalMaxPool2d",
    "Identity", "LeakyReLU", "MaxPool1d", "MaxPool2d", "PReLU", "ReLU",
)  # fmt: skip
# Linear in their input but for a bias, with the parameter ``weight``.
_WEIGHTS = ("Conv1d", "Conv2d", "ConvTranspose1d", "ConvTranspose2d", "Linear")


def fold_dropout(model: Sequential) -> Sequential:
    """Scale weights once, instead of outputs in every pass: W^(k) takes the α of layer k − 1.

    Parameters
    ----------
    model : Sequential
        Trained, with dropout that scales at test time (``scale="test"``) or inverted, which has
        nothing to scale. Chains may stand in chains. It is not changed.

    Returns
    -------
    Sequential
        A copy in evaluation that computes the same as the model in evaluation, its dropout layers
        replaced by `Identity`, under the same names. Each layer's weights are multiplied by the α of
        what comes in, each with its own; biases are not: Σ_j (α w_ji) y_j + b_i.
        The α of dropout behind the last weights has no weights to go to: that layer stays, and scales.

    Raises
    ------
    ConfigError
        If something between dropout and the next weights is not homogeneous (tanh, batch norm), so
        that its α cannot be moved past it; if weights that take an α are used twice; or if dropout that scales
        at test time stands inside of a module that is no chain.

    References
    ----------
    [Dropout during test: implementation], where one α stands for all layers; erratum X17.

    Examples
    --------
    >>> import numpy as np, nn
    >>> drop = lambda keep: nn.Dropout(keep=keep, rng=0, scale="test")
    >>> model = nn.Sequential(
    ...     drop(0.8), nn.Linear(3, 2, rng=0), nn.Tanh(), drop(0.5), nn.Linear(2, 1, rng=1)
    ... )
    >>> folded = nn.fold_dropout(model)
    >>> (folded[1].weight.detach().numpy() / model[1].weight.detach().numpy()).round(6).min()
    np.float32(0.8)
    >>> x = np.ones((1, 3))
    >>> bool(np.allclose(folded(x).detach().numpy(), model.eval()(x).detach().numpy()))
    True
    """
    if not isinstance(model, Sequential):
        raise ConfigError(
            "fold_dropout",
            f"expected a Sequential, whose order says which weights follow; received "
            f"{type(model).__name__}. Fold its chains, each for itself.",
        )
    twin = copy.deepcopy(model).eval()
    _Fold(twin).run()
    return twin


class _Fold:
    """A walk through a chain with the α that waits for weights."""

    def __init__(self, model: Sequential) -> None:
        self.alpha = 1.0
        self.waiting: list[tuple[Sequential, str, Module]] = []  # dropout layers of that α
        self.done: dict[int, tuple[str, float]] = {}  # weights: where they stand, and their α
        self.model = model

    def run(self) -> None:
        self._chain(self.model, "")

    def _chain(self, chain: Sequential, path: str) -> None:
        for name, part in list(chain._registered("child")):
            place = f"{path}.{name}" if path else name
            if isinstance(part, Sequential):
                self._chain(part, place)
            elif isinstance(part, Keeping):
                self._dropout(chain, name, part, place)
            elif isinstance(part, _kinds(_WEIGHTS)):
                self._weights(part, place)
            elif not isinstance(part, _kinds(_PASSING)):
                self._other(part, place)

    def _dropout(self, chain: Sequential, name: str, part: Keeping, place: str) -> None:
        if part.scale == "inverted":
            setattr(chain, name, layers.Identity())
            return
        if isinstance(part, layers.AlphaDropout):
            raise ConfigError(
                "fold_dropout",
                f'{place}, {part}, moves outputs as well as scaling them. Expected scale="inverted".',
            )
        self.alpha *= part.keep
        self.waiting.append((chain, name, part))

    def _weights(self, part: Any, place: str) -> None:
        alpha = self.alpha
        if isinstance(part, DropConnect) and part.scale == "test" and part.test == "mean":
            alpha *= part.keep
            if part.bias is not None and part.drop_bias:
                self._scale(part.bias, part.keep, place)
            part.scale = "inverted"  # nothing is left to scale
        self._scale(part.weight, alpha, place)
        self.alpha = 1.0
        for chain, name, _ in self.waiting:
            setattr(chain, name, layers.Identity())
        self.waiting.clear()

    def _scale(self, weight: ag.Tensor, alpha: float, place: str) -> None:
        first, known = self.done.setdefault(id(weight), (place, alpha))
        if known != alpha:
            raise ConfigError(
                "fold_dropout",
                f"{first} and {place} are the same weights, and take {known:g} and {alpha:g}. Expected "
                'weights that are used once, or behind the same α. Use scale="inverted".',
            )
        if first == place and alpha != 1:
            with ag.no_grad():
                weight.assign(weight * alpha)

    def _other(self, part: Module, place: str) -> None:
        held = [p for p in part.modules() if isinstance(p, Drawing)]
        inside = [p for p in held if getattr(p, "scale", "") == "test"]
        if inside:
            raise ConfigError(
                "fold_dropout",
                f"{inside[0]} stands inside of {place}, a {type(part).__name__}, which does not say what "
                "follows it. Expected dropout in chains. Fold its chains, each for itself.",
            )
        if self.waiting:
            raise ConfigError(
                "fold_dropout",
                f"{self.waiting[-1][2]} stands before {place}, a {type(part).__name__}, past which an α "
                "cannot be moved. Expected weights next, or layers with f(α x) = α f(x) such as ReLU. "
                'Put dropout right before the weights, or use scale="inverted".',
            )


def _kinds(names: tuple[str, ...]) -> tuple[type[Module], ...]:
    """The layers of these names."""
    return tuple(getattr(layers, name) for name in names if name in layers.__all__)
