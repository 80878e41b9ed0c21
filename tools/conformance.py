"""HIPS/autograd's own tests, run against this engine: `make conformance`.

Fetches the source archive of HIPS/autograd by pip (where from is for pip's settings to say) into
``.conformance/``, checks its hash, unpacks it and runs its tests. They import ``autograd``: that is
the thin package in ``tools/autograd_shim``, in which ``autograd.numpy`` is NumPy itself and
``autograd.scipy.special`` has SciPy's own ufuncs. So they try our derivatives, first and second
order, forward and reverse, and NumPy's protocols on tensors. A test that passes without having asked
the engine for anything, because all that it checks is complex or the inside of HIPS/autograd, counts
for nothing and is listed apart. xarray, which some of them wrap around
tensors, is fetched as well; where it cannot be had, those are skipped.

Nothing of that project's is kept in the repository.
"""

from __future__ import annotations

import collections
import hashlib
import json
import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".conformance"
SHIM = ROOT / "tools" / "autograd_shim"
NAME, VERSION = "autograd", "1.9.1"
SHA256 = "7818c5c69ddf9efb7da74097bd741a4c7920133f41966f68537223a15ef798bc"
EMPTY = "passed without a check"
GOAL = 420  # of the tests that pass in full: what is complex included
# What some of the tests use beside; whatever Python this is has a wheel of it or goes without.
BESIDE = ("xarray==2026.9.0", "pandas==3.1.1")

# Why a test does not pass: the first pattern found in its name and error, from the most telling on.
REASONS: tuple[tuple[str, str], ...] = (
    (r"analytic: nan", "NOT A NUMBER, where differences are finite"),
    (r"AssertionError: (reverse|forward)-mode derivative", "WRONG DERIVATIVE, {} mode"),
    (r"^\S*dataarray", "tensor times xarray.DataArray, in that order"),
    (r"np\.([\w.]*fft[\w.]*): not supported on a Tensor", "complex numbers: np.fft"),
    (r"eigenvalues may be complex", "complex numbers: np.linalg.eig"),
    (r"np\.([\w.]+): not supported on a Tensor", "missing function: np.{}"),
    (r"autograd\.scipy\.([\w.]+) is not part", "missing function: scipy.{}"),
    (r"allow_singular=True", "a normal density of a singular covariance: refused by name"),
    (r"InternalInterfaceError: ([\w]+)", "inside of HIPS/autograd: {}"),
    (r"no attribute '(def\w+|startswith)'", "inside of HIPS/autograd: {}"),
    (r"no attribute '(make_diagonal|_dot)'", "a name that HIPS/autograd adds to NumPy: {}"),
    (r"(?i)complex", "complex numbers"),
    (r"hold no arrays", "a gradient by an argument without numbers"),
    (r"t\[index\] = values", "an error of another class: writing into a tensor"),
    (r"positional-only arguments passed as keyword", "np.where takes no keywords; theirs does"),
    (
        r"assert <class '[\w.]+'> is <class",
        "np.where of Python's numbers gives arrays; theirs does not",
    ),
    (r"no attribute '(\w+)'", "missing name: {}"),
    (r"np\.asarray\(tensor\)", "np.array of tensors, which NumPy does not hand over to us"),
    (r"(\w+)\(\) got .* argument[^']*'(\w+)", "missing option: {} {}"),
    (r"xarray", "xarray is not installed"),
)


