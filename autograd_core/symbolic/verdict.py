"""Verdicts: what was decided, in what scope, from what, with which tools."""

from __future__ import annotations

import json
import platform
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any

from .decide import Witness

__all__ = ["LeafVerdict", "Part", "Verdict", "versions"]


def versions() -> dict[str, str]:
    """Versions of the tools that a verdict depends on; "absent" where one is not installed."""
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
        PROVED, PROBABLE, REFUTED or UNDECIDED.
    shape : tuple of int
    entries : int
        Entries decided; fewer than the shape has if one was refuted, 0 if sizes are names.
    reason : str
        Why it is not PROVED.
    witness : Witness or None
    seconds : float
    method : str
        INDEXED: one statement for every entry, and for every size that is a name. EXACT: entry
        by entry, at sizes that are numbers.
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
        return f"{self.entries} {'entry' if self.entries == 1 else 'entries'}"


@dataclass
class Part:
    """What one evaluator has to say about a statement.

    Attributes
    ----------
    leaves : dict of str to LeafVerdict
    excluded, domain, facts : list of str
    constants : dict of str to float
        Positive symbols that stand for float constants, by name.
    decimal : bool
        Some leaf needed the constants to be the decimals that were written.
    """

    leaves: dict[str, LeafVerdict] = field(default_factory=dict)
    excluded: list[str] = field(default_factory=list)
    domain: list[str] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)
    constants: dict[str, float] = field(default_factory=dict)
    decimal: bool = False


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
        REFUTED: unequal at a rational point, by certified intervals.
        UNDECIDED: none of these; ``reason`` says why.
    scope : str
        Shapes, and constants that stand for any positive number.
    leaves : dict of str to LeafVerdict
    excluded : tuple of str
        Kinks: where these hold, the function has no derivative and nothing is claimed.
    domain : tuple of str
        Where the functions are defined, as far as that is not evident.
    facts : tuple of str
        What the proof takes as given.
    witness : Witness or None
        The first counterexample.
    rules : dict of str to str
        SHA-256 of the source of every VJP rule that took part.
    seconds : float
    versions : dict of str to str
    """

    claim: str
    status: str
    scope: str
    leaves: dict[str, LeafVerdict] = field(default_factory=dict)
    excluded: tuple[str, ...] = ()
    domain: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    witness: Witness | None = None
    rules: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    versions: dict[str, str] = field(default_factory=versions)

    @property
    def reason(self) -> str:
        """Why it is not PROVED: that of the first leaf with this status."""
        return next((v.reason for v in self.leaves.values() if v.status == self.status), "")

    def __repr__(self) -> str:
        return f"<{self.status}: {self.claim}, {self.scope}, {self.seconds:.2f} s>"

    def __str__(self) -> str:
        lines = [f"{self.status}  {self.claim}", f"  scope     {self.scope}"]
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
            ("facts", self.facts),
        ):
            for i, text in enumerate(_shortened(parts)):
                lines.append(f"  {title if i == 0 else '':<8}  {text}")
        if self.witness is not None:
            lines.append(f"  witness   {self.witness}")
        lines.append(f"  rules     {', '.join(self.rules) or 'none'}")
        lines.append(f"  seconds   {self.seconds:.2f}")
        return "\n".join(lines)

    def to_json(self) -> str:
        """Everything, as JSON; rational numbers as strings such as "3/7"."""
        return json.dumps(_plain(self), indent=2, ensure_ascii=False)


def _shortened(parts: tuple[str, ...], most: int = 6, width: int = 100) -> list[str]:
    """The first few, each on one line."""
    shown = [p if len(p) <= width else p[: width - 1] + "…" for p in parts[:most]]
    return [*shown, f"and {len(parts) - most} more"] if len(parts) > most else shown


def _plain(value: Any) -> Any:
    """Dataclasses, tuples and fractions as JSON has them."""
    if hasattr(value, "__dataclass_fields__"):
        return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)
