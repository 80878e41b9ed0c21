"""The set-up, with a pretended uv: nothing here needs a network, and nothing is installed."""

import ast
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "tools" / "bootstrap.py"
LOCKS = [ROOT / "requirements.lock", ROOT / "tools" / "requirements.lock"]
LOCKED_EXTRAS = ["jit", "plots", "png", "data", "proof", "dev"]

# Writes down how it was called; makes a real, empty environment; "installs" by doing nothing,
# after a wait if the test asks for one, or fails if the test asks for that.
UV = """\
#!/bin/sh
echo "$@" >> "$UV_LOG"
case "$1" in
    --version) echo "uv, pretended" ;;
    venv) exec "$3" -m venv --without-pip "$4" ;;
    pip) touch "$UV_LOG.installing"; sleep "${UV_WAIT:-0}"; exit "${UV_FAILS:-0}" ;;
esac
"""


@pytest.fixture
def bootstrap():
    spec = importlib.util.spec_from_file_location("bootstrap", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Checkout:
    """A checkout with nothing in it but the set-up, and a PATH with nothing special but uv."""

    def __init__(self, folder):
        self.root = folder / "a checkout"
        self.lock = self.root / "requirements.lock"
        self.log = folder / "uv.log"
        self.bin = folder / "bin"
        for place in (self.root / "tools", self.bin):
            place.mkdir(parents=True)
        shutil.copy(SCRIPT, self.root / "tools")
        for name in ("pyproject.toml", "requirements.lock", "tools/requirements.lock"):
            (self.root / name).touch()
        for name in ("sh", "sleep", "touch"):
            (self.bin / name).symlink_to(shutil.which(name))
        self.uv = self.bin / "uv"
        self.uv.write_text(UV)
        self.uv.chmod(0o755)

    def start(self, **settings):
        environ = {"PATH": str(self.bin), "UV_LOG": str(self.log), "PIP_NO_INDEX": "1", **settings}
        return subprocess.Popen(
            [sys.executable, str(self.root / "tools" / "bootstrap.py")],
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def set_up(self, **settings):
        process = self.start(**settings)
        output, _ = process.communicate(timeout=60)
        assert "Traceback" not in output
        return process.returncode, output

    def wait_until_installing(self):
        started = time.monotonic()
        while not self.log.with_name("uv.log.installing").exists():
            assert time.monotonic() - started < 60
            time.sleep(0.02)

    @property
    def calls(self):
        return self.log.read_text().splitlines() if self.log.exists() else []

    @property
    def venv(self):
        return self.root / ".venv"

    @property
    def stamp(self):
        return self.venv / ".stamp"


@pytest.fixture
def checkout(tmp_path):
    return Checkout(tmp_path)


# --------------------------------------------------------------------------------------------------
# Making the environment
# --------------------------------------------------------------------------------------------------


def test_uv_on_the_path_installs_the_lock_and_then_the_project(checkout):
    code, output = checkout.set_up()
    assert code == 0, output
    venv, lock, project = checkout.calls
    assert venv.startswith("venv --python ")
    assert lock.endswith(f"--require-hashes --requirement {checkout.root}/requirements.lock")
    assert project.endswith(f"--no-deps --no-build-isolation --editable {checkout.root}")
    assert checkout.stamp.read_text() == f"{checkout.root}\n"


def test_what_is_up_to_date_is_left_alone(checkout):
    checkout.set_up()
    before = checkout.calls
    code, output = checkout.set_up()
    assert code == 0
    assert "up to date" in output
    assert checkout.calls == before


def test_a_changed_lock_is_installed_into_the_same_environment(checkout):
    checkout.set_up()
    (checkout.venv / "of the owner").touch()
    os.utime(checkout.stamp, (0, 0))
    assert checkout.set_up()[0] == 0
    assert [call.split()[0] for call in checkout.calls] == ["venv", "pip", "pip", "pip", "pip"]
    assert (checkout.venv / "of the owner").exists()


def test_an_environment_killed_half_way_is_made_again(checkout):
    process = checkout.start(UV_WAIT="60")
    checkout.wait_until_installing()
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert not checkout.stamp.exists()
    (checkout.venv / "left over").touch()
    assert checkout.set_up()[0] == 0
    assert checkout.stamp.exists()
    assert not (checkout.venv / "left over").exists()


@pytest.mark.usefixtures("interruptible")
def test_an_interruption_is_said_in_one_line_and_leaves_no_stamp(checkout):
    process = checkout.start(UV_WAIT="60")
    checkout.wait_until_installing()
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert output.splitlines()[-1] == "set-up: interrupted; run it again to go on"
    assert not checkout.stamp.exists()


@pytest.mark.parametrize("wreck", ["a file", "an empty folder", "no interpreter"])
def test_what_is_no_environment_is_made_again(checkout, wreck):
    if wreck == "a file":
        checkout.venv.touch()
    else:
        checkout.venv.mkdir()
    if wreck == "no interpreter":
        (checkout.venv / "bin").mkdir()
        (checkout.venv / "bin" / "python").symlink_to("/nowhere/python3")
    assert checkout.set_up()[0] == 0
    assert checkout.stamp.exists()


def test_a_moved_checkout_gets_a_new_environment(checkout):
    checkout.set_up()
    (checkout.venv / "of the old place").touch()
    checkout.root = checkout.root.rename(checkout.root.with_name("moved"))
    assert checkout.set_up()[0] == 0
    assert not (checkout.venv / "of the old place").exists()
    assert checkout.stamp.read_text() == f"{checkout.root}\n"


def test_a_second_set_up_waits_for_the_first(checkout):
    first = checkout.start(UV_WAIT="1")
    checkout.wait_until_installing()
    code, output = checkout.set_up()
    first.communicate()
    assert (first.returncode, code) == (0, 0)
    assert "waiting for another set-up" in output
    assert [call.split()[0] for call in checkout.calls] == ["venv", "pip", "pip"]


def test_when_every_way_fails_each_is_named_and_nothing_is_stamped(checkout):
    code, output = checkout.set_up(UV_FAILS="3")
    assert code == 1
    for name in ("\nuv: ", "\nuv out of pip: ", "\nvenv and pip: "):
        assert name in output
    assert not checkout.stamp.exists()


def test_the_first_way_that_works_is_the_last_one_tried(bootstrap, monkeypatch, tmp_path, capsys):
    tried = []

    def broken(root, python):
        tried.append("broken")
        raise bootstrap.WayError("uv ended with 1")

    def working(root, python):
        tried.append("working")
        (root / ".venv").mkdir()

    ways = (("first", broken), ("second", working), ("third", broken))
    monkeypatch.setattr(bootstrap, "WAYS", ways)
    monkeypatch.setattr(bootstrap, "provide_dot", lambda: None)
    bootstrap.set_up(tmp_path)
    assert tried == ["broken", "working"]
    assert ".venv made with second" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ("Temporary failure in name resolution", "No package registry answered"),
        ("error: error sending request for url", "No package registry answered"),
        ("/usr/bin/python3: No module named pip", "apt-get install python3-pip"),
        ("OSError: [Errno 28] No space left on device", "The disk is full"),
        ("hash mismatch", "Put one of these right"),
    ],
)
def test_the_error_ends_with_what_to_do(bootstrap, said, remedy):
    assert remedy in bootstrap.advice(["uv: not installed", said])


