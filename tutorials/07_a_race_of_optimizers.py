# %% [markdown]
# # A race of optimizers, and why it ends as it does
#
# Aim: to see the three things that decide how fast descent gets down (the step size, the condition
# number, the noise), what momentum and the adaptive methods do about each, and to check every rule of
# thumb against a run. Slides: "With non-optimal step size" to "Decaying learning rate", "Momentum
# Update", "When does SGD work", "More recent methods". Running time: about 15 seconds.

# %%
import tempfile
from pathlib import Path

import numpy as np

import nn
import optim
import viz
from analysis import (
    Quadratic,
    bowl,
    descend,
    lr_range_test,
    noise_floor,
    noisy_descent,
    race,
    step_sizes,
    surface,
)
from optim.derivations.step_sizes import robbins_monro
from viz.drawing.marks import Contours, Line, Points
from viz.drawing.plan import Axis, Panel
from viz.drawing.style import CYCLE

folder = Path(tempfile.mkdtemp())

# %% [markdown]
# ## One weight: the step size decides
#
# On a parabola E = ½ a w² a step multiplies the error by 1 − ηa. Between 0 and 1 it comes nearer from
# one side, between −1 and 0 from both sides in turn, beyond −1 it runs away. η_opt = 1/a arrives in one step.

# %%
parabola = Quadratic(2.0)
runs = [
    descend(parabola, 1.0, share * parabola.best_lr, 4) for share in (0.25, 1.0, 1.6, 2.0, 2.15)
]
for run in runs:
    print(f"η = {run.lr:.3f}: {run.regimes[0]:<11} w = {np.round(run.points.ravel(), 3)}")
assert [run.regimes[0] for run in runs] == [
    "monotone",
    "one step",
    "oscillating",
    "swinging",
    "diverging",
]
viz.figures.chart_learning_rate(runs).save(folder / "step_sizes.svg")

# %% [markdown]
# ## Two weights: the condition number decides
#
# With a curvature of its own for each direction there is one η for all. It must stay below 2/λ_max, or
# the steepest direction runs away, and then the flattest moves by 1 − ηλ_min a step. Best is
# η = 2/(λ_min + λ_max), which multiplies the error by (κ − 1)/(κ + 1), with κ = λ_max/λ_min.

# %%
for condition in (2.0, 10.0, 100.0):
    valley = bowl(condition)
    run = descend(valley, [1.0, 1.0], valley.best_lr, 60)
    seen = (run.distances[-1] / run.distances[0]) ** (1 / 60)
    print(
        f"κ = {condition:5g}: predicted {(condition - 1) / (condition + 1):.4f}, seen {seen:.4f} a step"
    )
    assert np.isclose(seen, (condition - 1) / (condition + 1), rtol=1e-6)

# %% [markdown]
# How many steps is that? An error of ε takes log(1/ε)/log(1/c): for large κ about ½ κ log(1/ε).
#
# Of any loss at any point the same numbers can be asked; of a network they come from products with its
# Hessian, which is never written out.

# %%
point = step_sizes(surface("rosenbrock"), [1.0, 1.0])
print(f"κ = {point.condition:.0f}, best η {point.best_lr:.2g}")
assert point.condition > 1000  # at its minimum, the end of a long bent valley

# %% [markdown]
# ## Momentum
#
# ΔW = βΔW − η∇Err. Along one direction two errors make the next, e' = (1 + β − ηλ)e − β e₋, so the rate
# is the larger root of z² − (1 + β − ηλ)z + β. Chosen best, β and η together, it is
# (√κ − 1)/(√κ + 1): the *root* of the condition number, and in a long valley that is all the difference.


# %%
def rate_of_momentum(eta, beta, curvatures):
    roots = [np.roots([1.0, -(1 + beta - eta * a), beta]) for a in curvatures]
    return float(np.abs(roots).max())


