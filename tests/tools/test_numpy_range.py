"""The runner of the tests on both ends of NumPy's range, without building environments."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def numpy_range(tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location("numpy_range", ROOT / "tools" / "numpy_range.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "FOLDER", tmp_path / "environments")
    return module


def test_the_stated_range_holds_the_numpy_that_runs_here(numpy_range):
    oldest, below = numpy_range.stated()
    here = np.lib.NumpyVersion(np.__version__)
    assert here >= (oldest if oldest.count(".") == 2 else oldest + ".0")
    assert int(np.__version__.split(".")[0]) < int(below.split(".")[0])


@pytest.mark.parametrize(
    "requirement", ["numpy", "numpy>=2.0", "numpy~=2.1", "numpy>=2.0,<3,!=2.2"]
)
def test_another_form_of_requirement_is_refused(numpy_range, tmp_path, monkeypatch, requirement):
    (tmp_path / "pyproject.toml").write_text(
        f'[project]\ndependencies = ["{requirement}", "numpydoc"]\n'
    )
    monkeypatch.setattr(numpy_range, "ROOT", tmp_path)
    with pytest.raises(SystemExit, match="expected numpy>=A,<B"):
        numpy_range.stated()


def test_each_environment_takes_the_lock_and_then_its_numpy(numpy_range, monkeypatch):
    commands = []
    monkeypatch.setattr(numpy_range, "run", lambda *command: commands.append(command[1:]))
    numpy_range.environment("oldest", "numpy==2.0")
    venv, lock, numpy = commands
    assert venv[0] == "venv"
    assert lock[-3:] == ("--require-hashes", "--requirement", str(ROOT / "requirements.lock"))
    assert numpy[-3:] == ("--no-deps", "--upgrade", "numpy==2.0")


@pytest.mark.parametrize(("outcomes", "status"), [((0, 0), 0), ((0, 1), 1), ((2, 0), 2)])
def test_a_failure_at_either_end_fails(numpy_range, monkeypatch, capsys, outcomes, status):
    left = iter(outcomes)
    versions = iter(["2.0.0", "2.9.9"])
    monkeypatch.setattr(numpy_range, "environment", lambda *_: Path(sys.executable))

    def pretend(command, **options):
        asked = options.get("capture_output")
        return subprocess.CompletedProcess(
            command, 0 if asked else next(left), next(versions) if asked else None
        )

    monkeypatch.setattr(numpy_range.subprocess, "run", pretend)
    assert numpy_range.main([]) == status
    said = capsys.readouterr().out
    assert ("FAILED" in said) == (status != 0)
    assert "NumPy 2.9.9" in said


def test_a_step_that_fails_ends_it(numpy_range):
    with pytest.raises(SystemExit, match="ended with 3"):
        numpy_range.run(sys.executable, "-c", "import sys; sys.exit(3)")
