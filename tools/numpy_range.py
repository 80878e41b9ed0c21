"""The tests on both ends of the range of NumPy that pyproject.toml states: `make numpy-range`.

For each end an environment in ``.numpy-range/``: everything of requirements.lock, each file checked
against its hash, and then NumPy in the oldest release that the range allows, or in the newest that
there is for this Python. Arguments go to pytest; without any, the tests of the engine, the layers
and the optimizers run.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".numpy-range"
TESTS = ["tests/autograd_core", "tests/contracts", "tests/nn", "tests/optim", "tests/robustness"]


def stated() -> tuple[str, str]:
    """The range in pyproject.toml: the oldest release, and what the newest must stay below.

    Raises
    ------
    SystemExit
        If the requirement is not of the form ``numpy>=A,<B``.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (numpy,) = (r for r in project["dependencies"] if re.match(r"numpy\b", r))
    match = re.fullmatch(r"numpy>=([\d.]+),<([\d.]+)", numpy)
    if match is None:
        sys.exit(f"numpy-range: expected numpy>=A,<B in pyproject.toml; found {numpy}")
    return match[1], match[2]


def environment(name: str, requirement: str) -> Path:
    """The interpreter of an environment with the lock and the NumPy asked for."""
    uv = shutil.which("uv") or str(ROOT / ".tools" / "bin" / "uv")
    folder = FOLDER / name
    python = folder / "bin" / "python"
    if not python.exists():
        run(uv, "venv", "--quiet", "--python", sys.executable, str(folder))
    install = [uv, "pip", "install", "--quiet", "--python", str(python)]
    run(*install, "--require-hashes", "--requirement", str(ROOT / "requirements.lock"))
    run(*install, "--no-deps", "--upgrade", requirement)
    return python


def run(*command: str) -> None:
    """Run a command; on failure, leave with its exit status."""
    status = subprocess.run(command, check=False).returncode
    if status:
        sys.exit(f"numpy-range: {Path(command[0]).name} {command[1]} ended with {status}")


def main(arguments: list[str]) -> int:
    """Build both environments, test in each, and report; fails if a test does."""
    oldest, below = stated()
    outcomes = {}
    for name, requirement in {"oldest": f"numpy=={oldest}", "newest": f"numpy<{below}"}.items():
        python = environment(name, requirement)
        ask = [str(python), "-c", "import numpy; print(numpy.__version__)"]
        version = subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip()
        print(f"numpy-range: {name}, NumPy {version}", flush=True)
        tests = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        settings = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        outcomes[version] = subprocess.run(
            [*tests, *(arguments or TESTS)], cwd=ROOT, env=settings, check=False
        ).returncode
    for version, status in outcomes.items():
        print(f"NumPy {version}: {'passed' if status == 0 else f'FAILED ({status})'}")
    return max(outcomes.values())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
