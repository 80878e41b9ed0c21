"""The main job: a network learns real handwritten digits, is drawn, and has its gradients proved."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

import autograd_core as ag
import nn
import optim
import viz
from autograd_core import files
from autograd_core.aliases import Array
from autograd_core.errors import MissingDependencyError
from autograd_core.options import Whole
from nn.data import Split

from . import output, proofs
from .pages.report import Mistake, Report, Score, render

__all__ = ["Outcome", "run_demo"]

HIDDEN = 128
DROPPED = 0.2  # probability that a hidden unit is dropped in a training step
L2 = 1e-4  # λ of ½ λ Σ‖W‖²
LEARNING_RATE = 1e-3
BATCH = 64
EPOCHS = 200  # at most; early stopping ends the run
PATIENCE = 20  # epochs without a better validation loss
DRAWN = 8  # test images in the drawn graph and in the masks
SHOWN = 28  # misread images in the report, at most

PAGE = "index.html"
MODEL = "model.safetensors"
TIMINGS = "timings.json"

VERDICT_STYLES = {
    "PROVED": "bold green",
    "PROBABLE": "yellow",
    "COMPARED": "yellow",
    "UNDECIDED": "yellow",
}


@dataclass(frozen=True)
class Outcome:
    """What the demo did.

    Attributes
    ----------
    page, model, timings : pathlib.Path
        The files that were written. Page and model depend on the seed, the options and the
        versions of what is installed, and on nothing else; times stand in a file of their own.
    scores : tuple of Score
        Of the training, validation and test images.
    claims : tuple of Claim
    history : optim.History
    seconds : dict of str to float
        How long each stage took.
    """

    page: Path
    model: Path
    timings: Path
    scores: tuple[Score, ...]
    claims: tuple[proofs.Claim, ...]
    history: optim.History
    seconds: dict[str, float]


def run_demo(
    out: str | os.PathLike[str],
    *,
    epochs: int = EPOCHS,
    seed: int = 0,
    data: str = "digits",
    console: Console | None = None,
) -> Outcome:
    """Train, draw, prove, and write one page about it.

    Parameters
    ----------
    out : path-like
        Folder for the results; made if it is not there.
    epochs : int, ≥ 1
        At most so many; early stopping may end the run before.
    seed : int, ≥ 0
        Of everything random: the split, the first weights, the order of batches, the masks.
    data : str
        "digits", which scikit-learn brings, or a folder with the four files of MNIST.
    console : rich.console.Console, optional
        Where to say what is going on. Default: the standard output.

    Returns
    -------
    Outcome

    Raises
    ------
    ConfigError
        If an option is outside its range, or ``out`` cannot be written to. Nothing was done.
    DataError
        If the data are missing or damaged.
    MissingDependencyError
        If matplotlib, or for the digits scikit-learn, is not installed. Names all that is missing.
    KeyboardInterrupt
        After Ctrl-C. Nothing was written.
    """
    say = console or Console(highlight=False)
    _check("--epochs", epochs, 1)
    _check("--seed", seed, 0)
    _require(_NEEDS if data == "digits" else _NEEDS[:1])
    folder = output.prepare(out)
    watch = _Stopwatch()
    rng = np.random.default_rng(seed)

    with watch("data"):
        set_ = _load(data, rng)
    say.print(Text(f"{set_.title}: {', '.join(set_.sizes)}.", "dim"))

    model = build(set_.train.inputs.shape[1], HIDDEN, set_.classes, rng)
    with watch("training"):
        history = _train(model, set_, epochs, rng)
    if history.stopped_by == "Ctrl-C":
        raise KeyboardInterrupt(
            f"interrupted in epoch {history.epochs} of {epochs}; nothing was written."
        )
    with watch("measuring"):
        scores = tuple(
            _score(model, name, part)
            for name, part in zip(("training", "validation", "test"), set_.parts, strict=True)
        )
    say.print(_scores_table(scores, watch.seconds["training"]))

    with watch("drawing"):
        pictures = _draw(model, set_, history)
    with watch("proving"):
        claims = tuple(_prove(model, say))
    say.print(_claims_table(claims))
    report = Report(
        title="A network that read handwritten digits",
        data=set_.title,
        source=set_.source,
        scores=scores,
        history=history,
        parameters=model.parameter_count(),
        model=repr(model),
        settings=_settings(epochs),
        mistakes=_mistakes(model, set_),
        claims=claims,
        program=_example(),
        command=_command(epochs, seed, data),
        seed=seed,
        versions=_versions(),
        **pictures,
    )
    paths = (folder / PAGE, folder / MODEL, folder / TIMINGS)
    page, weights, timings = paths
    metadata = {"model": repr(model), "data": set_.title, "seed": seed, "epochs": history.epochs}
    ag.storage.save(weights, model.state_dict(), metadata)
    files.write(timings, _times(watch.seconds, history, claims))
    files.write(page, render(report))  # last: where there is a page, all it speaks of is there
    return Outcome(page, weights, timings, scores, claims, history, dict(watch.seconds))


def build(inputs: int, hidden: int, classes: int, rng: np.random.Generator) -> nn.Sequential:
    """The network: linear, batch norm, ReLU, dropout, linear.

    The demo trains it with `HIDDEN` units, and proves the same layers with a few.
    """
    return nn.Sequential(
        nn.Linear(inputs, hidden, rng=rng),
        nn.BatchNorm1d(hidden),
        nn.ReLU(),
        nn.Dropout(DROPPED, rng=rng),
        nn.Linear(hidden, classes, rng=rng),
    )


# --- checks and time ------------------------------------------------------------------------------


def _check(option: str, value: object, least: int) -> None:
    Whole(least).check(option, value)


# Module, what it is to the demo, and the extra that brings it.
_NEEDS = (
    ("matplotlib", "matplotlib, which draws the report's curves", "plots"),
    ("sklearn", "scikit-learn, which brings the digits", "data"),
)


def _require(needs: tuple[tuple[str, str, str], ...]) -> None:
    """Name every extra that is missing at once, before any work."""
    absent = [need for need in needs if importlib.util.find_spec(need[0]) is None]
    if absent:
        extras = ",".join(extra for _, _, extra in absent)
        raise MissingDependencyError(
            "demo",
            f"not installed: {'; '.join(what for _, what, _ in absent)}. Expected the extras "
            f'that bring them. Run: pip install "gradproof[{extras}]".',
        )


class _Stopwatch:
    """Seconds of each stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] = time.perf_counter() - start


