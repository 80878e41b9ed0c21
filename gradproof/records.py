"""Claims that were checked, as files: written by ``prove --json``, checked again by ``replay``.

A file is data and nothing else: claims are found by their id in the packages that are installed,
and run anew. All that the file says of them is compared with what came out, but for seconds; no
part of it is run or imported. What it says was decided is read by `checker`, which shares no code
with the prover, and its counterexamples are run by the engine. A checksum keeps what cannot be
found out again: when it was made, and how long it took.
"""

from __future__ import annotations

import datetime as dt
import difflib
import hashlib
import json
import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from autograd_core.errors import AutogradError, CheckpointError, ConfigError
from autograd_core.markup import visible
from autograd_core.ops.indexing import Pattern
from autograd_core.ops.views import Index
from autograd_core.primitives import REGISTRY
from autograd_core.symbolic.claims import CLASSES, Claim, Outcome
from autograd_core.symbolic.verdict import versions

from .checker import AGREES, FALLS, OPEN, Checked, Plain, checked, sizes_of
from .errata import KNOWN
from .slides import about, close_titles, numbers

__all__ = [
    "Record",
    "Replayed",
    "checksum",
    "chosen",
    "differences",
    "dumped",
    "loaded",
    "opinions",
    "printable",
    "shown",
]

FORMAT = "gradproof claims 4"
LARGEST = 32 * 2**20  # bytes; a file of all claims has a megabyte
EFFORT = ("seconds", "compared")  # how long it took, and at how many points it was run meanwhile
TOP = {"format", "made", "versions", "claims", "sha256"}
KINDS = {"str": str, "int": int, "float": (int, float), "list": list, "dict": dict}
FIELDS = {"id": "str", "outcome": "str", "kind": "str", "sources": "dict", "findings": "list"}


