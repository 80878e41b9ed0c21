"""How passes are tested: a program before and after, evaluated by NumPy to the last bit."""

from __future__ import annotations

import itertools
import sys

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.program import Literal, Var

HOSTILE = np.array([0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 3.0, -2.5, np.inf, -np.inf, np.nan, 2.3e-308,
                    5e-324, 1e300, -1e300, 1e-300, np.pi, -7.3])  # fmt: skip


def outcomes(program, args):
    """Values of the outputs and of what is written, and the dtypes and weakness that are declared."""
    with np.errstate(all="ignore"):
        values = program.values(*args)
    atoms = [*program.outputs, *(value for _, value in program.writes)]
    found = [np.asarray(o.value if isinstance(o, Literal) else values[o]) for o in atoms]
    declared = [(o.shape, o.dtype, o.weak) if isinstance(o, Var) else None for o in atoms]
    return found, declared


def assert_identical(a, b):
    """Equal to the last bit, the sign of zeros included; one nan is as good as another."""
    assert (a.shape, a.dtype) == (b.shape, b.dtype)
    np.testing.assert_array_equal(a, b)
    if a.dtype.kind == "f":
        there = ~np.isnan(a)
        np.testing.assert_array_equal(np.signbit(a)[there], np.signbit(b)[there])


class Passes:
    """What the tests of passes share."""

    hostile = HOSTILE

    @staticmethod
    def kept(run, function, *args, compare=assert_identical):
        """The program of a function before and after a pass, found to compute the same."""
        before = ag.trace(function)(*args)
        after = run(before)
        found, declared = outcomes(after, args)
        wanted, expected = outcomes(before, args)
        for f, w in zip(found, wanted, strict=True):
            compare(f, w)
        for d, e in zip(declared, expected, strict=True):
            assert d is None or e is None or d == e
        assert after.inputs == before.inputs
        assert after.captures == before.captures
        assert after.structure == before.structure
        assert [t for t, _ in after.writes] == [t for t, _ in before.writes]
        return before, after

    @staticmethod
    def names(program):
        return [step.primitive.name for step in program]

    @staticmethod
    def assert_linear(run, function):
        """10,000 steps take four times as many calls as 2,500, of Python and of C."""

        def calls(count):
            program = ag.trace(lambda x: function(x, count))(np.ones(3))
            assert len(program) > 0.99 * count
            seen = itertools.count()
            before = sys.getprofile()
            sys.setprofile(lambda *_: next(seen))
            try:
                run(program)
            finally:
                sys.setprofile(before)
            return next(seen)

        assert calls(10_000) < 4.5 * calls(2_500)


@pytest.fixture(scope="session")
def passes():
    return Passes