kappa = 100.0
valley = bowl(kappa)
beta = ((np.sqrt(kappa) - 1) / (np.sqrt(kappa) + 1)) ** 2
eta = (2 / (1 + np.sqrt(kappa))) ** 2
nearly = 0.98 * eta  # at the best the two roots fall together, and the fit to a power is poor
predicted = {
    "descent": (kappa - 1) / (kappa + 1),
    "momentum": rate_of_momentum(nearly, beta, [1.0, kappa]),
}
run = race(
    valley,
    {
        "descent": lambda p: optim.SGD(p, lr=valley.best_lr),
        "momentum": lambda p: optim.Momentum(p, lr=nearly, momentum=beta),
    },
    updates=150,
)
for name, rate in predicted.items():
    distances = run.paths[name].distances
    seen = (distances[150] / distances[50]) ** (1 / 100)
    print(
        f"{name:<9} predicted {rate:.3f} a step, seen {seen:.3f}; arrived after {run.paths[name].arrived(1e-3)}"
    )
    assert np.isclose(seen, rate, atol=0.01)
assert run.paths["momentum"].arrived(1e-3) < 60
assert run.paths["descent"].arrived(1e-3) is None  # it takes some 420

# %% [markdown]
# It also bears larger steps: η up to 2(1 + β)/λ. Nesterov's method, which the slides call "more
# optimal", bears less, 2(1 + β)/(1 + 2β)/λ: at ηλ = 2, β = 0.9 one arrives and the other does not.

# %%
steep = Quadratic(1.0)
run = race(
    steep,
    {
        "momentum": lambda p: optim.Momentum(p, lr=2.0, momentum=0.9),
        "Nesterov": lambda p: optim.Nesterov(p, lr=2.0, momentum=0.9),
    },
    updates=400,
)
print({name: float(path.distances[-1]) for name, path in run.paths.items()})
assert run.paths["momentum"].distances[-1] < 1e-6
assert not run.paths["Nesterov"].distances[-1] < 1e6

# %% [markdown]
# ## Adaptive methods: a step size for each weight
#
# RMSProp and its kin divide by the size of each weight's own derivatives. Where the axes of the valley are
# the axes of the weights that undoes the condition number: gradient descent on weights that are
# measured in other units. Turn the valley by 45°, and the sizes are equal: nothing is undone.

# %%
straight = Quadratic(np.diag([1.0, 100.0]))
turn = np.array([[1.0, -1.0], [1.0, 1.0]]) / np.sqrt(2)
mixed = turn @ straight.matrix @ turn.T
turned = Quadratic((mixed + mixed.T) / 2)


def arrival(bent, make):
    start = [3.0, 1.0] if bent is straight else turn @ [3.0, 1.0]
    path = race(bent, {"one": make}, updates=450, start=start).paths["one"]
    return path.arrived(0.03)


table = {}
for name, make in {
    "SGD": lambda p: optim.SGD(p, lr=valley.best_lr),
    "Adagrad": lambda p: optim.Adagrad(p, lr=1.0),
    "RMSProp": lambda p: optim.RMSprop(p, lr=0.05),
    "Adam": lambda p: optim.Adam(p, lr=0.1),
}.items():
    table[name] = [arrival(bent, make) for bent in (straight, turned)]
    print(
        f"{name:<8} stays within 0.03 after", *(f"{steps or 'no'} updates" for steps in table[name])
    )
assert table["SGD"][0] == table["SGD"][1]  # it does not know what the axes are
assert 10 * table["Adagrad"][0] < table["Adagrad"][1]
assert table["RMSProp"] == [
    None,
    None,
]  # its steps stay as long as η: at a constant rate it never rests

# %% [markdown]
# ## The race
#
# The three surfaces of the slides, seven methods, rates that are typical for each (no tuning for these
# surfaces; that would be another race). On the saddle nobody arrives: what counts is who leaves it.

