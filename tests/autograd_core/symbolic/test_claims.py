"""What a record of a claim refuses to say."""

import dataclasses
import sys
import types
from fractions import Fraction

import pytest
import sympy

from autograd_core.errors import ConfigError, ProofError
from autograd_core.symbolic import Verdict, Witness
from autograd_core.symbolic.claims import (
    CLASSES,
    Claim,
    Erratum,
    Finding,
    cited,
    claim,
    collected,
    erratum,
)
from autograd_core.symbolic.equations import equation

x = sympy.Symbol("x", real=True)
TRUE = equation("true", x + x, 2 * x)
FALSE = equation("false", x + x, 3 * x, at={x: 1})
OPEN = equation("open", x, x, at={x: 1})
PROBABLE = dataclasses.replace(TRUE, status="PROBABLE")
ABOUT = {"slide": "A slide", "formula": "x = x", "words": "Words.", "method": "A method"}


def found(verdict):
    return Finding("as printed", verdict)


def record(kind, *readings, correction=(TRUE,)):
    return Erratum(kind, tuple(map(found, readings)), tuple(map(found, correction)))


def test_the_verdicts_used_here_are_what_they_are_called():
    assert [v.status for v in (TRUE, FALSE, OPEN)] == ["PROVED", "REFUTED", "UNDECIDED"]


@pytest.mark.parametrize("kind", ["MATH", "SIGN", "INDEX", "CONST"])
def test_what_is_wrong_is_wrong_under_every_reading(kind):
    assert record(kind, FALSE, FALSE).kind == kind
    for readings in ((), (TRUE,), (FALSE, TRUE), (FALSE, OPEN), (FALSE, PROBABLE)):
        with pytest.raises(ProofError, match=f"{kind} means"):
            record(kind, *readings)


@pytest.mark.parametrize("kind", ["CLAIM", "ASSUME", "BOUNDARY"])
def test_what_is_too_strong_is_true_under_some_reading(kind):
    assert record(kind, FALSE, TRUE).kind == kind
    for readings in ((), (TRUE,), (FALSE,), (FALSE, TRUE, OPEN), (FALSE, PROBABLE)):
        with pytest.raises(ProofError, match=f"{kind} means"):
            record(kind, *readings)


def test_a_note_accuses_nobody():
    assert record("NOTE", TRUE).kind == "NOTE"
    for readings in ((), (FALSE,), (TRUE, FALSE), (TRUE, OPEN)):
        with pytest.raises(ProofError, match="NOTE means a convention"):
            record("NOTE", *readings)


@pytest.mark.parametrize("correction", [(), (FALSE,), (OPEN,), (PROBABLE,), (TRUE, OPEN)])
def test_a_correction_is_proved(correction):
    with pytest.raises(ProofError, match="the correction is"):
        record("SIGN", FALSE, correction=correction)


def test_an_open_reading_says_why_it_is_open():
    with pytest.raises(ProofError, match="no difference at the point"):
        record("SIGN", FALSE, OPEN)


@pytest.mark.parametrize(
    "witness",
    [
        None,
        dataclasses.replace(FALSE.witness, difference=(Fraction(-1), Fraction(1))),
        dataclasses.replace(FALSE.witness, difference=(Fraction(0), Fraction(1))),
    ],
)
def test_a_refutation_has_a_certificate(witness):
    with pytest.raises(ProofError, match="without a certificate"):
        Finding("as printed", dataclasses.replace(FALSE, witness=witness))


def test_there_are_no_other_classes():
    with pytest.raises(ConfigError, match="no class 'WRONG'"):
        record("WRONG", FALSE)
    with pytest.raises(ConfigError, match="no class 'WRONG'"):
        erratum("X0", "WRONG", **ABOUT)
    assert set(CLASSES) == {
        "MATH", "SIGN", "INDEX", "CONST", "CLAIM", "ASSUME", "BOUNDARY", "NOTE",
    }  # fmt: skip


def made(check, kind=None):
    declare = claim("C1", **ABOUT) if kind is None else erratum("C1", kind, **ABOUT)
    return declare(check)


@pytest.mark.parametrize(
    ("verdicts", "status"),
    [
        ((TRUE,), "HOLDS"),
        ((TRUE, FALSE), "REFUTED"),
        ((TRUE, OPEN), "UNDECIDED"),
        ((TRUE, PROBABLE), "UNDECIDED"),
        ((), "UNDECIDED"),
    ],
)
def test_a_claim_holds_if_all_of_it_is_proved(verdicts, status):
    outcome = made(lambda: [found(v) for v in verdicts]).run()
    assert outcome.status == status
    assert outcome.as_declared == (status == "HOLDS")


