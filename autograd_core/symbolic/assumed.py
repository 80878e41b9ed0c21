"""What a proof takes as given, and how it went about it: each a kind and what it is about."""

from __future__ import annotations

from dataclasses import dataclass, replace

__all__ = ["FORMULAS", "Fact"]

# The words of each kind, with what it is about in its places.
_WORDS = {
    # of a statement
    "given": "{}",
    "independent": "the loss does not depend on {}",
    "values": "taken at their values: {}",
    "labels": "labels in range: {}",
    "indices": "indices that are computed are in range",
    "bits": "random integers may be any: {}",
    "count of bits": "{} random integers may be any",
    "decimals": "float constants are read as the decimals that were written",
    "kinks of the gradient": "kinks of the gradient alone: {}",
    "size": "decided apart: {}",
    "size left out": "left out: {}",
    "cut off": "held constant: {}, an array without values of shape {} (detach, or no_grad)",
    "unnamed": "held constant: {}, an array of shape {} (data, or detach, or no_grad)",
    "size at large": "{} looks up, or writes out, the size {}: taken to do the same at every size",
    # of what it was read as
    "meaning": "{} is read as its meaning, not as its float implementation",
    "formulas": "an elementwise function is read as its formula: compared with floats (prove.forward), not proved",
    "entries": "entry by entry, since {}",
    "no reading": "entry by entry, since the primitive {} ({}) has no reading at symbolic sizes: {}",
    # of a factorization
    "eigenvalues": "eigenvalues are distinct; they may be in any order",
    "singular values": "singular values are distinct and not 0; they may be in any order",
    "rank": "of full rank",
    "signs": "the sign of each {} is LAPACK's choice; proved for every choice",
    # of a step at which a derivative ends
    "stopped": "held constant: {} (stop_gradient, {})",
    "no rule": "held constant: {}, by which {} has no rule ({})",
    "zero": "{} has the derivative 0 off its kinks by {} ({})",
    # of a rule, and of float code
    "numbers": "{} is one of {}",
    "one call": "the code is a call of NumPy that stands for itself: compared, not proved",
    "stands for itself": "NumPy's {} stands for itself",
    "branch": "the code branches on data: only the branch of ordinary numbers was read",
    "branch taken": "all real numbers take the branch that was read",
    "branch taken off": "all real numbers take the branch that was read, off {}",
    "floats": "on floats it is within {} of what it is read as (Arb), at {} values",
    # of a composition
    "chain rule": "the chain rule: the derivative of a composition is that of its parts, put together",
    "walk": "the walk puts them together: shown end to end with fan-out, repeated and broadcast operands",
    "inside": "excluded and domain are conditions on the values inside of the whole model",
    "ties": "where operands of {} tie on an open set, the partials add up along the tie",
}
# Of whatever rule they are: these say themselves what they are about.
_GENERAL = frozenset({"meaning", "formulas", "zero"})


@dataclass(frozen=True)
class Fact:
    """What a proof takes as given, or how it went about it; ``str`` says it in words.

    Attributes
    ----------
    kind : str
        A key of the table above.
    about : tuple of str
        What its words have places for: names, sizes, a reason.
    of : str
        The primitive whose rule or reading it is of; empty: of the statement.
    """

    kind: str
    about: tuple[str, ...] = ()
    of: str = ""

    def __post_init__(self) -> None:
        str(self)  # a kind that has no words, or other places, is refused here

    def __str__(self) -> str:
        words = _WORDS[self.kind].format(*self.about)
        return f"{self.of}: {words}" if self.of else words

    def plain(self) -> str:
        """As a record has it: the words."""
        return str(self)

    def of_rule(self, primitive: str) -> Fact:
        """As a fact of one of several rules."""
        if self.kind in _GENERAL or self.of == primitive:
            return self
        return replace(self, of=f"{primitive}: {self.of}" if self.of else primitive)


FORMULAS = Fact("formulas")  # of every proof that passes elementwise functions
