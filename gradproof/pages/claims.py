"""The page of claims: every formula, what was tried, what is proved; one HTML file for use offline."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from autograd_core.symbolic import PROVED, Witness
from autograd_core.symbolic.claims import CITED, CLASSES, ERRATUM, HOLDS, Outcome
from autograd_core.symbolic.verdict import versions

from ..slides import numbered
from . import rendering

__all__ = ["render"]

TITLE = "The lecture’s formulas, checked"
SECTIONS = {
    "": ("open", "What did not come out", "Open, or contradicted; the reason stands beside it."),
    ERRATUM: (
        "erratum",
        "What does not stand as printed",
        "No formula is accused for want of a proof: each reading marked REFUTED has a counterexample.",
    ),
    HOLDS: ("holds", "What holds", "Checked, and right."),
    CITED: (
        "cited",
        "Cited, not checked",
        "Convergence theorems and matters of experience. Nothing here is proved by this page.",
    ),
}
SIGNS = (("**", "^"), ("*", "\u2009"), ("!=", "≠"), (">=", "≥"), ("-", "−"))
GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "zeta": "ζ", "eta": "η",
    "theta": "θ", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π", "rho": "ρ",
    "sigma": "σ", "tau": "τ", "phi": "φ", "psi": "ψ", "omega": "ω",
    "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ", "Sigma": "Σ", "Omega": "Ω",
}  # fmt: skip


def render(outcomes: Sequence[Outcome], made: dt.date | None = None) -> str:
    """The page as HTML.

    Parameters
    ----------
    outcomes : sequence of Outcome
    made : date, optional
        Default: today's.

    Returns
    -------
    str
        UTF-8 text; asks nothing of the network and runs nothing.
    """
    verdicts = [finding.verdict for o in outcomes for _, finding in o.roles()]
    return rendering.render(
        "claims.html",
        title=TITLE,
        links=[(f"claim-{o.claim.id}", o.claim.id) for o in outcomes],
        counts=Counter(o.status for o in outcomes),
        proved=sum(v.status == PROVED for v in verdicts),
        decided=len(verdicts),
        seconds=sum(o.seconds for o in outcomes),
        sections=[
            (*words, [o for o in outcomes if (o.status if o.status in SECTIONS else "") == status])
            for status, words in SECTIONS.items()
        ],
        classes=CLASSES,
        facts=_facts,
        numbered=numbered,
        rules=_rules,
        pretty=_pretty,
        certificate=_certificate,
        day=(made or dt.datetime.now(dt.UTC).date()).isoformat(),
        versions=versions(),
    )


def _facts(outcome: Outcome) -> Iterator[tuple[str, str]]:
    """What stands under the tables: names and texts; a text may be empty."""
    claim = outcome.claim
    yield "Assumes", "; ".join(claim.assumptions)
    yield "Method" if claim.check is not None else "Source", claim.method
    yield "Runs", ", ".join(f"{f.__module__}.{f.__qualname__}" for f in claim.runs)
    yield "Likely source", outcome.erratum.source if outcome.erratum is not None else ""


def _rules(outcome: Outcome) -> dict[str, str]:
    """Every rule that took part, with its checksum."""
    return {n: digest for _, f in outcome.roles() for n, digest in f.verdict.rules.items()}


@dataclass(frozen=True)
class _Certificate:
    """A counterexample in words."""

    at: str
    got: str
    expected: str
    within: str


def _certificate(witness: Witness) -> _Certificate:
    at = ", ".join(f"{name} = {value}" for name, value in witness.point.items())
    got, expected = (f"{float(sum(s) / 2):.6g}" for s in (witness.got, witness.expected))
    low, high = (f"{float(bound):.6g}" for bound in witness.difference)
    within = f"is {low}" if low == high else f"lies between {low} and {high}"
    return _Certificate(*map(_pretty, (at, got, expected, within)))


def _pretty(text: str) -> str:
    """sympy's way of writing, with Greek letters and signs."""
    text = re.sub(r"[A-Za-z]+", lambda name: GREEK.get(name[0], name[0]), text)
    for typed, sign in SIGNS:
        text = text.replace(typed, sign)
    return text
