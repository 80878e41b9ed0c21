"""Classes that declare their hyperparameters once, as annotated attributes: see `Declared`."""

from __future__ import annotations

import dataclasses
import inspect
import sys
import typing
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, dataclass_transform

from autograd_core.errors import ConfigError, StateError
from autograd_core.options import SWITCH, Choice, Interval, Whole

__all__ = ["Declared", "Range", "Value", "also", "argument", "from_json", "to_json"]


class Part(NamedTuple):
    """A hyperparameter that is a value of a class of its own."""

    kind: type[Any]

    def check(self, where: str, value: object) -> Any:
        """``value``, or a ConfigError that says ``where`` it was set."""
        if isinstance(value, self.kind):
            return value
        raise ConfigError(where, f"expected a {self.kind.__name__}; received {value!r}.")


Range = Interval | Whole | Choice[Any] | Part


class Alias(NamedTuple):
    """Another name for some hyperparameters, as in ``betas`` for (delta, gamma)."""

    names: tuple[str, ...]


def also(*names: str) -> Any:
    """Declare an argument that is another library's name for the hyperparameters ``names``, or for one."""
    return Alias(names)


class Other(NamedTuple):
    """An argument of ``__init__`` that is no hyperparameter."""

    alias: str
    default: Any
    kw_only: bool

    def parameter(self, annotation: Any) -> inspect.Parameter:
        """It as a part of a signature."""
        how: Any = inspect.Parameter.POSITIONAL_OR_KEYWORD
        if self.kw_only:
            how = inspect.Parameter.KEYWORD_ONLY
        return inspect.Parameter(self.alias, how, default=self.default, annotation=annotation)


def argument(*, alias: str, default: Any = inspect.Parameter.empty, kw_only: bool = False) -> Any:
    """Declare an argument that is no hyperparameter; it is read by ``__init__`` itself.

    Type checkers and `inspect.signature` know it by its ``alias``: before the hyperparameters, or
    after them if it is given by name.
    """
    return Other(alias, default, kw_only)


def _annotations(cls: type[Any]) -> dict[str, Any]:
    """The annotations of a class that is being made, as they read where it stands."""
    frame = sys._getframe(2)
    while frame.f_code.co_name == "__init_subclass__" and frame.f_back is not None:
        frame = frame.f_back
    try:
        return inspect.get_annotations(
            cls, globals=frame.f_globals, locals=frame.f_locals, eval_str=True
        )
    except NameError as error:
        raise TypeError(
            f"{cls.__name__}: an annotation is read when the class is made, and {error}."
        ) from None


def _range(where: str, annotation: Any) -> Range:
    """The values that an annotation allows."""
    if annotation is bool:
        return SWITCH
    if typing.get_origin(annotation) is Annotated:
        for mark in annotation.__metadata__:
            if isinstance(mark, (Interval, Whole, Choice)):
                return mark
    if typing.get_origin(annotation) is Literal:
        return Choice(typing.get_args(annotation))
    if isinstance(annotation, type) and issubclass(annotation, Declared):
        return Part(annotation)
    raise TypeError(
        f"{where}: {annotation!r} says no range. Expected an annotation of optim/hyperparameters.py, "
        "Annotated[float, Interval(low, high)], bool, or Literal of some words."
    )


