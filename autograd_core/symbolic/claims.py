"""Claims of the lecture, each checked by running the library's own code.

A claim stands beside its subject, in ``<package>/derivations/``, as a function under `claim` or
`erratum` that returns verdicts; `cited` records what is not checked. `collected` finds them all.

A formula that is wrong as printed is an `Erratum`: the readings that were tried, each with the
certificate that it fails, and a correction that is proved. The record refuses to be made of less,
so nothing is accused because a proof was not found.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import os
import pkgutil
import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ..errors import ConfigError, ProofError
from .decide import PROVED, REFUTED, UNDECIDED, worst
from .verdict import Verdict

__all__ = [
    "CITED",
    "CLASSES",
    "DERIVED",
    "ERRATUM",
    "HOLDS",
    "Claim",
    "Erratum",
    "Finding",
    "Outcome",
    "cited",
    "claim",
    "collected",
    "derived",
    "erratum",
]

HOLDS, ERRATUM, CITED = "HOLDS", "ERRATUM", "CITED"
DERIVED = "derived; about "  # before the title of a slide that does not print a statement itself

# What a class of errata says, and the verdicts on its readings: all of these, and no others.
CLASSES: Mapping[str, tuple[str, frozenset[str]]] = MappingProxyType(
    {
        "MATH": ("false under every reading found", frozenset({REFUTED})),
        "SIGN": ("a wrong sign", frozenset({REFUTED})),
        "INDEX": ("a wrong index", frozenset({REFUTED})),
        "CONST": ("a wrong constant", frozenset({REFUTED})),
        "CLAIM": ("true in part, too strong as stated", frozenset({REFUTED, PROVED})),
        "ASSUME": ("needs an assumption that is not stated", frozenset({REFUTED, PROVED})),
        "BOUNDARY": ("false at the boundary only", frozenset({REFUTED, PROVED})),
        "NOTE": ("a convention; no error", frozenset({PROVED})),
    }
)


@dataclass(frozen=True)
class Finding:
    """A statement and the verdict on it.

    Attributes
    ----------
    words : str
        The statement, or the way in which a formula is read.
    verdict : Verdict
    formula : str
        The same in LaTeX, if it has a form of its own.

    Raises
    ------
    ProofError
        If the verdict is REFUTED without a certificate: a point, and bounds that exclude 0.
    """

    words: str
    verdict: Verdict
    formula: str = ""

    def __post_init__(self) -> None:
        witness = self.verdict.witness
        if self.verdict.status != REFUTED:
            return
        if witness is None or witness.difference[0] <= 0 <= witness.difference[1]:
            raise ProofError(
                "Finding",
                f"“{self.words}” is said to be refuted without a certificate. Expected a "
                f"witness whose bounds exclude 0; received {witness}.",
            )


@dataclass(frozen=True)
class Erratum:
    """A formula that does not stand as printed, and what stands in its place.

    Attributes
    ----------
    kind : str
        A key of `CLASSES`.
    readings : tuple of Finding
        The ways to read what is printed, all that were tried.
    correction : tuple of Finding
    source : str
        Where the fault is likely to come from.

    Raises
    ------
    ConfigError
        If there is no such class.
    ProofError
        If the readings' verdicts are not those of the class (every reading of a MATH, SIGN, INDEX
        or CONST must be refuted; of CLAIM, ASSUME and BOUNDARY some refuted, some proved; of NOTE
        none refuted; in none may anything be open), or the correction is not proved.
    """

    kind: str
    readings: tuple[Finding, ...]
    correction: tuple[Finding, ...]
    source: str = ""

    def __post_init__(self) -> None:
        if self.kind not in CLASSES:
            raise ConfigError(
                "Erratum", f"there is no class {self.kind!r}. Expected one of {', '.join(CLASSES)}."
            )
        says, needed = CLASSES[self.kind]
        statuses = {f.verdict.status for f in self.readings}
        if statuses != needed:
            raise ProofError(
                "Erratum",
                f"{self.kind} means {says}. Expected readings that are "
                f"{' and '.join(sorted(needed))}; received {', '.join(sorted(statuses)) or 'none'}"
                f"{self._open()}.",
            )
        status = worst(f.verdict.status for f in self.correction)
        if status != PROVED:
            raise ProofError(
                "Erratum",
                f"the correction is {status if self.correction else 'missing'}. Expected one that "
                "is PROVED; without it nothing is known to be right.",
            )

    def _open(self) -> str:
        reasons = [f.verdict.reason for f in self.readings if f.verdict.status == UNDECIDED]
        return f" ({reasons[0]})" if reasons and reasons[0] else ""


@dataclass(frozen=True)
class Claim:
    """A statement of the lecture, and how it is checked.

    Attributes
    ----------
    id : str
        As in the catalogue: "B4", "X1".
    slide : str
        Title of the slide that prints the statement, or another source; `derived` where no slide
        prints it.
    formula : str
        The statement in LaTeX; as printed, unless it is derived.
    words : str
        The statement in one plain sentence.
    assumptions : tuple of str
    method : str
        What is done, or, for what is cited, by whom it is shown.
    kind : str
        "" for what should hold, a key of `CLASSES`, or "CITED".
    runs : tuple
        The library's functions that the check runs.
    check : callable or None
        None for what is cited.
    module : str
        Where it stands.
    """

    id: str
    slide: str
    formula: str
    words: str
    assumptions: tuple[str, ...] = ()
    method: str = ""
    kind: str = ""
    runs: tuple[Callable[..., Any], ...] = ()
    check: Callable[[], Any] | None = None
    module: str = ""

    @property
    def package(self) -> str:
        """The package whose code is run."""
        return self.module.partition(".")[0]

    @property
    def declared(self) -> str:
        """The outcome that is expected: HOLDS, ERRATUM or CITED."""
        if self.check is None:
            return CITED
        return HOLDS if self.kind in ("", "NOTE") else ERRATUM

    def sources(self) -> dict[str, str]:
        """SHA-256 of the source of the check and of the library's functions that it runs."""
        functions = {} if self.check is None else {"check": self.check}
        functions |= {f"{f.__module__}.{f.__qualname__}": f for f in self.runs}
        return {
            name: hashlib.sha256(inspect.getsource(f).encode()).hexdigest()
            for name, f in functions.items()
        }

    def run(self) -> Outcome:
        """Check it now."""
        start = time.perf_counter()
        findings: tuple[Finding, ...] = ()
        erratum: Erratum | None = None
        reason = ""
        if self.check is None:
            return Outcome(self, CITED)
        try:
            result = self.check()
            if isinstance(result, Erratum):
                erratum = result
                status = HOLDS if result.kind == "NOTE" else ERRATUM
            else:
                findings = tuple(result)
                status = worst(f.verdict.status for f in findings)
                reason = next(
                    (f.verdict.reason for f in findings if f.verdict.status == status), ""
                )
                status = _OUTCOMES[status]
        except ProofError as error:  # a proof that fails, or readings that accuse nobody
            status, reason = UNDECIDED, str(error)
        except Exception as error:  # noqa: BLE001 - one claim must not take the others with it
            last = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{os.path.basename(last.filename)}:{last.lineno}"
            status = UNDECIDED
            reason = f"{self.id} raised {type(error).__name__}: {error} ({place})"
        return Outcome(self, status, findings, erratum, reason, time.perf_counter() - start)