# --- data -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Data:
    """A data set in three parts, with flat images."""

    title: str
    source: str
    parts: tuple[Split, Split, Split]
    image: tuple[int, int]  # rows and columns

    @property
    def train(self) -> Split:
        return self.parts[0]

    @property
    def test(self) -> Split:
        return self.parts[2]

    @property
    def classes(self) -> int:
        return int(self.train.targets.max()) + 1

    @property
    def sizes(self) -> list[str]:
        names = ("to learn from", "to stop by", "to test on")
        return [f"{len(p.targets):,} {name}" for name, p in zip(names, self.parts, strict=True)]


def _load(data: str, rng: np.random.Generator) -> _Data:
    if data == "digits":
        train, validation, test = nn.data.digits(rng=rng)
        return _Data(
            "Handwritten digits, 8 × 8 pixels",
            "Alpaydin and Kaynak, Optical recognition of handwritten digits (UCI Machine Learning "
            "Repository, CC BY 4.0), as bundled with scikit-learn.",
            (train, validation, test),
            (8, 8),
        )
    train, validation, test = nn.data.mnist(data, validation=1 / 6, rng=rng)
    return _Data(
        "MNIST handwritten digits, 28 × 28 pixels",
        "LeCun, Bottou, Bengio and Haffner (1998), Gradient-based learning applied to document "
        "recognition.",
        (train, validation, test),
        (28, 28),
    )


# --- training and measuring -----------------------------------------------------------------------


def _train(
    model: nn.Sequential, data: _Data, epochs: int, rng: np.random.Generator
) -> optim.History:
    return optim.fit(
        model,
        nn.CrossEntropyLoss(),
        optim.Adam(model.parameters(), lr=LEARNING_RATE),
        data.train,
        validation=data.parts[1],
        epochs=epochs,
        batch_size=BATCH,
        regularizer=nn.L2(L2),
        rng=rng,
        callbacks=[optim.EarlyStopping(patience=PATIENCE)],
    )


def _logits(model: nn.Sequential, inputs: Array) -> Array:
    """Outputs in evaluation mode, a thousand images at a time."""
    model.eval()
    with ag.no_grad():
        parts = [model(inputs[i : i + 1000]).numpy() for i in range(0, len(inputs), 1000)]
    return np.concatenate(parts)


def _score(model: nn.Sequential, name: str, part: Split) -> Score:
    logits = _logits(model, part.inputs)
    with ag.no_grad():
        loss = nn.functional.cross_entropy(logits, part.targets).item()
    wrong = int(np.count_nonzero(logits.argmax(axis=1) != part.targets))
    return Score(name, len(part.targets), wrong, float(loss))


def _mistakes(model: nn.Sequential, data: _Data) -> tuple[Mistake, ...]:
    """The misread test images, the most confident mistake first."""
    logits = _logits(model, data.test.inputs)
    with ag.no_grad():
        chances = nn.functional.softmax(logits, axis=1).numpy()
    said, targets = logits.argmax(axis=1), data.test.targets
    wrong = np.flatnonzero(said != targets)
    order = sorted(wrong, key=lambda i: (-chances[i, said[i]], i))
    return tuple(
        Mistake(
            image=data.test.inputs[i].reshape(data.image),
            true=int(targets[i]),
            said=int(said[i]),
            chance=float(chances[i, said[i]]),
            chance_of_true=float(chances[i, targets[i]]),
        )
        for i in order[:SHOWN]
    )