@dataclass_transform(eq_default=False, field_specifiers=(argument,))
class Declared:
    """Each annotated attribute is a hyperparameter: name, range and default, said once.

    The annotation says the range: ``Annotated`` with an `Interval` or `Choice` (see ``hyperparameters.py``),
    ``bool``, ``Literal["a", "b"]``, or another class of this kind. What stands after ``_: KW_ONLY`` is
    given by name. From these come ``__init__``'s signature, as in a dataclass (editors and type
    checkers know it), and `hyperparameters`. Other names with an underscore than those of an
    `argument` are left alone.

    Raises
    ------
    TypeError
        When the class is made, if an annotation says no range, or a name is taken.

    Examples
    --------
    >>> from optim.hyperparameters import NonNegative
    >>> class Halving(Declared):
    ...     start: NonNegative
    ...     gently: bool = False
    >>> inspect.signature(Halving).parameters["gently"].default
    False
    >>> print(Halving.hyperparameters["start"])
    a finite number in [0, inf)
    """

    hyperparameters: ClassVar[Mapping[str, Range]] = {}
    """Name and range of each."""
    _arguments: ClassVar[tuple[inspect.Parameter, ...]] = ()
    _others: ClassVar[tuple[inspect.Parameter, ...]] = ()
    _aliases: ClassVar[Mapping[str, Alias]] = {}
    # Attributes of a base class that stand for a hyperparameter.
    _open: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "hyperparameters" in vars(cls):
            raise TypeError(
                f"{cls.__name__}.hyperparameters: expected each to be declared as an attribute with a range, "
                "such as lr: NonNegative (see optim/hyperparameters.py); __init__ is then made of them."
            )
        ranges, aliases = dict(cls.hyperparameters), dict(cls._aliases)
        arguments = {a.name: a for a in cls._arguments}
        others = {a.name: a for a in cls._others}
        how: Any = inspect.Parameter.POSITIONAL_OR_KEYWORD
        written = inspect.get_annotations(cls)
        for name, annotation in _annotations(cls).items():
            default = vars(cls).get(name, inspect.Parameter.empty)
            if annotation is dataclasses.KW_ONLY:
                how = inspect.Parameter.KEYWORD_ONLY
            if isinstance(default, Other):
                others[default.alias] = default.parameter(written[name])
                delattr(cls, name)
            if name.startswith("_") or typing.get_origin(annotation) is ClassVar:
                continue
            parent = cls.__mro__[1]
            if name not in arguments and name not in cls._open and hasattr(parent, name):
                raise TypeError(
                    f"{cls.__name__}.{name}: expected another name: {parent.__name__} has an attribute "
                    f"{name!r} of its own."
                )
            if isinstance(default, Alias):
                aliases[name], default = default, None
            else:
                ranges[name] = _range(f"{cls.__name__}.{name}", annotation)
            arguments[name] = inspect.Parameter(
                name, how, default=default, annotation=written[name]
            )
            if name in vars(cls):
                delattr(cls, name)
        cls.hyperparameters, cls._aliases = ranges, aliases
        cls._arguments, cls._others = tuple(arguments.values()), tuple(others.values())
        if "__init__" not in vars(cls):
            first = [a for a in cls._others if a.kind is not a.KEYWORD_ONLY]
            last = [a for a in cls._others if a.kind is a.KEYWORD_ONLY]
            everything = sorted((*first, *cls._arguments, *last), key=lambda a: a.kind)
            cls.__signature__ = inspect.Signature(everything)  # type: ignore[attr-defined]

    @classmethod
    def _given(cls, args: tuple[Any, ...], options: Mapping[str, Any]) -> dict[str, Any]:
        """Values by name, from arguments: defaults filled in, other names resolved."""
        kind = cls.__name__
        try:
            bound = inspect.Signature(sorted(cls._arguments, key=lambda a: a.kind)).bind(
                *args, **options
            )
        except TypeError as error:
            raise TypeError(f"{kind}: {error}") from None
        values = bound.arguments
        for other, (names,) in cls._aliases.items():
            several = values.pop(other, None)
            if several is None:
                continue
            if values.keys() & set(names):
                told = names[0] if len(names) == 1 else f"({', '.join(names)})"
                raise ConfigError(kind, f"{other} is another name for {told}. Pass one of them.")
            if len(names) == 1:
                several = (several,)
            try:
                values.update(zip(names, several, strict=True))
            except (TypeError, ValueError):
                words = {2: "two"}.get(len(names), str(len(names)))
                raise ConfigError(
                    kind, f"{other}: expected {words} numbers; received {several!r}."
                ) from None
        defaults = {a.name: a.default for a in cls._arguments if a.name in cls.hyperparameters}
        return {**defaults, **values}


class Value(Declared):
    """What is said by its class and its hyperparameters: immutable, compared and written by them."""

    _known: ClassVar[dict[str, type[Any]]] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls._known[_name(cls)] = cls

    def __init__(self, *args: Any, **options: Any) -> None:
        for name, value in self._given(args, options).items():
            vars(self)[name] = self._checked(name, value)

    def _checked(self, name: str, value: object) -> Any:
        return self.hyperparameters[name].check(f"{type(self).__name__}: {name}", value)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__} does not change. Make another one.")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(other) == vars(self)

    def __hash__(self) -> int:
        return hash((type(self), *vars(self).values()))

    def __repr__(self) -> str:
        inner = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({inner})"


def _name(kind: type[Any]) -> str:
    """What a file calls a class: ours by its name, others with their module, of which two may be alike."""
    ours = kind.__module__.partition(".")[0] == "optim"
    return kind.__name__ if ours else f"{kind.__module__}.{kind.__qualname__}"


def to_json(value: Any) -> Any:
    """A hyperparameter as JSON can hold it."""
    if isinstance(value, Value):
        inner = {name: to_json(part) for name, part in vars(value).items()}
        return {"is": _name(type(value)), **inner}
    return [to_json(part) for part in value] if isinstance(value, (tuple, list)) else value


def from_json(written: Any) -> Any:
    """What `to_json` was given.

    Raises
    ------
    StateError
        If no class of that name is known here.
    ConfigError
        If a value is outside its range.
    """
    if isinstance(written, list):
        return [from_json(part) for part in written]
    if not isinstance(written, Mapping):
        return written
    name = written.get("is")
    if name not in Value._known:
        raise StateError(
            f"there is no class {name!r} here. Expected one that is defined. Import what defines it first."
        )
    values = {key: from_json(part) for key, part in written.items() if key != "is"}
    return Value._known[name](**values)
