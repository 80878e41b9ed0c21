"""The playground of the slide: a small network on points of the plane, each of its knobs turned by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

import autograd_core as ag
import nn
import optim
from autograd_core.aliases import Array
from autograd_core.modes import mode
from autograd_core.options import Choice
from nn.data import DataSet, Split

from ..reproduction import Experiment, Measured, Results, Statement, reproduction
from ..work import Work

if TYPE_CHECKING:
    from viz import Chart

UPDATES = 5_000  # two hundred epochs of 250 points in batches of 10
LEAST = 2_500
CELLS = 29  # of the picture, each way
EDGE = 6.0
TRAINING, TEST = "training error %", "test error %"
LOSS = "test loss"
OUTPUT = "output"
START = "as it starts"

SETS: Mapping[str, Callable[..., DataSet]] = {
    "circle": nn.data.circle,
    "xor": nn.data.xor,
    "gaussians": nn.data.two_gaussians,
    "spiral": nn.data.spiral,
    "plane": nn.data.plane,
    "multi-gaussian": nn.data.multi_gaussian,
}
ACTIVATIONS: Mapping[str, Callable[[], nn.Module]] = {
    "tanh": nn.Tanh,
    "ReLU": nn.ReLU,
    "sigmoid": nn.Sigmoid,
    "linear": nn.Identity,
}
SQUARES = ("x1", "x2", "x1^2", "x2^2")


@dataclass(frozen=True)
class Knobs:
    """Where the knobs of the page stand; the defaults are where they stand when it is opened.

    Attributes
    ----------
    features : tuple of str
        Of `nn.data.PlaneFeatures`.
    hidden : tuple of int
        Units of each hidden layer.
    activation : str
    lr : float
    penalty : str
        "", "L1" or "L2".
    rate : float
        λ.
    noise : float
        The slider over 100.
    batch : int
    """

    features: tuple[str, ...] = ("x1", "x2")
    hidden: tuple[int, ...] = (4, 2)
    activation: str = "tanh"
    lr: float = 0.03
    penalty: str = ""
    rate: float = 0.0
    noise: float = 0.0
    batch: int = 10


_BASE = Knobs()
ROWS: Mapping[str, Knobs] = {
    START: _BASE,
    "features: with squares": replace(_BASE, features=SQUARES),
    "features: all seven": replace(_BASE, features=nn.data.PlaneFeatures().names),
    "layers: none": replace(_BASE, hidden=()),
    "layers: none, with squares": replace(_BASE, hidden=(), features=SQUARES),
    "layers: none, with x1x2": replace(_BASE, hidden=(), features=("x1", "x2", "x1x2")),
    "layers: 4": replace(_BASE, hidden=(4,)),
    "layers: 4-4-4": replace(_BASE, hidden=(4, 4, 4)),
    "units: 1": replace(_BASE, hidden=(1,)),
    "units: 2": replace(_BASE, hidden=(2,)),
    "units: 8-8": replace(_BASE, hidden=(8, 8)),
    "activation: ReLU": replace(_BASE, activation="ReLU"),
    "activation: sigmoid": replace(_BASE, activation="sigmoid"),
    "activation: linear": replace(_BASE, activation="linear"),
    "rate: 0.001": replace(_BASE, lr=0.001),
    "rate: 0.3": replace(_BASE, lr=0.3),
    "rate: 10": replace(_BASE, lr=10.0),
    "penalty: L1, 0.003": replace(_BASE, penalty="L1", rate=0.003),
    "penalty: L2, 0.003": replace(_BASE, penalty="L2", rate=0.003),
    "penalty: L2, 0.3": replace(_BASE, penalty="L2", rate=0.3),
    "noise: 0.25": replace(_BASE, noise=0.25),
    "noise: 0.5": replace(_BASE, noise=0.5),
    "batch: 1": replace(_BASE, batch=1),
    "batch: 30": replace(_BASE, batch=30),
}


def network(knobs: Knobs, classed: bool, rng: np.random.Generator) -> nn.Sequential:
    """Features, hidden layers, and one output, which is a tanh for classes; weights U(−0.5, 0.5), biases 0.1."""
    features = nn.data.PlaneFeatures(*knobs.features)
    layers: list[nn.Module] = [features]
    width = features.width
    for units in (*knobs.hidden, 1):
        linear = nn.Linear(
            width, units, weight_init=_uniform, bias_init=nn.initializers.constant(0.1), rng=rng
        )
        last = len(layers) > 2 * len(knobs.hidden)
        layers += [
            linear,
            (nn.Tanh if classed else nn.Identity)() if last else ACTIVATIONS[knobs.activation](),
        ]
        width = units
    return nn.Sequential(*layers)


def _uniform(shape: Any, *, rng: Any = None, dtype: Any = np.float32) -> Array:
    return np.asarray(rng.uniform(-0.5, 0.5, shape), dtype)


def half_squares(output: Any, targets: Any) -> ag.Tensor:
    """The page's error: the mean of (y − d)²/2."""
    return ag.mean(ag.square(output - targets)) * 0.5


