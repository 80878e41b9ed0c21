"""Run a published experiment here, within a budget, and put its figures beside ours.

Each experiment is a command of this one, with options of its own. The budget is a time, or a share of the
source's updates. A record in JSON holds command, seeds, versions and every number; Ctrl-C keeps what was done.
"""

from __future__ import annotations

import importlib.util
import inspect
import time
import typing
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text
from typer.core import TyperGroup

from .. import guard

if TYPE_CHECKING:
    from ..reproducing import Order
    from ..reproduction import Experiment, Published, Reproduction, Results

__all__ = ["app"]

STYLES = {"holds": "green", "does not hold": "bold red"}
SHOWN_EVERY = 0.1  # seconds
INTERRUPTED = 130

Budget = Annotated[
    str | None,
    typer.Option(
        metavar="MINUTES|N%",
        help="Time ('10', '2h'), or share of the source's updates ('2%').",
        show_default=False,
    ),
]
Updates = Annotated[
    int | None,
    typer.Option(metavar="N", min=1, help="Instead: updates of each run.", show_default=False),
]
Seeds = Annotated[int, typer.Option(metavar="N", min=1, help="How many runs of each row.")]
FirstSeed = Annotated[int, typer.Option(metavar="S", min=0, help="Seed of the first of them.")]
Rows = Annotated[
    list[str] | None,
    typer.Option(
        "--row", metavar="ROW", help="Only this row; may be repeated.", show_default=False
    ),
]
Out = Annotated[Path, typer.Option(metavar="DIR", help="Folder for record and picture.")]
Data = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Folder with the files of MNIST.", show_default=False),
]
Images = Annotated[
    int | None,
    typer.Option(metavar="N", min=1, help="Only the first N to train on.", show_default=False),
]
COMMON = {
    "budget": (Budget, None),
    "updates": (Updates, None),
    "seeds": (Seeds, 1),
    "first_seed": (FirstSeed, 0),
    "rows": (Rows, None),
    "out": (Out, Path("reproduced")),
}
OF_DATA = {"data": (Data, None), "images": (Images, None)}


class _Experiments(TyperGroup):
    """The experiments, each imported when it is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Their names, by the files that are there."""
        guard.check()
        from ..reproducing import names

        return names()

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """One of them with its options, or None."""
        guard.check()
        from ..reproducing import named, names

        return _command(named(cmd_name)) if cmd_name in names() else None


