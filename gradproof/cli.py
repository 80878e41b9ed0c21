"""``gradproof``: the command line. The commands themselves stand in `gradproof.commands`."""

from __future__ import annotations

import importlib
import importlib.metadata
import inspect
import pkgutil
import sys
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text
from typer.core import TyperGroup

from . import commands
from .guard import ForeignPackageError

__all__ = ["app", "main"]

INTERRUPTED = 130  # what a shell reports for a program that Ctrl-C ended: 128 + SIGINT


class _Commands(TyperGroup):
    """Shows an error raised on purpose as one message; any other error keeps its traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the chosen command."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as stop:
            if ctx.params.get("debug"):
                raise
            _complain(str(stop) or "interrupted.", "stopped")
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:
            raise  # ``gradproof … | head``: the framework ends in silence
        except Exception as error:
            if ctx.params.get("debug") or not _on_purpose(error):
                raise
            _complain(str(error), "error")
            raise typer.Exit(1) from None


def _on_purpose(error: Exception) -> bool:
    """Whether the message alone tells the user what to do."""
    # What has not been imported has not been raised; and the guard must come before an import.
    engine = sys.modules.get("autograd_core.errors")
    ours = () if engine is None else (engine.AutogradError,)
    return isinstance(error, (ForeignPackageError, OSError, *ours))


def _complain(message: str, word: str) -> None:
    text = Text.assemble((f"{word}: ", "bold red"), message)
    Console(stderr=True, highlight=False).print(text, soft_wrap=True)


app = typer.Typer(
    name="gradproof",
    cls=_Commands,
    help="An autodiff engine whose every gradient can be run, drawn and proved.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # plain help: nothing but the options, and none of them in a box
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(asked: bool) -> None:
    if asked:
        try:
            typer.echo(f"gradproof {importlib.metadata.version('gradproof')}")
        except importlib.metadata.PackageNotFoundError:
            typer.echo("gradproof, not installed (run from its folder)")
        raise typer.Exit


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Print the version.",
            is_eager=True,
            callback=_print_version,
        ),
    ] = False,
) -> None:
    """Take the options that stand before the command."""


def _add_commands() -> None:
    for found in pkgutil.iter_modules(commands.__path__):
        module = importlib.import_module(f"{commands.__name__}.{found.name}")
        words = inspect.getdoc(module)
        if hasattr(module, "app"):  # a command with commands of its own
            app.add_typer(module.app, name=found.name, help=words)
        else:
            app.command(found.name, help=words)(module.run)


_add_commands()


def main() -> None:
    """Run ``gradproof`` with the arguments of the process, and leave with its exit status.

    0 if all went well, 1 for an error, 2 for a wrong command line, 130 after Ctrl-C.
    """
    for stream in (sys.stdout, sys.stderr):
        # A terminal that has no ∂ shows a question mark instead of ending the program.
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
    app()
