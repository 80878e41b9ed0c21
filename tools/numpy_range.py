"""The tests on both ends of the range of NumPy that pyproject.toml states: `make numpy-range`.

For each end an environment of its own: everything of requirements.lock, each file checked against
its hash, and then NumPy in the oldest release that the range allows, or in the newest that there is
for this Python. Arguments go to pytest; without any, the tests of the engine, the layers and the
optimizers run.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib

from environments import ROOT, environment, tests

TESTS = [
    *("tests/autograd_core", "tests/contracts", "tests/nn", "tests/optim", "tests/analysis"),
    "tests/robustness",
]


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


def main(arguments: list[str]) -> int:
    """Build both environments, test in each, and report; fails if a test does."""
    oldest, below = stated()
    outcomes = {}
    for name, requirement in {"oldest": f"numpy=={oldest}", "newest": f"numpy<{below}"}.items():
        python = environment(f"numpy-{name}", sys.executable, requirement)
        ask = [str(python), "-c", "import numpy; print(numpy.__version__)"]
        version = subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip()
        print(f"numpy-range: {name}, NumPy {version}", flush=True)
        outcomes[version] = tests(python, arguments or TESTS)
    for version, (status, said) in outcomes.items():
        print(f"NumPy {version}: {said if status == 0 else f'FAILED ({status}): {said}'}")
    return max(status for status, _ in outcomes.values())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
