"""Claims that were checked, as files: written by ``prove --json``, checked again by ``replay``.

A file is data and nothing else: claims are found by their id in the packages that are installed,
and run anew. What the file says of them is compared with what came out; no part of it is run,
imported or read as a formula.
"""

from __future__ import annotations

import datetime as dt
import difflib
import json
import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograd_core.errors import CheckpointError, ConfigError
from autograd_core.symbolic.claims import CLASSES, Claim, Outcome
from autograd_core.symbolic.verdict import versions

__all__ = ["Record", "Replayed", "chosen", "differences", "dumped", "loaded", "shown"]

FORMAT = "gradproof claims 1"
LARGEST = 32 * 2**20  # bytes; a file of all claims has half a megabyte
KINDS = {"str": str, "int": int, "float": (int, float), "list": list, "dict": dict}
FIELDS = {"id": "str", "outcome": "str", "kind": "str", "sources": "dict", "findings": "list"}
COMPARED = ("status", "scope", "facts", "excluded", "domain", "rules")  # of a verdict


@dataclass(frozen=True)
class Record:
    """What a file says of one claim; checked for its form, trusted in nothing.

    Attributes
    ----------
    id, outcome, kind : str
    sources : dict of str to str
        SHA-256 of the source of the check and of what it runs.
    findings : list of dict
        Role, words and verdict of each.
    versions : dict of str to str
        Of the tools it was made with.
    """

    id: str
    outcome: str
    kind: str
    sources: dict[str, Any]
    findings: list[Any]
    versions: dict[str, Any]


@dataclass(frozen=True)
class Replayed:
    """A record and what comes out of its claim today.

    Attributes
    ----------
    record : Record
    outcome : Outcome
    differences : tuple of str
        What the record says otherwise; empty if it stands.
    notes : tuple of str
        What differs without a difference to the claim: versions of tools.
    """

    record: Record
    outcome: Outcome
    differences: tuple[str, ...]
    notes: tuple[str, ...]


# --- choosing ------------------------------------------------------------------------------------


def chosen(claims: Mapping[str, Claim], words: Sequence[str]) -> list[Claim]:
    """The claims that words name: packages, ids, errata classes, HOLDS, ERRATUM or CITED.

    Parameters
    ----------
    claims : mapping of str to Claim
    words : sequence of str
        None means all. Upper and lower case are the same.

    Raises
    ------
    ConfigError
        If a word names nothing; suggests what is close to it.
    """
    groups: dict[str, list[str]] = {}
    for claim in claims.values():
        for name in (claim.id, claim.package, claim.declared, claim.kind):
            if name:
                groups.setdefault(name.lower(), []).append(claim.id)
    wanted: set[str] = set()
    for word in words:
        if word.lower() in groups:
            wanted.update(groups[word.lower()])
        elif word.upper() not in CLASSES:
            close = difflib.get_close_matches(word.lower(), groups)
            names = [
                claims[groups[c][0]].id if c.upper() in map(str.upper, claims) else c for c in close
            ]
            hint = f"Did you mean {' or '.join(names)}? " if names else ""
            raise ConfigError(
                f"prove: {word!r} names no claim. Expected an id, a package, or a class such as SIGN. "
                f"{hint}`gradproof prove --list` shows them all."
            )
    return [c for c in claims.values() if not words or c.id in wanted]


# --- writing -------------------------------------------------------------------------------------