# --- drawing and proving --------------------------------------------------------------------------


def _draw(model: nn.Sequential, data: _Data, history: optim.History) -> dict[str, Any]:
    """The pictures of the report, by the names of its fields."""
    inputs = data.test.inputs[:DRAWN]
    labels = ag.tensor(data.test.targets[:DRAWN], name="labels", role="target")
    penalty = nn.L2(L2)

    def loss(images: ag.Tensor) -> ag.Tensor:
        total = nn.functional.cross_entropy(model(images), labels) + penalty(model)
        return ag.mark(total, name="loss", role="loss")

    model.train()  # as it was when it learned: with batch statistics and masks
    try:
        # Our own layout, whether dot is there or not: one seed gives one page on every machine.
        graph = viz.draw_graph(loss, inputs, engine="layered")
        mirror = viz.draw_graph(loss, inputs, view="combined", depth=1)
        mask = viz.draw_dropout_mask(model, inputs, engine="layered")
        masks = viz.read_dropout_masks(model, inputs)
        return {
            "graph": graph.to_svg(),
            "mirror": mirror.to_svg(),
            "mask": mask.to_svg(),
            "masks": viz.figures.chart_dropout_mask(masks).to_svg(),
            "curves": viz.figures.chart_history(history).to_svg(),
        }
    finally:
        model.eval()


def _prove(model: nn.Sequential, say: Console) -> Iterator[proofs.Claim]:
    (norm,) = (m for m in model.modules() if isinstance(m, nn.BatchNorm1d))

    def small(inputs: int, hidden: int, classes: int) -> nn.Module:
        return build(inputs, hidden, classes, np.random.default_rng(0))

    for statement in proofs.statements(norm.eps, small):
        with say.status(Text(f"proving: {statement.topic} …")):
            verdict = statement.decide()
        yield proofs.Claim(statement.topic, statement.text, verdict)


def _example() -> str:
    """The printed program of one neuron's loss and its gradient."""

    def loss(w: ag.Tensor, x: ag.Tensor) -> ag.Tensor:
        with ag.named_scope("neuron"):
            y = ag.tanh(x @ w)
        return ag.sum(ag.square(y))

    w, x = ag.Abstract((3,), np.float32), ag.Abstract((2, 3), np.float32)
    return str(ag.trace(ag.value_and_grad(loss))(w, x))


# --- words ----------------------------------------------------------------------------------------


def _scores_table(scores: tuple[Score, ...], seconds: float) -> Table:
    table = Table(caption=f"trained in {seconds:.1f} s", caption_justify="left")
    table.add_column("part")
    for heading in ("images", "misread", "error"):
        table.add_column(heading, justify="right")
    for score in scores:
        style = "bold" if score.part == "test" else None
        table.add_row(
            score.part,
            f"{score.images:,}",
            f"{score.wrong:,}",
            f"{100 * score.error:.2f} %",
            style=style,
        )
    return table


def _claims_table(claims: tuple[proofs.Claim, ...]) -> Table:
    table = Table()
    table.add_column("verdict", no_wrap=True)
    table.add_column("statement")
    table.add_column("seconds", justify="right")
    for claim in claims:
        status = claim.verdict.status
        table.add_row(
            Text(status, VERDICT_STYLES.get(status, "bold red")),
            Text.assemble((claim.topic, "bold"), ": ", claim.text),
            f"{claim.verdict.seconds:.1f}",
        )
    return table


def _settings(epochs: int) -> dict[str, str]:
    return {
        "loss": f"softmax cross-entropy + ½ λ Σ ‖W‖², λ = {L2:g}",
        "optimizer": f"Adam, learning rate {LEARNING_RATE:g}",
        "batches": f"{BATCH} images, in a new order every epoch",
        "epochs": f"at most {epochs}, stopped after {PATIENCE} without a better validation loss",
        "arithmetic": "float32",
    }


def _command(epochs: int, seed: int, data: str) -> str:
    options = f" --seed {seed}" + (f" --epochs {epochs}" if epochs != EPOCHS else "")
    # A path would say something about this machine, and nothing about the result.
    return f"gradproof demo{options}" + (" --data FOLDER" if data != "digits" else "")


def _versions() -> dict[str, str]:
    found = {"Python": platform.python_version()}
    for name in ("gradproof", "numpy", "sympy", "matplotlib", "scikit-learn"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def _times(
    seconds: dict[str, float], history: optim.History, claims: tuple[proofs.Claim, ...]
) -> str:
    content = {
        "stages": seconds,
        "epochs": history["seconds"],
        "proofs": [
            {"topic": c.topic, "statement": c.text, "seconds": c.verdict.seconds} for c in claims
        ],
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"
