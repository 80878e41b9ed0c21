"""Functions that are written as source, and their lines in tracebacks."""

from __future__ import annotations

import gc
import linecache
import traceback

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.compiler.source import defined


def test_a_traceback_shows_the_line_that_was_written():
    source = "def f(x):\n    y = x\n    return y / zero"
    f = defined("f", source, {"zero": 0}, "quotient")
    with pytest.raises(ZeroDivisionError) as raised:
        f(1)
    last = traceback.extract_tb(raised.value.__traceback__)[-1]
    assert (last.line, last.lineno, last.name) == ("return y / zero", 3, "f")
    linecache.checkcache()
    assert linecache.getline(last.filename, 2) == "    y = x\n"


def test_lines_are_kept_as_long_as_the_function_lives_and_no_longer():
    f = defined("f", "def f(): return 1", {}, "one")
    filename = f.__code__.co_filename
    assert filename in linecache.cache
    del f
    gc.collect()
    assert filename not in linecache.cache


def test_every_frame_of_a_compiled_step_shows_its_line(backend):
    """The frames of what is called inside: written ones are between the user's and ours."""
    step = ag.jit(lambda a: ag.solve(a, np.ones(2)), backend=backend)
    step(np.eye(2))
    with pytest.raises(ag.SingularError) as raised:
        step(np.zeros((2, 2)))
    frames = traceback.extract_tb(raised.value.__traceback__)
    written = [f for f in frames if f.filename.startswith("<")]
    assert written
    assert all(f.line for f in written)
    assert raised.value.operation == ("jit" if backend == "numpy" else "solve")
    assert f"Called from {__file__}" in str(raised.value)