def penalty_of(knobs: Knobs) -> Any:
    """The penalty, for `optim.fit`; the page's L2 is ½ λ w², as on the slides."""
    return {"": None, "L1": nn.L1, "L2": nn.L2}[knobs.penalty] and getattr(nn, knobs.penalty)(
        knobs.rate
    )


def outputs(model: Any, x: Array) -> Array:
    """What the network says at these points."""
    with mode(model, training=False), ag.no_grad():
        return np.array(model(x).numpy())[:, 0]


def _error(model: Any, part: Split, classed: bool) -> float:
    """Share of points on the wrong side; for regression, of those off by more than a tenth of the range."""
    y, d = outputs(model, part.inputs), part.targets[:, 0]
    return 100 * float(np.mean((y > 0) != (d > 0)) if classed else np.mean(np.abs(y - d) > 0.2))


def trained(make: Callable[..., DataSet], knobs: Knobs, seed: int, work: Work) -> Measured:
    """Train at one position of the knobs; half of the points are held out."""
    rng = np.random.default_rng(seed)
    whole = make(noise=knobs.noise, rng=rng)
    classed = bool(whole.classes)
    targets = nn.data.plus_minus(whole.targets) if classed else whole.targets
    train, test = nn.data.random_split((whole.inputs, targets), 0.5, rng=rng)
    model = network(knobs, classed, rng)
    penalty = penalty_of(knobs)
    work.fit(
        model,
        half_squares,
        optim.SGD(model.parameters(), lr=knobs.lr),
        train,
        batch_size=knobs.batch,
        rng=rng,
        **({} if penalty is None else {"regularizer": penalty}),
    )
    line = np.linspace(-EDGE, EDGE, CELLS)
    grid = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2).astype(np.float32)
    values = {
        TRAINING: _error(model, train, classed),
        TEST: _error(model, test, classed),
        LOSS: float(half_squares(model(test.inputs), test.targets).detach()),
    }
    cells = outputs(model, grid).astype(float).tolist()
    curves = {OUTPUT: (list(range(len(cells))), cells)}
    for name, points in _clouds(test).items():
        curves[name] = (points[:, 0].astype(float).tolist(), points[:, 1].astype(float).tolist())
    return Measured(values, curves)


def _clouds(test: Split) -> dict[str, Array]:
    """The held-out points, by the sign of their target."""
    up = test.targets[:, 0] > 0
    return {"positive": test.inputs[up], "negative": test.inputs[~up]}


