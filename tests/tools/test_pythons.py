"""The search for interpreters, and the table; nothing is built, and no suite is run."""

import os
import sys
from pathlib import Path

import pytest
import pythons

HERE = ".".join(map(str, sys.version_info[:2]))


def pretend(path, version, kind="cpython", final=1, free=0, status=0):
    """An interpreter that says this of itself."""
    path.parent.mkdir(parents=True, exist_ok=True)
    said = "\\t".join(map(str, (kind, final, free, version, path)))
    path.write_text(f"#!/bin/sh\nprintf '{said}\\n'\nexit {status}\n")
    path.chmod(0o755)


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    """A machine on which there is nothing yet; `candidates` looks in two folders."""
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    places = pythons.candidates
    monkeypatch.setattr(
        pythons, "candidates", lambda v: [p for p in places(v) if p.is_relative_to(tmp_path)]
    )
    return tmp_path


def test_the_supported_ones_are_those_of_the_classifiers_from_the_oldest_on():
    assert pythons.supported()[0] == "3.11"
    assert pythons.supported() == [f"3.{n}" for n in range(11, 11 + len(pythons.supported()))]


def test_the_python_that_runs_this_is_supported_and_can_be_found():
    assert HERE in pythons.supported()
    version = ".".join(map(str, sys.version_info[:3]))
    assert pythons.Python(version, sys.executable).minor == HERE
    folder = Path(sys.executable).parent
    if (folder / f"python{HERE}").exists():
        os.environ["PATH"], before = str(folder), os.environ["PATH"]
        try:
            assert version in [python.version for python in pythons.found(HERE)]
        finally:
            os.environ["PATH"] = before


def test_every_release_is_found_once_pyenvs_first(nowhere):
    pretend(nowhere / "pyenv/versions/3.13.0/bin/python3.13", "3.13.0")
    pretend(nowhere / "pyenv/versions/3.13.7/bin/python3.13", "3.13.7")
    pretend(nowhere / "bin/python3.13", "3.13.7")
    found = pythons.found("3.13")
    assert [p.version for p in found] == ["3.13.0", "3.13.7"]
    assert all("pyenv" in p.path for p in found)
    assert pythons.found("3.12") == []


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 127},
        {"kind": "pypy"},
        {"final": 0},
        {"free": 1},
        {"version": "3.12.1"},  # which pretends to be 3.13
    ],
    ids=str,
)
def test_what_is_no_such_python_is_passed_over(nowhere, fault):
    pretend(nowhere / "bin/python3.13", **{"version": "3.13.1", **fault})
    assert pythons.found("3.13") == []


def test_what_does_not_run_is_passed_over(nowhere):
    (nowhere / "bin").mkdir()
    (nowhere / "bin/python3.13").write_text("no program")
    assert pythons.found("3.13") == []


@pytest.fixture
def runs(monkeypatch):
    """Suites that were asked for; each ends as told."""
    asked = []
    ends = {}

    def tests(python, arguments):
        asked.append((python, arguments))
        return ends.get(python, (0, "9 passed"))

    monkeypatch.setattr(pythons, "tests", tests)
    monkeypatch.setattr(pythons, "environment", lambda name, python: name)
    return asked, ends


def test_each_is_tested_in_an_environment_of_its_own_and_stands_in_the_table(nowhere, runs, capsys):
    for version in ("3.11.2", "3.13.0"):
        pretend(nowhere / "bin" / f"python{version[:4]}", version)
    asked, ends = runs
    ends["python-3.13.0"] = (1, "1 failed, 8 passed")
    assert pythons.main(["tests/nn", "-x"]) == 1
    assert asked == [(f"python-{v}", ["tests/nn", "-x"]) for v in ("3.11.2", "3.13.0")]
    said = capsys.readouterr().out
    assert "3.11.2  9 passed" in said
    assert "3.13.0  FAILED (1): 1 failed, 8 passed" in said
    assert "*** SKIPPED: there is no Python 3.12 and no 3.14 here" in said


def test_one_that_is_not_there_is_skipped_aloud(nowhere, runs, capsys):
    assert pythons.main(["--only", "3.13", "--essentials"]) == 0
    assert runs[0] == []
    said = capsys.readouterr().out
    assert "*** SKIPPED: there is no Python 3.13 here" in said
    assert "NOTHING was tested on it" in said


def test_the_essentials_are_tests_that_there_are(nowhere, runs):
    pretend(nowhere / "bin/python3.13", "3.13.0")
    assert pythons.main(["--only", "3.13", "--essentials", "-x"]) == 0
    ((_, arguments),) = runs[0]
    assert arguments == ["-x", *pythons.ESSENTIALS]
    assert all((pythons.ROOT / place).exists() for place in pythons.ESSENTIALS)


def test_a_version_that_is_not_supported_is_refused(capsys):
    with pytest.raises(SystemExit):
        pythons.main(["--only", "3.10"])
    assert "3.10" in capsys.readouterr().err
