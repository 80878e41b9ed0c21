"""``gradproof prove`` and ``gradproof replay``, as they are typed."""

import dataclasses
import json

import pytest
from typer.testing import CliRunner

from autograd_core.symbolic import claims
from autograd_core.symbolic.claims import collected
from gradproof import errata, records
from gradproof.cli import app
from gradproof.commands.prove import PACKAGES

CLAIMS = collected(PACKAGES)


@pytest.fixture
def typed(tmp_path, monkeypatch):
    """``typed(*arguments)`` in an empty folder, on a terminal of 100 columns."""
    monkeypatch.chdir(tmp_path)
    return lambda *words, columns="100": CliRunner().invoke(
        app, list(map(str, words)), env={"COLUMNS": columns}
    )


def test_the_list_shows_every_claim_and_checks_none(typed, monkeypatch):
    monkeypatch.setattr(claims.Claim, "run", None)
    result = typed("prove", "--list")
    assert result.exit_code == 0
    assert f"{len(CLAIMS)} claims." in result.stdout
    for name in CLAIMS:
        assert f"\n{name} " in result.stdout
    assert f"All {len(errata.KNOWN)} known errata are checked." in result.stdout
    assert {c.id for c in CLAIMS.values() if c.declared == "ERRATUM"} <= errata.KNOWN.keys()
    assert "known errata" not in typed("prove", "nn", "--list").stdout
    # One without a claim is listed, so that nobody takes the list for complete.
    monkeypatch.setitem(errata.KNOWN, "X99", "what no claim checks")
    *_, count, missing = typed("prove", "--list").stdout.strip().splitlines()
    assert count == f"1 of {len(errata.KNOWN)} known errata are not yet checked:"
    assert missing == "X99  what no claim checks"


@pytest.mark.parametrize("columns", ["80", "140"])
def test_claims_are_chosen_and_checked(typed, columns):
    result = typed("prove", "S2", "x26", "O19", columns=columns)
    assert result.exit_code == 0
    words = " ".join(result.stdout.split())
    assert "3 claims in" in words
    for part in ("HOLDS", "ERRATUM", "MATH", "CITED", "not checked", "[93 Training with momentum]"):
        assert part in words
    assert max(map(len, result.stdout.splitlines())) <= int(columns)


def test_an_unknown_word_is_an_error_with_a_suggestion(typed):
    result = typed("prove", "B44")
    assert result.exit_code == 1
    assert "'B44' names no claim" in result.stderr
    assert "Did you mean B4" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_claim_that_does_not_come_out_ends_with_1(typed, monkeypatch, tmp_path):
    false = dataclasses.replace(CLAIMS["S2"], check=CLAIMS["X26"].check)
    monkeypatch.setattr(claims, "collected", lambda packages: {"S2": false})
    result = typed("prove", "--report", "page.html", "--json", "records.json")
    assert result.exit_code == 1
    assert "S2: declared HOLDS, came out ERRATUM." in result.stdout
    written = json.loads((tmp_path / "records.json").read_text("utf-8"))
    assert written["claims"][0]["outcome"] == "ERRATUM"


def test_a_claim_that_raises_takes_no_other_with_it(typed, monkeypatch, tmp_path):
    def broken():
        raise KeyError("a fault of the claim")

    found = {"S2": CLAIMS["S2"], "Q1": dataclasses.replace(CLAIMS["S2"], id="Q1", check=broken)}
    monkeypatch.setattr(claims, "collected", lambda packages: found)
    result = typed("prove", "--report", "page.html", "--json", "records.json")
    assert result.exit_code == 1
    assert "1 HOLDS, 1 UNDECIDED" in result.stdout
    assert "Q1 raised KeyError: 'a fault of the claim'" in result.stdout
    written = json.loads((tmp_path / "records.json").read_text("utf-8"))
    assert [c["outcome"] for c in written["claims"]] == ["HOLDS", "UNDECIDED"]
    assert typed("replay", "records.json").exit_code == 0  # it is what the file says


