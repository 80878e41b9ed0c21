"""Records of claims: what is written is found again, and what is changed or hostile is named."""

import copy
import dataclasses
import json
import os
from fractions import Fraction

import pytest
import sympy

import autograd_core as ag
from autograd_core.errors import CheckpointError, ConfigError
from autograd_core.symbolic import arrays, prove
from autograd_core.symbolic.claims import CLASSES, Finding, collected
from autograd_core.symbolic.equations import equation
from gradproof import errata, records
from gradproof.commands.prove import PACKAGES

CLAIMS = collected(PACKAGES)


x = sympy.Symbol("x", real=True)


def _false():
    """A part that is false, as programs and as an equation."""
    (y,) = arrays("y:2")
    return [
        Finding("as programs", prove.equal(y * y, y + y, wrt=[y])),
        Finding("as an equation", equation("false", x**2, x, given=["nothing"])),
        Finding("as a gradient", prove.backward(ag.sum(ag.tanh(y) * y), wrt=[y])),
    ]


def _broken():
    raise ZeroDivisionError("nothing but a proof is expected here")


def planted(id, check):
    return dataclasses.replace(CLAIMS["S2"], id=id, check=check, assumptions=("none",))


@pytest.fixture(scope="module")
def outcomes():
    """A record of each outcome: HOLDS, ERRATUM, CITED, REFUTED, UNDECIDED."""
    found = {name: CLAIMS[name].run() for name in ("S2", "X26", "O19")}
    found |= {"Q1": planted("Q1", _false).run(), "Q2": planted("Q2", _broken).run()}
    assert {o.status for o in found.values()} == {
        "HOLDS", "ERRATUM", "CITED", "REFUTED", "UNDECIDED",
    }  # fmt: skip
    return found


@pytest.fixture
def content(outcomes):
    return json.loads(records.dumped(outcomes.values()))


def sealed(content):
    """With the checksum of what it holds now, as a forger would write it."""
    return {**content, "sha256": records.checksum(content)}


@pytest.fixture
def replayed(outcomes, tmp_path):
    """``replayed(content)``: the differences of each record, by id."""

    def compared(content, **options):
        path = tmp_path / "records.json"
        path.write_text(json.dumps(sealed(content)))
        found = (records.differences(r, outcomes[r.id], **options) for r in records.loaded(path))
        return {r.record.id: r for r in found}

    return compared


def test_a_record_has_what_a_replay_needs(content):
    assert content["versions"]["sympy"]
    by_id = {entry["id"]: entry for entry in content["claims"]}
    assert by_id["X26"]["kind"] == "MATH"
    assert {"check", "optim.optimizers.sgd.SGD.update"} <= by_id["X26"]["sources"].keys()
    roles = [finding["role"] for finding in by_id["X26"]["findings"]]
    assert roles == sorted(roles, reverse=True)  # readings, then corrections
    assert set(roles) == {"reading", "correction"}
    reading = by_id["X26"]["findings"][0]["verdict"]
    assert reading["status"] == "REFUTED"
    assert reading["witness"]["point"]["beta"] == "9/10"
    assert by_id["O19"]["findings"] == []


def test_what_was_written_stands(content, replayed):
    assert all(r.differences == r.notes == () for r in replayed(content).values())


def test_a_claim_that_raises_is_undecided_and_says_so(outcomes):
    said = "Q2 raised ZeroDivisionError: nothing but a proof is expected here (test_records.py:"
    assert outcomes["Q2"].reason.startswith(said)


# --- whatever is edited ------------------------------------------------------------------------------


