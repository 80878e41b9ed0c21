"""Records of claims: what is written is found again, and what is changed or hostile is named."""

import copy
import json
import os

import pytest

from autograd_core.errors import CheckpointError, ConfigError
from autograd_core.symbolic.claims import collected
from gradproof import records
from gradproof.commands.prove import PACKAGES

CLAIMS = collected(PACKAGES)


@pytest.fixture(scope="module")
def outcomes():
    return {name: CLAIMS[name].run() for name in ("S2", "X26", "O19")}


@pytest.fixture
def content(outcomes):
    return json.loads(records.dumped(outcomes.values()))


@pytest.fixture
def replayed(outcomes, tmp_path):
    """``replayed(content)``: the differences of each record, by id."""

    def compared(content):
        path = tmp_path / "records.json"
        path.write_text(json.dumps(content))
        found = (records.differences(r, outcomes[r.id]) for r in records.loaded(path))
        return {r.record.id: r for r in found}

    return compared


def test_a_record_has_what_a_replay_needs(content):
    assert content["versions"]["sympy"]
    by_id = {entry["id"]: entry for entry in content["claims"]}
    assert by_id["X26"]["kind"] == "MATH"
    assert by_id["X26"]["sources"].keys() == {"check", "optim.sgd.SGD.update"}
    roles = [finding["role"] for finding in by_id["X26"]["findings"]]
    assert roles == ["reading", "correction", "correction"]
    reading = by_id["X26"]["findings"][0]["verdict"]
    assert reading["status"] == "REFUTED"
    assert reading["witness"]["point"]["beta"] == "9/10"
    assert by_id["O19"]["findings"] == []


def test_what_was_written_stands(content, replayed):
    assert all(r.differences == r.notes == () for r in replayed(content).values())


@pytest.mark.parametrize(
    ("path", "value", "what"),
    [
        (("outcome",), "HOLDS", "outcome: 'HOLDS' in the file, 'ERRATUM' now"),
        (("kind",), "SIGN", "class: 'SIGN' in the file"),
        (("sources", "check"), "00", "source of check: '00'"),
        (("sources", "more"), "00", "source of more: '00' in the file, missing now"),
        (("findings", 1, "words"), "else", "words: 'else'"),
        (("findings", 1, "verdict", "status"), "REFUTED", "status: 'REFUTED'"),
        (("findings", 1, "verdict", "scope"), "all", "scope: 'all'"),
        (("findings", 1, "verdict", "rules", "add"), "00", "rules: "),
        (("findings", 1, "verdict", "excluded"), ["x = 0"], "excluded: ['x = 0']"),
        (("findings", 0, "verdict", "witness", "point", "beta"), "1/2", "witness: "),
    ],
)
def test_whatever_is_changed_is_found(content, replayed, path, value, what):
    place = content["claims"][1]
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    found = replayed(content)
    assert any(what in line for line in found["X26"].differences)
    assert found["S2"].differences == ()


def test_a_finding_more_or_less_is_found(content, replayed):
    content["claims"][1]["findings"].pop()
    assert "findings: 2 in the file, 3 now" in replayed(content)["X26"].differences


def test_other_versions_are_noted_and_are_no_difference(content, replayed):
    content["versions"]["sympy"] = "0.1"
    content["claims"][1]["findings"][0]["verdict"]["witness"]["arithmetic"] = "another"
    found = replayed(content)["X26"]
    assert found.differences == ()
    assert any(note.startswith("sympy: '0.1' then") for note in found.notes)


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
    path.write_text(json.dumps(damage(content)))
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
        (["SIGN"], {"X4"}),
        (["NOTE"], {"X23"}),
        (["math"], {"X26"}),
    ],
)
def test_words_choose_claims(words, names):
    assert {c.id for c in records.chosen(CLAIMS, words)} == names


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
