"""Transform: what stands around an update rule and is one pure rule together with it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from ..declared import Value
from ..hyperparameters import checked
from ..scope import SCOPES, Scope

__all__ = ["Transform"]


class Transform(Value):
    """A step around the update of any optimizer: ``Adam(params, transforms=[ClipByNorm(5.0)])``.

    Several stand one in another, the first outermost. With the optimizer's own rule they are one
    pure rule, which is run, compiled, proved and resumed as one; ``optimizer.program()`` shows it.

    A subclass declares its numbers, each a float or a `Schedule`, and says in the slide's letters
    what it does around ``inner(theta, g) -> theta``, the update inside of it, which it calls once::

        @staticmethod
        def update(inner, theta, g, *slots, step, **h):
            return (new_theta, *new_slots)

    Attributes
    ----------
    scope : {"element", "parameter", "all"}
        Class attribute: what it is shown, as `Optimizer.scope`. The rule as a whole has the widest
        scope in it. What stands inside is shown its own share: an optimizer of scope
        ``"parameter"`` inside of a transform of scope ``"all"`` sees one parameter after the other.
        What stands around one that sees more is shown no more for that: clipping by value goes around
        clipping by the norm of everything, element by element.
    slots : tuple of str
        Class attribute: arrays that it keeps for each parameter, from zero. Beside those of the
        optimizer and of other transforms each is called ``Class.slot``: ``slots_of(w)["Average.average"]``.

    Raises
    ------
    TypeError
        When the class is made: if its scope is none of these, two slots have one name or one that is
        no identifier, or `update` does not ask for all of its numbers.

    Notes
    -----
    ``step`` counts updates from 1. The names after it are its own hyperparameters, and any of the
    optimizer's: the learning rate ``lr`` for one.

    Examples
    --------
    >>> import autograd_core as ag, optim
    >>> class Centred(Transform):
    ...     scope = "parameter"
    ...
    ...     @staticmethod
    ...     def update(inner, theta, g, *, step):
    ...         return (inner(theta, g - ag.mean(g)),)
    >>> w = ag.tensor([0.0, 0.0], requires_grad=True)
    >>> optimizer = optim.SGD([w], lr=1.0, transforms=[Centred()])
    >>> (w * [1.0, 3.0]).sum().backward()
    >>> optimizer.step()
    >>> w
    Tensor([ 1., -1.], requires_grad=True)
    """

    examples: ClassVar[Sequence[Mapping[str, Any]]] = ()
    """Numbers to try it with: what the contract of the tests does."""
    scope: ClassVar[Scope] = "element"
    slots: ClassVar[tuple[str, ...]] = ()

    # A Callable, so that a subclass may name its slots and what it reads of the optimizer.
    update: ClassVar[Callable[..., tuple[Any, ...]]]
    """``update(inner, theta, g, *slots, step, **h) -> (theta, *slots)``; pure."""

    reads: ClassVar[tuple[str, ...]] = ()
    """The optimizer's hyperparameters that `update` asks for."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if cls.scope not in SCOPES:
            raise TypeError(
                f"{cls.__name__}.scope: expected one of {SCOPES}; received {cls.scope!r}."
            )
        named = all(name.isidentifier() for name in cls.slots)
        if isinstance(cls.slots, str) or not named or len(set(cls.slots)) < len(cls.slots):
            raise TypeError(
                f"{cls.__name__}.slots: expected a tuple of identifiers, each once; received {cls.slots!r}."
            )
        if "update" in vars(cls):
            asked = inspect.signature(cls.update).parameters.values()
            names = [a.name for a in asked if a.kind is a.KEYWORD_ONLY]
            missing = [name for name in cls.hyperparameters if name not in names]
            if missing:
                raise TypeError(
                    f"{cls.__name__}.update: expected all of its hyperparameters after *; missing: "
                    f"{', '.join(missing)}."
                )
            cls.reads = tuple(n for n in names if n != "step" and n not in cls.hyperparameters)

    def _checked(self, name: str, value: object) -> Any:
        return checked(self.hyperparameters[name], f"{type(self).__name__}: {name}", value)
