"""What evaluators make of primitives: a reading is an evaluator's table, filled where its rules stand.

An evaluator that treats primitives one by one has a `Reading`, and registers its rules in one file a
family::

    BATCHED = Reading("vmap")

    @BATCHED(contractions.matmul)
    def matmul(…): …

    @BATCHED.kind(Elementwise)
    def elementwise(…): …

    BATCHED.absent(random.random_bits, reason="drawn row by row")

So a primitive is named beside what is done with it and nowhere else, and a test walks all readings:
each primitive of the engine has a rule, by itself or by its kind, or a reason why not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from .errors import ConfigError
from .primitives import REGISTRY, Primitive

__all__ = ["READINGS", "Reading", "record_of"]

READINGS: dict[str, Reading[Any]] = {}
_Rule = TypeVar("_Rule", bound=Callable[..., Any])


def record_of(function: Any) -> Primitive:
    """The primitive that a public function records.

    Raises
    ------
    ConfigError
        If it is none's.
    """
    p = REGISTRY.get(getattr(function, "__name__", ""))
    if p is None or p.function is not function:
        raise ConfigError(
            "reading",
            f"{function!r:.60} is no primitive. Expected a function that `primitive` has declared.",
        )
    return p


class Reading(Generic[_Rule]):
    """An evaluator's rules for primitives, by themselves and by kind.

    Parameters
    ----------
    title : str
        What the evaluator does, in a word or two.
    optional : bool
        Whether no primitive needs one: a shorter way to what happens anyway.
    declared : callable, optional
        What of a declaration is a primitive's reading already ("formula", "meaning"), or nothing.

    Attributes
    ----------
    rules, kinds : dict
        By name of a primitive, and by kind.
    reasons : dict of str
        Why a primitive, or a kind, has no rule.
    """

    def __init__(
        self,
        title: str,
        *,
        optional: bool = False,
        declared: Callable[[Primitive], str] | None = None,
    ) -> None:
        self.title = title
        self.optional = optional
        self.declared = declared
        self.rules: dict[str, _Rule] = {}
        self.kinds: dict[type, _Rule] = {}
        self.reasons: dict[str | type, str] = {}
        READINGS[title] = self

    def __call__(self, *functions: Any) -> Callable[[_Rule], _Rule]:
        """Register the decorated rule for the primitives of these public functions."""
        names = [record_of(f).name for f in functions]

        def register(rule: _Rule) -> _Rule:
            self.rules.update(dict.fromkeys(names, rule))
            return rule

        return register

    def kind(self, *kinds: type) -> Callable[[_Rule], _Rule]:
        """Register the decorated rule for primitives of these kinds that have none of their own."""

        def register(rule: _Rule) -> _Rule:
            self.kinds.update(dict.fromkeys(kinds, rule))
            return rule

        return register

    def absent(self, *whose: Any, reason: str) -> None:
        """Say why primitives, by their public functions, or kinds of them have no rule."""
        for one in whose:
            self.reasons[one if isinstance(one, type) else record_of(one).name] = reason

    def of(self, p: Primitive) -> _Rule | None:
        """The rule for a primitive: its own, or that of its kind; None if there is none."""
        own = self.rules.get(p.name)
        if own is not None or p.name in self.reasons:
            return own
        return self.kinds.get(type(p.kind))

    def how(self, p: Primitive) -> str:
        """How a primitive is read, in a word: as `declared` says, "own", "kind", "absent" with a reason; else empty."""
        word = self.declared(p) if self.declared is not None else ""
        if word:
            return word
        if self.of(p) is None:
            return "absent" if self.reason(p) else ""
        return "own" if p.name in self.rules else "kind"

    def reason(self, p: Primitive) -> str:
        """Why a primitive has no rule; empty if it has one, or nobody has said."""
        if self.of(p) is not None:
            return ""
        return self.reasons.get(p.name) or self.reasons.get(type(p.kind), "")
