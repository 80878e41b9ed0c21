"""The runner of the tests on both ends of NumPy's range, without building environments."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy_range
import pytest


def test_the_stated_range_holds_the_numpy_that_runs_here():
    oldest, below = numpy_range.stated()
    here = np.lib.NumpyVersion(np.__version__)
    assert here >= (oldest if oldest.count(".") == 2 else oldest + ".0")
    assert int(np.__version__.split(".")[0]) < int(below.split(".")[0])


@pytest.mark.parametrize(
    "requirement", ["numpy", "numpy>=2.0", "numpy~=2.1", "numpy>=2.0,<3,!=2.2"]
)
def test_another_form_of_requirement_is_refused(tmp_path, monkeypatch, requirement):
    (tmp_path / "pyproject.toml").write_text(
        f'[project]\ndependencies = ["{requirement}", "numpydoc"]\n'
    )
    monkeypatch.setattr(numpy_range, "ROOT", tmp_path)
    with pytest.raises(SystemExit, match="expected numpy>=A,<B"):
        numpy_range.stated()


@pytest.mark.parametrize(("outcomes", "status"), [((0, 0), 0), ((0, 1), 1), ((2, 0), 2)])
def test_a_failure_at_either_end_fails(monkeypatch, capsys, outcomes, status):
    left = iter(outcomes)
    versions = iter(["2.0.0", "2.9.9"])
    made = []

    def environment(*asked):
        made.append(asked)
        return Path(sys.executable)

    def ask(command, **_):
        return subprocess.CompletedProcess(command, 0, next(versions))

    monkeypatch.setattr(numpy_range, "environment", environment)
    monkeypatch.setattr(numpy_range, "tests", lambda python, asked: (next(left), f"ran {asked[0]}"))
    monkeypatch.setattr(numpy_range.subprocess, "run", ask)
    assert numpy_range.main(["tests/x"]) == status
    said = capsys.readouterr().out
    assert ("FAILED" in said) == (status != 0)
    assert "NumPy 2.9.9: " in said
    assert "ran tests/x" in said
    assert [(name, wanted[:6]) for name, _, wanted in made] == [
        ("numpy-oldest", "numpy="),
        ("numpy-newest", "numpy<"),
    ]
