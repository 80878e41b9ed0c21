"""Modules made of modules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self, overload

from autograd_core.errors import ConfigError
from autograd_core.randomness import source_of

from .contract import Example
from .module import Module

__all__ = ["ModuleList", "Sequential"]


class _Listed(Module):
    """Children in order, by position: what a list of modules and a chain of layers have in common."""

    def append(self, module: Module) -> Self:
        """Add a module at the end, named by its position; return this module.

        Raises
        ------
        ConfigError
            If it is no Module.
        """
        name = str(len(self))
        setattr(self, name, _checked(type(self).__name__, name, module))
        return self

    def extend(self, modules: Iterable[Module]) -> Self:
        """Append each of ``modules``; return this module."""
        name = type(self).__name__
        for module in [_checked(name, f"{len(self) + k}", m) for k, m in enumerate(modules)]:
            self.append(module)
        return self

    def __len__(self) -> int:
        return len(self._registered("child"))

    def __iter__(self) -> Iterator[Module]:
        return (child for _, child in self._registered("child"))

    def __contains__(self, module: object) -> bool:
        return any(child is module for child in self)

    def _part(self, children: list[tuple[str, Module]], numbered: bool) -> Self:
        """A module of the same kind of some of the children."""
        part = type(self)()
        for place, (name, child) in enumerate(children):
            setattr(part, str(place) if numbered else name, child)
        return part

    def _index(self, index: int) -> int:
        count = len(self)
        if not -count <= index < count:
            expected = f"Expected an index from {-count} to {count - 1}" if count else "It is empty"
            raise IndexError(f"{type(self).__name__}: there is no child {index}. {expected}.")
        return index % count

    @overload
    def __getitem__(self, index: int | str) -> Module: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | str | slice) -> Module:
        """Return the child at a position or of a name; for a slice, a module of the same kind.

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
            numbered = all(name == str(place) for place, (name, _) in enumerate(children))
            return self._part(children[index], numbered)
        if isinstance(index, str):
            return dict(children)[index]
        return children[self._index(index)][1]

    def __setitem__(self, index: int | str, module: Module) -> None:
        """Replace the child at a position or of a name.

        Raises
        ------
        IndexError, KeyError
            If there is none.
        ConfigError
            If ``module`` is no Module.
        """
        children = self._registered("child")
        name = index if isinstance(index, str) else children[self._index(index)][0]
        if name not in dict(children):
            raise KeyError(name)
        setattr(self, name, _checked(type(self).__name__, name, module))


class ModuleList(_Listed):
    """Modules in a list, all of which are trained and saved; what calls them is yours to write.

    Parameters
    ----------
    modules : iterable of Module
        The children, named ``"0"``, ``"1"``, …

    Raises
    ------
    ConfigError
        If something that is not a Module is passed; or when called: see `Sequential` for that.

    Notes
    -----
    Indexing, slicing, ``len``, iteration, `append` and `extend` work as for a list. A slice shares
    its modules with the whole.

    Examples
    --------
    >>> import numpy as np, nn
    >>> class Tower(nn.Module):
    ...     def __init__(self, depth):
    ...         self.layers = nn.ModuleList(nn.Linear(4, 4) for _ in range(depth))
    ...
    ...     def forward(self, x):
    ...         for layer in self.layers:
    ...             x = x + np.tanh(layer(x))
    ...         return x
    >>> tower = Tower(3)
    >>> tower(np.ones((2, 4))).shape, len(tower.layers), list(tower.state_dict())[:2]
    ((2, 4), 3, ['layers.0.weight', 'layers.0.bias'])
    """

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        if isinstance(modules, Module) and not isinstance(modules, _Listed):
            raise ConfigError(
                "ModuleList",
                f"expected one iterable of modules; received {type(modules).__name__}. Pass "
                "a list: nn.ModuleList([first, second]).",
            )
        self.extend(modules)

    @classmethod
    def example(cls) -> Example:
        """A list is not called."""
        return Example(cls, calls=[])

    def forward(self, *_: Any) -> Any:
        """Raise ConfigError: a list says nothing of how its modules are called."""
        raise ConfigError(
            "ModuleList",
            "a list of modules is not called. Loop over it in your forward, or use "
            "nn.Sequential, which calls one after the other.",
        )


class Sequential(_Listed):
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
    Indexing, slicing, ``len``, iteration, `append` and `extend` work as for a list. A slice shares
    its layers with the whole. For modules that are not called one after the other: `ModuleList`.

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
            setattr(self, name, _checked(type(self).__name__, name, layer))

    @classmethod
    def example(cls) -> Example:
        """Layers with parameters, with running statistics and with masks."""
        from .layers import BatchNorm1d, Dropout, Linear, Tanh  # which stand on this file's floor

        def make(*, rng: Any, dtype: Any) -> Module:
            rng = source_of(rng, cls.__name__).generator
            norm, linear = BatchNorm1d(3, dtype=dtype), Linear(3, 2, rng=rng, dtype=dtype)
            return cls(norm, linear, Dropout(0.3, rng=rng), Tanh())

        return Example(make, undecided="the bits of a mask have no reading at every size")

    def forward(self, x: Any) -> Any:
        """Pass ``x`` through the children in order."""
        for name, child in self._registered("child"):
            # By the name here, not the child's own: a layer used twice has two places.
            x = child._run(name, (x,), {})
        return x


def _checked(kind: str, name: str, module: Any) -> Module:
    """``module`` if it is one.

    Raises
    ------
    ConfigError
        Otherwise.
    """
    if isinstance(module, Module):
        return module
    hint = "Use the layer form of a function, such as nn.Tanh() for ag.tanh."
    if isinstance(module, type) and issubclass(module, Module):
        hint = f"Make one: {module.__name__}(...)."
    elif isinstance(module, list | tuple):
        hint = f"Pass them one by one: nn.{kind}(*layers)."
    expected = "one iterable of them" if kind == "ModuleList" else "one mapping of names to them"
    raise ConfigError(
        kind,
        f"child {name!r} is no module. Expected Module objects, or {expected}; received "
        f"{module!r}. {hint}",
    )