# A conjunction with one refuted part is refuted; what is only probable is not decided.
_OUTCOMES = {PROVED: HOLDS, REFUTED: REFUTED}
_OUTCOMES |= dict.fromkeys(("PROBABLE", "COMPARED", UNDECIDED), UNDECIDED)


@dataclass(frozen=True)
class Outcome:
    """What came out of a claim.

    Attributes
    ----------
    claim : Claim
    status : str
        HOLDS: all parts are proved. ERRATUM: it fails as printed, and the correction is proved.
        CITED: cited, not checked. UNDECIDED: ``reason`` says why. REFUTED: a part of what should
        hold has a counterexample.
    findings : tuple of Finding
        The parts of what should hold.
    erratum : Erratum or None
    reason : str
    seconds : float
    """

    claim: Claim
    status: str
    findings: tuple[Finding, ...] = ()
    erratum: Erratum | None = None
    reason: str = ""
    seconds: float = 0.0

    @property
    def as_declared(self) -> bool:
        """Whether it came out as the claim says."""
        kind = "" if self.erratum is None else self.erratum.kind
        return self.status == self.claim.declared and kind in ("", self.claim.kind)

    def roles(self) -> tuple[tuple[str, Finding], ...]:
        """Every finding with its role: "part", "reading" or "correction"."""
        parts = [("part", f) for f in self.findings]
        if self.erratum is not None:
            parts += [("reading", f) for f in self.erratum.readings]
            parts += [("correction", f) for f in self.erratum.correction]
        return tuple(parts)

    @property
    def scope(self) -> str:
        """The scopes of what is proved, each once, without the list of shapes."""
        scopes = (
            f.verdict.every or f.verdict.scope
            for role, f in self.roles()
            if f.verdict.status == PROVED and role != "reading"
        )
        return "; ".join(dict.fromkeys(filter(None, scopes)))


