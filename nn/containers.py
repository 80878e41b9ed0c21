"""Modules made of modules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, overload

from autograd_core.errors import ConfigError

from .module import Module

__all__ = ["Sequential"]


class Sequential(Module):
    """Children called one after the other, each with the output of the one before.

    Parameters
    ----------
    *layers : Module
        The children, named ``"0"``, ``"1"``, …; or one mapping of names to modules, in its order.
        None at all gives the identity.

    Raises
    ------
    ConfigError
        If something that is not a Module is passed, such as a class or a plain function.

    Notes
    -----
    It is also the way to keep a list of modules: indexing, slicing, ``len`` and iteration work as
    for a list. A slice shares its layers with the whole.

    Examples
    --------
    >>> import numpy as np, nn
    >>> rng = np.random.default_rng(0)
    >>> model = nn.Sequential({"hidden": nn.Linear(3, 4, rng=rng), "squash": nn.Tanh()})
    >>> model
    Sequential(
      (hidden): Linear(3, 4)
      (squash): Tanh()
    )
    >>> model(np.ones((2, 3))).shape, len(model), model[-1]
    ((2, 4), 2, Tanh())
    """

    def __init__(self, *layers: Module | Mapping[str, Module]) -> None:
        named: Mapping[str, Any]
        if len(layers) == 1 and isinstance(layers[0], Mapping):
            named = layers[0]
        else:
            named = {str(position): layer for position, layer in enumerate(layers)}
        for name, layer in named.items():
            if not isinstance(layer, Module):
                made = isinstance(layer, type) and issubclass(layer, Module)
                hint = (
                    f"Make one: {layer.__name__}(...)."
                    if made
                    else "Use the layer form of a function, such as nn.Tanh() for ag.tanh."
                )
                raise ConfigError(
                    f"Sequential: child {name!r} is no module. Expected Module objects, or one "
                    f"mapping of names to them; received {layer!r}. {hint}"
                )
            setattr(self, name, layer)

    def forward(self, x: Any) -> Any:
        """Pass ``x`` through the children in order."""
        for name, child in self._registered("child"):
            # By the name here, not the child's own: a layer used twice has two places.
            x = child._run(name, (x,), {})
        return x

    def __len__(self) -> int:
        return len(self._registered("child"))

    def __iter__(self) -> Iterator[Module]:
        return (child for _, child in self._registered("child"))

    @overload
    def __getitem__(self, index: int | str) -> Module: ...
    @overload
    def __getitem__(self, index: slice) -> Sequential: ...
    def __getitem__(self, index: int | str | slice) -> Module:
        """Return the child at a position or of a name; for a slice, a Sequential of its layers.

        Numbered children are numbered anew in a slice, named ones keep their names.

        Raises
        ------
        IndexError
            If there is no child at that position.
        KeyError
            If there is no child of that name.
        """
        children = self._registered("child")
        if isinstance(index, slice):
            part = children[index]
            if all(name == str(place) for place, (name, _) in enumerate(children)):
                return Sequential(*(child for _, child in part))
            return Sequential(dict(part))
        if isinstance(index, str):
            return dict(children)[index]
        if not -len(children) <= index < len(children):
            raise IndexError(
                f"Sequential: there is no child {index}. Expected an index from "
                f"{-len(children)} to {len(children) - 1}."
            )
        return children[index][1]
