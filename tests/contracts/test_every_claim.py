"""Every claim of the lecture comes out as it is declared: the walk over ``<package>.derivations``."""

import functools

import pytest

from autograd_core.symbolic.claims import CLASSES, collected
from gradproof.commands.prove import PACKAGES
from gradproof.pages.latex import mathml

CLAIMS = collected(PACKAGES)
run = functools.cache(lambda name: CLAIMS[name].run())

# Made by hand, from the lecture: what is wrong, and how; what was looked at and is right.
WRONG = {
    "X1": "INDEX", "X3": "INDEX", "X4": "SIGN", "X5": "INDEX", "X6": "CONST", "X8": "INDEX",
    "X15": "CLAIM", "X18": "BOUNDARY", "X22": "ASSUME", "X26": "MATH", "X27": "MATH", "X37": "CLAIM",
    "X2": "SIGN", "X9": "MATH", "X31": "MATH", "X32": "ASSUME", "X33": "ASSUME",
    "X12": "ASSUME", "X16": "SIGN", "X17": "ASSUME", "X30": "CLAIM",
    "X41": "ASSUME", "X42": "CLAIM", "X43": "CLAIM", "X44": "ASSUME", "X45": "CLAIM",
    "X11": "CLAIM", "X13": "CLAIM", "X14": "BOUNDARY", "X20": "CLAIM", "X38": "ASSUME", "X39": "CLAIM",
    "X49": "ASSUME", "X7": "CLAIM", "X10": "CLAIM", "X21": "ASSUME", "X46": "CLAIM", "O1c": "CLAIM", "O16b": "CLAIM",
    "X34": "ASSUME", "X35": "CLAIM", "X36": "ASSUME", "X19": "ASSUME", "X28": "ASSUME", "X48": "ASSUME", "X40": "ASSUME",
}  # fmt: skip
POSITIVE = ("alpha", "eta", "theta", "epsilon")
RIGHT = {
    "O30": "RMSProp's two lines",
    "O18": "the sums of the schedules that are printed",
    "R2": "the gradient of the L2 penalty",
    "R13": "every regularized update",
    "R13b": "all three of its lines",
    "R4": "the optimum under an L2 penalty",
    "R5": "its eigen-form",
    "R8": "the optimum under an L1 penalty, by cases",
    "R9": "its compact form",
    "O3": "gradient descent on a quadratic",
    "O4": "Newton's step",
    "O7": "Newton's step in several weights",
    "O7b": "Newton's step in each dimension",
    "O5": "the regions of the step size",
    "O8b": "“can get divergence” at η = 2η_opt, of a differentiable convex error",
    "O9": "that A can be made symmetric, and that a diagonal one separates",
    "O12": "the gradient is perpendicular to a contour",
    "O13": "the bound of the learning rate, for a diagonal A",
    "O23": "Rprop with sign and size apart",
    "O24": "Quickprop as a secant",
    "X29": "for each weight: a way of writing",
    "D2": "the expectation of a unit under dropout",
    "O25": "the momentum recursion, its index included",
    "B2": "the printed derivative by the variance",
    "B3": "the printed derivative by the mean: its dead term is no error",
    "B4": "the derivative by the input",
    "X23": "½ or no ½ in a penalty: a convention",
}


@pytest.mark.parametrize(  # (B12 has the same network, with a loss that is less)
    "name", [pytest.param(n, marks=pytest.mark.slow) if n == "B12b" else n for n in CLAIMS]
)
def test_it_comes_out_as_declared(name):
    outcome = run(name)
    assert outcome.as_declared, f"{outcome.status}: {outcome.reason}"


@pytest.mark.together
@pytest.mark.parametrize("name", CLAIMS)
def test_it_says_what_it_is(name):
    claim = CLAIMS[name]
    assert claim.slide
    assert claim.method
    assert claim.words.endswith(".")
    assert len(claim.words) < 250
    assert claim.kind in ("", "CITED", *CLASSES)
    assert (claim.check is None) == (claim.kind == "CITED")
    for formula in (claim.formula, *(f.formula for _, f in run(name).roles() if f.formula)):
        assert mathml(formula)


def test_nothing_that_is_right_is_accused():
    for name in RIGHT:
        assert CLAIMS[name].declared == run(name).status == "HOLDS"
        assert not any(f.verdict.status == "REFUTED" for _, f in run(name).roles())


def test_what_is_accused_is_what_is_wrong():
    accused = {name: c.kind for name, c in CLAIMS.items() if c.declared == "ERRATUM"}
    assert accused == WRONG


def test_every_kind_of_outcome_is_there():
    assert {c.declared for c in CLAIMS.values()} == {"HOLDS", "ERRATUM", "CITED"}


def test_what_is_said_to_hold_at_every_size_does():
    general = [
        "B1",
        "B2",
        "B3",
        "B4",
        "B5",
        "B6",
        "B11",
        "B12",
        "R1",
        "R7",
        "R13b",
        "S1",
        "S2",
        "S3",
        "S4",
        "O1",
        "O6",
        "O34",
    ]
    for name in general:
        for _, finding in run(name).roles():
            if "float code" in finding.words:  # which is run at shapes
                continue
            assert {leaf.method for leaf in finding.verdict.leaves.values()} == {"INDEXED"}
            assert finding.verdict.scope.startswith("for every ")


def test_a_refutation_does_not_leave_the_range_of_its_hyperparameters():
    for name in WRONG:
        for role, finding in run(name).roles():
            if role == "reading" and finding.verdict.witness is not None:
                point = finding.verdict.witness.point
                assert all(0 <= v < 1 for s, v in point.items() if s in ("beta", "delta", "gamma"))
                assert all(v > 0 for s, v in point.items() if s in POSITIVE)
