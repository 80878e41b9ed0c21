"""Variance and depth: what networks of 660 hidden units make of a region of the plane, from samples of their own."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

import autograd_core as ag
import nn
import optim
from autograd_core.aliases import Array
from autograd_core.modes import mode

from ..reproduction import Experiment, Measured, Results, Statement, reproduction
from ..work import Work

if TYPE_CHECKING:
    from viz import Chart

UNITS = 660  # hidden ones, in all, at every depth
DEPTHS = (3, 4, 6, 11)
COUNTS = (1_000, 10_000)
ROWS = {f"{depth} layers, {count:,} points": (depth, count) for count in COUNTS for depth in DEPTHS}
NETWORKS = 4  # of each row, trained side by side, each from weights and points of its own
UPDATES = 6_000
LEAST = 4_000
BATCH = 32
CELLS = 41  # of the grid, each way
VARIANCE, WRONG, TRAINING = "variance over runs", "wrong %", "wrong on its own points %"
OUTPUT = "output {}"


PENTAGONS = (((-0.42, 0.1), 0.36, 0.3), ((0.45, -0.12), 0.34, 1.1))  # centre, inner radius, turn


def margin(x: Array) -> Array:
    """How far inside of the region to be learned, two pentagons, points lie; below 0 outside. Shape (n,)."""
    found = []
    for centre, radius, turn in PENTAGONS:
        angles = turn + 2 * np.pi * np.arange(5) / 5
        normals = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        found.append((radius - (x - centre) @ normals.T).min(axis=1))
    return np.max(found, axis=0)


class Several(nn.Module):
    """Networks side by side, each of inputs of its own: ``x[:, n]`` goes into the n-th."""

    def __init__(self, networks: list[nn.Module]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, x: Any) -> ag.Tensor:
        """(B, networks, 2) to (B, networks): a score each."""
        return ag.concatenate([net(x[:, n]) for n, net in enumerate(self.networks)], axis=1)


def network(depth: int, rng: np.random.Generator) -> nn.Module:
    """``depth`` hidden layers of tanh units, of equal widths that add up to 660, and a score."""
    width = UNITS // depth
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise((2, *[width] * depth)):
        layers += [nn.Linear(before, after, rng=rng), nn.Tanh()]
    return nn.Sequential(*layers, nn.Linear(width, 1, rng=rng))


def run(row: str, seed: int, work: Work) -> Measured:
    """Four networks of one depth, and the variance of what they say over a grid."""
    depth, count = ROWS[row]
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (count, NETWORKS, 2))
    labels = (margin(x.reshape(-1, 2)) > 0).reshape(count, NETWORKS)
    model = Several([network(depth, rng) for _ in range(NETWORKS)])
    work.fit(
        model, nn.BCEWithLogitsLoss(), optim.Adam(model.parameters(), lr=1e-3),
        (x.astype(np.float32), labels.astype(np.float32)), batch_size=BATCH, rng=rng,
    )  # fmt: skip
    line = np.linspace(-1, 1, CELLS)
    grid = np.stack([axis.ravel() for axis in np.meshgrid(line, line)], axis=1)
    same = np.repeat(grid[:, None], NETWORKS, axis=1).astype(np.float32)
    with mode(model, training=False), ag.no_grad():
        found = ag.sigmoid(model(same)).numpy().astype(np.float64)
        seen = model(x.astype(np.float32)).numpy() > 0
    truth = margin(grid) > 0
    values = {
        VARIANCE: float(found.var(axis=1, ddof=1).mean()),
        WRONG: 100 * float(((found > 0.5) != truth[:, None]).mean()),
        TRAINING: 100 * float((seen != labels).mean()),
    }
    cells = list(range(len(grid)))
    curves = {OUTPUT.format(n): (cells, found[:, n].tolist()) for n in range(NETWORKS)}
    return Measured(values, curves)


def _picture(results: Results) -> Chart:
    """For each row where each of its networks puts the boundary, over the true one, which is dark."""
    from viz import Chart
    from viz.drawing.marks import Contours, Grid
    from viz.drawing.plan import Axis, Panel
    from viz.drawing.style import CYCLE, INK

    line, fine = np.linspace(-1, 1, CELLS), np.linspace(-1, 1, 201)
    square = np.stack([axis.ravel() for axis in np.meshgrid(fine, fine)], axis=1)
    truth = margin(square).reshape(len(fine), len(fine))
    half = (line[1] - line[0]) / 2
    edges = (-1 - half, 1 + half)
    panels = []
    for row in results.rows:
        ran = next((r for r in results.runs if r.row == row), None)
        if ran is None:
            continue
        found = [
            np.array(ran.measured.curves[OUTPUT.format(n)][1]).reshape(CELLS, CELLS)
            for n in range(NETWORKS)
        ]
        # Light where all say the same, so that what is drawn over it is seen.
        marks: list[Any] = [Grid(-np.var(found, axis=0, ddof=1), edges, edges, -0.25, 0)]
        marks += [
            Contours(line, line, z, np.array([0.5]), colour=CYCLE[1], width=0.9)
            for z in found
            if z.min() < 0.5 < z.max()
        ]
        marks.append(Contours(fine, fine, truth, np.array([0.0]), colour=INK, width=1.8))
        title = f"{row}\nvariance {results.mean(row, VARIANCE):.4f}"
        panels.append(Panel(tuple(marks), Axis(ticks=()), Axis(ticks=()), title, square=True))
    columns = min(len(DEPTHS), len(panels))
    rows = -(-len(panels) // columns)
    return Chart(
        "depth-variance", "Variance and depth", tuple(panels), columns=columns,
        size=(2.3 * columns + 0.6, 2.6 * rows + 0.4),
        caption=f"{UNITS} hidden units in all. The true boundary is dark; {NETWORKS} networks, each from points and weights of its own, "
        "are coloured; where the ground is darker they differ.",
    )  # fmt: skip


def _falls_with_data(results: Results) -> bool:
    less, more = (
        np.mean([results.mean(f"{d} layers, {n:,} points", VARIANCE) for d in DEPTHS])
        for n in COUNTS
    )
    return bool(more < less)


@reproduction(
    title="Variance and depth",
    source="The lecture, both slides “Variance and Depth” (50) and “10000 training instances” (51), 2020; on two pentagons of our own",
    claimed="Anecdotal: variance decreases with depth, and with data; 660 hidden neurons at every depth, heavily overdesigned even for shallow nets.",
    budget="100%",
)
def depth_variance() -> Experiment:
    """660 hidden units in 3, 4, 6 and 11 layers, on 1,000 and 10,000 points: the variance over runs."""
    # Of depth nothing is asserted: seeds differ by more than depths do.
    statements = [
        Statement(
            "On the average over the depths, the variance over runs falls with data.",
            _falls_with_data,
            LEAST,
        )
    ]
    return Experiment(
        "depth-variance",
        tuple(ROWS),
        run,
        UPDATES,
        statements=statements,
        batch=BATCH,
        picture=_picture,
    )
