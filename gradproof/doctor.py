"""What is installed, what is missing, and how to get it. Imports nothing that might be foreign."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .guard import DISTRIBUTION, HOME, PACKAGES, intrusions, lurking

__all__ = ["EXTRAS", "Finding", "examine", "healthy"]

Status = Literal["ok", "missing", "fault"]

OLDEST_PYTHON = (3, 11)

# What each extra is for. The packages of each are read from our own metadata.
EXTRAS = {
    "data": "the bundled digits, and estimators for scikit-learn",
    "dev": "tests, style, types",
    "jit": "training steps as native code",
    "mpi": "training in several processes",
    "plots": "curves and masks as pictures",
    "png": "drawings as PNG and PDF",
    "proof": "faster proofs",
    "sweep": "searches in several processes and on clusters",
    "tensorboard": "logs for TensorBoard",
}


@dataclass(frozen=True)
class Finding:
    """One line of what the doctor has to say.

    Attributes
    ----------
    section : str
        Heading under which it stands: "required", "extras", "machine" or "names".
    subject : str
        What was looked at.
    status : {"ok", "missing", "fault"}
    detail : str
        What was found.
    remedy : str
        The command, or the deed, that mends it; "" where nothing is to be mended.
    needed : bool
        Whether gradproof cannot do its main job without it.
    """

    section: str
    subject: str
    status: Status
    detail: str
    remedy: str = ""
    needed: bool = False


def examine() -> list[Finding]:
    """Look at this Python and this machine; report every `Finding`, healthy or not."""
    return [
        _python(),
        *_required(),
        *_extras(),
        _dot(),
        _folder(),
        _processors(),
        *_names(),
    ]


def healthy(findings: list[Finding]) -> bool:
    """Whether everything that gradproof cannot do without is there."""
    return all(f.status == "ok" for f in findings if f.needed)


# --- Python and its packages ----------------------------------------------------------------------


def _python() -> Finding:
    detail = f"{platform.python_version()} ({platform.python_implementation()}), {sys.executable}"
    if sys.version_info >= OLDEST_PYTHON:
        return Finding("required", "Python", "ok", detail, needed=True)
    wanted = ".".join(map(str, OLDEST_PYTHON))
    return Finding(
        "required", "Python", "fault", detail, f"Install Python {wanted} or newer.", needed=True
    )


@dataclass(frozen=True)
class _Requirement:
    name: str
    oldest: str  # "" where any version will do
    extra: str  # "" for what is always needed

    @property
    def installed(self) -> str | None:
        try:
            return importlib.metadata.version(self.name)
        except importlib.metadata.PackageNotFoundError:
            return None

    @property
    def too_old(self) -> bool:
        return bool(self.oldest) and _numbers(self.installed or "0") < _numbers(self.oldest)


def _numbers(version: str) -> tuple[int, ...]:
    """The release part of a version: (2, 4, 6) of 2.4.6rc1."""
    release = re.match(r"\d+(\.\d+)*", version)
    return tuple(map(int, release.group().split("."))) if release else ()


def _requirements() -> list[_Requirement]:
    """Our own requirements: from the checkout that we stand in, else as they were installed."""
    if _checkout():
        project = tomllib.loads((HOME / "pyproject.toml").read_text("utf-8"))["project"]
        lines = [(line, "") for line in project["dependencies"]]
        for extra, members in project["optional-dependencies"].items():
            lines += [(line, extra) for line in members]
    else:
        lines = []
        for line in _installed_requirements():
            requirement, _, marker = line.partition(";")
            named = re.search(r"extra\s*==\s*['\"]([^'\"]+)['\"]", marker)
            lines.append((requirement.strip(), named.group(1) if named else ""))
    return [_parsed(line, extra) for line, extra in lines]


def _installed_requirements() -> list[str]:
    try:
        return importlib.metadata.requires(DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:
        return []


def _parsed(line: str, extra: str) -> _Requirement:
    name = re.match(r"[\w.-]+", line)
    oldest = re.search(r">=\s*([\w.]+)", line)
    return _Requirement(name.group() if name else line, oldest.group(1) if oldest else "", extra)


def _checkout() -> bool:
    """Whether we run from a source folder, which ``make`` sets up."""
    project = HOME / "pyproject.toml"
    return project.is_file() and f'name = "{DISTRIBUTION}"' in project.read_text("utf-8")


def _required() -> Iterator[Finding]:
    for requirement in _requirements():
        if not requirement.extra:
            found = requirement.installed
            remedy = _install(DISTRIBUTION, [requirement])
            if found is None:
                status, detail = "missing", f"needs {requirement.oldest} or newer"
            elif requirement.too_old:
                status, detail = "fault", f"{found}, but {requirement.oldest} or newer is needed"
            else:
                status, detail, remedy = "ok", found, ""
            yield Finding(
                "required", requirement.name, _as_status(status), detail, remedy, needed=True
            )


def _as_status(word: str) -> Status:
    return "ok" if word == "ok" else "missing" if word == "missing" else "fault"


def _extras() -> Iterator[Finding]:
    requirements = _requirements()
    for extra in sorted({r.extra for r in requirements if r.extra}):
        members = [r for r in requirements if r.extra == extra]
        there = ", ".join(f"{r.name} {r.installed}" for r in members if r.installed)
        absent = [r.name for r in members if r.installed is None]
        old = [f"{r.name} {r.installed} < {r.oldest}" for r in members if r.installed and r.too_old]
        purpose = EXTRAS.get(extra, "")
        if not absent and not old:
            yield Finding("extras", extra, "ok", f"{purpose}: {there}")
            continue
        faults = ([f"without {', '.join(absent)}"] if absent else []) + old
        yield Finding(
            "extras",
            extra,
            "missing" if absent else "fault",
            f"{purpose}: {'; '.join(faults)}",
            _install(f"{DISTRIBUTION}[{extra}]", members),
        )


def _install(what: str, members: list[_Requirement]) -> str:
    """The exact command that installs ``gradproof[extra]`` here."""
    if not _checkout():
        return f'{_pip()} "{what}"'
    there = _same_folder(os.curdir, HOME)
    if _locked(members):
        return "make" if there else f"make -C {HOME}"
    place = "." if there else str(HOME)
    return f'{_pip()} -e "{place}{what.removeprefix(DISTRIBUTION)}"'


def _same_folder(first: str | Path, second: str | Path) -> bool:
    try:
        return os.path.samefile(first, second)
    except OSError:  # a working folder that was removed
        return False


def _locked(members: list[_Requirement]) -> bool:
    """Whether the set-up installs all of these anyway."""
    try:
        lock = (HOME / "requirements.lock").read_text("utf-8")
    except OSError:
        return False
    return all(
        re.search(rf"^{re.escape(r.name)}(\[[^\]]*\])?==", lock, re.MULTILINE | re.IGNORECASE)
        for r in members
    )


def _pip() -> str:
    """The installer that there is: an environment made by uv has no pip of its own."""
    if importlib.util.find_spec("pip"):
        return f"{sys.executable} -m pip install"
    for uv in (shutil.which("uv"), shutil.which("uv", path=str(HOME / ".tools" / "bin"))):
        if uv:
            return f"{uv} pip install --python {sys.executable}"
    return f"python3 -m pip --python {sys.executable} install"


# --- the machine ----------------------------------------------------------------------------------


def _dot() -> Finding:
    """Graphviz's program, which the package ``graphviz`` only calls."""
    subject, otherwise = "dot (Graphviz)", "our own layout draws instead"
    path = shutil.which("dot")
    if path is None:
        return Finding("machine", subject, "missing", otherwise, _get_graphviz())
    try:
        said = subprocess.run(
            [path, "-V"], capture_output=True, text=True, timeout=10, check=True, errors="replace"
        )
    except (OSError, subprocess.SubprocessError) as error:
        return Finding(
            "machine",
            subject,
            "fault",
            f"{path} does not run ({error}); {otherwise}",
            _get_graphviz(),
        )
    version = re.search(r"\d+(\.\d+)+", said.stderr + said.stdout)
    return Finding("machine", subject, "ok", f"{version.group() if version else '?'}, {path}")


