"""Make the project's environment from nothing: ``python3 tools/bootstrap.py``.

Uses the standard library only, and syntax that an old Python can read, so that it is always able
to say what is wrong. ``make`` calls it whenever the stamp that it writes is missing or older than
its `INPUTS`; by hand it may be run at any time.

The environment is ``.venv`` beside ``pyproject.toml``: everything in ``requirements.lock``, each
file checked against its hash, and the project itself in editable form. There are three ways to make
it, and the first that works is taken (`WAYS`). None needs root, and none writes outside of the
repository, but for the caches of uv and pip. Where packages come from is for the settings of uv and
pip to say; no address stands here.

Environment variables
---------------------
GRADPROOF_NO_APT
    Anything but 0 forbids installing Graphviz with apt-get.
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Iterator, List, Optional, Sequence

ROOT = Path(__file__).resolve().parent.parent
INPUTS = ("pyproject.toml", "requirements.lock", "tools/requirements.lock", "tools/bootstrap.py")

OLDEST_PYTHON = (3, 11)  # what requires-python says in pyproject.toml
NEWEST_PYTHON = (3, 15)  # where the search for another interpreter begins

QUIET = 5.0  # seconds at most without a word, off a terminal

# What uv, pip and the system say when no registry answers.
NO_NETWORK = re.compile(
    r"name resolution|name or service not known|nodename nor servname|dns error|failed to lookup"
    r"|network is unreachable|no route to host|connection refused|timed out|NewConnectionError"
    r"|error sending request|no matching distribution found for uv",
    re.IGNORECASE,
)


class SetUpError(Exception):
    """The set-up cannot go on; the text is for the person who ran it."""


class WayError(Exception):
    """One way of making the environment failed; the next one may not."""


def main() -> int:
    """Set up, and return the exit code: 0 done, 1 impossible, 130 interrupted."""
    try:
        with one_at_a_time():
            if is_current(ROOT):
                say("nothing to do, .venv is up to date")
            else:
                set_up(ROOT)
    except SetUpError as error:
        say(str(error))
        return 1
    except OSError as error:
        say(f"cannot go on: {error}")
        say("if .venv or .tools belongs to another user, that user or root must remove it")
        return 1
    except KeyboardInterrupt:
        say("interrupted; run it again to go on")
        return 130
    return 0


def set_up(root: Path) -> None:
    """Make or renew the environment of the checkout at `root`, then see to ``dot``."""
    started = time.monotonic()
    python = find_python()
    failures = []  # type: List[str]
    for name, way in WAYS:
        try:
            way(root, python)
        except WayError as failure:
            failures.append(f"{name}: {failure}")
        else:
            say(f".venv made with {name} in {time.monotonic() - started:.0f} s")
            break
    else:
        raise SetUpError("\n".join(["no way to make .venv worked", *failures, advice(failures)]))
    provide_dot()
    # Last, so that make cannot take an interrupted set-up for a finished one. It holds the place,
    # because an environment knows its own: one that was moved or copied must be made again.
    stamp(root).write_text(f"{root}\n", encoding="utf-8")


# --------------------------------------------------------------------------------------------------
# The ways
# --------------------------------------------------------------------------------------------------


def with_uv_on_the_path(root: Path, python: str) -> None:
    """Use the uv that is installed."""
    uv = shutil.which("uv")
    if uv is None:
        raise WayError("not installed")
    with_uv(uv, root, python)


def with_uv_from_pip(root: Path, python: str) -> None:
    """Let pip put uv into ``.tools``.

    With ``--target``, because a plain install is refused where the system's package manager owns
    Python's packages (PEP 668), and elsewhere would change what is not ours.
    """
    tools = root / ".tools"
    uv = str(tools / "bin" / "uv")
    try:
        run([uv, "--version"])
    except WayError:  # not there, half there, or made for another machine
        remove(tools)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(tools)]
        lock = str(root / "tools" / "requirements.lock")
        run([*pip, "--require-hashes", "--requirement", lock], "fetching uv with pip")
    with_uv(uv, root, python)


def with_uv(uv: str, root: Path, python: str) -> None:
    """Make the environment with the program `uv`."""
    venv = root / ".venv"
    install(
        root,
        python,
        make=[uv, "venv", "--python", python, str(venv)],
        pip=[uv, "pip", "install", "--python", str(python_of(venv))],
    )


def with_venv_and_pip(root: Path, python: str) -> None:
    """Let the pip that is outside of the environment install into it.

    With ``--without-pip``, because Debian keeps what a pip inside would need (ensurepip) in a
    package of its own.
    """
    venv = root / ".venv"
    install(
        root,
        python,
        make=[python, "-m", "venv", "--without-pip", str(venv)],
        pip=[sys.executable, "-m", "pip", "--python", str(python_of(venv)), "install", "--quiet"],
    )


WAYS = (
    ("uv", with_uv_on_the_path),
    ("uv out of pip", with_uv_from_pip),
    ("venv and pip", with_venv_and_pip),
)


def install(root: Path, python: str, make: Sequence[str], pip: Sequence[str]) -> None:
    """Install the lock and the project into ``.venv``, which `make` makes if it has to be made.

    A usable environment is kept, with whatever its owner installed besides. While packages are
    going in, a mark lies in it: killed there, they may be half installed in ways that no installer
    notices, and so an environment with the mark is not usable.
    """
    venv = root / ".venv"
    mark = unfinished(venv)
    if not is_usable(root, python):
        remove(venv)
        run(make)
    mark.touch()
    with contextlib.suppress(FileNotFoundError):
        stamp(root).unlink()
    lock = root / "requirements.lock"
    names = set(re.findall(r"^([\w.-]+)==", lock.read_text(encoding="utf-8"), re.MULTILINE))
    doing = f"fetching and installing some {len(names)} packages"
    run([*pip, "--require-hashes", "--requirement", str(lock)], doing)
    # Without isolation: the build backend is in the lock, so nothing unlocked is fetched for it.
    run([*pip, "--no-deps", "--no-build-isolation", "--editable", str(root)])
    mark.unlink()


# --------------------------------------------------------------------------------------------------
# What is there already
# --------------------------------------------------------------------------------------------------


def stamp(root: Path) -> Path:
    """Return the file whose age tells make whether to set up again."""
    return root / ".venv" / ".stamp"


def unfinished(venv: Path) -> Path:
    """Return the file that lies in an environment while packages are installed into it."""
    return venv / ".unfinished"


def python_of(venv: Path) -> Path:
    """Return the interpreter of an environment."""
    return venv / "bin" / "python"


def is_current(root: Path) -> bool:
    """Tell whether the environment was finished, here, after its inputs were last changed."""
    try:
        finished = stamp(root).stat().st_mtime
        place = stamp(root).read_text(encoding="utf-8").strip()
    except OSError:
        return False
    changed = max((root / name).stat().st_mtime for name in INPUTS)
    return place == str(root) and finished >= changed


def is_usable(root: Path, python: str) -> bool:
    """Tell whether ``.venv`` may be installed into: whole, in its place, of `python`'s version."""
    venv = root / ".venv"
    if unfinished(venv).exists():
        return False
    if stamp(root).exists() and stamp(root).read_text(encoding="utf-8").strip() != str(root):
        return False
    ask = "import sys; print(sys.prefix != sys.base_prefix, sys.version_info[:2])"
    try:
        inside = run([str(python_of(venv)), "-c", ask])
        outside = run([python, "-c", "import sys; print(True, sys.version_info[:2])"])
    except WayError:
        return False
    return inside == outside


