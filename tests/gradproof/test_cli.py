"""The command line as such: help, errors, exit codes."""

import importlib.metadata
import pkgutil

import pytest
import typer
from typer.testing import CliRunner

import gradproof.commands
from autograd_core.errors import ConfigError
from gradproof.cli import _Commands, app

COMMANDS = [found.name for found in pkgutil.iter_modules(gradproof.commands.__path__)]
WIDE = 100


def test_help_lists_every_command_and_nothing_of_completion(run):
    done = run("--help")
    assert done.returncode == 0
    for name in COMMANDS:
        assert f"\n  {name} " in done.stdout
    assert "completion" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= WIDE


def test_help_of_each_command_says_what_it_does():
    for name in COMMANDS:
        done = CliRunner().invoke(
            app, [name, "-h"], prog_name="gradproof", env={"COLUMNS": str(WIDE)}
        )
        assert done.exit_code == 0
        assert f"gradproof {name} [OPTIONS]" in done.stdout
        assert len(done.stdout.split("\n\n")[1].strip()) > 20
        # The help of an option stands on the option's line.
        assert max(map(len, done.stdout.splitlines())) <= WIDE


def test_no_command_shows_the_help(run):
    done = run()
    assert "Usage:" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_command_is_a_usage_error(run):
    done = run("prave")
    assert done.returncode == 2
    assert "No such command 'prave'" in done.stderr


def test_the_version_is_that_of_the_distribution():
    result = CliRunner().invoke(app, ["--version"])
    assert result.exit_code == 0
    try:
        assert importlib.metadata.version("gradproof") in result.output
    except importlib.metadata.PackageNotFoundError:
        assert "not installed" in result.output


def test_the_command_line_starts_without_the_engine_and_heavy_libraries(run):
    code = (
        "import sys, gradproof.cli; "
        "print([m for m in ('autograd_core', 'nn', 'viz', 'sympy', 'matplotlib', 'sklearn')"
        " if m in sys.modules])"
    )
    assert run(code=code).stdout.strip() == "[]"


def failing(error):
    """A command line with one command, which raises ``error``."""
    broken = typer.Typer(cls=_Commands, pretty_exceptions_enable=False)

    @broken.callback()
    def options(debug: bool = False) -> None: ...

    @broken.command()
    def fail() -> None:
        raise error

    return broken


def test_an_error_on_purpose_is_one_message_and_exit_code_1():
    result = CliRunner().invoke(failing(ConfigError("fit: epochs is [red]wrong[/red].")), ["fail"])
    assert result.exit_code == 1
    # Nothing in the message is taken for a style.
    assert result.stderr == "error: fit: epochs is [red]wrong[/red].\n"


def test_a_long_message_is_not_broken_into_lines():
    result = CliRunner().invoke(failing(ConfigError("word " * 60)), ["fail"])
    assert len(result.stderr.splitlines()) == 1


def test_a_full_disk_is_one_message_too():
    result = CliRunner().invoke(failing(OSError(28, "No space left on device", "x")), ["fail"])
    assert result.exit_code == 1
    assert "No space left on device" in result.stderr


def test_an_error_is_raised_under_debug():
    result = CliRunner().invoke(failing(ConfigError("wrong")), ["--debug", "fail"])
    assert isinstance(result.exception, ConfigError)


def test_a_fault_of_the_program_keeps_its_traceback():
    result = CliRunner().invoke(failing(ZeroDivisionError("ours")), ["fail"])
    assert isinstance(result.exception, ZeroDivisionError)


@pytest.mark.parametrize("words", [(), ("interrupted in epoch 3.",)])
def test_ctrl_c_is_one_message_and_exit_code_130(words):
    result = CliRunner().invoke(failing(KeyboardInterrupt(*words)), ["fail"])
    assert result.exit_code == 130
    assert result.stderr == f"stopped: {words[0] if words else 'interrupted.'}\n"


def test_a_terminal_without_greek_letters_is_no_reason_to_fail(run):
    done = run("demo", "--help", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.returncode == 0
    done = run("doctor", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert "UnicodeEncodeError" not in done.stderr
