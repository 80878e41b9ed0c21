"""Environments beside the set-up's, with a pretended uv: nothing is fetched or installed."""

import shutil
import sys
from pathlib import Path

import environments
import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def commands(tmp_path, monkeypatch):
    """What uv was asked to do; a venv is a folder, and nothing is installed."""
    asked = []

    def run(program, *command):
        asked.append(command)
        if command[0] == "venv":
            Path(command[-1], "bin").mkdir(parents=True)

    monkeypatch.setattr(environments, "FOLDER", tmp_path / "environments")
    monkeypatch.setattr(environments, "run", run)
    monkeypatch.setattr(environments, "uv", lambda: "uv")
    return asked


def test_an_environment_takes_the_lock_the_project_and_then_what_is_asked_for(commands):
    inside = environments.environment("oldest", "/a/python3.12", "numpy==2.0")
    venv, lock, project, numpy = commands
    folder = environments.FOLDER / "oldest"
    assert inside == folder / "bin" / "python"
    assert venv == ("venv", "--quiet", "--python", "/a/python3.12", str(folder))
    assert lock[-3:] == ("--require-hashes", "--requirement", str(ROOT / "requirements.lock"))
    assert project[-4:] == ("--no-deps", "--no-build-isolation", "--editable", str(ROOT))
    assert numpy[-3:] == ("--no-deps", "--upgrade", "numpy==2.0")


def test_what_is_whole_is_left_alone(commands):
    environments.environment("one", "/a/python")
    del commands[:]
    environments.environment("one", "/a/python")
    assert commands == []


@pytest.mark.parametrize("change", ["lock", "interpreter", "half made", "moved"])
def test_what_is_not_whole_is_made_again(commands, monkeypatch, tmp_path, change):
    root = tmp_path / "root"
    root.mkdir()
    for name in ("requirements.lock", "pyproject.toml"):
        (root / name).touch()
    monkeypatch.setattr(environments, "ROOT", root)
    environments.environment("one", "/a/python")
    left = environments.FOLDER / "one" / "left over"
    left.touch()
    python = "/a/python"
    if change == "lock":
        (root / "requirements.lock").write_text("other")
    elif change == "interpreter":
        python = "/another/python"
    elif change == "half made":
        (environments.FOLDER / "one" / "finished").unlink()
    else:
        moved = environments.FOLDER.rename(tmp_path / "moved")
        monkeypatch.setattr(environments, "FOLDER", moved)
        left = moved / "one" / "left over"
    del commands[:]
    environments.environment("one", python)
    assert [command[0] for command in commands] == ["venv", "pip", "pip"]
    assert not left.exists()


def test_uv_is_that_of_the_path_or_that_of_the_set_up(monkeypatch, tmp_path):
    monkeypatch.setattr(environments, "ROOT", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    with pytest.raises(SystemExit, match=r"expected uv on the path or in \.tools"):
        environments.uv()
    for place in (tmp_path / ".tools" / "bin", tmp_path / "path"):
        place.mkdir(parents=True)
        shutil.copy(shutil.which("true", path="/bin:/usr/bin"), place / "uv")
    assert environments.uv() == str(tmp_path / ".tools" / "bin" / "uv")
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    assert environments.uv() == str(tmp_path / "path" / "uv")


def test_a_step_that_fails_ends_it(capsys):
    with pytest.raises(SystemExit) as ended:
        environments.run(sys.executable, "-c", "import sys; sys.exit(3)")
    assert ended.value.code == 3
    assert "ended with 3" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("claim", "status", "last"), [("True", 0, "1 passed"), ("False", 1, "1 fa")]
)
def test_tests_give_their_status_and_their_last_line(tmp_path, capfd, claim, status, last):
    test = tmp_path / "test_it.py"
    test.write_text(f"def test_it(): assert {claim}\n")
    found, said = environments.tests(Path(sys.executable), ["-c", "/dev/null", str(test)])
    assert (found, said[: len(last)]) == (status, last)
    assert said in capfd.readouterr().out