# %%
RACERS = {
    "SGD": lambda p: optim.SGD(p, lr=0.01),
    "momentum": lambda p: optim.Momentum(p, lr=0.01, momentum=0.9),
    "NAG": lambda p: optim.Nesterov(p, lr=0.01, momentum=0.9),
    "Adagrad": lambda p: optim.Adagrad(p, lr=0.5),
    "AdaDelta": optim.Adadelta,
    "RMSProp": lambda p: optim.RMSprop(p, lr=0.02),
    "Adam": lambda p: optim.Adam(p, lr=0.1),
}
COLOURS = (*CYCLE[:6], "#000000")
DASHES = ("solid", "dashed", "dotted", "dashdot", "solid", "dashed", "dotted")
races = {
    "beale": race(surface("beale"), RACERS, updates=200),
    "long valley": race(surface("long valley"), RACERS, updates=200),
    "saddle": race(surface("saddle"), RACERS, updates=120),
}
panels = []
for name, run in races.items():
    (left, right), (low, high) = surface(name).box
    x, y = np.linspace(left, right, 120), np.linspace(low, high, 120)
    z = np.asarray(surface(name).function(*np.meshgrid(x, y)))
    z = z - z.min()
    levels = np.quantile(z, np.linspace(0.02, 0.9, 12) ** 2)
    marks = [Contours(x, y, z, levels, colour="#b8bcc2", width=0.6)]
    for k, (racer, path) in enumerate(run.paths.items()):
        there = (
            np.abs(path.points - [(left + right) / 2, (low + high) / 2])
            <= [(right - left) / 2, (high - low) / 2]
        ).all(1)
        end = len(there) if there.all() else int(np.argmin(there))
        marks.append(Line(*path.points[:end].T, f"{racer} on {name}", racer, COLOURS[k], DASHES[k]))
    marks.append(Points(*np.array([run.start]).T, f"start on {name}", "start", "#000000", "D"))
    panels.append(
        Panel(tuple(marks), Axis("x", low=left, high=right), Axis("y", low=low, high=high), name)
    )
    print(f"{name:<11}", ", ".join(run.order(within=0.05)))
viz.Chart(
    "race", "Seven optimizers on three surfaces", tuple(panels), columns=3, size=(12.0, 4.6)
).save(folder / "race.svg")
print(f"look at {folder / 'race.svg'} and {folder / 'step_sizes.svg'}")
assert (folder / "race.svg").stat().st_size > 10_000

# %% [markdown]
# Why it ends so. In the long valley SGD and momentum follow the gradient, which is a hundredth as long
# along it as across; the methods that divide by its size go as fast along as across. On the saddle the
# start is 0.001 off the ridge: descent leaves it by a factor of 1 + 2η a step, log(1/0.001)/log(1 + 2η)
# steps, while a division by the size of the derivative makes the first small slope as large as any. On
# Beale momentum and NAG come down the first wall too fast and are carried over into another valley: what
# helps along a valley hurts where it bends.

# %%
valley_run, saddle_run = races["long valley"].paths, races["saddle"].paths
assert (
    valley_run["Adam"].distances[-1]
    < valley_run["momentum"].distances[-1]
    < valley_run["SGD"].distances[-1]
)
left_saddle = {
    name: int(np.argmax(np.abs(path.points[:, 1]) > 1)) for name, path in saddle_run.items()
}
print({name: steps or "not yet" for name, steps in left_saddle.items()})
assert left_saddle["SGD"] == 0  # log(1000)/log(1.02) is 349 steps
assert 0 < left_saddle["Adam"] < left_saddle["momentum"]

# %% [markdown]
# ## Noise: why the rate has to shrink
#
# With one sample at a time the gradient has noise of deviation σ. A constant rate then stalls at
# ησ²/(a(2 − ηa)), however long it runs; with η_k = 1/(a(k + 1)) the error is σ²/(a²k), exactly.