def edits(value, path=()):
    """Every way to change one thing in JSON: each field, each element, one more, one less."""
    if isinstance(value, dict):
        yield path, {**value, "more": "x"}
        for name in value:
            yield path, {k: v for k, v in value.items() if k != name}
            yield from edits(value[name], (*path, name))
    elif isinstance(value, list):
        yield path, [*value, "more"]
        if value:
            yield path, value[:-1]
        if len(value) > 1 and value[0] != value[-1]:
            yield path, value[::-1]
        for n, element in enumerate(value):
            yield from edits(element, (*path, n))
    elif isinstance(value, str):
        yield path, value + "x"
        yield path, "" if value else "y"
        yield path, None
    elif isinstance(value, bool):
        yield path, not value
        yield path, int(value)
    elif isinstance(value, (int, float)):
        yield path, value + 1
        yield path, float(value) if isinstance(value, int) else str(value)
        yield path, None
    else:
        yield path, "something"


def edited(whole, path, value):
    if not path:
        return value
    part = edited(whole[path[0]], path[1:], value)
    if isinstance(whole, dict):
        return {**whole, path[0]: part}
    return [*whole[: path[0]], part, *whole[path[0] + 1 :]]


def effort(path, value):
    """Whether an edit gives another plausible effort, which cannot be found out again."""
    return path[-1:] in (("seconds",), ("compared",)) and type(value) in (int, float)


@pytest.mark.parametrize("name", ["S2", "X26", "O19", "Q1", "Q2"])
def test_whatever_is_edited_in_a_record_it_falls(content, outcomes, name, monkeypatch):
    now = records._plain(outcomes[name])
    monkeypatch.setattr(records, "_plain", lambda outcome: now)  # the same each time
    monkeypatch.setattr(records, "versions", lambda: content["versions"])
    (entry,) = [e for e in content["claims"] if e["id"] == name]
    count = 0
    for path, value in edits(entry):
        if (
            effort(path, value)
            or (path and path[0] == "id")
            or (not path and value.get("id") != name)
        ):
            continue  # an id is looked up; see below
        forged = edited(entry, path, value)
        record = records.Record(name, forged, content["versions"])
        assert records.differences(record, outcomes[name]).differences, (path, value)
        count += 1
    assert count > 40


def test_whatever_is_edited_in_a_file_its_checksum_falls(content, tmp_path):
    path = tmp_path / "records.json"
    small = {**content, "claims": [e for e in content["claims"] if e["id"] in ("O19", "Q2")]}
    small = sealed(small)
    path.write_text(json.dumps(small))
    assert len(records.loaded(path)) == 2
    for place, value in edits(small):
        path.write_text(json.dumps(edited(small, place, value)))
        with pytest.raises(CheckpointError):
            records.loaded(path)


def test_the_fields_of_the_file_itself(content, replayed, tmp_path):
    path = tmp_path / "records.json"
    for forged in (
        {**content, "made": "2999-01-01T00:00:00+00:00"},
        {**content, "made": "yesterday"},
        {**content, "made": 3},
        {k: v for k, v in content.items() if k != "made"},
        {**content, "more": 1},
        {**content, "claims": []},
        {**content, "format": "gradproof claims 1"},
    ):
        path.write_text(json.dumps(sealed(forged)))
        with pytest.raises(CheckpointError):
            records.loaded(path)
    for name in content["versions"]:
        forged = {**content, "versions": {**content["versions"], name: "0.1"}}
        assert all(r.differences for r in replayed(forged).values())
    forged = {**content, "versions": {**content["versions"], "more": "1"}}
    assert all(r.differences for r in replayed(forged).values())


def test_under_another_id_a_record_falls(content, replayed):
    by_id = {e["id"]: e for e in content["claims"]}
    forged = {**content, "claims": [{**by_id["S2"], "id": "X26"}]}
    assert replayed(forged)["X26"].differences


def test_other_tools_are_allowed_on_request_and_excuse_nothing_else(content, replayed):
    content["versions"]["sympy"] = "0.1"
    found = replayed(content)["X26"]
    assert any("other tools: sympy: '0.1' then" in line for line in found.differences)
    found = replayed(content, any_versions=True)["X26"]
    assert found.differences == ()
    assert any(note.startswith("sympy: '0.1' then") for note in found.notes)
    content["claims"][1]["findings"][0]["verdict"]["scope"] = "all"
    assert replayed(content, any_versions=True)["X26"].differences


