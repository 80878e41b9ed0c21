"""The guard, against everything that has been seen in the way of general package names."""

import base64
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gradproof import guard

ROOT = Path(__file__).resolve().parents[2]
LOUD = "from pathlib import Path\nPath('was_run').touch()\n"


def test_our_own_packages_pass():
    guard.check()
    assert guard.intrusions() == []


def test_checking_imports_none_of_them(run):
    names = ", ".join(map(repr, guard.PACKAGES))
    code = (
        "import sys; from gradproof import guard; guard.check(); "
        f"print([name for name in ({names}) if name in sys.modules])"
    )
    assert run(code=code).stdout.strip() == "[]"


@pytest.mark.parametrize(
    "names",
    [guard.PACKAGES, *(pytest.param((n,), marks=pytest.mark.slow) for n in guard.PACKAGES)],
    ids="+".join,
)
def test_files_beside_the_script_are_named_and_not_run(names, run, tmp_path):
    intruders = {name: tmp_path / f"{name}.py" for name in names}
    for intruder in intruders.values():
        intruder.write_text(LOUD)
    done = run("demo", "--out", tmp_path / "report")
    assert done.returncode == 1
    for name, intruder in intruders.items():
        assert f"{name}: another file of this name comes first on Python's path" in done.stderr
        assert str(intruder) in done.stderr
        assert f"Rename or move {intruder}" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "was_run").exists()
    assert not (tmp_path / "report").exists()


def test_a_package_beside_the_script_is_named_by_its_folder(run, tmp_path):
    (tmp_path / "optim").mkdir()
    (tmp_path / "optim" / "__init__.py").write_text(LOUD)
    done = run("demo")
    assert done.returncode == 1
    assert "optim: another package of this name" in done.stderr
    assert f"Rename or move {tmp_path / 'optim'}" in done.stderr


def test_an_empty_folder_of_the_same_name_does_no_harm(run, tmp_path):
    (tmp_path / "nn").mkdir()
    assert run(code="from gradproof import guard; guard.check()").returncode == 0


def test_a_foreign_module_that_is_loaded_already_is_found(run, tmp_path):
    (tmp_path / "nn.py").touch()
    code = "import nn, sys; sys.path.remove(''); from gradproof import guard; guard.check()"
    done = run(code=code)
    assert "ForeignPackageError" in done.stderr
    assert str(tmp_path / "nn.py") in done.stderr


def test_a_foreign_module_made_by_hand_is_found(run):
    code = (
        "import sys, types; sys.modules['nn'] = types.ModuleType('nn'); "
        "from gradproof import guard; print(*guard.intrusions())"
    )
    done = run(code=code)
    assert "nn: another package of this name" in done.stdout
    assert "a built-in module" in done.stdout


def test_a_package_that_is_not_there_is_reported(tmp_path):
    (found,) = guard.intrusions(["nn"], home=tmp_path)
    assert "damaged or not installed" in str(found)
    with pytest.raises(guard.ForeignPackageError, match="pip install --force-reinstall"):
        guard.check(["nn"], home=tmp_path)


def test_a_place_that_python_does_not_search_is_reported(tmp_path):
    package = tmp_path / "never_heard_of"
    package.mkdir()
    (package / "__init__.py").touch()
    (found,) = guard.intrusions(["never_heard_of"], home=tmp_path)
    assert found.found is None
    assert f"Add {tmp_path} to PYTHONPATH" in str(found)


# --- installed, and then trodden on ---------------------------------------------------------------


class Site:
    """A folder like site-packages, in which distributions are installed and removed."""

    def __init__(self, folder):
        self.folder = folder
        shutil.copytree(
            ROOT / "gradproof", folder / "gradproof", ignore=shutil.ignore_patterns("__pycache__")
        )
        self.install("gradproof", {"nn/__init__.py": "ours = 1\n", "nn/linear.py": "ours = 2\n"})

    def install(self, name, files):
        lines = []
        for place, content in files.items():
            path = self.folder / place
            path.parent.mkdir(exist_ok=True)
            path.write_text(content)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content.encode()).digest())
            lines.append(f"{place},sha256={digest.decode().rstrip('=')},{len(content)}")
        info = self.folder / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "RECORD").write_text("\n".join(lines) + "\n")

    def check(self):
        return subprocess.run(
            [sys.executable, "-c", "from gradproof import guard; print(*guard.intrusions(['nn']))"],
            cwd=self.folder.parent,
            env={**os.environ, "PYTHONPATH": str(self.folder)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path / "site-packages")


def test_an_untouched_installation_passes(site):
    assert site.check() == ""


def test_another_distribution_that_overwrote_our_files_is_named(site):
    site.install("neural", {"nn/linear.py": "theirs = 1\n"})
    said = site.check()
    assert "nn: the distribution neural has overwritten our files" in said
    assert str(Path("nn") / "linear.py") in said
    assert "pip uninstall neural && pip install --force-reinstall --no-deps gradproof" in said


def test_another_distribution_beside_our_files_passes(site):
    site.install("neural", {"nn/theirs.py": "theirs = 1\n"})
    assert site.check() == ""


def test_a_file_that_its_owner_edited_passes(site):
    (site.folder / "nn" / "linear.py").write_text("mine = 1\n")
    assert site.check() == ""


def test_what_another_distribution_left_behind_is_reported(site):
    (site.folder / "nn" / "__init__.py").unlink()
    assert "damaged or not installed" in site.check()


def test_a_foreign_distribution_in_front_of_ours_is_named(site, tmp_path):
    front = tmp_path / "front"
    front.mkdir()
    other = Site.__new__(Site)
    other.folder = front
    other.install("neural", {"nn/__init__.py": "theirs = 1\n"})
    done = subprocess.run(
        [sys.executable, "-c", "from gradproof import guard; print(*guard.intrusions(['nn']))"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(front), str(site.folder)])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "It was installed by neural" in done.stdout
    assert "pip uninstall neural" in done.stdout