def test_a_page_and_records_are_written(typed, tmp_path, quiet):
    result = typed("prove", "S2", "X26", "--report", "new/page.html", "--json", "new/records.json")
    assert result.exit_code == 0
    page = quiet((tmp_path / "new" / "page.html").read_text("utf-8"))
    assert "Training with momentum" in page.text
    again = typed("replay", "new/records.json")
    assert again.exit_code == 0
    assert "2 records: 2 stand, 0 differ." in again.stdout
    assert "verdicts checked a second time" in again.stdout
    assert "falls" not in again.stdout
    alone = typed("replay", "new/records.json", "--without-prover")
    assert alone.exit_code == 0
    assert "2 records: 2 stand, 0 differ." in alone.stdout


def test_a_place_that_cannot_be_written_to_is_named_before_anything_is_run(typed, tmp_path):
    (tmp_path / "file").touch()
    result = typed("prove", "S2", "--json", "file/records.json")
    assert result.exit_code == 1
    assert "S2" not in result.stdout


def test_a_tampered_record_differs(typed, tmp_path):
    assert typed("prove", "S2", "X26", "--json", "records.json").exit_code == 0
    path = tmp_path / "records.json"
    content = json.loads(path.read_text("utf-8"))
    content["claims"][1]["outcome"] = "HOLDS\x1b[31m"
    path.write_text(json.dumps(content))
    result = typed("replay", path)
    assert result.exit_code == 1
    assert "its checksum is not that of its content" in result.stderr
    path.write_text(json.dumps({**content, "sha256": records.checksum(content)}))
    result = typed("replay", path)
    assert result.exit_code == 1
    assert "outcome: 'HOLDS\\x1b[31m' in the file, 'ERRATUM' now" in result.stdout
    assert "\x1b[31m" not in result.stdout
    assert "2 records: 1 stand, 1 differ." in result.stdout


def test_a_record_of_no_claim_is_named_and_nothing_is_run(typed, tmp_path):
    assert typed("prove", "S2", "--json", "records.json").exit_code == 0
    path = tmp_path / "records.json"
    content = json.loads(path.read_text("utf-8"))
    content["claims"].append({**content["claims"][0], "id": "__import__('os')"})
    path.write_text(json.dumps({**content, "sha256": records.checksum(content)}))
    result = typed("replay", path)
    assert result.exit_code == 1
    assert "no claim of this version" in result.stderr
    assert "stands" not in result.stdout


def test_a_false_record_falls_without_the_prover(typed, tmp_path):
    """The second check alone, on what the record says was decided."""
    assert typed("prove", "S2", "--json", "records.json").exit_code == 0
    path = tmp_path / "records.json"
    content = json.loads(path.read_text("utf-8"))
    statement = content["claims"][0]["findings"][0]["verdict"]["statement"]
    (step,) = [s for s in statement["right"]["steps"] if s[0] == "subtract"]
    step[0] = "add"
    path.write_text(json.dumps({**content, "sha256": records.checksum(content)}))
    result = typed("replay", path, "--without-prover")
    assert result.exit_code == 1
    assert "it is not so: output 0[0, 0] differ by" in " ".join(result.stdout.split())


def test_no_records_are_no_success(typed, tmp_path):
    assert typed("prove", "O19", "--json", "records.json").exit_code == 0
    path = tmp_path / "records.json"
    content = {**json.loads(path.read_text("utf-8")), "claims": []}
    path.write_text(json.dumps({**content, "sha256": records.checksum(content)}))
    result = typed("replay", path)
    assert result.exit_code == 1
    assert "it has no records" in result.stderr


def test_a_file_that_is_none_is_one_message(typed, tmp_path):
    (tmp_path / "bad").write_text("not json")
    result = typed("replay", "bad")
    assert result.exit_code == 1
    assert "damaged or not ours" in result.stderr
    assert "Traceback" not in result.stderr