# --- the second opinion --------------------------------------------------------------------------------


def test_every_finding_has_a_second_opinion(content):
    for entry in content["claims"]:
        found = records.opinions(records.Record(entry["id"], entry, content["versions"]))
        assert [words for words, _ in found] == [f["words"] for f in entry["findings"]]
        for _, opinion in found:
            assert opinion.status == "agrees", opinion
    (programs, equation_, gradient) = records.opinions(
        records.Record("Q1", content["claims"][3], content["versions"])
    )
    assert programs[1].text.endswith("the engine agrees")
    assert equation_[1].text.endswith("what the engine gave is in its sides")
    assert "probability of error at most" in gradient[1].text


@pytest.mark.parametrize("finding", [0, 1])
def test_an_edited_counterexample_falls_before_any_comparison(content, finding):
    """With versions that excuse other bounds, too: the numbers themselves do not fit."""
    entry = content["claims"][3]
    witness = entry["findings"][finding]["verdict"]["witness"]
    tried = 0
    for path, value in edits(witness):
        if path and path[0] not in ("point", "got", "expected", "difference", "entry"):
            continue
        if not path:
            continue
        if path[0] in ("got", "expected", "difference"):
            value = str(Fraction(witness[path[0]][0]) + 7)
            path = (path[0], 0)
        forged = edited(entry, ("findings", finding, "verdict", "witness", *path), value)
        found = records.opinions(records.Record("Q1", forged, content["versions"]))[finding][1]
        # A field more in the point is no value of the statement's: harmless.
        assert found.status != "agrees" or value == {**witness["point"], "more": "x"}, (path, value)
        tried += 1
    assert tried > 8


def test_a_refutation_without_a_counterexample_falls(content):
    entry = edited(content["claims"][3], ("findings", 0, "verdict", "witness"), None)
    opinion = records.opinions(records.Record("Q1", entry, content["versions"]))[0][1]
    assert opinion.status == "falls"


def test_a_false_verdict_falls_whatever_else_fits(content):
    """PROVED, where it was refuted: with nothing to compare with, the checker finds it."""
    entry = edited(content["claims"][3], ("findings", 0, "verdict", "status"), "PROVED")
    opinion = records.opinions(records.Record("Q1", entry, content["versions"]))[0][1]
    assert opinion.status == "falls"
    assert "it is not so" in opinion.text


def changed(content, **fields):
    return {**content, **fields}


def without(content, name):
    entry = copy.deepcopy(content["claims"][0])
    del entry[name]
    return changed(content, claims=[entry])


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (lambda c: [], "the file is \\[\\]"),
        (lambda c: {}, "its format is missing"),
        (lambda c: changed(c, format="other"), "its format is 'other'"),
        (lambda c: changed(c, versions=3), "versions is 3"),
        (lambda c: changed(c, claims={"a": 1}), "claims is {'a': 1}"),
        (lambda c: changed(c, claims=[1]), r"claims\[0\] is 1"),
        (lambda c: changed(c, claims=c["claims"] * 2), "it has 'S2' twice"),
        *((lambda c, n=n: without(c, n), rf"claims\[0\]\.{n} is missing") for n in records.FIELDS),
        (lambda c: changed(c, claims=[{**c["claims"][0], "id": ["S2"]}]), "id is \\['S2'\\]"),
        (lambda c: changed(c, claims=[{**c["claims"][0], "findings": [1]}]), r"findings\[0\] is 1"),
        (lambda c: changed(c, claims=[{**c["claims"][0], "findings": [{}]}]), "verdict is missing"),
    ],
)
def test_a_damaged_file_is_named(content, tmp_path, damage, what):
    path = tmp_path / "records.json"
    damaged = damage(content)
    path.write_text(json.dumps(sealed(damaged) if isinstance(damaged, dict) else damaged))
    with pytest.raises(CheckpointError, match=f"damaged or not ours: .*{what}"):
        records.loaded(path)