# --------------------------------------------------------------------------------------------------
# Saying what goes on
# --------------------------------------------------------------------------------------------------

SLOW = ["sh", "-c", "for n in 1 2 3; do echo part $n; sleep 0.4; done"]


def test_what_is_installed_is_said_before_it_is_there(checkout):
    checkout.lock.write_text(
        "numpy==2.0 ; old \\\n    --hash=sha256:0\nnumpy==2.4 \\\nrich==13 \\\n"
    )
    process = checkout.start(UV_WAIT="60")
    checkout.wait_until_installing()
    assert process.stdout.readline() == "set-up: fetching and installing some 2 packages\n"
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def test_off_a_terminal_no_long_silence(bootstrap, monkeypatch, capsys):
    monkeypatch.setattr(bootstrap, "QUIET", 0.3)
    assert bootstrap.run(SLOW, "trying").splitlines() == ["part 1", "part 2", "part 3"]
    first, *rest = capsys.readouterr().out.splitlines()
    assert first == "set-up: trying"
    assert len(rest) >= 3
    assert all(re.fullmatch(r"set-up: trying: \d s, part [123]", line) for line in rest)
    assert rest[-1].endswith("part 3")


def test_on_a_terminal_one_line_changes_and_is_gone_in_the_end():
    ours, theirs = os.openpty()
    script = f"import bootstrap; bootstrap.run({SLOW!r}, 'trying'); print('done')"
    environ = {**os.environ, "PYTHONPATH": str(SCRIPT.parent), "TERM": "xterm", "COLUMNS": "30"}
    command = [sys.executable, "-c", script]
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environ
    ) as process:
        os.close(theirs)
        said = b""
        while not said.endswith(b"done\r\n"):
            said += os.read(ours, 1000)
    os.close(ours)
    assert process.returncode == 0
    assert said.count(b"\n") == 1
    *shown, last = said.decode().split("\r\033[K")
    assert "set-up: trying" in shown
    assert "set-up: trying: 1 s, part 3" in shown
    assert all(len(line) < 30 for line in shown)
    assert last == "done\r\n"


def test_a_command_that_is_quick_or_inner_says_nothing(bootstrap, capsys):
    assert bootstrap.run(["echo", "x"]) == "x"
    assert capsys.readouterr().out == ""


def test_a_failure_ends_the_saying_and_is_told_in_its_last_lines(bootstrap, capsys):
    before = threading.active_count()
    with pytest.raises(bootstrap.WayError, match=r"ended with 3\n    one\n    two"):
        bootstrap.run(["sh", "-c", "echo one; echo two >&2; exit 3"], "trying")
    assert capsys.readouterr().out == "set-up: trying\n"
    assert threading.active_count() == before


