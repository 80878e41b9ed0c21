"""What a published experiment is: its rows, how one is run, what the paper says, what must come out.

Each stands in a file of its own in `gradproof.reproductions` and is found by its being there. The file has one
function under `reproduction`, whose keyword parameters are the options of the experiment itself; it gives an
`Experiment`. How one is carried out (budget, seeds, record) is said in `reproducing`, once for all.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from .work import Work

if TYPE_CHECKING:
    from viz import Chart

__all__ = [
    "REGISTERED",
    "Experiment",
    "Measured",
    "Published",
    "Ran",
    "Reproduction",
    "Results",
    "Statement",
    "interval",
    "reproduction",
]

F = TypeVar("F", bound=Callable[..., "Experiment"])
Numbers = Sequence[float]
MNIST_IMAGES = 60_000

# 97.5 % points of Student's distribution with 1, 2, … 30 degrees of freedom; beyond, the normal one's.
_STUDENT = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
    2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip


# --- what is declared --------------------------------------------------------------------------------


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
    ended : str
        Why there are no numbers, where it diverged: the frame writes it.
    clocked : Measured, optional
        What a clock gave: shown and recorded with the rest, but other numbers every time, so that it has no part in
        whether two runs are equal.
    """

    values: Mapping[str, float]
    curves: Mapping[str, tuple[Numbers, Numbers]] = field(default_factory=dict)
    ended: str = ""
    clocked: Measured | None = field(default=None, compare=False)

    @property
    def all_values(self) -> Mapping[str, float]:
        """With those of the clock."""
        return self.values if self.clocked is None else {**self.values, **self.clocked.values}

    @property
    def all_curves(self) -> Mapping[str, tuple[Numbers, Numbers]]:
        """With those of the clock."""
        return self.curves if self.clocked is None else {**self.curves, **self.clocked.curves}


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
    passes : float
        Or of passes through the training examples, for what depends on how many of these there are; both.
    """

    words: str
    holds: Callable[[Results], bool]
    least: int = 1
    passes: float = 0.0

    def updates(self, experiment: Experiment, images: int | None = None) -> int:
        """The smallest number of updates, with so many training examples, or MNIST's 60,000."""
        examples = MNIST_IMAGES if images is None else images
        return max(self.least, math.ceil(self.passes * examples / experiment.batch))


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
    batch : int
        Examples an update: what a pass is counted by.
    picture : callable, optional
        ``picture(results)``: a chart of what there is, called with at least one run, and none that diverged.
    """

    label: str
    rows: Sequence[str]
    run: Callable[[str, int, Work], Measured]
    updates: int
    published: Sequence[Published] = ()
    statements: Sequence[Statement] = ()
    batch: int = 1
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


REGISTERED: dict[str, Reproduction] = {}


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
        name = plan.__module__.rpartition(".")[2].replace("_", "-")
        examples_ = tuple(dict(example) for example in examples)
        REGISTERED[name] = Reproduction(name, title, source, claimed, plan, data, budget, examples_)
        return plan

    return registered


# --- what comes out ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ran:
    """One run: a row, a seed, what came out, and how long it took."""

    row: str
    seed: int
    measured: Measured
    seconds: float


class Results:
    """The runs so far.

    Parameters
    ----------
    rows : sequence of str
        Those that there are to be.
    updates : int
        That each run makes.
    """

    def __init__(self, rows: Sequence[str], updates: int) -> None:
        self.rows = tuple(rows)
        self.updates = updates
        self.runs: list[Ran] = []

    def add(self, row: str, seed: int, measured: Measured, seconds: float) -> None:
        """Keep what a run gave."""
        self.runs.append(Ran(row, seed, measured, seconds))

    def __getitem__(self, row: str) -> list[Measured]:
        """What the runs of a row gave, by seed; those that diverged left out.

        Raises
        ------
        KeyError
            If there is none.
        """
        found = [ran.measured for ran in self.runs if ran.row == row and not ran.measured.ended]
        if not found:
            raise KeyError(row)
        return found

    def complete(self) -> Results:
        """Those that did not diverge."""
        found = Results(self.rows, self.updates)
        found.runs = [ran for ran in self.runs if not ran.measured.ended]
        return found

    def values(self, row: str, quantity: str) -> list[float]:
        """A quantity of a row, by seed."""
        return [measured.all_values[quantity] for measured in self[row]]

    def mean(self, row: str, quantity: str) -> float:
        """Its mean over seeds."""
        return statistics.fmean(self.values(row, quantity))

    def difference(self, row: str, other: str, quantity: str) -> tuple[float, float]:
        """Row less other, of the seeds that both have: the mean, and half of its 95 % interval."""
        ours, theirs = (
            {
                ran.seed: ran.measured.all_values[quantity]
                for ran in self.runs
                if ran.row == name and not ran.measured.ended
            }
            for name in (row, other)
        )
        both = [ours[seed] - theirs[seed] for seed in ours if seed in theirs]
        if not both:
            raise KeyError(row)
        return interval(both)

    def quantities(self, row: str) -> list[str]:
        """What was measured of a row, in its order."""
        return list(self[row][0].all_values)


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Mean, and half of the 95 % interval of the mean by Student's distribution; infinite for one value."""
    mean = statistics.fmean(values)
    if len(values) < 2:
        return mean, math.inf
    freedom = len(values) - 1
    factor = _STUDENT[freedom - 1] if freedom <= len(_STUDENT) else 1.96
    return mean, factor * statistics.stdev(values) / math.sqrt(len(values))
