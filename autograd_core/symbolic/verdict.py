"""Verdicts: what was decided, in what scope, from what, with which tools."""

from __future__ import annotations

import functools
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any, Protocol

from ..errors import ProofError
from .assumed import Fact
from .decide import REFUTED, Witness

__all__ = ["ARITHMETIC", "LeafVerdict", "Part", "Verdict", "versions"]

# What floats and integers are read as, in every verdict.
ARITHMETIC = "real numbers, integers of any size; no rounding, overflow, infinity or nan"


def versions() -> dict[str, str]:
    """Versions of the tools that a verdict depends on; "absent" where one is not installed."""
    return dict(_versions())


@functools.cache  # what this process has imported stays what it is
def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in ("gradproof", "numpy", "sympy", "mpmath", "python-flint"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "absent"
    return found


@dataclass(frozen=True)
class LeafVerdict:
    """The verdict on the gradient by one leaf.

    Attributes
    ----------
    status : str
        PROVED, PROBABLE, COMPARED, REFUTED or UNDECIDED.
    shape : tuple of int
    entries : int
        Entries decided; fewer than the shape has if one was refuted, 0 if sizes are names.
    reason : str
        Why it is not PROVED.
    witness : Witness or None
    seconds : float
    method : str
        INDEXED: one statement for every entry, and for every size that is a name. EXACT: entry
        by entry, at sizes that are numbers. FLOATS: values at points; ``entries`` of them.
    """

    status: str
    shape: tuple[Any, ...]
    entries: int = 0
    reason: str = ""
    witness: Witness | None = None
    seconds: float = 0.0
    method: str = "EXACT"

    @property
    def counted(self) -> str:
        """How many entries were decided, in words."""
        if self.method == "INDEXED":
            return "every entry"
        if self.method == "FLOATS":
            return f"{self.entries} values"
        return f"{self.entries} {'entry' if self.entries == 1 else 'entries'}"


@dataclass
class Part:
    """What one evaluator has to say about a statement.

    Attributes
    ----------
    leaves : dict of str to LeafVerdict
    excluded, domain : list of str
    facts : list of Fact
    constants : dict of str to float
        Positive symbols that stand for float constants, by name.
    decimal : bool
        Some leaf needed the constants to be the decimals that were written.
    """

    leaves: dict[str, LeafVerdict] = field(default_factory=dict)
    excluded: list[str] = field(default_factory=list)
    domain: list[str] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    constants: dict[str, float] = field(default_factory=dict)
    decimal: bool = False


class Statement(Protocol):
    """What was decided; `statements.Statement` is one."""

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""


class Derivation(Protocol):
    """Formulas of gradients, by the names of leaves; `formulas.Derivation` is one."""

    @property
    def names(self) -> Mapping[str, int]:
        """Numbers of inputs, by name."""

    def latex(self, name: str) -> str:
        """See `Verdict.latex`."""

    def numpy(self, name: str) -> str:
        """See `Verdict.numpy`."""


@dataclass(frozen=True)
class Verdict:
    """The outcome of a proof.

    Attributes
    ----------
    claim : str
        What was decided.
    status : str
        PROVED: equal as functions, for all reals in scope, off the excluded kinks.
        PROBABLE: zero at random points of a finite field; never a proof.
        COMPARED: of float code: near certified values of its formula at the points that were tried.
        REFUTED: unequal at a rational point, by certified intervals.
        UNDECIDED: none of these; ``reason`` says why.
    scope : str
        Shapes, and constants that stand for any positive number.
    every : str
        The part of the scope that says for which sizes or symbols it holds, if they have names.
    leaves : dict of str to LeafVerdict
    excluded : tuple of str
        Kinks: where these hold, the function has no derivative and nothing is claimed. They are null
        sets: of what may be zero on an open set, only the edge of that set. Indices of one axis that
        are written differently are different.
    domain : tuple of str
        What the steps of the programs ask for, as far as that is not evident: where it does not
        hold nothing is claimed.
    facts : tuple of Fact
        What the proof takes as given; ``str(fact)`` says it in words.
    witness : Witness or None
        The first counterexample.
    rules : dict of str to str
        SHA-256 of the source of every VJP rule that took part.
    seconds : float
    numbers : str
        What floats and integers are read as, always.
    compared : int
        Points at which what was proved was run, too, and held: as many as there was time for.
    versions : dict of str to str
    statement : Statement or None
        What was decided, as data that another checker can read.
    derivation : Derivation or None
        What `latex` and `numpy` are written from; no part of the record.
    """

    claim: str
    status: str
    scope: str
    leaves: dict[str, LeafVerdict] = field(default_factory=dict)
    excluded: tuple[str, ...] = ()
    domain: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()
    witness: Witness | None = None
    rules: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    numbers: str = ARITHMETIC
    compared: int = 0
    every: str = ""
    versions: dict[str, str] = field(default_factory=versions)
    statement: Statement | None = field(default=None, repr=False, compare=False)
    derivation: Derivation | None = field(default=None, repr=False, compare=False)

    @property
    def reason(self) -> str:
        """Why it is not PROVED: that of the first leaf with this status."""
        return next((v.reason for v in self.leaves.values() if v.status == self.status), "")

    def __repr__(self) -> str:
        return f"<{self.status}: {self.claim}, {self.scope}, {self.seconds:.2f} s>"

    def __str__(self) -> str:
        lines = [
            f"{self.status}  {self.claim}",
            f"  scope     {self.scope}",
            f"  numbers   {self.numbers}",
        ]
        width = max((len(name) for name in self.leaves), default=0)
        for i, (name, leaf) in enumerate(self.leaves.items()):
            head = "  leaves    " if i == 0 else " " * 12
            reason = f"  {leaf.reason}" if leaf.reason else ""
            lines.append(
                f"{head}{name:<{width}}  {leaf.status}  {leaf.counted}  {leaf.seconds:.2f} s{reason}"
            )
        for title, parts in (
            ("excluded", self.excluded),
            ("domain", self.domain),
            ("facts", tuple(map(str, self.facts))),
        ):
            for i, text in enumerate(_shortened(parts)):
                lines.append(f"  {title if i == 0 else '':<8}  {text}")
        if self.witness is not None:
            lines.append(f"  witness   {self.witness}")
        lines.append(f"  rules     {', '.join(self.rules) or 'none'}")
        if self.compared:
            points = "1 point" if self.compared == 1 else f"{self.compared} points"
            lines.append(f"  compared  with what the engine computes, at {points}")
        lines.append(f"  seconds   {self.seconds:.2f}")
        return "\n".join(lines)

    def latex(self, name: str) -> str:
        r"""The gradient by a leaf as a formula in named intermediates, in LaTeX.

        The definitions come first, one a line; a single equation stands alone.

        Parameters
        ----------
        name : str
            A key of ``leaves``.

        Raises
        ------
        ProofError
            If there is no such leaf, its gradient was refuted, the verdict is not of
            `prove.backward`, or a primitive has no reading as a formula in indices.

        Examples
        --------
        >>> from autograd_core.symbolic import arrays, prove
        >>> (z,) = arrays("z:B")
        >>> print(prove.backward((z**2).sum(), wrt=[z]).latex("z"))
        \frac{\partial L}{\partial z_{b}} = 2 z_{b}
        """
        return self._derived("latex", name).latex(name)

    def numpy(self, name: str) -> str:
        """The gradient by a leaf as the source of a NumPy function, for any sizes.

        ``def gradient_z(z, …)`` takes the arrays that the gradient needs, in the order of the leaves.
        It is text to read or to keep in a file; nothing here runs it.

        Parameters
        ----------
        name : str
            A key of ``leaves``.

        Raises
        ------
        ProofError
            As for `latex`.

        Examples
        --------
        >>> from autograd_core.symbolic import arrays, prove
        >>> (z,) = arrays("z:B")
        >>> print(prove.backward((z**2).sum(), wrt=[z]).numpy("z"))
        import numpy as np
        <BLANKLINE>
        <BLANKLINE>
        def gradient_z(z):
            return 2 * z
        <BLANKLINE>
        """
        return self._derived("numpy", name).numpy(name)

    def _derived(self, operation: str, name: str) -> Derivation:
        """What a formula of a leaf is written from, if there is one."""
        if self.derivation is None:
            raise ProofError(
                f"Verdict.{operation}",
                f"this verdict has no gradient: {self.claim}. Expected a verdict of "
                "prove.backward.",
            )
        leaf = self.leaves.get(name) if isinstance(name, str) else None
        if leaf is None or name not in self.derivation.names:
            raise ProofError(
                f"Verdict.{operation}",
                f"there is no leaf {name!r}. Expected one of {', '.join(self.derivation.names)}.",
            )
        if leaf.status == REFUTED:
            raise ProofError(
                f"Verdict.{operation}",
                f"the gradient by {name} is REFUTED, so its formula would be wrong. "
                f"A counterexample: {leaf.witness}.",
            )
        return self.derivation

    def to_json(self) -> str:
        """Everything, as JSON; rational numbers as strings such as "3/7"."""
        return json.dumps(_plain(self), indent=2, ensure_ascii=False)


def _shortened(parts: tuple[str, ...], most: int = 6, width: int = 100) -> list[str]:
    """The first few, each on one line."""
    shown = [p if len(p) <= width else p[: width - 1] + "…" for p in parts[:most]]
    return [*shown, f"and {len(parts) - most} more"] if len(parts) > most else shown


def _plain(value: Any) -> Any:
    """Dataclasses, tuples and fractions as JSON has them."""
    if hasattr(value, "plain"):
        return value.plain()
    if hasattr(value, "__dataclass_fields__"):
        names = (name for name in value.__dataclass_fields__ if name != "derivation")
        return {name: _plain(getattr(value, name)) for name in names}
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)