# --------------------------------------------------------------------------------------------------
# The interpreter
# --------------------------------------------------------------------------------------------------


def test_an_old_python_is_told_what_is_needed(bootstrap, monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(bootstrap.SetUpError, match=r"this is Python 3\.9\.2 .* needs 3\.11 or"):
        bootstrap.find_python()


def test_an_old_python_finds_a_newer_one_that_works(bootstrap, monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    monkeypatch.setenv("PATH", str(tmp_path))
    empty_shell = tmp_path / "python3.13"
    empty_shell.write_text("#!/bin/sh\nexit 127\n")
    empty_shell.chmod(0o755)
    (tmp_path / "python3.12").symlink_to(sys.executable)
    assert bootstrap.find_python() == str(tmp_path / "python3.12")


def test_the_script_is_standard_library_and_old_syntax():
    tree = ast.parse(SCRIPT.read_text(encoding="utf-8"), feature_version=(3, 7))
    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module.partition(".")[0])
    assert imported <= sys.stdlib_module_names


# --------------------------------------------------------------------------------------------------
# dot
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("programs", "user", "forbidden", "prefix"),
    [
        ({"apt-get"}, 0, None, []),
        ({"apt-get"}, 0, "0", []),
        ({"apt-get"}, 0, "1", None),
        ({"apt-get", "sudo"}, 1000, None, ["sudo", "-n"]),
        ({"apt-get", "sudo"}, 1000, "yes", None),
        ({"apt-get", "sudo with password"}, 1000, None, None),
        ({"apt-get"}, 1000, None, None),
        (set(), 0, None, None),
    ],
)
def test_apt_is_run_only_where_it_is_allowed(
    bootstrap, monkeypatch, tmp_path, programs, user, forbidden, prefix
):
    for program in programs:
        path = tmp_path / program.split()[0]
        path.write_text(f"#!/bin/sh\nexit {int('password' in program)}\n")
        path.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.delenv("GRADPROOF_NO_APT", raising=False)
    if forbidden is not None:
        monkeypatch.setenv("GRADPROOF_NO_APT", forbidden)
    assert bootstrap.apt_prefix() == prefix


def test_a_dot_that_is_there_is_not_spoken_of(bootstrap, monkeypatch, capsys):
    monkeypatch.setattr(shutil, "which", lambda program: f"/usr/bin/{program}")
    bootstrap.provide_dot()
    assert capsys.readouterr().out == ""


def test_a_missing_dot_is_one_line(bootstrap, monkeypatch, capsys):
    monkeypatch.setattr(shutil, "which", lambda program: None)
    bootstrap.provide_dot()
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("set-up: dot (Graphviz) is missing")
    assert line.endswith("apt-get install graphviz")


def test_a_failing_apt_does_not_fail_the_set_up(bootstrap, monkeypatch, capsys):
    commands = []

    def fail(command, doing=""):
        commands.append(command)
        raise bootstrap.WayError("apt-get ended with 100\n    E: Unable to locate package")

    monkeypatch.setattr(shutil, "which", lambda program: None)
    monkeypatch.setattr(bootstrap, "apt_prefix", list)
    monkeypatch.setattr(bootstrap, "run", fail)
    bootstrap.provide_dot()
    assert commands[-1][-1] == "update"
    assert "could not install it (E: Unable to locate" in capsys.readouterr().out


# --------------------------------------------------------------------------------------------------
# The locks
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: str(lock.relative_to(ROOT)))
def test_a_lock_names_hashes_and_no_address(lock):
    text = lock.read_text(encoding="utf-8")
    assert not re.search(r"://|\bindex|find-links|@", text)
    blocks = re.split(r"\n(?=[a-z])", text)
    assert all("==" in block and "--hash=sha256:" in block for block in blocks)


def test_the_lock_holds_what_pyproject_asks_for():
    with open(ROOT / "pyproject.toml", "rb") as file:
        settings = tomllib.load(file)
    project = settings["project"]
    asked = [*project["dependencies"], *settings["build-system"]["requires"]]
    for extra in LOCKED_EXTRAS:
        asked += project["optional-dependencies"][extra]
    locked = {}
    for line in re.findall(r"^[a-z].*?(?= \\)", LOCKS[0].read_text(encoding="utf-8"), re.MULTILINE):
        name, _, version = line.partition(";")[0].strip().partition("==")
        locked.setdefault(name, []).append(version)
    for requirement in map(Requirement, asked):
        versions = locked[canonicalize_name(requirement.name)]
        assert all(requirement.specifier.contains(version) for version in versions), requirement


def test_the_oldest_python_is_the_one_that_pyproject_names(bootstrap):
    with open(ROOT / "pyproject.toml", "rb") as file:
        oldest = tomllib.load(file)["project"]["requires-python"]
    assert oldest == ">=" + ".".join(map(str, bootstrap.OLDEST_PYTHON))


def test_make_watches_the_same_files_as_the_script(bootstrap):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    watched = re.search(r"^\$\(STAMP\): (.*)$", makefile, re.MULTILINE)
    assert tuple(watched[1].split()) == bootstrap.INPUTS