def test_an_erratum_that_its_record_refuses_is_undecided():
    for readings in ((TRUE,), (OPEN,), (FALSE, TRUE)):
        outcome = made(lambda readings=readings: record("SIGN", *readings), "SIGN").run()
        assert (outcome.status, outcome.erratum) == ("UNDECIDED", None)
        assert not outcome.as_declared
        assert "SIGN means a wrong sign" in outcome.reason


def test_an_erratum_of_another_class_is_not_as_declared():
    outcome = made(lambda: record("CLAIM", FALSE, TRUE), "SIGN").run()
    assert outcome.status == "ERRATUM"
    assert not outcome.as_declared


def test_a_note_holds_and_a_citation_is_not_checked():
    assert made(lambda: record("NOTE", TRUE), "NOTE").run().status == "HOLDS"
    about = {name: text for name, text in ABOUT.items() if name != "method"}
    outcome = cited("C2", **about, source="Somebody (1951)", module="nn.derivations.x").run()
    assert (outcome.status, outcome.as_declared, outcome.roles()) == ("CITED", True, ())


def test_a_proof_that_cannot_be_carried_out_is_undecided():
    def fails():
        raise ProofError("no reading")

    outcome = made(fails).run()
    assert (outcome.status, outcome.reason) == ("UNDECIDED", "no reading")


def test_a_fault_in_a_check_is_named_with_its_id_and_place():
    claim = made(lambda: 1 / 0)
    outcome = claim.run()
    assert outcome.status == "UNDECIDED"
    assert outcome.reason.startswith(f"{claim.id} raised ZeroDivisionError: division by zero (")
    assert "test_claims.py:" in outcome.reason


def test_an_interruption_is_none_of_its_business():
    def stopped():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made(stopped).run()


def test_records_do_not_change():
    for frozen in (found(TRUE), record("SIGN", FALSE), made(list), made(list).run()):
        with pytest.raises(dataclasses.FrozenInstanceError):
            frozen.kind = "SIGN"


def test_the_sources_of_a_claim_follow_its_code():
    one = made(lambda: [found(TRUE)])
    two = made(lambda: [found(TRUE), found(TRUE)])
    assert one.sources().keys() == {"check"}
    assert one.sources() != two.sources()


def test_claims_are_found_where_they_stand(monkeypatch, tmp_path):
    folder = tmp_path / "thing" / "derivations"
    folder.mkdir(parents=True)
    (tmp_path / "thing" / "__init__.py").touch()
    (folder / "__init__.py").touch()
    text = (
        "from autograd_core.symbolic.claims import cited\n"
        "A = cited('{}', slide='', formula='', words='', source='', module=__name__)\n"
    )
    (folder / "a.py").write_text(text.format("T1"))
    (folder / "b.py").write_text("from .a import A\n" + text.format("T2").replace("A =", "B ="))
    (folder / "deeper").mkdir()
    (folder / "deeper" / "__init__.py").touch()
    (folder / "deeper" / "c.py").write_text(text.format("T3"))
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    claims = collected(["thing"])
    assert {i: c.module for i, c in claims.items()} == {
        "T1": "thing.derivations.a", "T2": "thing.derivations.b",
        "T3": "thing.derivations.deeper.c",
    }  # fmt: skip
    assert claims["T1"].package == claims["T3"].package == "thing"
    assert collected(["bare"]) == {}, "no folder of claims"
    again = types.ModuleType("thing.derivations.b")
    again.C = dataclasses.replace(claims["T1"], module=again.__name__)
    monkeypatch.setitem(sys.modules, again.__name__, again)
    with pytest.raises(ConfigError, match="the id T1 is taken twice"):
        collected(["thing"])


def test_the_scope_is_that_of_what_is_proved():
    outcome = made(lambda: record("CLAIM", FALSE, TRUE), "CLAIM").run()
    assert outcome.scope == "for every x real"
    sized = Verdict(
        "", "PROVED", "for every B ≥ 1; shape z (B,); for every eps > 0", every="for every B ≥ 1"
    )
    assert made(lambda: [found(sized), found(sized)]).run().scope == "for every B ≥ 1"
    assert isinstance(FALSE.witness, Witness)
    assert isinstance(outcome.claim, Claim)
