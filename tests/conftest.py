"""Shared by all tests: two Hypothesis profiles, and a check that no test leaves state behind."""

from __future__ import annotations

import os

if "PYTEST_XDIST_WORKER" in os.environ:
    # There is a worker for each processor: a BLAS that took them all would wait for the others'.
    # It reads this when NumPy is imported; processes that tests start have it from here.
    for library in ("OPENBLAS", "OMP", "MKL"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")

import collections
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

import autograd_core as ag
from autograd_core.context import CONTEXT
from autograd_core.readings import READINGS
from autograd_core.shelves import ARRAYS, TENSORS
from autograd_core.trees import flatten

settings.register_profile("ci", deadline=None, max_examples=50, derandomize=True,
                          suppress_health_check=[HealthCheck.too_slow])  # fmt: skip
settings.register_profile("dev", deadline=None, max_examples=50)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


OTHERS = pytest.StashKey[list[pytest.Item]]()  # further cases that one test goes through


def pytest_addoption(parser):
    parser.addoption(
        "--apart", action="store_true", help="cases that run together are tests of their own"
    )


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """What is ``sampled`` is thinned before others choose; what they chose runs ``together``."""
    _thin_out(items)
    yield
    if not config.getoption("apart"):
        _bring_together(items)


def _thin_out(items):
    """Of a sweep that is marked ``sampled(n)`` one case in ``n`` stays; the others are slow.

    Which one is said by the sum of its places in the lists that the sweep is a product of: so each value
    of each list stays, with one in ``n`` of another list's, and the same ones every time.
    """
    places = collections.defaultdict(dict)
    for item in items:
        mark = item.get_closest_marker("sampled")
        if mark is None:
            continue
        lists, values, total = _parametrized(item), item.callspec.params, 0
        told = {name for names in lists for name in names}
        for names in [*lists, *([name] for name in values if name not in told)]:  # fixtures'
            seen = places[item.nodeid.partition("[")[0], tuple(names)]
            total += seen.setdefault(tuple(id(values[name]) for name in names), len(seen))
        if total % mark.args[0]:
            item.add_marker("slow")


def _parametrized(item):
    """The lists of names that a test is parametrized by."""
    lists = [mark.args[0] for mark in item.iter_markers("parametrize")]
    return [
        names.replace(" ", "").split(",") if isinstance(names, str) else names for names in lists
    ]


def _bring_together(items):
    """Of a function that is marked ``together`` all cases are one test, which names those that fail.

    A test costs some five milliseconds beside what it does: for thousands of tiny ones that is most.
    One case alone is still asked for by its own id.
    """
    first = {}
    for item in items:
        if item.get_closest_marker("together") is not None:
            made = item.callspec.params.keys() - {n for names in _parametrized(item) for n in names}
            assert not made, f"{item.nodeid}: {made} are fixtures, which are made once a test"
            stands_for = first.setdefault((item.path, item.function), item)
            stands_for.stash.setdefault(OTHERS, []).append(item)
    items[:] = [i for i in items if OTHERS in i.stash or i.get_closest_marker("together") is None]


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """The cases of what was brought together, with the fixtures of the first."""
    cases = pyfuncitem.stash.get(OTHERS, ())
    if len(cases) < 2:
        return None
    given = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    failed, skipped = [], []
    for case in cases:
        try:
            pyfuncitem.obj(**{**given, **case.callspec.params})
        except pytest.skip.Exception as skip:
            skipped.append(skip)
        except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001 - raised when all have run
            failed.append((case, error))
    if failed:
        error = failed[0][1]
        error.add_note("\n".join(["of these cases:", *(case.nodeid for case, _ in failed)]))
        raise error
    if len(skipped) == len(cases):
        raise skipped[0]
    return True


@pytest.fixture(autouse=True, scope="session")
def _objects_of_its_own(tmp_path_factory):
    """Compiled steps are kept for this run of the tests, and not in the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADPROOF_CACHE", str(tmp_path_factory.mktemp("objects")))
        yield


@pytest.fixture
def declared():
    """Primitives that a test declares are gone after it, with what it registers for them."""
    before = set(ag.REGISTRY)
    yield
    for name in set(ag.REGISTRY) - before:
        del ag.REGISTRY[name]
        for shelf in (ARRAYS, TENSORS):
            delattr(shelf, name)
        for reading in READINGS.values():
            reading.rules.pop(name, None)


@pytest.fixture
def interruptible():
    """Ctrl-C as on a terminal, for tests that send it: a shell's background jobs ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


class Native:
    """A function as native code for arguments like these, beside NumPy's reading of its program."""

    def __init__(self, function, *args, level=None, threads=1):
        from autograd_core.compiler.capture import capture
        from autograd_core.compiler.native.machine import host
        from autograd_core.compiler.native.runner import prepare

        leaves, structure = flatten((args, {}))
        self.captured = capture(function, leaves, structure, title="f")
        self.runner = prepare(self.captured, threads=threads, machine=host(level))
        self.kernels = self.runner.schedule.kernels

    def inputs(self, args):
        """Arrays, and numbers, as a runner takes them."""
        leaves = flatten((args, {}))[0]
        self.captured.numbers[:] = [a for a in leaves if type(a) is float]
        arrays = [a for a in leaves if isinstance(a, (np.ndarray, np.generic))]
        return arrays, [getter() for getter in self.captured.scalars]

    def __call__(self, *args):
        """The outputs; state is written."""
        return self.runner.run(*self.inputs(args))

    def expected(self, *args):
        """The outputs by NumPy, and the values of what would be written."""
        arrays, numbers = self.inputs(args)
        program = self.captured.program
        with np.errstate(all="ignore"):
            values = program.values(*arrays, *numbers)

        def value(o):
            return np.array(values.get(o, getattr(o, "value", None)))

        leaves = dict(program.captures)
        return [value(o) for o in program.outputs], [
            (leaves[target], value(new)) for target, new in program.writes
        ]


@pytest.fixture(scope="session")
def native():
    """`Native`; tests that ask for it are skipped where llvmlite is missing."""
    pytest.importorskip("llvmlite")
    return Native


@pytest.fixture
def run_script(tmp_path):
    """Runs a Python file as a reader would: in a process and a folder of its own; warnings fail."""

    def run(script: Path) -> str:
        root = Path(__file__).resolve().parents[1]
        done = subprocess.run(
            [sys.executable, "-W", "error", str(script)],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(root), "MPLBACKEND": "Agg"},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture(autouse=True)
def _no_state_left_behind():
    before = CONTEXT.get()
    yield
    assert CONTEXT.get() is before
