"""The doctor: what it finds, and that each remedy is a command that can be typed."""

import importlib.metadata
import os
import sys
from pathlib import Path

import pytest

from gradproof import doctor
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


def test_another_extra_is_got_by_pip_from_the_checkout(without, monkeypatch):
    monkeypatch.chdir(ROOT)
    without("mpi4py")
    assert found("mpi").remedy.endswith(' -e ".[mpi]"')  # by pip or uv, whichever is there


def test_another_extra_is_got_by_pip_from_anywhere_else(without, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    without("mpi4py")
    assert found("mpi").remedy.endswith(f' -e "{ROOT}[mpi]"')


def test_outside_of_a_checkout_extras_are_got_by_name(without, monkeypatch):
    monkeypatch.setattr(doctor, "_checkout", lambda: False)
    lines = ["numpy>=2.0", 'mpi4py>=4.0; extra == "mpi"', "mpich>=4.3 ; extra == 'mpi'"]
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: lines)
    without("mpi4py", "mpich")
    assert found("mpi").remedy.endswith(' "gradproof[mpi]"')
    assert found("mpi").detail.endswith("without mpi4py, mpich")
    assert found("numpy").needed


def test_an_environment_without_pip_is_told_of_uv(monkeypatch, without, tmp_path):
    monkeypatch.setattr(doctor.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(doctor, "intrusions", list)
    uv = program(tmp_path / "bin", "uv", "exit 0")
    monkeypatch.setenv("PATH", str(uv.parent))
    without("mpi4py")
    assert found("mpi").remedy.startswith(f"{uv} pip install --python {sys.executable}")


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


def test_paths_and_commands_stand_on_one_line(run):
    done = run("doctor", COLUMNS="40")
    assert any(sys.executable in line for line in done.stdout.splitlines())
