"""The demo's page: one HTML file that asks nothing of the network and runs nothing.

Pictures are inside it, formulas are MathML, and its own policy forbids every request and script.
Equal contents give equal bytes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import optim
from autograd_core.aliases import Array
from autograd_core.symbolic import PROVED

from ..proofs import Claim
from . import rendering

__all__ = ["Mistake", "Report", "Score", "render"]

SECTIONS = (
    ("learned", "How it learned"),
    ("misread", "What it misread"),
    ("graph", "What is computed"),
    ("dropout", "What dropout does"),
    ("proofs", "What is proved"),
    ("program", "What runs is what is proved"),
    ("making", "How this page was made"),
)


@dataclass(frozen=True)
class Score:
    """How the network does on one part of the data.

    Attributes
    ----------
    part : str
        "training", "validation" or "test".
    images, wrong : int
        How many there are, and how many are misread.
    loss : float
        Mean cross-entropy, in nats.
    """

    part: str
    images: int
    wrong: int
    loss: float

    @property
    def error(self) -> float:
        """Share of images that are misread, in [0, 1]; nan without images."""
        return self.wrong / self.images if self.images else math.nan


@dataclass(frozen=True)
class Mistake:
    """A misread image.

    Attributes
    ----------
    image : ndarray, shape (rows, columns)
        Ink in [0, 1].
    true, said : int
        The digit that it is, and the one that the network took it for.
    chance, chance_of_true : float
        Probability that the network gave to what it said, and to the truth.
    """

    image: Array
    true: int
    said: int
    chance: float
    chance_of_true: float


@dataclass(frozen=True)
class Report:
    """Everything that the page says; plain text, numbers and SVG documents of our own making.

    Attributes
    ----------
    title, data, source : str
        Heading; the data set; where it comes from.
    scores : sequence of Score
        Training, validation, test.
    history : optim.History
    parameters : int
        Trained numbers.
    model : str
        The network, as it prints itself.
    settings : mapping of str to str
        How it was trained.
    mistakes : sequence of Mistake
    claims : sequence of Claim
    program : str
        A printed program.
    command : str
        What was typed.
    seed : int
    versions : mapping of str to str
    graph, mirror, mask, masks, curves : str
        Drawings and charts of viz, as SVG.
    """

    title: str
    data: str
    source: str
    scores: Sequence[Score]
    history: optim.History
    parameters: int
    model: str
    settings: Mapping[str, str]
    mistakes: Sequence[Mistake]
    claims: Sequence[Claim]
    program: str
    command: str
    seed: int
    versions: Mapping[str, str]
    graph: str
    mirror: str
    mask: str
    masks: str
    curves: str


def render(report: Report) -> str:
    """The page as HTML.

    Parameters
    ----------
    report : Report

    Returns
    -------
    str
        UTF-8 text; whatever came from data is escaped.
    """
    proved = sum(claim.verdict.status == PROVED for claim in report.claims)
    return rendering.render(
        "report.html", title=report.title, links=SECTIONS, report=report, proved=proved
    )
