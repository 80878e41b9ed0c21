"""Errors as data: what failed and why are fields, of which the message is made."""

from __future__ import annotations

import ast
import copy
import pathlib
import pickle
import re

import numpy as np
import pytest

import autograd_core as ag
from autograd_core import errors

ERRORS = [
    e for e in vars(errors).values() if isinstance(e, type) and issubclass(e, ag.AutogradError)
]
PACKAGES = ("autograd_core", "nn", "optim", "analysis", "viz", "gradproof")
ROOT = pathlib.Path(errors.__file__).parents[1]


@pytest.mark.parametrize("kind", ERRORS)
def test_the_message_is_made_of_the_fields(kind):
    error = kind("matmul", "inner sizes differ.")
    assert str(error) == "matmul: inner sizes differ."
    assert (error.operation, error.reason) == ("matmul", "inner sizes differ.")
    other = error.of("einsum")
    assert type(other) is kind
    assert str(other) == "einsum: inner sizes differ."
    assert error.operation == "matmul"
    assert str(error.ending(" In x.")) == "matmul: inner sizes differ. In x."
    reason = kind("inner sizes differ")
    assert (str(reason), reason.operation) == ("inner sizes differ", None)
    assert str(reason.of("matmul")) == "matmul: inner sizes differ"


@pytest.mark.parametrize("kind", ERRORS)
@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))])  # fmt: skip
def test_copies_keep_the_fields(kind, copied):
    error = copied(kind("matmul", "inner sizes differ."))
    assert type(error) is kind
    assert (str(error), error.operation) == ("matmul: inner sizes differ.", "matmul")


def test_a_state_keeps_its_faults_under_another_name():
    error = ag.StateError.listing("load_state_dict", "it does not fit.", ["missing: w"], "Look.")
    assert error.of("resume").faults == ("missing: w",)
    assert str(error.of("resume")) == "resume: it does not fit.\n  missing: w\nLook."


def test_a_matrix_without_an_inverse_is_told_from_one_without_factors():
    singular = np.zeros((2, 2))
    for solve in (
        lambda: ag.solve(singular, np.ones(2)),
        lambda: ag.linalg.inv(singular),
        lambda: ag.vmap(ag.solve)(singular[None], np.ones((1, 2))),
        lambda: ag.jit(ag.solve, backend="numpy")(singular, np.ones(2)),
    ):
        with pytest.raises(ag.SingularError):
            solve()
    with pytest.raises(ag.LinAlgError) as raised:
        ag.cholesky(-np.eye(2))
    assert not isinstance(raised.value, ag.SingularError)


@pytest.mark.parametrize(
    ("base", "exponent", "kind"),
    [
        ((2, 3), -1, ag.ConfigError),
        ((2, 3), (-1, 2), ag.ConfigError),
        ((True, False), -1, ag.ConfigError),
        ((2, 3), (-1, -1, -1), ag.ShapeError),  # whose shapes do not fit either
    ],
)
def test_negative_powers_of_integers_are_told_by_their_values(base, exponent, kind):
    with pytest.raises(kind, match=r"^power: "):
        ag.power(np.array(base), np.array(exponent))


def _made_in(path):
    """Errors that a file makes: (line, arguments)."""
    names = {kind.__name__ for kind in ERRORS}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            yield node.lineno, node.args


@pytest.mark.parametrize("package", PACKAGES)
def test_what_failed_is_an_argument_of_its_own_and_no_text_before_a_colon(package):
    found = []
    for path in (ROOT / package).rglob("*.py"):
        for line, args in _made_in(path):
            first = args[0] if args else None
            parts = first.values if isinstance(first, ast.JoinedStr) else [first]
            text = "".join(p.value if isinstance(p, ast.Constant) else "x" for p in parts)
            if len(args) == 1 and re.match(r"[\w.]+(\([\w, ]*\))?: ", str(text)):
                found.append(f"{path}:{line} {text[:60]}")
    assert not found