# %%
constant = noisy_descent(Quadratic(1.0), 3.0, 0.2, noise=1.0, steps=1000, runs=2000, rng=0)
shrinking = noisy_descent(
    Quadratic(1.0), 3.0, optim.schedules.Linear(1.0), noise=1.0, steps=1000, runs=2000, rng=0
)
floor = noise_floor(0.2, 1.0, 1.0)
for k in (10, 100, 1000):
    print(
        f"k = {k:4d}: constant {constant.measured[k]:.4f} (stalls at {floor:.4f}), 1/(k + 1) {shrinking.measured[k]:.4f} (exactly {1 / k:.4f})"
    )
assert np.isclose(constant.measured[-1], floor, rtol=0.1)
assert np.isclose(shrinking.measured[-1], 1 / 1000, rtol=0.1)

# %% [markdown]
# The slides ask two things of a schedule: Σ η_k = ∞, so that it gets anywhere, and Σ η_k² < ∞, so that
# the noise dies. Both are *proved* of any schedule, put together or your own.

# %%
for schedule in (
    optim.schedules.Linear(0.1),
    optim.schedules.Quadratic(0.1),
    optim.schedules.Exponential(0.1, beta=0.01),
    optim.schedules.Constant(0.1),
    optim.schedules.WarmUp(optim.schedules.Power(0.1, power=0.75), updates=100),
):
    print(robbins_monro(schedule))
assert robbins_monro(optim.schedules.Linear(0.1)).holds
assert not robbins_monro(optim.schedules.Quadratic(0.1)).holds

# %% [markdown]
# ## A network
#
# First the range of rates: the loss while the rate grows, after which everything is as it was. Then one
# epoch for each way, from the same weights and in the same order.

# %%
train, validation, test = nn.data.digits(rng=0)


def network():
    return nn.Sequential(nn.Linear(64, 32, rng=1), nn.Tanh(), nn.Linear(32, 10, rng=2))


model, criterion = network(), nn.CrossEntropyLoss()
found = lr_range_test(
    model,
    criterion,
    optim.Momentum(model.parameters(), lr=0.1),
    train,
    batch_size=32,
    rng=0,
    low=1e-4,
    updates=150,
)
low, high = found.bounds
print(
    f"the loss falls between η = {low:.2g} and {high:.2g}, fastest at {found.steepest:.2g}; it diverged at {found.diverged}"
)

updates = 2 * (len(train.inputs) // 32)
ways = {
    "SGD": lambda p: optim.SGD(p, lr=found.steepest),
    "momentum": lambda p: optim.Momentum(p, lr=found.steepest),
    "momentum, one cycle": lambda p: optim.Momentum(p, lr=optim.schedules.OneCycle(high, updates)),
    "Adam": lambda p: optim.Adam(p, lr=0.01),
}
errors = {}
for name, make in ways.items():
    model = network()
    optim.fit(
        model,
        criterion,
        make(model.parameters()),
        train,
        epochs=2,
        batch_size=32,
        rng=0,
        verbose=0,
        clip=5.0,
    )
    errors[name] = optim.evaluate(model, criterion, test)["error"]
    print(f"{name:<20} error {errors[name]:.1%} after two epochs")
assert errors["momentum"] < errors["SGD"]
assert min(errors.values()) < 0.1

# %% [markdown]
# ## Check yourself
#
# 1. How many steps of gradient descent does an error of 10⁻³ take at κ = 1000, and of momentum?
# 2. Scale one weight by 10 (measure it in other units). What does that do to κ, and which of the racers
#    go the same way as before?
# 3. `optim.schedules.Linear(0.1).epochs(100)` lowers the rate after each hundred updates. Are both sums
#    as they should be? (`robbins_monro` says, and why.)

# %%
steps = {root: np.log(1e-3) / np.log((root - 1) / (root + 1)) for root in (1000.0, np.sqrt(1000.0))}
print({f"{root:.0f}": round(float(n)) for root, n in steps.items()})
assert robbins_monro(optim.schedules.Linear(0.1).epochs(100)).holds
