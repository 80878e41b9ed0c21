"""Shared by all tests: two Hypothesis profiles, and a check that no test leaves state behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from autograd_core.context import CONTEXT

settings.register_profile("ci", deadline=None, max_examples=50, derandomize=True,
                          suppress_health_check=[HealthCheck.too_slow])  # fmt: skip
settings.register_profile("dev", deadline=None, max_examples=50)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


@pytest.fixture(autouse=True, scope="session")
def _objects_of_its_own(tmp_path_factory):
    """Compiled steps are kept for this run of the tests, and not in the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADPROOF_CACHE", str(tmp_path_factory.mktemp("objects")))
        yield


@pytest.fixture
def rng():
    return np.random.default_rng(0)


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