# --- declaring ---------------------------------------------------------------------------------


def claim(
    id: str,
    *,
    slide: str,
    formula: str,
    words: str,
    assumptions: Sequence[str] = (),
    method: str,
    runs: Sequence[Callable[..., Any]] = (),
) -> Callable[[Callable[[], Sequence[Finding]]], Claim]:
    """Declare something that should hold; the function returns its parts.

    Parameters
    ----------
    id, slide, formula, words, assumptions, method, runs
        See `Claim`.

    Returns
    -------
    callable
        A decorator that puts a `Claim` in the function's place.
    """

    def declared(check: Callable[[], Sequence[Finding]]) -> Claim:
        return Claim(
            id, slide, formula, words, tuple(assumptions), method, "", tuple(runs), check,
            check.__module__,
        )  # fmt: skip

    return declared


def erratum(
    id: str,
    kind: str,
    *,
    slide: str,
    formula: str,
    words: str,
    assumptions: Sequence[str] = (),
    method: str,
    runs: Sequence[Callable[..., Any]] = (),
) -> Callable[[Callable[[], Erratum]], Claim]:
    """Declare a formula that does not stand as printed; the function returns the `Erratum`.

    Parameters
    ----------
    kind : str
        A key of `CLASSES`.
    id, slide, formula, words, assumptions, method, runs
        See `Claim`; the formula as printed, and in words what is wrong with it.

    Raises
    ------
    ConfigError
        If there is no such class.
    """
    if kind not in CLASSES:
        raise ConfigError(
            f"erratum {id}", f"there is no class {kind!r}. Expected one of {', '.join(CLASSES)}."
        )

    def declared(check: Callable[[], Erratum]) -> Claim:
        return Claim(
            id, slide, formula, words, tuple(assumptions), method, kind, tuple(runs), check,
            check.__module__,
        )  # fmt: skip

    return declared


def cited(id: str, *, slide: str, formula: str, words: str, source: str, module: str) -> Claim:
    """Declare what is cited and not checked: a convergence theorem, a matter of experience.

    Parameters
    ----------
    source : str
        Who shows it, or that nobody does.
    module : str
        ``__name__`` of the module.
    id, slide, formula, words
        See `Claim`.
    """
    return Claim(id, slide, formula, words, (), source, CITED, module=module)


def derived(slide: str) -> str:
    """The source of a statement that no slide prints, but that follows from what ``slide`` does."""
    return DERIVED + slide


# --- finding -------------------------------------------------------------------------------------


def collected(packages: Iterable[str]) -> dict[str, Claim]:
    """All claims of packages, by id: what stands below ``<package>.derivations``, at any depth.

    Parameters
    ----------
    packages : iterable of str
        "nn", "optim", … They are imported. One without a folder ``derivations`` has no claims.

    Raises
    ------
    ConfigError
        If an id is taken twice.
    """
    claims: dict[str, Claim] = {}
    for package in packages:
        for name in _derivations(package):
            module = importlib.import_module(name)
            for value in vars(module).values():
                if not isinstance(value, Claim) or value.module != module.__name__:
                    continue
                if claims.setdefault(value.id, value) is not value:
                    raise ConfigError(
                        "claims",
                        f"the id {value.id} is taken twice, in {claims[value.id].module} and "
                        f"{value.module}. Expected one claim for each id.",
                    )
    return claims


def _derivations(package: str) -> list[str]:
    """The modules below a package's folder of claims, by name."""
    place = f"{package}.derivations"
    if importlib.util.find_spec(place) is None:
        return []
    folder = importlib.import_module(place)
    return sorted(m.name for m in pkgutil.walk_packages(folder.__path__, f"{place}."))
