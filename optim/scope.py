"""How far an update rule sees: one element, one parameter, or all of a group."""

from __future__ import annotations

import weakref
from typing import Any, Literal, Protocol

import autograd_core as ag
from autograd_core.errors import ConfigError
from autograd_core.program import Literal as Number, Var

__all__ = ["SCOPES", "Scope", "check_scope"]

Scope = Literal["element", "parameter", "all"]
SCOPES: tuple[Scope, ...] = ("element", "parameter", "all")

_known: weakref.WeakKeyDictionary[Any, set[Any]] = weakref.WeakKeyDictionary()


class Scoped(Protocol):
    """What is looked at here of an update rule."""

    @property
    def function(self) -> Any: ...
    @property
    def choices(self) -> Any: ...

    def program(self, size: Any, dtype: Any) -> ag.Program[Any]: ...


def check_scope(kind: str, rule: Scoped) -> None:
    """Refuse a rule of scope ``"element"`` that looks beyond its element.

    Such a rule is run over pieces of one flat array, wherever they end: so it is recorded for arrays of
    every size, and each of its steps must give an element of the operands' elements at the same
    place. The wider scopes are handed what they state and see nothing else.

    Raises
    ------
    ConfigError
        Naming the step.
    """
    try:
        seen = _known.setdefault(rule.function, set())
    except TypeError:  # a callable that nothing can refer to weakly
        seen = set()
    if rule.choices in seen:
        return
    (n,) = ag.dims("n")
    try:
        program = rule.program(n, float)
    except Exception as error:
        raise _refused(kind, f"it cannot be recorded for arrays of every size ({error})") from error
    reason = _beyond(program, n)
    if reason:
        raise _refused(kind, reason)
    seen.add(rule.choices)


def _beyond(program: ag.Program[Any], n: Any) -> str:
    """What a rule does beyond its element; empty if nothing."""
    for _, t in program.captures:
        if t.shape != ():
            return f"it reads an array of shape {t.shape}, whose elements belong to certain places"
    for step in program.applications:
        p, name = step.primitive, step.primitive.name
        shapes = [o.shape for o in (*step.operands, step.result) if isinstance(o, Var)]
        kept = all(shape in ((), (n,)) for shape in shapes) and (
            step.result.shape == (n,) or all(shape == () for shape in shapes)
        )
        alike = isinstance(p.kind, ag.Elementwise) or p.ordered  # leaves each element where it is
        sized = any(isinstance(o, Number) and isinstance(o.value, ag.Dim) for o in step.operands)
        if not (kept and alike):
            return f"{name} in it ({step.result.letter} = {step!r}) joins or moves elements"
        if sized:
            return f"{name} in it ({step.result.letter} = {step!r}) depends on how many elements there are"
    for o in program.outputs:
        if not isinstance(o, Var) or o.shape != (n,):
            return f"it gives a result of shape {getattr(o, 'shape', ())}, which is not that of the arrays"
    return ""


def _refused(kind: str, reason: str) -> ConfigError:
    return ConfigError(
        kind,
        f"its update rule is not of scope 'element': {reason}. Expected each element's new value "
        "to depend on that element alone: such a rule runs over pieces of all parameters at once. Say "
        'scope = "parameter" in the class where it looks at one parameter as a whole (its norm), '
        'scope = "all" where it looks at all parameters of a group.',
    )
