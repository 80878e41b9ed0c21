"""The array API's official suite, run against `autograd_core.array_api`: `make array-api SUITE=…`.

The suite is data-apis/array-api-tests, in a folder that is given by its path and left as it is; with
its submodule ``array-api``, which holds the standard's text. Nothing is fetched here. To have it, once:
clone that repository with ``--recurse-submodules``.

Complex numbers, which the engine has not, are left out by the suite's own setting. A test that fails
is either in the table `EXPECTED`, with the reason, or an error. Arguments go to pytest:
``make array-api SUITE=… ARGS="--max-examples 200 -k linalg"``. Without any, 20 examples a test.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from environments import ROOT

SHIM = ROOT / "tools" / "array_api_shim"

# Why a test fails: the first pattern that is found in its name and error decides.
EXPECTED: tuple[tuple[str, str], ...] = (
    (r"no real float dtype to match None", "complex numbers: their special cases"),
    (r"test_has_names\[fft", "complex numbers: the extension fft"),
    (r"__complex__", "complex numbers: __complex__"),
    (r"complex numbers are not supported", "complex numbers, asked for all the same"),
    (r"GraphError: t\[index\] = values", "a tensor is written by assign under no_grad"),
    (r"ExportError: \w+: copy=False", "a tensor owns its memory: copy=False is refused"),
    (
        r"test_\w+\[(floor_divide|__i?floordiv__)\(.*infinity",
        "floor division by and of infinities is NumPy's and Python's: inf // 2 is nan, 1 // -inf is -1",
    ),
    (r"pinv: rtol is not supported", "pinv of matrices that are not of full rank is refused"),
    (r"class 'tuple'> == <class 'list'>", "tuples for lists: what the standard says since 2025.12"),
)


def reason(test: str, error: str) -> str | None:
    """Why a failure is expected, or None where it is not."""
    for pattern, words in EXPECTED:
        if re.search(pattern, f"{test} {error}", re.DOTALL):
            return words
    return None


def checked(suite: Path) -> Path:
    """The folder of the suite.

    Raises
    ------
    SystemExit
        If it is not there, or not whole.
    """
    if not (suite / "array_api_tests" / "__init__.py").is_file():
        sys.exit(
            f"array-api: {suite} is no checkout of data-apis/array-api-tests. Clone that repository "
            "with --recurse-submodules, and give its path: make array-api SUITE=/path"
        )
    if not (suite / "array-api" / "spec").is_dir():
        sys.exit(
            f"array-api: {suite} lacks its submodule array-api, the standard's text. Run there: "
            "git submodule update --init"
        )
    return suite.resolve()


def run(suite: Path, arguments: list[str]) -> dict[str, tuple[str, str]]:
    """Each test's outcome and, if it failed, its error; run in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "pytest", "-c", "pytest.ini", "--rootdir", ".", "-q"]
        command += ["-p", "no:cacheprovider", "-p", "array_api_report", "--tb=no", "-r", "N"]
        command += ["--disable-deadline", "--max-examples", "20", *arguments, "array_api_tests"]
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(SHIM), str(ROOT)]),
            "PYTHONDONTWRITEBYTECODE": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "ARRAY_API_TESTS_MODULE": "autograd_core.array_api",
            "ARRAY_API_TESTS_SKIP_DTYPES": "complex64,complex128",
            "ARRAY_API_REPORT": str(report),
            # Hypothesis keeps what it finds where it runs: not in a folder that is not ours.
            "HYPOTHESIS_STORAGE_DIRECTORY": str(ROOT / ".hypothesis"),
        }
        subprocess.run(command, cwd=suite, env=environment, check=False)
        if not report.exists():
            sys.exit("array-api: the suite did not run to its end; see above.")
        return {k: tuple(v) for k, v in json.loads(report.read_text()).items()}


def main(arguments: list[str]) -> int:
    """Run, print failures by reason; fails at one that is not expected."""
    if not arguments or not arguments[0]:
        sys.exit(f"array-api: where is the suite? {__doc__}")
    results = run(checked(Path(arguments[0])), arguments[1:])
    outcomes = [outcome for outcome, _ in results.values()]
    groups: dict[str, list[str]] = {}
    news: list[str] = []
    for test, (outcome, error) in results.items():
        if outcome == "failed":
            words = reason(test, error)
            if words is None:
                news.append(f"{test}\n      {error.strip()[:400]}")
            else:
                groups.setdefault(words, []).append(test.partition("::")[2])
    for words, tests in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])):
        print(f"{len(tests):4d}  {words}  ({', '.join(tests[:4])}{', …' if tests[4:] else ''})")
    for text in news:
        print(f"NEW   {text}")
    print(
        f"array API: {outcomes.count('passed')} passed, {outcomes.count('failed')} failed, "
        f"{len(news)} of them unexpected, {outcomes.count('skipped')} skipped"
    )
    return 1 if news or not results else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