def _get_graphviz() -> str:
    for tool, command in (
        ("apt-get", "apt-get install graphviz"),
        ("dnf", "dnf install graphviz"),
        ("pacman", "pacman -S graphviz"),
        ("brew", "brew install graphviz"),
    ):
        if shutil.which(tool):
            return command if tool == "brew" or os.geteuid() == 0 else f"sudo {command}"
    return "Install the package graphviz of your system."


def _folder() -> Finding:
    folder: Path | str = "the working folder"
    try:
        folder = Path.cwd()
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        return Finding(
            "machine",
            "working folder",
            "fault",
            f"{folder} cannot be written to ({error.strerror})",
            "Go to a folder of your own, or pass --out.",
        )
    return Finding("machine", "working folder", "ok", f"{folder} can be written to")


def _processors() -> Finding:
    total = os.cpu_count() or 1
    affinity = getattr(os, "sched_getaffinity", None)
    usable = len(affinity(0)) if affinity else total
    detail = f"{usable} of {total} may be used" if usable != total else str(total)
    threads = {
        name: os.environ[name]
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        if name in os.environ
    }
    limits = "".join(f", {name}={value}" for name, value in threads.items())
    return Finding("machine", "processors", "ok", detail + limits)


def _names() -> Iterator[Finding]:
    """Whether `nn` and its fellows are ours: to this process, and to a Python started here."""
    foreign = {found.package: found for found in (*lurking(), *intrusions())}
    for name in PACKAGES:
        if name not in foreign:
            yield Finding("names", name, "ok", str(HOME / name), needed=True)
            continue
        found = foreign[name]
        detail = f"{found.problem}: {found.found or 'nothing found'}"
        yield Finding("names", name, "fault", detail, found.remedy, needed=True)