@pytest.mark.parametrize(
    "text",
    [
        b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"format": NaN}', b"\x00" * 100,
        b"cos\nsystem\n(S'echo'\ntR.", b"9" * 10_000,
    ],
    ids=["empty", "cut", "no text", "deep", "nan", "zeros", "pickle", "a long number"],
)  # fmt: skip
def test_what_is_no_json_is_named(tmp_path, text):
    path = tmp_path / "records.json"
    path.write_bytes(text)
    with pytest.raises(CheckpointError, match="nothing was run"):
        records.loaded(path)


def test_a_single_verdict_cannot_be_run_again(outcomes, tmp_path):
    path = tmp_path / "verdict.json"
    path.write_text(outcomes["S2"].findings[0].verdict.to_json())
    with pytest.raises(CheckpointError, match="a single verdict"):
        records.loaded(path)


def test_files_that_are_none_are_named(tmp_path):
    with pytest.raises(CheckpointError, match="cannot be read"):
        records.loaded(tmp_path / "missing")
    with pytest.raises(CheckpointError):
        records.loaded(tmp_path)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(CheckpointError, match="no plain file"):
        records.loaded(pipe)
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(records.LARGEST + 1)
    with pytest.raises(CheckpointError, match="more than"):
        records.loaded(large)


def test_what_a_file_says_cannot_command_the_terminal():
    assert records.shown("\x1b[2J\x07a\u202e") == "'\\x1b[2J\\x07a\\u202e'"
    assert len(records.shown("a" * 1000)) == 80


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["S2"], {"S2"}),
        (["s2", "x1"], {"S2", "X1"}),
    ],
)
def test_words_choose_claims(words, names):
    assert {c.id for c in records.chosen(CLAIMS, words)} == names


@pytest.mark.parametrize("word", sorted({c.kind for c in CLAIMS.values()} & {*CLASSES}))
def test_words_choose_classes_of_errata(word):
    of_it = {c.id for c in CLAIMS.values() if c.kind == word}
    assert of_it
    assert {c.id for c in records.chosen(CLAIMS, [word.lower()])} == of_it


def test_words_choose_packages_and_outcomes():
    assert len(records.chosen(CLAIMS, [])) == len(CLAIMS)
    assert {c.package for c in records.chosen(CLAIMS, ["nn"])} == {"nn"}
    assert {c.declared for c in records.chosen(CLAIMS, ["CITED"])} == {"CITED"}
    claims = {name: c for name, c in CLAIMS.items() if c.kind != "SIGN"}
    assert records.chosen(claims, ["SIGN"]) == []  # a class, of which there is none


@pytest.mark.parametrize(("word", "close"), [("B44", "B4"), ("optm", "optim"), ("cite", "cited")])
def test_an_unknown_word_is_answered_with_what_is_close(word, close):
    with pytest.raises(ConfigError, match=rf"'{word}' names no claim.*Did you mean .*{close}"):
        records.chosen(CLAIMS, [word])
    with pytest.raises(ConfigError, match="--list"):
        records.chosen(CLAIMS, ["qqqqqq"])


def test_every_known_erratum_is_checked_and_one_that_were_not_would_be_said_to_be_known():
    assert errata.unchecked(CLAIMS) == {}
    others = {name: c for name, c in CLAIMS.items() if name != "X40"}
    assert errata.unchecked(others) == {"X40": errata.KNOWN["X40"]}
    with pytest.raises(ConfigError, match="a known erratum, which is not yet checked") as caught:
        records.chosen(others, ["x40"])
    assert errata.KNOWN["X40"] in str(caught.value)
