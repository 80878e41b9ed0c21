"""The tests on every supported Python that is found here: `make pythons`.

Looked for are CPythons of the versions that pyproject.toml names as tested: those that pyenv keeps,
those on the path, and the system's own. Each gets an environment of its own out of the lock. Nothing
is downloaded but packages; a version that is not there is left out, and the table says so.

Usage: python tools/pythons.py [--only 3.13] [--essentials] [arguments of pytest]

--only
    This version alone.
--essentials
    Only the tests of what depends on Python itself: on its bytecode, its own files' formats and
    messages, its command line.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from environments import ROOT, environment, tests

ESSENTIALS = (
    "tests/autograd_core/compiler/test_guards.py",
    "tests/autograd_core/compiler/test_capture.py",
    "tests/autograd_core/compiler/test_dependences.py",
    "tests/autograd_core/compiler/test_reader.py",
    "tests/autograd_core/test_storage.py",
    "tests/gradproof/test_doctor.py",
    "tests/tools",
)

# What an interpreter says of itself. A free-threaded build is another Python, and not supported.
ASK = (
    "import os, sys, sysconfig; v = sys.version_info; "
    "print(sys.implementation.name, int(v.releaselevel == 'final'),"
    " int(bool(sysconfig.get_config_var('Py_GIL_DISABLED'))), '%d.%d.%d' % v[:3],"
    " os.path.realpath(sys.executable), sep='\\t')"
)


class Python(NamedTuple):
    """An interpreter.

    Attributes
    ----------
    version : str
        As in "3.13.0".
    path : str
        Where it was found.
    """

    version: str
    path: str

    @property
    def minor(self) -> str:
        """As in "3.13"."""
        return self.version.rpartition(".")[0]


def supported() -> list[str]:
    """The versions that pyproject.toml names as tested, from the oldest on."""
    classifiers = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["classifiers"]
    words = [c.rpartition(" ")[2] for c in classifiers if " :: Python :: 3." in c]
    return sorted(words, key=lambda word: int(word.partition(".")[2]))


def candidates(version: str) -> Iterator[Path]:
    """Where an interpreter of this version may be."""
    root = os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv"
    yield from sorted(Path(root).glob(f"versions/*/bin/python{version}"))
    for folder in [
        *os.environ.get("PATH", os.defpath).split(os.pathsep),
        "/usr/local/bin",
        "/usr/bin",
    ]:
        yield Path(folder or os.curdir, f"python{version}")


def found(version: str) -> list[Python]:
    """The interpreters of a version, each release once."""
    releases: dict[str, Python] = {}
    for path in candidates(version):
        if not path.is_file():
            continue
        try:
            done = subprocess.run(
                [str(path), "-I", "-c", ASK],
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        # To be there is not to work: version managers put an empty shell on the path.
        said = done.stdout.strip().split("\t")
        if done.returncode == 0 and said[:3] == ["cpython", "1", "0"]:
            python = Python(said[3], str(path))
            if python.minor == version:
                releases.setdefault(python.version, python)
    return list(releases.values())


def table(rows: list[tuple[str, ...]]) -> str:
    """Rows of words in columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(w.ljust(n) for w, n in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def main(arguments: list[str]) -> int:
    """Test on each, and print a table; fails if a test does, or a version is not known."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--only", choices=supported())
    parser.add_argument("--essentials", action="store_true")
    options, further = parser.parse_known_args(arguments)
    chosen = [options.only] if options.only else supported()
    asked = [*further, *(ESSENTIALS if options.essentials else ())]
    rows: list[tuple[str, ...]] = [("Python", "result", "seconds", "where")]
    worst, absent = 0, []
    for version in chosen:
        pythons = found(version)
        if not pythons:
            rows.append((version, "SKIPPED: none was found", "", ""))
            absent.append(version)
        for python in pythons:
            print(f"pythons: {python.version}, {python.path}", flush=True)
            began = time.monotonic()
            status, said = tests(environment(f"python-{python.version}", python.path), asked)
            result = said if status == 0 else f"FAILED ({status}): {said}"
            rows.append((python.version, result, f"{time.monotonic() - began:.0f}", python.path))
            worst = max(worst, status)
    print(table(rows))
    if absent:
        print(
            f"*** SKIPPED: there is no Python {' and no '.join(absent)} here (looked in pyenv's "
            f"versions, on the path and in /usr). NOTHING was tested on it. ***"
        )
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
