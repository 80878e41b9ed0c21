"""What a published experiment is: its rows, how one is run, what the paper says, what must come out.

Each stands in a file of its own in `gradproof.reproductions` and is found by its being there. The file has one
function under `reproduction`, whose keyword parameters are the options of the experiment itself; it gives an
`Experiment`. How one is carried out (budget, seeds, record) is `reproducing`'s business, and the same for all.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from autograd_core.errors import ConfigError

if TYPE_CHECKING:
    from viz import Chart

    from .reproducing import Results, Work

__all__ = [
    "Experiment",
    "Measured",
    "Published",
    "Reproduction",
    "Statement",
    "named",
    "names",
    "reproduction",
]

F = TypeVar("F", bound=Callable[..., "Experiment"])
Numbers = Sequence[float]


@dataclass(frozen=True)
class Published:
    """A figure of the source.

    Attributes
    ----------
    row : str
        Of the experiment's rows.
    value : float
    quantity : str
        Of what `Measured.values` holds.
    standing : {"confirmed", "recalled"}
        Whether it was seen in at least one public text beside the source, or is from memory.
    spread : float, optional
        What the source gives behind its ±.
    """

    row: str
    value: float
    quantity: str
    standing: Literal["confirmed", "recalled"]
    spread: float | None = None


@dataclass(frozen=True)
class Measured:
    """What one run of one row gave.

    Attributes
    ----------
    values : mapping of str to float
        Numbers by quantity: {"test error %": 1.62}. Of each quantity the table has a line for the row.
    curves : mapping of str to (sequence of float, sequence of float)
        Abscissae and ordinates by name, for the picture and the record.
    """

    values: Mapping[str, float]
    curves: Mapping[str, tuple[Numbers, Numbers]] = field(default_factory=dict)


@dataclass(frozen=True)
class Statement:
    """What the numbers must show, from a number of updates on.

    Attributes
    ----------
    words : str
        One sentence.
    holds : callable
        ``holds(results)``; a row that was not run makes it "not measured".
    least : int
        The smallest number of updates at which it is asserted. Below, it is reported and asserts nothing.
    """

    words: str
    holds: Callable[[Results], bool]
    least: int


@dataclass(frozen=True)
class Experiment:
    """One table or figure of a source, ready to be run.

    Attributes
    ----------
    label : str
        For files and headings: "srivastava-table-9".
    rows : sequence of str
        What is compared, in the order of the table.
    run : callable
        ``run(row, seed, work)`` trains for ``work.updates`` updates, calls ``work.step()`` after each (or hands
        ``work.callback`` to `optim.fit`), and gives `Measured`. Equal arguments, equal numbers.
    updates : int
        How many the source makes, or, where it does not say, how many are enough: a share of it is a budget.
    published : sequence of Published
    statements : sequence of Statement
    picture : callable, optional
        ``picture(results)``: a chart of what there is, called with at least one run.
    """

    label: str
    rows: Sequence[str]
    run: Callable[[str, int, Work], Measured]
    updates: int
    published: Sequence[Published] = ()
    statements: Sequence[Statement] = ()
    picture: Callable[[Results], Chart] | None = None


@dataclass(frozen=True)
class Reproduction:
    """A source whose experiments can be run here.

    Attributes
    ----------
    name : str
        For the command line: that of its file.
    title, source, claimed : str
        What it is about; paper and section; what is claimed there, in a sentence or two.
    plan : callable
        Takes the options of the experiment, keywords all, and gives an `Experiment`.
    data : {"mnist", None}
        Which files it needs.
    budget : str
        Taken where none is given.
    examples : tuple of dict
        Options of small variants, which together reach every option: what a test runs.
    """

    name: str
    title: str
    source: str
    claimed: str
    plan: Callable[..., Experiment]
    data: Literal["mnist"] | None
    budget: str
    examples: tuple[dict[str, Any], ...]


_FOUND: dict[str, Reproduction] = {}


def reproduction(
    *,
    title: str,
    source: str,
    claimed: str,
    data: Literal["mnist"] | None = None,
    budget: str = "10",
    examples: Sequence[Mapping[str, Any]] = ({},),
) -> Callable[[F], F]:
    """Register the function that plans an experiment, under the name of its file.

    The attributes are those of `Reproduction`. The function's keyword parameters become options of
    ``gradproof reproduce NAME``, as annotated for typer; its docstring is the help.
    """

    def registered(plan: F) -> F:
        name = _word(plan.__module__.rpartition(".")[2])
        examples_ = tuple(dict(example) for example in examples)
        _FOUND[name] = Reproduction(name, title, source, claimed, plan, data, budget, examples_)
        return plan

    return registered


def names() -> list[str]:
    """Names of all reproductions; none is imported."""
    from . import reproductions

    return sorted(_word(found.name) for found in pkgutil.iter_modules(reproductions.__path__))


def named(name: str) -> Reproduction:
    """The reproduction of a name.

    Raises
    ------
    ConfigError
        If there is none, or its file registers none.
    """
    if name not in names():
        raise ConfigError(
            "reproduce",
            f"there is no experiment {name!r}. Expected one of {', '.join(names())}.",
        )
    module = importlib.import_module(f"{__package__}.reproductions.{name.replace('-', '_')}")
    if name not in _FOUND:
        raise ConfigError(
            "reproduce",
            f"{module.__name__} registers no experiment. Expected a function under @reproduction.",
        )
    return _FOUND[name]


def _word(module: str) -> str:
    return module.replace("_", "-")
