"""The doctor: what it finds, and that each remedy is a command that can be typed."""

import ast
import importlib.metadata
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gradproof import doctor, guard
from gradproof.guard import PACKAGES

ROOT = Path(__file__).resolve().parents[2]


def found(subject):
    (finding,) = [f for f in doctor.examine() if f.subject == subject]
    return finding


@pytest.fixture
def without(monkeypatch):
    """``without("numpy")``: as if it were not installed; ``without(numpy="1.0")``: as if old."""
    version = importlib.metadata.version

    def remove(*names, **versions):
        def pretended(name):
            if name in names:
                raise importlib.metadata.PackageNotFoundError(name)
            return versions.get(name, version(name))

        monkeypatch.setattr(importlib.metadata, "version", pretended)

    return remove


def program(folder, name, script):
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_a_healthy_place_gets_exit_code_0(run):
    done = run("doctor")
    assert done.returncode == 0, done.stdout
    assert "Ready: everything that is needed is there." in done.stdout
    for name in ("Python", "numpy", "sympy", "dot (Graphviz)", "processors", *PACKAGES):
        assert name in done.stdout


def test_all_that_is_needed_is_there_when_the_tests_run():
    assert doctor.healthy(doctor.examine())


def test_every_extra_of_the_project_is_examined_and_described():
    extras = {f.subject for f in doctor.examine() if f.section == "extras"}
    assert extras == set(doctor.EXTRAS)


# Modules of distributions that bear another name.
MODULES = {
    "mpich": "mpi4py",  # the library that this one calls, and mpiexec
    "pillow": "PIL",
    "python-flint": "flint",
    "resvg-py": "resvg_py",
    "scikit-learn": "sklearn",
}