def find_python() -> str:
    """Return an interpreter that is new enough: this one, or else one on the path.

    Raises
    ------
    SetUpError
        There is none.
    """
    if sys.version_info[:2] >= OLDEST_PYTHON:
        return sys.executable
    for minor in range(NEWEST_PYTHON[1], OLDEST_PYTHON[1] - 1, -1):
        python = shutil.which(f"python3.{minor}")
        if python is None:
            continue
        # To be on the path is not to work: version managers put an empty shell there.
        with contextlib.suppress(WayError):
            run([python, "-c", f"import sys; sys.exit(sys.version_info[:2] < {OLDEST_PYTHON})"])
            return python
    have = ".".join(map(str, sys.version_info[:3]))
    need = ".".join(map(str, OLDEST_PYTHON))
    raise SetUpError(
        f"this is Python {have} ({sys.executable}), and gradproof needs {need} or newer.\n"
        f"Debian 12 and later have one: apt-get install python3. Where uv may download, it brings\n"
        f"one: uv python install 3.12. Then name it: make PYTHON=/path/to/python3.12"
    )


def advice(failures: Sequence[str]) -> str:
    """Return the last line of the error that lists `failures`: what to do about it."""
    said = "\n".join(failures)
    if "No space left" in said:
        return "The disk is full: the environment needs about 700 MB."
    if "No module named pip" in said:
        return "Install pip (apt-get install python3-pip) or uv, and run it again."
    if NO_NETWORK.search(said):
        return (
            "No package registry answered. Is there a network? Behind a proxy or with a mirror,\n"
            "uv and pip need their own settings: HTTPS_PROXY, UV_DEFAULT_INDEX, PIP_INDEX_URL."
        )
    return "Put one of these right and run it again."


# --------------------------------------------------------------------------------------------------
# dot
# --------------------------------------------------------------------------------------------------