app = typer.Typer(
    cls=_Experiments,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def _all(
    context: typer.Context,
    list_only: Annotated[
        bool, typer.Option("--list", help="Show the experiments; run none.")
    ] = False,
) -> None:
    """List them where none is named."""
    if context.invoked_subcommand is not None and not list_only:
        return
    guard.check()
    from ..reproducing import named, names

    console = Console(highlight=False)
    for name in names():
        entry = named(name)
        console.print(Text.assemble((name, "bold"), f"  {entry.title}"))
        for words in (entry.source, entry.claimed):
            console.print(Padding(Text(words), (0, 0, 0, 4)))
    console.print(f"{len(names())} experiments. To run one: gradproof reproduce NAME")
    raise typer.Exit


def _command(entry: Reproduction) -> Any:
    """A command whose options are those of the experiment, then those of all."""
    own = inspect.signature(entry.plan).parameters
    types = typing.get_type_hints(entry.plan, include_extras=True)
    common = {**(OF_DATA if entry.data else {}), **COMMON}
    keyword = inspect.Parameter.KEYWORD_ONLY

    def called(**options: Any) -> None:
        _run(entry, {name: options.pop(name) for name in own}, **options)

    parameters = [
        *(
            inspect.Parameter(name, keyword, default=p.default, annotation=types[name])
            for name, p in own.items()
        ),
        *(
            inspect.Parameter(name, keyword, default=default, annotation=kind)
            for name, (kind, default) in common.items()
        ),
    ]
    called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    called.__annotations__ = {p.name: p.annotation for p in parameters}
    # A page of its own: what is claimed where, then the options.
    words = "\n\n".join(
        [entry.title + ".", inspect.getdoc(entry.plan) or "", entry.source, entry.claimed]
    )
    single = typer.Typer(
        add_completion=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    single.command(entry.name, help=words)(called)
    return typer.main.get_command(single)


def _run(
    entry: Reproduction,
    own: dict[str, Any],
    *,
    budget: str | None,
    updates: int | None,
    seeds: int,
    first_seed: int,
    rows: list[str] | None,
    out: Path,
    data: Path | None = None,
    images: int | None = None,
) -> None:
    """Carry it out, say what came out; leave with 1 if a statement does not hold."""
    from autograd_core.errors import ConfigError, MissingDependencyError

    from .. import output
    from ..reproducing import Order, carried_out, judged
    from ..work import mnist

    if budget is not None and updates is not None:
        raise ConfigError(
            "reproduce", "--budget and --updates are one choice. Expected one of them."
        )
    experiment = entry.plan(**own)
    order = Order(
        entry.name,
        own,
        entry.budget if budget is None else budget,
        updates,
        range(first_seed, first_seed + seeds),
        tuple(rows or ()),
        data,
        images,
    )
    # Before any work: the data, the folder, and what draws.
    if entry.data:
        mnist(data, images)
    folder = output.prepare(out)
    if experiment.picture is not None and importlib.util.find_spec("matplotlib") is None:
        raise MissingDependencyError(
            f"reproduce {entry.name}",
            "not installed: matplotlib, which draws the picture. Expected the extra that brings it. "
            'Run: pip install "gradproof[plots]".',
        )
    record = folder / f"{experiment.label}.json"
    console = Console(highlight=False)
    console.print(Text(f"{entry.title}. {entry.source}.", "dim"), soft_wrap=True)
    with _bar(console) as progress:
        results, ended = carried_out(experiment, order, record, progress)
    outcomes = judged(experiment, results, images)
    console.print(_table(experiment, results, order))
    for words, outcome in outcomes:
        style = STYLES.get(outcome.partition(" (")[0], "dim") if "(" not in outcome else "dim"
        console.print(Text.assemble((outcome, style), f": {words}"), soft_wrap=True)
    console.print(Text(order.command(results.updates), "dim"), soft_wrap=True)
    console.print(Text.assemble("The record: ", (str(out / record.name), "bold")), soft_wrap=True)
    drawn = results.complete()
    if experiment.picture is not None and drawn.runs:
        picture = record.with_suffix(".svg")
        experiment.picture(drawn).save(picture)
        shown = Text.assemble("The picture: ", (str(out / picture.name), "bold"))
        console.print(shown, soft_wrap=True)
    if ended != "done":
        done, planned = len(results.runs), len(results.rows) * len(order.seeds)
        raise KeyboardInterrupt(
            f"interrupted; {done} of {planned} runs were complete and are kept."
        )
    if any(outcome == "does not hold" for _, outcome in outcomes):
        raise typer.Exit(1)


@contextmanager
def _bar(console: Console) -> Iterator[Any]:
    """A bar for the run that is going on, gone at the end."""
    with Progress(
        TextColumn("{task.description:<32.32}"),
        BarColumn(),
        TextColumn("{task.completed:,}/{task.total:,} updates"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    ) as progress:
        task = progress.add_task("", total=1)
        shown = 0.0

        def told(what: str, made: int, updates: int) -> None:
            nonlocal shown
            now = time.perf_counter()
            if made == 0:
                progress.reset(task, description=what, total=updates)
            elif now - shown < SHOWN_EVERY:
                return
            progress.update(task, completed=made)
            shown = now

        yield told


def _table(experiment: Experiment, results: Results, order: Order) -> Table:
    """The source's figures beside ours."""
    from ..reproduction import interval

    share = 100 * results.updates / experiment.updates
    images = "" if order.images is None else f", the first {order.images:,} images"
    noun = "seed" if len(order.seeds) == 1 else "seeds"
    table = Table(
        caption=f"{results.updates:,} updates, {share:.3g} % of the source's{images}; "
        f"{len(order.seeds)} {noun}; ± is half of a 95 % interval",
        caption_justify="left",
    )
    for heading in ("row", "quantity"):
        table.add_column(heading)
    for heading in ("source", "ours", "seconds"):
        table.add_column(heading, justify="right")
    for row in results.rows:
        runs = [ran for ran in results.runs if ran.row == row]
        lost = sum(bool(ran.measured.ended) for ran in runs)
        if lost == len(runs):
            table.add_row(row, "", "", "diverged" if runs else "not run", "")
            continue
        for n, quantity in enumerate(results.quantities(row)):
            mean, half = interval(results.values(row, quantity))
            ours = f"{mean:.4g}" + (f" ± {half:.2g}" if half < float("inf") else "")
            ours += f" ({lost} of {len(runs)} diverged)" if lost else ""
            seconds = f"{sum(ran.seconds for ran in runs) / len(runs):.0f}"
            table.add_row(
                "" if n else row,
                quantity,
                _said(experiment.published, row, quantity),
                ours,
                "" if n else seconds,
            )
    return table


def _said(published: typing.Sequence[Published], row: str, quantity: str) -> str:
    for figure in published:
        if (figure.row, figure.quantity) == (row, quantity):
            spread = "" if figure.spread is None else f" ± {figure.spread:g}"
            return f"{figure.value:g}{spread} ({figure.standing})"
    return "–"