def fetch() -> Path:
    """The folder of the unpacked archive; fetched and checked the first time.

    Raises
    ------
    SystemExit
        If the archive cannot be had, or is not the one that the hash names.
    """
    archive = FOLDER / f"{NAME}-{VERSION}.tar.gz"
    if not archive.exists():
        FOLDER.mkdir(exist_ok=True)
        pip = [sys.executable, "-m", "pip"]
        if subprocess.run([*pip, "--version"], capture_output=True, check=False).returncode:
            pip = ["python3", "-m", "pip"]  # an environment made by uv has none
        options = ["--quiet", "--no-deps", "--no-binary", ":all:", "--no-build-isolation"]
        wanted = f"{NAME}=={VERSION}"
        command = [*pip, "download", *options, "--dest", str(FOLDER), wanted]
        # pip asks the archive for its metadata, by the build backend of this environment.
        path = os.pathsep.join(p for p in sys.path if "site-packages" in p)
        done = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, check=False)
        if done.returncode or not archive.exists():
            sys.exit(
                f"conformance: pip could not fetch {wanted}. Check the network and pip's index."
            )
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    if digest != SHA256:
        archive.unlink()
        sys.exit(
            f"conformance: {archive.name} has SHA-256 {digest}. Expected {SHA256}. Deleted it."
        )
    folder = FOLDER / f"{NAME}-{VERSION}"
    if not folder.exists():
        with tarfile.open(archive) as tar:
            tar.extractall(FOLDER, filter="data")
    return folder


def beside() -> Path:
    """A folder with xarray and pandas for these tests alone, or an empty one."""
    target = FOLDER / "beside"
    if not target.exists():
        pip = [sys.executable, "-m", "pip"]
        if subprocess.run([*pip, "--version"], capture_output=True, check=False).returncode:
            pip = ["python3", "-m", "pip"]
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        options = ["--quiet", "--no-deps", "--only-binary", ":all:", "--python-version", version]
        command = [*pip, "install", *options, "--target", str(target), *BESIDE]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            target.mkdir(exist_ok=True)
            print("conformance: xarray could not be fetched; its tests are skipped.")
    return target


def run(
    folder: Path, arguments: list[str], extra: tuple[Path, ...] = ()
) -> dict[str, tuple[str, str]]:
    """Each test's outcome and, if it did not pass, its error; run in a process of its own.

    Packages in the folders ``extra`` can be imported by the tests.
    """
    report = FOLDER / "report.json"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-c", os.devnull, "--rootdir", ".", "-q"]
    command += ["-p", "no:cacheprovider", "-p", "conformance_report", "--tb=no", "-r", "N"]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(SHIM), str(ROOT), *map(str, extra)]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "CONFORMANCE_REPORT": str(report),
    }
    subprocess.run([*command, *arguments], cwd=folder / "tests", env=environment, check=False)
    if not report.exists():
        sys.exit("conformance: the tests did not run to their end; see above.")
    return {k: tuple(v) for k, v in json.loads(report.read_text()).items()}


def reason(test: str, error: str) -> str:
    """A failure's cause in a few words."""
    for pattern, words in REASONS:
        match = re.search(pattern, f"{test} {error}")
        if match:
            return words.format(*match.groups())
    return "other: " + (error.strip().splitlines() or ["no message"])[0][:90]


def main(arguments: list[str]) -> int:
    """Fetch, run, print; fails below the goal or at a wrong derivative."""
    results = run(fetch(), arguments, (beside(),))
    counts = collections.Counter(outcome for outcome, _ in results.values())
    groups: dict[str, list[str]] = {}
    for test, (outcome, error) in results.items():
        if outcome == EMPTY:
            groups.setdefault("checks nothing of the engine", []).append(test.split("::")[-1])
        elif not outcome.startswith("passed"):
            groups.setdefault(reason(test, error), []).append(test.split("::")[-1])
    for words, tests in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])):
        every = words == "checks nothing of the engine"
        shown = ", ".join(tests) if every or len(tests) <= 4 else ", ".join(tests[:4]) + ", …"
        print(f"{len(tests):4d}  {words}  ({shown})")
    passed = counts["passed"]
    real = counts["passed on real numbers"]
    print(
        f"HIPS/autograd {VERSION}: {passed} of {len(results)} tests passed in full, {real} "
        f"on real numbers (their complex ones left out), {counts[EMPTY]} without checking anything, "
        f"{counts['failed']} failed, {counts['skipped']} skipped; goal {GOAL}"
    )
    wrong = any(words.startswith(("WRONG", "NOT A NUMBER")) for words in groups)
    return 1 if wrong or (passed < GOAL and not arguments) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