@dataclass(frozen=True)
class Record:
    """What a file says of one claim; checked for its form, trusted in nothing.

    Attributes
    ----------
    id : str
    content : dict
        All that the file says of it.
    versions : dict of str to str
        Of the tools it was made with.
    """

    id: str
    content: dict[str, Any]
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
        Versions of tools that are others now.
    """

    record: Record
    outcome: Outcome
    differences: tuple[str, ...]
    notes: tuple[str, ...]


# --- choosing ------------------------------------------------------------------------------------


def chosen(claims: Mapping[str, Claim], words: Sequence[str]) -> list[Claim]:
    """The claims that words name: slides, packages, ids, errata classes, HOLDS, ERRATUM or CITED.

    Parameters
    ----------
    claims : mapping of str to Claim
    words : sequence of str
        None means all. Upper and lower case are the same. A slide is named by its number or its title.

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
            slides = about(word, claims.values())
            if slides:
                wanted.update(claim.id for claim in slides)
                continue
            close = difflib.get_close_matches(word.lower(), groups)
            names = [
                claims[groups[c][0]].id if c.upper() in map(str.upper, claims) else c for c in close
            ]
            names += [f"“{title}”" for title in close_titles(word)]
            hint = f"Did you mean {' or '.join(names)}? " if names else ""
            if word.upper() in KNOWN:
                hint = f"It is a known erratum, which is not yet checked: {KNOWN[word.upper()]}. "
            raise ConfigError(
                "prove",
                f"{word!r} names no claim. Expected an id, a package, a class such as SIGN, or a slide by number or title. "
                f"{hint}`gradproof prove --list` shows them all.",
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
    return json.dumps({**content, "sha256": checksum(content)}, indent=1, ensure_ascii=False) + "\n"


def checksum(content: Mapping[str, Any]) -> str:
    """SHA-256 of all of a file's content but the checksum itself."""
    rest = {k: v for k, v in content.items() if k != "sha256"}
    text = json.dumps(rest, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _plain(outcome: Outcome) -> dict[str, Any]:
    claim = outcome.claim
    return {
        "id": claim.id,
        "package": claim.package,
        "slide": claim.slide,
        "slides": list(numbers(claim)),
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
    if not claims:
        raise _damaged(path, "it has no records, so that nothing could stand")
    more = sorted(map(str, content.keys() - TOP))
    if more:
        raise _damaged(path, f"it has a field of its own, {shown(more[0])}")
    if content.get("sha256") != checksum(content):
        raise _damaged(path, "its checksum is not that of its content, so that it was edited")
    try:
        made = dt.datetime.fromisoformat(content["made"])
        future = made > dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    except (KeyError, TypeError, ValueError):
        future = True
    if future:
        raise _damaged(path, f"it was made at {shown(content.get('made'))}")
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
        records.append(Record(entry["id"], entry, tools))
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
            "replay",
            f"{path} cannot be read ({error.strerror or error}). Expected a file written by "
            "`gradproof prove --json FILE`.",
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
        "replay",
        f"{path} is damaged or not ours: {what}. Expected a file written by `gradproof prove "
        "--json FILE`; nothing was run.",
    )


def printable(text: str, most: int = 400) -> str:
    """Text that holds parts of a file, without anything that a terminal would obey."""
    text = visible(text)
    return text if len(text) <= most else text[: most - 1] + "…"


def shown(value: Any) -> str:
    """A value from a file on one line, without anything that a terminal would obey."""
    text = (
        "missing"
        if value is None
        else repr(str(value))
        if isinstance(value, Exception)
        else repr(value)
    )
    return printable(text, 80)


# --- comparing -----------------------------------------------------------------------------------


def differences(record: Record, outcome: Outcome, any_versions: bool = False) -> Replayed:
    """What a record says otherwise than the claim does today.

    Parameters
    ----------
    record : Record
    outcome : Outcome
        Of the claim with that id, run now.
    any_versions : bool
        Other tools are no difference, nor are other bounds of a counterexample, which come from
        their arithmetic; `checker` checks these by itself.
    """
    now = json.loads(json.dumps(_plain(outcome)))
    tools = versions()
    notes = [
        f"{shown(name)[1:-1]}: {shown(record.versions.get(name))} then, {shown(tools.get(name))} now"
        for name in sorted(record.versions.keys() | tools.keys(), key=str)
        if record.versions.get(name) != tools.get(name)
    ]
    differing: list[str] = [] if any_versions else [f"other tools: {note}" for note in notes]
    skipped = {"versions", "witness"} if any_versions and notes else set()
    _compare(differing, "", record.content, now, skipped)
    return Replayed(record, outcome, tuple(differing), tuple(notes))


def _compare(differing: list[str], place: str, then: Any, now: Any, skipped: set[str]) -> None:
    """Everything, to the last field; what the effort was, only for being one."""
    if isinstance(then, dict) and isinstance(now, dict):
        for name in sorted(then.keys() | now.keys(), key=str):
            if name in skipped and ".verdict." in f"{place}.{name}.":
                continue
            inner = f"{place}.{name}" if place else str(name)
            if name in EFFORT and name in now:
                took = then.get(name)
                if isinstance(took, bool) or not isinstance(took, (int, float)) or took < 0:
                    _differs(differing, inner, took, now[name])
            elif name in then and name in now:
                _compare(differing, inner, then[name], now[name], skipped)
            else:
                _differs(differing, inner, then.get(name), now.get(name))
    elif isinstance(then, list) and isinstance(now, list):
        if len(then) != len(now):
            _differs(differing, f"{place}, how many", len(then), len(now))
        for n, (a, b) in enumerate(zip(then, now, strict=False)):
            _compare(differing, f"{place}[{n}]", a, b, skipped)
    elif type(then) is not type(now) or then != now:
        _differs(differing, place, then, now)


def _differs(found: list[str], what: str, then: Any, now: Any) -> None:
    found.append(f"{shown(what)[1:-1]}: {shown(then)} in the file, {shown(now)} now")


# --- a second opinion ------------------------------------------------------------------------------


def opinions(record: Record) -> list[tuple[str, Checked]]:
    """What `checker` says of each finding of a record, and the engine of its counterexample."""
    found = []
    for n, finding in enumerate(record.content["findings"]):
        opinion = checked(finding["verdict"])
        if opinion.status == AGREES and finding["verdict"].get("status") == "REFUTED":
            try:
                opinion = _rerun(finding["verdict"], opinion)
            except (AutogradError, LookupError, ValueError, TypeError, ArithmeticError) as error:
                text = f"the engine does not run it ({type(error).__name__}: {error})"
                opinion = Checked(OPEN, text)
        found.append((str(finding.get("words") or n), opinion))
    return found


def _rerun(verdict: Mapping[str, Any], opinion: Checked) -> Checked:
    """A counterexample on the engine: the primitives themselves, in floats."""
    statement, witness = verdict["statement"], verdict["witness"]
    if statement["question"] not in ("equal", "gradient"):
        return Checked(AGREES, f"{opinion.text}; what the engine gave is in its sides")
    point = {name: float(Fraction(text)) for name, text in witness["point"].items()}
    sizes = sizes_of(verdict)
    with np.errstate(all="ignore"):
        if statement["question"] == "equal":
            sides = {"got": statement["left"], "expected": statement["right"]}
        else:
            sides = {"got": statement["combined"]}
        for name, program in sides.items():
            value = _entry_of(_floats(program, sizes, point), statement, program, witness["entry"])
            low, high = (float(Fraction(text)) for text in witness[name])
            slack = 1e-6 * (1 + abs(low) + abs(high))
            if not low - slack <= value <= high + slack:
                text = f"at the counterexample the engine gives {value:.6g}, the record {low:.6g}"
                return Checked(FALLS, text)
    return Checked(AGREES, f"{opinion.text}; the engine agrees")


def _floats(
    program: Mapping[str, Any], sizes: Mapping[str, int], point: Mapping[str, float]
) -> list[Any]:
    """The outputs of a recorded program by the engine's own primitives."""
    reader = Plain(sizes)
    values: list[Any] = []
    names: list[str] = []
    for entry in (*program["inputs"], *program["captures"]):
        shape = reader.plain(entry["shape"])
        name = entry["name"]
        while name in names:
            name += "'"
        names.append(name)
        if "values" in entry or "number" in entry:
            constant = entry["values"] if "values" in entry else float(entry["number"]["float"])
            values.append(np.broadcast_to(np.asarray(constant, entry["dtype"]), shape).copy())
            continue
        array = np.ones(shape)
        for i in np.ndindex(*shape):
            label = name + (f"[{','.join(map(str, i))}]" if i else "")
            array[i] = point.get(label, 1.0)
        values.append(array)

    def operand(o: Any) -> Any:
        if not isinstance(o, dict):
            return values[o]
        return reader.plain(o["value"])

    for name, operands, params, _ in program["steps"]:
        known = {k: _param(reader, name, k, v) for k, v in params.items()}
        values.append(REGISTRY[name].forward(*map(operand, operands), **known))
    return [np.asarray(operand(o)) for o in program["outputs"]]


def _param(reader: Plain, primitive: str, name: str, value: Any) -> Any:
    """A param as the primitive takes it."""
    plain = reader.plain(value)
    if isinstance(value, dict) and "index" in value:
        entries = tuple(("slice", *map(reader.plain, e[1:])) if isinstance(e, list) else e
                        for e in value["index"])  # fmt: skip
        return (Pattern if name == "pattern" else Index)(entries)
    if isinstance(value, dict) and "dtype" in value:
        return np.dtype(plain)
    return plain


def _entry_of(outputs: list[Any], statement: Any, program: Any, entry: str) -> float:
    """The element that a counterexample speaks of: "value[0,1]", "x[2]"."""
    name, _, place = entry.partition("[")
    index = tuple(int(n) for n in place.rstrip("]").split(",") if n)
    if statement["question"] == "gradient":
        names: list[str] = []
        for v in program["inputs"]:
            label = v["name"]
            while label in names:
                label += "'"
            names.append(label)
        return float(outputs[1 + statement["wrt"].index(names.index(name))][index])
    several = [f"output {n}" for n in range(len(outputs))]
    return float(outputs[several.index(name) if name in several else 0][index])
