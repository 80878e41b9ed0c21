"""The page of claims: every formula, what was tried, what is proved; one HTML file for use offline."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from importlib import resources

from autograd_core.symbolic import PROVED, Verdict, Witness
from autograd_core.symbolic.claims import CITED, CLASSES, ERRATUM, HOLDS, Finding, Outcome
from autograd_core.symbolic.verdict import versions

from .latex import GREEK, mathml
from .markup import Markup, element, join
from .report import POLICY

__all__ = ["render"]

LONGEST = 300  # characters of one kink or condition that are shown
TITLE = "The lecture’s formulas, checked"
LEAD = (
    "Every formula here was checked by running the library’s own code on symbols. A formula that holds is "
    "proved, for all real numbers, without rounding. One that does not stand as printed is shown with "
    "every reading that was tried, a counterexample for each that fails, and a correction that is proved."
)
HEADINGS = {
    ERRATUM: (
        "What does not stand as printed",
        "No formula is accused for want of a proof: each reading marked REFUTED has a counterexample.",
    ),
    HOLDS: ("What holds", "Checked, and right."),
    CITED: (
        "Cited, not checked",
        "Convergence theorems and matters of experience. Nothing here is proved by this page.",
    ),
}
OTHER = ("What did not come out", "Open, or contradicted; the reason stands beside it.")


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
    style = "\n".join(
        resources.files(__package__).joinpath(name).read_text("utf-8")
        for name in ("report.css", "claims.css")
    )
    parts: list[tuple[str, str, str, list[Outcome]]] = [
        (status.lower(), *heading, [o for o in outcomes if o.status == status])
        for status, heading in HEADINGS.items()
    ]
    parts.insert(0, ("open", *OTHER, [o for o in outcomes if o.status not in HEADINGS]))
    sections = [
        element(
            "section",
            element("h2", title),
            element("p", words),
            *map(_claim, chosen),
            id=name,
        )
        for name, title, words, chosen in parts
        if chosen
    ]
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", TITLE),
        element("style", Markup(style)),
    )
    day = (made or dt.datetime.now(dt.UTC).date()).isoformat()
    body = element(
        "body",
        element(
            "header",
            element("h1", TITLE),
            element("p", LEAD, class_="lead"),
            _tiles(outcomes),
            element("nav", element("ul", *map(_link, outcomes)), aria_label="Claims"),
        ),
        element("main", *sections),
        _footer(day),
    )
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='en')}\n"


def _tiles(outcomes: Sequence[Outcome]) -> Markup:
    counts = Counter(o.status for o in outcomes)
    verdicts = [f.verdict for o in outcomes for _, f in o.roles()]
    proved = sum(v.status == PROVED for v in verdicts)
    tiles = [
        ("Hold", counts[HOLDS], "as printed, or as the note says"),
        ("Errata", counts[ERRATUM], "each with a certificate and a proved correction"),
        ("Cited", counts[CITED], "not checked"),
        ("Equations proved", proved, f"of {len(verdicts)} decided; {_seconds(outcomes)}"),
    ]
    return element(
        "dl",
        *(
            element(
                "div",
                element("dt", name),
                element("dd", figure, class_="figure"),
                element("dd", remark, class_="remark"),
            )
            for name, figure, remark in tiles
        ),
        class_="tiles",
    )


def _seconds(outcomes: Sequence[Outcome]) -> str:
    return f"{sum(o.seconds for o in outcomes):.1f} s in all"


def _link(outcome: Outcome) -> Markup:
    return element("li", element("a", outcome.claim.id, href=f"#claim-{outcome.claim.id}"))


def _claim(outcome: Outcome) -> Markup:
    claim = outcome.claim
    kind = f"{claim.kind}: {CLASSES[claim.kind][0]}" if claim.kind in CLASSES else ""
    wrong = None
    if not outcome.as_declared:
        wrong = element("p", f"Declared {claim.declared}. {outcome.reason}", class_="REFUTED")
    facts = [
        ("Assumes", "; ".join(claim.assumptions)),
        ("Method" if claim.check is not None else "Source", claim.method),
        ("Runs", ", ".join(f"{f.__module__}.{f.__qualname__}" for f in claim.runs)),
        ("Likely source", outcome.erratum.source if outcome.erratum is not None else ""),
    ]
    return element(
        "article",
        element(
            "h3",
            element("span", claim.id, class_="id"),
            " ",
            claim.slide,
            " ",
            _status(outcome.status),
            element("span", kind, class_="kind") if kind else None,
        ),
        element("p", claim.words),
        wrong,
        element("div", mathml(claim.formula), class_="formula"),
        _findings(outcome),
        element(
            "dl",
            *(
                element("div", element("dt", name), element("dd", text))
                for name, text in facts
                if text
            ),
            class_="facts",
        ),
        _record(outcome),
        id=f"claim-{claim.id}",
    )


def _status(status: str) -> Markup:
    return element("span", status, class_=f"verdict {status}")


def _findings(outcome: Outcome) -> Markup | None:
    titles = {"part": "Checked", "reading": "Readings tried", "correction": "Correction"}
    tables = []
    for role, title in titles.items():
        found = [f for r, f in outcome.roles() if r == role]
        if found:
            rows = (_row(f) for f in found)
            tables.append(
                element(
                    "div",
                    element(
                        "table",
                        element("caption", title),
                        element("tbody", *rows),
                        class_="findings",
                    ),
                    class_="scrolls",
                )
            )
    return join(tables) if tables else None


def _row(finding: Finding) -> Markup:
    verdict = finding.verdict
    row = element(
        "tr",
        element("th", finding.words, scope="row"),
        element("td", _status(verdict.status)),
        element("td", *_says(verdict)),
        element("td", f"{verdict.seconds:.2f}\u00a0s", class_="number"),
        class_="opens" if finding.formula else None,
    )
    if not finding.formula:
        return row
    # On a row of its own, where it has the whole width.
    formula = element("td", mathml(finding.formula, block=False), colspan=4, class_="small")
    return join([row, element("tr", formula)])


def _says(verdict: Verdict) -> Iterable[Markup]:
    """Scope, facts and exclusions of a proof; the certificate of a refutation."""
    if verdict.witness is not None:
        yield from _certificate(verdict.witness)
        return
    yield element("p", _pretty(verdict.scope))
    for title, texts in (
        ("given", verdict.facts),
        ("where", verdict.domain),
        ("not where", verdict.excluded),
    ):
        if texts:
            short = (_pretty(t if len(t) <= LONGEST else t[: LONGEST - 1] + "…") for t in texts)
            yield element("p", f"{title}: {'; '.join(short)}", class_="muted")
    if verdict.status != PROVED and verdict.reason:
        yield element("p", verdict.reason, class_="muted")


def _certificate(witness: Witness) -> Iterable[Markup]:
    at = _pretty(", ".join(f"{name} = {value}" for name, value in witness.point.items()))
    sides = (witness.got, witness.expected)
    got, expected = (_pretty(f"{float(sum(side) / 2):.6g}") for side in sides)
    low, high = (_pretty(f"{float(bound):.6g}") for bound in witness.difference)
    within = f"is {low}" if low == high else f"lies between {low} and {high}"
    yield element("p", f"{got} instead of {expected}, {f'at {at}' if at else 'everywhere'}.")
    yield element("p", f"The difference {within}: not 0, by {witness.arithmetic}.", class_="muted")


def _pretty(text: str) -> str:
    """sympy's way of writing, with Greek letters and signs."""
    text = re.sub(r"[A-Za-z]+", lambda name: GREEK.get(name[0], name[0]), text)
    for typed, sign in (("**", "^"), ("*", "\u2009"), ("!=", "≠"), (">=", "≥"), ("-", "−")):
        text = text.replace(typed, sign)
    return text


def _record(outcome: Outcome) -> Markup | None:
    """What a replay compares: rules and sources by their checksums."""
    rules = {n: h for _, f in outcome.roles() for n, h in f.verdict.rules.items()}
    sources = outcome.claim.sources()
    if not sources:
        return None
    counts = ((len(sources), "source"), (len(rules), "rule"))
    counted = " and ".join(f"{n} {noun}{'s' * (n != 1)}" for n, noun in counts if n)
    summary = f"{counted}, by SHA-256"
    return element(
        "details",
        element("summary", summary),
        element(
            "p",
            *(
                element("code", f"{name} {digest[:12]}")
                for name, digest in (sources | rules).items()
            ),
            class_="rules",
        ),
    )


def _footer(day: str) -> Markup:
    tools = ", ".join(f"{name} {version}" for name, version in versions().items())
    return element(
        "footer",
        element("p", f"Made on {day} by gradproof prove. {tools}."),
        element(
            "p",
            "Trusted: the formulas and meanings on which both sides are evaluated, sympy’s arithmetic and its "
            "derivative of elementary functions, the normal form, and the intervals. What sympy solves or sums "
            "is not trusted: it is one side of an equation that is decided. Floating point is not covered.",
        ),
    )