def dumped(outcomes: Iterable[Outcome]) -> str:
    """Outcomes as JSON, with all that is needed to check them again."""
    content = {
        "format": FORMAT,
        "made": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "versions": versions(),
        "claims": [_plain(outcome) for outcome in outcomes],
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _plain(outcome: Outcome) -> dict[str, Any]:
    claim = outcome.claim
    return {
        "id": claim.id,
        "package": claim.package,
        "slide": claim.slide,
        "words": claim.words,
        "formula": claim.formula,
        "assumptions": list(claim.assumptions),
        "method": claim.method,
        "kind": claim.kind,
        "outcome": outcome.status,
        "reason": outcome.reason,
        "seconds": outcome.seconds,
        "sources": claim.sources(),
        "findings": [
            {
                "role": role,
                "words": finding.words,
                "formula": finding.formula,
                "verdict": json.loads(finding.verdict.to_json()),
            }
            for role, finding in outcome.roles()
        ],
    }


# --- reading -------------------------------------------------------------------------------------


def loaded(path: str | os.PathLike[str]) -> list[Record]:
    """The records of a file.

    Raises
    ------
    CheckpointError
        If it is missing, no plain file, too large, no JSON, or no record of claims.
    """
    content = _read(Path(path))
    _check(content, path, "the file", dict)
    if content.keys() >= {"claim", "status", "leaves", "rules"}:
        raise _damaged(
            path,
            "it is a single verdict, which says what was proved but holds no code to run again",
        )
    if content.get("format") != FORMAT:
        raise _damaged(path, f"its format is {shown(content.get('format'))}, not {FORMAT!r}")
    tools, claims = content.get("versions"), content.get("claims")
    _check(tools, path, "versions", dict)
    _check(claims, path, "claims", list)
    records: list[Record] = []
    for n, entry in enumerate(claims):
        where = f"claims[{n}]"
        _check(entry, path, where, dict)
        for name, kind in FIELDS.items():
            _check(entry.get(name), path, f"{where}.{name}", KINDS[kind])
        for i, finding in enumerate(entry["findings"]):
            _check(finding, path, f"{where}.findings[{i}]", dict)
            _check(finding.get("verdict"), path, f"{where}.findings[{i}].verdict", dict)
        if any(entry["id"] == record.id for record in records):
            raise _damaged(path, f"it has {shown(entry['id'])} twice")
        records.append(Record(**{name: entry[name] for name in FIELDS}, versions=tools))
    return records


def _read(path: Path) -> Any:
    try:
        # Not through open: a pipe in the file's place would be waited for.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(handle, "rb") as file:
            about = os.fstat(file.fileno())
            if not stat.S_ISREG(about.st_mode):
                raise _damaged(path, "it is no plain file")
            if about.st_size > LARGEST:
                raise _damaged(path, f"it has {about.st_size:,} bytes, more than {LARGEST:,}")
            data = file.read(LARGEST + 1)
    except OSError as error:
        if isinstance(error, CheckpointError):
            raise
        raise CheckpointError(
            f"replay: {path} cannot be read ({error.strerror or error}). Expected a file written by "
            "`gradproof prove --json FILE`."
        ) from error
    try:
        return json.loads(data.decode("utf-8"), parse_constant=_refused)
    except (ValueError, RecursionError) as error:
        raise _damaged(path, f"it is no JSON ({shown(error)})") from error


def _refused(constant: str) -> Any:
    raise ValueError(f"the number {constant}")


def _check(value: Any, path: Any, where: str, kind: Any) -> None:
    if not isinstance(value, kind):
        raise _damaged(path, f"{where} is {shown(value)}")


def _damaged(path: Any, what: str) -> CheckpointError:
    return CheckpointError(
        f"replay: {path} is damaged or not ours: {what}. Expected a file written by `gradproof prove "
        "--json FILE`; nothing was run."
    )


def shown(value: Any) -> str:
    """A value from a file on one line, without anything that a terminal would obey."""
    text = (
        "missing"
        if value is None
        else repr(str(value))
        if isinstance(value, Exception)
        else repr(value)
    )
    text = "".join(c if c.isprintable() else "�" for c in text)
    return text if len(text) <= 80 else text[:79] + "…"


# --- comparing -----------------------------------------------------------------------------------


def differences(record: Record, outcome: Outcome) -> Replayed:
    """What a record says otherwise than the claim does today.

    Parameters
    ----------
    record : Record
    outcome : Outcome
        Of the claim with that id, run now.
    """
    now = json.loads(json.dumps(_plain(outcome)))
    found: list[str] = []
    _compare(found, "outcome", record.outcome, now["outcome"])
    _compare(found, "class", record.kind, now["kind"])
    for name in sorted(record.sources.keys() | now["sources"].keys(), key=str):
        _compare(found, f"source of {name}", record.sources.get(name), now["sources"].get(name))
    if len(record.findings) != len(now["findings"]):
        _compare(found, "findings", len(record.findings), len(now["findings"]))
    tools = record.versions != versions()
    for then, today in zip(record.findings, now["findings"], strict=False):
        place = f"{today['role']} “{today['words']}”"
        for name in ("role", "words", "formula"):
            _compare(found, f"{place}: {name}", then.get(name), today[name])
        # Bounds and points come from the arithmetic that is installed.
        fields = COMPARED if tools else (*COMPARED, "witness")
        for name in fields:
            _compare(
                found, f"{place}: {name}", then["verdict"].get(name), today["verdict"].get(name)
            )
    notes = [
        f"{name}: {shown(record.versions.get(name))} then, {shown(version)} now"
        for name, version in versions().items()
        if record.versions.get(name) != version
    ]
    return Replayed(record, outcome, tuple(found), tuple(notes))


def _compare(found: list[str], what: str, then: Any, now: Any) -> None:
    if then != now:
        found.append(f"{shown(what)[1:-1]}: {shown(then)} in the file, {shown(now)} now")
