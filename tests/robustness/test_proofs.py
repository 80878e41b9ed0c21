"""Random statements about random programs: no verdict on one of them is false.

The judge knows nothing of proofs. It runs the programs, as training does, at sizes 1, 2 and 3 and at
points of all signs, with zeros and ties; it takes differences, and computes every witness again. What
was PROVED may differ from what is run on no open set inside the domain that the verdict states, with
the facts that it lists; what was REFUTED differs at its witness, which lies in that domain.

Drawn is what proofs were once wrong about: indices that sums may capture, booleans, signed integers,
operands that are used again, facts, domains, ties under monotone functions, rules of primitives that
are wrong, missing, or look at sizes, gradients that are stopped, sizes of one, several outputs, and
arrays that are made of what needs no gradient. A thousand programs are in the suite; `make
fuzz-proofs` runs 20,000. That it finds the old faults when they are put back is shown at the end.
"""

from __future__ import annotations

import os
from collections import Counter

import pytest

from autograd_core.symbolic import crosscheck
from autograd_core.symbolic.questions import remembered
from tests.robustness import proof_questions
from tests.robustness.proof_faults import (
    added_truths,
    captured_indices,
    default_params,
    doubled_biases,
    every_cotangent,
    facts_in_silence,
    facts_one_by_one,
    held_in_silence,
    kept_by_text,
    leaves_as_they_are_met,
    lost_domains,
    misread_code,
    nonnegative_integers,
    operands_that_are_data,
    paths_without_a_rule,
    rules_at_ties,
    sizes_not_looked_for,
    ties_on_null_sets,
    witnesses_anywhere,
)
from tests.robustness.proof_judge import FindingError
from tests.robustness.proof_questions import check

# What ends a proof may arrive in a callback of the collector that has just begun (hypothesis has one),
# which drops it and warns; it is raised again.
pytestmark = pytest.mark.filterwarnings(
    r"ignore:(?s)Exception ignored.*the budget of:pytest.PytestUnraisableExceptionWarning"
)


PROGRAMS = 500
CHUNKS = 10


def swept(seeds, theme=None):
    """The counts of how statements ended, and the findings."""
    counts, findings = Counter(), []
    for seed in seeds:
        try:
            counts[check(seed, theme)] += 1
        except FindingError as finding:
            findings.append(finding)
    return counts, findings


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_no_verdict_is_false(chunk):
    counts, findings = swept(range(chunk, PROGRAMS, CHUNKS))
    assert not findings, "\n\n".join(map(str, findings[:5]))
    ended = Counter()
    for (_, status), n in counts.items():
        ended[status] += n
    assert ended["PROVED"] > PROGRAMS / CHUNKS / 5, ended
    assert ended["REFUTED"] > PROGRAMS / CHUNKS / 25, ended


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(16))
def test_no_verdict_on_many_programs_is_false(chunk):
    """`make fuzz-proofs`: GRADPROOF_FUZZ statements (2,000), from GRADPROOF_SEED on."""
    count = int(os.environ.get("GRADPROOF_FUZZ", "2000"))
    start = int(os.environ.get("GRADPROOF_SEED", "1000"))
    counts, findings = swept(range(start + chunk, start + count, 16))
    ended = Counter()
    for (_, status), n in counts.items():
        ended[status] += n
    print(f"\nseeds {start + chunk} to {start + count} by 16: {dict(ended)}, {len(findings)} false")
    assert not findings, "\n\n".join(map(str, findings[:5]))


# High stairs, whose slope the second look took for the floor's; a value proved entry by entry; an overflow
# in a part that depends on no float; sums of 0, of which nothing is left but rounding.
@pytest.mark.parametrize("seed", [703570, 701935, 700875, 20277946, 40263199])
def test_statements_that_fell_stand(seed):
    assert check(seed)[1] == "PROVED"


# The witness has values that a constant has not; at its own the sides differ at one point in six.
@pytest.mark.parametrize("seed", [50266178])
def test_a_difference_at_the_own_values_of_constants_is_looked_for(seed):
    assert check(seed)[1] == "REFUTED"


def test_what_was_computed_before_stays_in_a_witness_of_other_data():
    assert check(30268818)[1] == "REFUTED"


# --- faults that were, put back ---------------------------------------------------------------

# Which theme draws what it takes, with which primitives or faults of the library; and after how many
# programs it is to be found.
FAULTS = {
    "A1": (captured_indices, "indices", (), 300), "A2": (added_truths, "truths", (), 300),
    "A3": (nonnegative_integers, "integers", (), 300), "A4": (ties_on_null_sets, "ties", (), 300),
    "A5": (facts_in_silence, "facts", (), 300), "A6": (lost_domains, "domains", (), 300),
    "B1": (facts_one_by_one, "facts", (), 300),
    "B2": (operands_that_are_data, "declared", ("no left rule", "no right rule"), 150),
    "B3": (witnesses_anywhere, "domains", (), 300),
    "C1": (paths_without_a_rule, "declared", ("no rule",), 100),
    "C2": (rules_at_ties, "declared", ("larger",), 150),
    "C3": (default_params, "library", ("fourth operand", "long steps"), 60),
    "C4": (every_cotangent, "library", ("no cotangent",), 60),
    "C5": (kept_by_text, "declared", ("square",), 100),
    "D1": (sizes_not_looked_for, "declared", ("square", "product"), 150),
    "D2": (doubled_biases, "base", (), 100), "D3": (held_in_silence, "stopped", (), 100),
    "D4": (misread_code, "declared", ("misread",), 60),
    "x - y": (leaves_as_they_are_met, "base", (), 600),
}  # fmt: skip
# With the second look, these end as disagreements, which are right where a rule is not what it is
# read as.
BY_THE_SECOND_LOOK = {"D1", "D4"}


def without_a_second_look(patch):
    patch.setattr(crosscheck, "confirmed", lambda verdict, statement: verdict)


def first_finding(theme, most):
    """The number of programs until one is found, and what it says."""
    for n, seed in enumerate(range(7_000, 7_000 + most), 1):
        try:
            check(seed, theme)
        except FindingError as finding:
            return n, finding
    return most, None


def put_back(fault, look, patch):
    """The state before a fault was mended; with a second look at what is proved, or without."""
    make, theme, drawn, most = FAULTS[fault]
    patch.setattr(remembered, "_VERDICTS", {})
    make(patch)
    if drawn:
        table = "DECLARED" if theme == "declared" else "PLANTED"
        every = getattr(proof_questions, table)
        patch.setattr(proof_questions, table, {name: every[name] for name in drawn})
    if fault != "D1":  # or a rule that looks at arrays would be found in its place
        patch.setattr(proof_questions, "LOOKS", {"always": proof_questions.LOOKS["always"]})
    if look == "without":
        without_a_second_look(patch)
    return first_finding(theme, most)


@pytest.mark.slow
@pytest.mark.parametrize("look", ["with a second look", "without"])
@pytest.mark.parametrize("fault", FAULTS)
def test_old_faults_are_found_again(fault, look, monkeypatch):
    if look != "without" and fault in BY_THE_SECOND_LOOK:
        pytest.skip("the second look is what mended it")
    n, finding = put_back(fault, look, monkeypatch)
    assert finding is not None, f"not found in {n} programs"
    print(f"\n{fault}, {look}: program {n}: {finding.what}")
