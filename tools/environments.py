"""Environments beside ``.venv``, for other interpreters and other releases than those of the set-up.

They are made by uv, which the set-up has found or brought, out of ``requirements.lock``, each in a
folder of ``.environments/``, and stay there until the lock changes.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".environments"


def uv() -> str:
    """The uv that there is.

    Raises
    ------
    SystemExit
        If there is none.
    """
    found = shutil.which("uv") or shutil.which("uv", path=str(ROOT / ".tools" / "bin"))
    if found is None:
        sys.exit("expected uv on the path or in .tools, where `make` puts it by pip; found none")
    return found


def environment(name: str, python: str, *requirements: str) -> Path:
    """The interpreter of an environment that holds the lock and this project.

    Parameters
    ----------
    name : str
        Of its folder.
    python : str
        Path of the interpreter that it is made for.
    *requirements : str
        Beside the lock, in releases of their own: ``"numpy==2.0"``. Without what they require.

    Raises
    ------
    SystemExit
        With the status of the command that failed.
    """
    folder = FOLDER / name
    inside, finished = folder / "bin" / "python", folder / "finished"
    lock, project = ROOT / "requirements.lock", ROOT / "pyproject.toml"
    made_of = hashlib.sha256(lock.read_bytes() + project.read_bytes()).hexdigest()
    # Written last, so that nothing half made, made of another lock or moved is taken for whole.
    stamp = f"{python} {folder} {made_of}\n"
    if not finished.exists() or finished.read_text() != stamp:
        shutil.rmtree(folder, ignore_errors=True)
        run(uv(), "venv", "--quiet", "--python", python, str(folder))
        install(inside, "--require-hashes", "--requirement", str(lock))
        install(inside, "--no-deps", "--no-build-isolation", "--editable", str(ROOT))
        finished.write_text(stamp)
    if requirements:
        install(inside, "--no-deps", "--upgrade", *requirements)
    return inside


def install(python: Path, *what: str) -> None:
    """Have uv install something for an interpreter."""
    run(uv(), "pip", "install", "--quiet", "--python", str(python), *what)


def run(*command: str) -> None:
    """Run a command; on failure, leave with its exit status."""
    settings = {"UV_PYTHON_DOWNLOADS": "never"}  # an interpreter is the person's to choose
    status = subprocess.run(command, check=False, env={**os.environ, **settings}).returncode
    if status:
        print(f"{' '.join([Path(command[0]).name, *command[1:3]])} ended with {status}", flush=True)
        sys.exit(status)


def tests(python: Path, arguments: list[str]) -> tuple[int, str]:
    """Run pytest; its exit status, and its last line: what passed, failed and was left out."""
    command = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    settings = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}
    last = ""
    with subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **settings}, stdout=subprocess.PIPE, text=True
    ) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            last = line.strip() or last
    return process.returncode, last.strip("= ")
