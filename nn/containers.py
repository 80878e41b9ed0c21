"""Modules made of modules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self, overload

import autograd_core as ag
from autograd_core.errors import ConfigError
from autograd_core.randomness import source_of

from .contract import Example
from .module import Module

__all__ = ["ModuleDict", "ModuleList", "Sequential"]


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

    def insert(self, index: int, module: Module) -> Self:
        """Put a module before the one at a position, as in a list; return this module.

        Those behind it are numbered anew, in the state too.

        Raises
        ------
        ConfigError
            If it is no Module, or the children have names of their own.
        """
        kind = type(self).__name__
        children = self._numbered("insert")
        place = slice(index, None).indices(len(children))[0]
        children.insert(place, _checked(kind, str(place), module))
        if any(part is self for part in module.modules()):  # refused before anything is moved
            setattr(self, str(place), module)
        self._renumber(children)
        return self

    def pop(self, index: int = -1) -> Module:
        """Take out the module at a position, by default the last, and return it.

        Those behind it are numbered anew, in the state too.

        Raises
        ------
        IndexError
            If there is none.
        ConfigError
            If the children have names of their own: ``del model.name`` takes one out.
        """
        children = self._numbered("pop")
        taken = children.pop(self._index(index))
        self._renumber(children)
        return taken

    def __delitem__(self, index: int | slice) -> None:
        children = self._numbered("del")
        del children[index if isinstance(index, slice) else self._index(index)]
        self._renumber(children)

    def __add__(self, other: Any) -> Self:
        if not isinstance(other, _Listed):
            return NotImplemented
        return self._part([("", child) for child in (*self, *other)], True)

    def _numbered(self, operation: str) -> list[Module]:
        """The children, all of them named by their positions."""
        names = [name for name, _ in self._registered("child")]
        if names != [str(place) for place in range(len(names))]:
            raise ConfigError(
                f"{type(self).__name__}.{operation}",
                f"expected children that are named by their positions; they are {', '.join(names)}. Build "
                f"another one: nn.{type(self).__name__}({{name: module, ...}}).",
            )
        return list(self)

    def _renumber(self, children: list[Module]) -> None:
        """These children in place of those that are there, under the names of their positions."""
        before = {id(child): name for name, child in reversed(self._registered("child"))}
        for name, _ in self._registered("child"):
            delattr(self, name)
        for place, child in enumerate(children):
            name, old = str(place), before.get(id(child))
            if old is not None and child._name == old:
                child.__dict__["_name"] = name
            for path, tensor in child._named_state(old or name):
                if old is not None and tensor.name is not None and tensor.name.endswith(path):
                    ends = name + path[len(old) :]
                    ag.mark(tensor, name=tensor.name[: len(tensor.name) - len(path)] + ends)
            setattr(self, name, child)

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
    Indexing, slicing, ``len``, iteration, ``+``, ``del``, `append`, `extend`, `insert` and `pop` work as
    for a list. A slice shares its modules with the whole.

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

    _uncalled = True

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


class ModuleDict(Module):
    """Modules by name, all of which are trained and saved; what calls them is yours to write.

    Parameters
    ----------
    modules : mapping of str to Module, or iterable of pairs
        The children, in order.

    Raises
    ------
    ConfigError
        If something that is not a Module is passed, or a name is none for a child: it has a dot, or is
        that of a method such as ``keys``; or when called.

    Examples
    --------
    >>> import numpy as np, nn
    >>> heads = nn.ModuleDict({"mean": nn.Linear(4, 1), "spread": nn.Linear(4, 1)})
    >>> {name: head(np.ones((2, 4))).shape for name, head in heads.items()}
    {'mean': (2, 1), 'spread': (2, 1)}
    >>> "mean" in heads, list(heads.state_dict())[:2]
    (True, ['mean.weight', 'mean.bias'])
    """

    _uncalled = True

    def __init__(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]] = ()) -> None:
        self.update(modules)

    @classmethod
    def example(cls) -> Example:
        """A dict is not called."""
        return Example(cls, calls=[])

    def forward(self, *_: Any) -> Any:
        """Raise ConfigError: a dict says nothing of how its modules are called."""
        raise ConfigError(
            "ModuleDict",
            "a dict of modules is not called. Call them by name in your forward: "
            "self.parts[name](x).",
        )

    def __getitem__(self, name: str) -> Module:
        """Return the child of a name.

        Raises
        ------
        KeyError
            If there is none.
        """
        return dict(self._registered("child"))[name]

    def __setitem__(self, name: str, module: Module) -> None:
        setattr(self, name, _checked("ModuleDict", name, module))

    def __delitem__(self, name: str) -> None:
        self.pop(name)

    def __contains__(self, name: object) -> bool:
        return any(name == known for known in self)

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self._registered("child"))

    def __len__(self) -> int:
        return len(self._registered("child"))

    def keys(self) -> list[str]:
        """Names of the children, in order."""
        return list(self)

    def values(self) -> list[Module]:
        """Return the children, in order."""
        return [child for _, child in self._registered("child")]

    def items(self) -> list[tuple[str, Module]]:
        """Names and children, in order."""
        return self._registered("child")

    def update(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]]) -> Self:
        """Add modules by name, or replace those of the same names; return this module."""
        given = dict(modules)
        for name, module in given.items():
            _checked("ModuleDict", name, module)
        for name, module in given.items():
            self[name] = module
        return self

    def pop(self, name: str) -> Module:
        """Take out the child of a name, and return it.

        Raises
        ------
        KeyError
            If there is none.
        """
        taken = self[name]
        delattr(self, name)
        return taken


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
    Indexing, slicing, ``len``, iteration, ``+``, ``del``, `append`, `extend`, `insert` and `pop` work as
    for a list. A slice shares its layers with the whole. For modules that are not called one after the
    other: `ModuleList`, `ModuleDict`.

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

        return Example(make)

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