def imported(*folders):
    """Every top-level name that the code in these folders imports, wherever in a file."""
    names = set()
    for folder in folders:
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Import):
                    names |= {alias.name.partition(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    names.add(node.module.partition(".")[0])
    return names


def test_an_extra_is_offered_only_where_code_uses_all_that_it_brings():
    used = imported(*PACKAGES, "gradproof")
    extras = {r.extra for r in doctor._requirements() if r.extra} - {"dev"}
    assert extras
    for requirement in doctor._requirements():
        if requirement.extra in extras:
            assert MODULES.get(requirement.name, requirement.name) in used, requirement


def test_a_missing_requirement_is_not_healthy(without):
    without("numpy")
    finding = found("numpy")
    assert (finding.status, finding.needed) == ("missing", True)
    assert finding.remedy == f"make -C {ROOT}" or finding.remedy == "make"
    assert not doctor.healthy(doctor.examine())


def test_an_old_requirement_is_a_fault(without):
    without(numpy="1.26.4")
    finding = found("numpy")
    assert finding.status == "fault"
    assert "1.26.4, but 2.0 or newer is needed" in finding.detail


def test_versions_are_compared_as_numbers(without):
    without(sympy="1.100")
    assert found("sympy").status == "ok"


def test_an_extra_of_the_set_up_is_got_by_make(without, monkeypatch):
    monkeypatch.chdir(ROOT)
    without("matplotlib")
    finding = found("plots")
    assert (finding.status, finding.remedy, finding.needed) == ("missing", "make", False)
    assert "without matplotlib" in finding.detail


@pytest.fixture
def unlocked(monkeypatch):
    """As if the set-up left the extras out, so that they are got by pip."""
    monkeypatch.setattr(doctor, "_locked", lambda members: False)


@pytest.mark.usefixtures("unlocked")
def test_another_extra_is_got_by_pip_from_the_checkout(without, monkeypatch):
    monkeypatch.chdir(ROOT)
    without("llvmlite")
    assert found("jit").remedy.endswith(' -e ".[jit]"')  # by pip or uv, whichever is there


@pytest.mark.usefixtures("unlocked")
def test_another_extra_is_got_by_pip_from_anywhere_else(without, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    without("llvmlite")
    assert found("jit").remedy.endswith(f' -e "{ROOT}[jit]"')


def test_outside_of_a_checkout_extras_are_got_by_name(without, monkeypatch):
    monkeypatch.setattr(doctor, "_checkout", lambda: False)
    lines = ["numpy>=2.0", 'matplotlib>=3.9; extra == "plots"', "cycler>=1 ; extra == 'plots'"]
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: lines)
    without("matplotlib", "cycler")
    assert found("plots").remedy.endswith(' "gradproof[plots]"')
    assert found("plots").detail.endswith("without matplotlib, cycler")
    assert found("numpy").needed


@pytest.mark.usefixtures("unlocked")
def test_an_environment_without_pip_is_told_of_uv(monkeypatch, without, tmp_path):
    monkeypatch.setattr(doctor.importlib.util, "find_spec", lambda name: None)
    for looked in ("intrusions", "lurking"):
        monkeypatch.setattr(doctor, looked, list)
    uv = program(tmp_path / "bin", "uv", "exit 0")
    monkeypatch.setenv("PATH", str(uv.parent))
    without("llvmlite")
    assert found("jit").remedy.startswith(f"{uv} pip install --python {sys.executable}")


def test_a_missing_dot_names_its_package_and_our_own_layout(monkeypatch, tmp_path):
    program(tmp_path, "apt-get", "exit 0")
    monkeypatch.setenv("PATH", str(tmp_path))
    finding = found("dot (Graphviz)")
    assert finding.status == "missing"
    assert "our own layout draws instead" in finding.detail
    assert finding.remedy.endswith("apt-get install graphviz")
    assert not finding.needed


def test_a_broken_dot_is_a_fault(monkeypatch, tmp_path):
    program(tmp_path, "dot", "exit 3")
    monkeypatch.setenv("PATH", str(tmp_path))
    finding = found("dot (Graphviz)")
    assert finding.status == "fault"
    assert f"{tmp_path / 'dot'} does not run" in finding.detail


def test_a_dot_says_its_version(monkeypatch, tmp_path):
    program(tmp_path, "dot", 'echo "dot - graphviz version 16.1.0 (20260101)" >&2')
    monkeypatch.setenv("PATH", str(tmp_path))
    assert found("dot (Graphviz)").detail == f"16.1.0, {tmp_path / 'dot'}"


def test_a_folder_that_cannot_be_written_to_is_a_fault(monkeypatch):
    def refused(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(doctor.tempfile, "TemporaryFile", refused)
    finding = found("working folder")
    assert finding.status == "fault"
    assert "cannot be written to (Permission denied)" in finding.detail
    assert "--out" in finding.remedy


def test_a_working_folder_that_was_removed_is_a_fault(monkeypatch, tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    try:
        assert found("working folder").status == "fault"
    finally:
        os.chdir(ROOT)


def test_limits_on_threads_are_shown(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert "OMP_NUM_THREADS=3" in found("processors").detail


def test_a_foreign_package_is_named_and_not_imported(run, tmp_path):
    (tmp_path / "viz.py").write_text("raise SystemExit('imported')\n")
    done = run("doctor")
    assert done.returncode == 1
    assert str(tmp_path / "viz.py") in done.stdout
    assert f"mend it: Rename or move {tmp_path / 'viz.py'}" in done.stdout
    assert "Not ready: viz." in done.stdout
    assert "imported" not in done.stdout + done.stderr


def installed(folder):
    """The doctor as the installed command runs it: with no working folder on Python's path."""
    return subprocess.run(
        [sys.executable, "-P", "-c", "from gradproof.cli import main; main()", "doctor"],
        cwd=folder,
        env={k: v for k, v in os.environ.items() if k != "PYTHONSAFEPATH"}
        | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


FORMS = ["{}.py", "{}/__init__.py", "{}.pyc"]


@pytest.mark.parametrize("first", [0, *(pytest.param(k, marks=pytest.mark.slow) for k in (1, 2))])
def test_the_installed_command_sees_what_lurks_in_the_working_folder(first, tmp_path):
    """A form for each package in turn."""
    forms = [FORMS[(first + k) % len(FORMS)] for k in range(len(PACKAGES))]
    intruders = [tmp_path / form.format(n) for form, n in zip(forms, PACKAGES, strict=True)]
    for intruder in intruders:
        intruder.parent.mkdir(exist_ok=True)
        intruder.write_text("raise SystemExit('imported')\n")
    done = installed(tmp_path)
    assert done.returncode == 1, done.stderr
    text = "a Python started in this folder takes this in its place"
    assert done.stdout.count(text) == len(PACKAGES)
    for intruder in intruders:
        assert f"(this command does not): {intruder}" in done.stdout
        mended = intruder.parent if intruder.name == "__init__.py" else intruder
        assert f"mend it: Rename or move {mended}" in done.stdout
    (faults,) = re.findall(r"Not ready: (.*)\.", done.stdout)
    assert set(faults.split(", ")) == set(PACKAGES)
    assert "imported" not in done.stdout + done.stderr


def test_what_python_would_not_take_does_not_lurk(tmp_path, monkeypatch):
    for name in PACKAGES:  # data of that name; a folder is a package only if nothing else is
        (tmp_path / name).mkdir()
        (tmp_path / name / "weights.npy").touch()
    (tmp_path / "nn.txt").touch()
    assert installed(tmp_path).returncode == 0
    monkeypatch.chdir(ROOT)
    assert guard.lurking() == []  # ours
    (tmp_path / "nn.py").touch()
    monkeypatch.chdir(tmp_path)
    assert [found.package for found in guard.lurking()] == ["nn"]
    monkeypatch.setenv("PYTHONSAFEPATH", "1")
    assert guard.lurking() == []


def test_paths_and_commands_stand_on_one_line(run):
    done = run("doctor", COLUMNS="40")
    assert any(sys.executable in line for line in done.stdout.splitlines())