def provide_dot() -> None:
    """Install Graphviz where that is allowed; else say in one line that it is missing.

    Nothing here fails the set-up: without ``dot``, gradproof's own layout draws every graph.
    """
    if shutil.which("dot"):
        return
    lacks = "dot (Graphviz) is missing, so gradproof's own layout draws every graph"
    as_root = apt_prefix()
    if as_root is None:
        say(f"{lacks}; to have it: apt-get install graphviz")
        return
    doing = "installing Graphviz with apt-get (GRADPROOF_NO_APT=1 forbids it)"
    apt = [*as_root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet", "--yes"]
    # Time limits on what it fetches only: dpkg, once begun, must be left to finish.
    for option in ("Acquire::Retries=1", "Acquire::http::Timeout=30", "DPkg::Lock::Timeout=60"):
        apt += ["--option", option]
    graphviz = [*apt, "install", "--no-install-recommends", "graphviz"]
    try:
        try:
            run(graphviz, doing)
        except WayError:  # on a fresh system the lists of packages are missing, or old
            run([*apt, "update"], "renewing apt-get's lists of packages")
            run(graphviz, doing)
    except WayError as failure:
        say(f"{lacks}; apt-get could not install it ({str(failure).splitlines()[-1].strip()})")


def apt_prefix() -> Optional[List[str]]:
    """Return what to put before apt-get to run it as root, or None where it may not be run."""
    if os.environ.get("GRADPROOF_NO_APT", "0") not in ("", "0") or not shutil.which("apt-get"):
        return None
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo"):
        with contextlib.suppress(WayError):
            run(["sudo", "-n", "true"])  # -n: fail rather than ask for a password
            return ["sudo", "-n"]
    return None


# --------------------------------------------------------------------------------------------------
# Doing and saying
# --------------------------------------------------------------------------------------------------


def run(command: Sequence[str], doing: str = "") -> str:
    """Run a command quietly and return what it printed; say meanwhile what is being done.

    Raises
    ------
    WayError
        It could not be started, or failed; the text ends with the last lines that it printed.
    """
    settings = {
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_INPUT": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
        "PIP_USER": "0",  # a user's `user = true` is at odds with --target and with --python
        "UV_PYTHON_DOWNLOADS": "never",  # an interpreter is the person's to choose
    }
    try:
        process = subprocess.Popen(
            list(command),
            cwd=str(ROOT),
            env={**os.environ, **settings},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    except OSError as error:
        raise WayError(f"{command[0]} cannot be run ({error.strerror})") from error
    printed = []  # type: List[str]
    reader = threading.Thread(target=read, args=(process.stdout, printed), daemon=True)
    reader.start()
    try:
        with progress(doing, printed) if doing else contextlib.nullcontext():
            process.wait()
            reader.join()
    except BaseException:  # Ctrl-C, which reaches the command too: it has a second to end in order
        try:
            process.wait(1)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        raise
    output = "".join(printed).strip()
    if process.returncode != 0:
        lines = [line for line in output.splitlines() if "Retrying" not in line]
        last = [f"    {line[:200]}" for line in lines[-6:]]
        raise WayError("\n".join([f"{shown(command)} ended with {process.returncode}", *last]))
    return output


def read(stream: Any, printed: List[str]) -> None:
    """Gather the lines of a stream as they come."""
    with stream:
        for line in stream:
            printed.append(line.decode("utf-8", errors="replace"))  # noqa: PERF401 - each as it comes


@contextlib.contextmanager
def progress(doing: str, printed: List[str]) -> Iterator[None]:
    """Say what is being done, for how long, and the last line that the command `printed`.

    A terminal shows one line that changes every second. Anywhere else a line is printed at the
    beginning and every five seconds.
    """
    terminal = sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    began = time.monotonic()
    over = threading.Event()

    def tell() -> None:
        while not over.wait(1 if terminal else QUIET):
            last = printed[-1].strip() if printed else ""
            seconds = time.monotonic() - began
            line = f"{doing}: {seconds:.0f} s" + (f", {last}" if last else "")
            if terminal:
                width = shutil.get_terminal_size().columns - len("set-up: ") - 1
                print(f"\r\033[Kset-up: {line[:width]}", end="", flush=True)
            else:
                say(line[:200])

    if terminal:
        print(f"\r\033[Kset-up: {doing}", end="", flush=True)
    else:
        say(doing)
    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield
    finally:
        over.set()
        teller.join()
        if terminal:
            print("\r\033[K", end="", flush=True)


def shown(command: Sequence[str]) -> str:
    """Return the head of a command, as much as tells it from the others."""
    return " ".join([*command[:6], "..."] if len(command) > 6 else command)


def remove(folder: Path) -> None:
    """Remove a folder and all in it, if it is there."""
    if folder.is_symlink() or folder.is_file():
        folder.unlink()
    elif folder.exists():
        shutil.rmtree(str(folder))


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Wait for any other set-up of this checkout to end, and keep others out meanwhile."""
    try:
        import fcntl
    except ImportError:  # not a POSIX system
        yield
        return
    with open(__file__, "rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another set-up of this checkout")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def say(text: str) -> None:
    """Print one message of the set-up."""
    print(f"set-up: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