def _picture(results: Results) -> Chart:
    """A panel for each position of the knobs: the output over the plane, and the held-out points."""
    from viz import Chart
    from viz.drawing.marks import Contours, Grid, Points
    from viz.drawing.plan import Axis, Panel
    from viz.drawing.style import INK

    panels = []
    line = np.linspace(-EDGE, EDGE, CELLS)
    for row in results.rows:
        ran = next((run for run in results.runs if run.row == row), None)
        if ran is None:
            continue
        curves = {name: tuple(map(np.array, curve)) for name, curve in ran.measured.curves.items()}
        output = curves[OUTPUT][1].reshape(CELLS, CELLS)
        half = (line[1] - line[0]) / 2
        edges = (-EDGE - half, EDGE + half)
        marks: list[Any] = [Grid(output, edges, edges, -1, 1)]
        if output.min() < 0 < output.max():
            marks.append(Contours(line, line, output, np.array([0.0]), colour=INK, width=1.2))
        for name, colour in (("positive", INK), ("negative", "#ffffff")):
            x, y = curves[name]
            marks.append(Points(x, y, f"_{name}", colour=colour, size=1.8))
        error = results.mean(row, TEST)
        panels.append(
            Panel(
                tuple(marks),
                Axis(ticks=()),
                Axis(ticks=()),
                f"{row}\n{error:.3g} % wrong",
                square=True,
            )
        )
    columns = min(6, len(panels))
    rows = -(-len(panels) // columns)
    return Chart(
        "playground", "The playground: one knob turned at a time", tuple(panels),
        columns=columns, size=(2.1 * columns + 0.6, 2.35 * rows + 0.4),
        caption="Output from −1, dark, to 1, light; the line is where it is 0. Held-out points: dark ones are positive, white ones negative.",
    )  # fmt: skip


def _statements(data_set: str) -> list[Statement]:
    def below(row: str, limit: float) -> Callable[[Results], bool]:
        return lambda results: results.mean(row, TEST) < limit

    def above(row: str, limit: float) -> Callable[[Results], bool]:
        return lambda results: results.mean(row, TEST) > limit

    def worse(row: str, than: str, quantity: str = TEST) -> Callable[[Results], bool]:
        return lambda results: results.mean(row, quantity) > results.mean(than, quantity)

    always = [
        (
            "A rate of 0.001 is behind one of 0.03 after as many updates.",
            worse("rate: 0.001", START, LOSS),
        ),
        ("A strong penalty costs more than it helps.", worse("penalty: L2, 0.3", START, LOSS)),
    ]
    own = {
        "circle": [
            ("Without hidden layers a line is all that x1 and x2 give.", above("layers: none", 25)),
            ("With squares as features no hidden layer is needed.", below("layers: none, with squares", 5)),
            ("Hidden layers of linear units do not help.", above("activation: linear", 25)),
            ("Two hidden layers solve it.", below(START, 5)),
            ("One hidden unit does not.", above("units: 1", 10)),
            ("Noise on the labels stays as error.", worse("noise: 0.5", START)),
        ],
        "xor": [
            ("Without hidden layers a line is all that x1 and x2 give.", above("layers: none", 25)),
            ("With the product as a feature no hidden layer is needed.", below("layers: none, with x1x2", 5)),
            ("Hidden layers of linear units do not help.", above("activation: linear", 25)),
            ("Noise on the labels stays as error.", worse("noise: 0.5", START)),
        ],
        "gaussians": [("A line is enough.", below("layers: none", 3))],
        "spiral": [("A line is not enough, nor are squares.", above("layers: none, with squares", 25))],
        "plane": [("A line is enough.", below("layers: none", 5))],
        "multi-gaussian": [("A plane is not enough.", above("layers: none", 5))],
    }[data_set]  # fmt: skip
    return [Statement(words, holds, LEAST) for words, holds in [*own, *always]]


@reproduction(
    title="TensorFlow's playground, each knob turned by itself",
    source="The lecture, slide “Experiment” (48); playground.tensorflow.org, 2016: data, network, first weights and "
    "rule from its source",
    claimed="Observe the effect of varying hyper-parameters: hidden layers, hidden nodes, regularization type and "
    "amount, activation function, learning rate, feature transformation.",
    budget="100%",
    examples=[{"on": name} for name in SETS],
)
def playground(
    *,
    on: Annotated[str, typer.Option(metavar="SET", help=f"One of {', '.join(SETS)}.")] = "circle",
) -> Experiment:
    """The network that the page opens with, and each of its knobs at other positions."""
    name = Choice(tuple(SETS)).check("reproduce playground: on", on)

    def run(row: str, seed: int, work: Work) -> Measured:
        return trained(SETS[name], ROWS[row], seed, work)

    return Experiment(
        f"playground-{name}",
        tuple(ROWS),
        run,
        UPDATES,
        statements=_statements(name),
        picture=_picture,
    )
