"""What a model that draws predicts on average: over draws, over all masks, and by scaling."""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

import autograd_core as ag
from autograd_core.aliases import Array, ArrayLike, RandomSource
from autograd_core.errors import ConfigError
from autograd_core.evaluators import Reference
from autograd_core.options import COUNT
from autograd_core.program import Application, Literal, Program
from autograd_core.randomness import source_of

from .layers.noise.drawing import Drawing
from .module import Module

__all__ = ["Averages", "Prediction", "averages", "bag", "monte_carlo"]

_BITS = 2**32
_ON, _OFF = np.uint32(0), np.uint32(_BITS - 1)  # below every threshold but 0, and below none


class Prediction(NamedTuple):
    """Mean and standard deviation of a model's outputs over what it draws.

    Attributes
    ----------
    mean, std : ndarray, shape of the output
        In the output's dtype; the deviation is that of the draws themselves, not of their mean.
    """

    mean: Array
    std: Array


class Averages(NamedTuple):
    """Three ways to predict with a model that draws, side by side.

    Attributes
    ----------
    scaling : ndarray
        One pass in evaluation: the slides' expected outputs.
    monte_carlo : Prediction
        Over passes in training.
    bag : Prediction or None
        Over all masks; None where there are too many, or the noise is no mask.
    """

    scaling: Array
    monte_carlo: Prediction
    bag: Prediction | None


def monte_carlo(
    model: Module, x: ArrayLike, samples: int = 100, *, rng: RandomSource = None
) -> Prediction:
    """Predict by many passes with noise: Monte-Carlo dropout.

    Only layers that draw are put into training; batch norm evaluates.

    Parameters
    ----------
    model : Module
        It is not changed: neither its mode, nor its counters.
    x : array_like
        A batch.
    samples : int
        How many passes; the mean's error is std/√samples.
    rng : numpy.random.Generator or int, optional
        Draws new keys. Left out, the draws are the next ones of the model, so that the same state gives the same
        prediction.

    Returns
    -------
    Prediction

    Raises
    ------
    ConfigError
        If the model has no layer that draws, or gives more than one array.

    References
    ----------
    [What each neuron computes], "the bagged average output". Srivastava et al. (2014), Dropout, section 7.5
    and Figure 11. Gal and Ghahramani (2016), Dropout as a Bayesian approximation.

    Examples
    --------
    >>> import numpy as np, nn
    >>> model = nn.Sequential(nn.Dropout(0.5, rng=0), nn.Linear(4, 1, rng=0))
    >>> mean, std = nn.monte_carlo(model, np.ones((2, 4)), samples=50)
    >>> mean.shape, bool((std > 0).all())
    ((2, 1), True)
    """
    samples = COUNT.check("monte_carlo: samples", samples)
    twin = _drawing("monte_carlo", model)
    if rng is not None:
        generator = source_of(rng, "monte_carlo").generator
        for layer in _layers(twin):
            layer.key.assign(generator.integers(2**64 - 1, size=2, dtype=np.uint64, endpoint=True))
    with ag.no_grad():
        return _spread(((1 / samples, twin(x)) for _ in range(samples)), "monte_carlo")


def bag(model: Module, x: ArrayLike, *, most: int = 2**16) -> Prediction:
    """Predict by the exact mean over all masks: the bag of all networks that dropout trains.

    Each mask has its probability, α for what is on and 1 − α for what is off. With N entries in the
    masks of one input there are 2^N networks, so this is for small ones: to see what scaling and
    Monte Carlo approximate.

    Parameters
    ----------
    model : Module
        It is not changed.
    x : array_like
        A batch, whose inputs do not depend on one another.
    most : int
        Up to how many masks there may be.

    Returns
    -------
    Prediction

    Raises
    ------
    ConfigError
        If there are more masks; if the model draws nothing, or something else than masks (normal
        numbers); or if it draws inside of a loop.

    Notes
    -----
    Masks are found in what the model records: random bits that are compared with a threshold. So this
    holds for every layer of such masks, also for one that is called twice.

    References
    ----------
    [What each neuron computes], [Dropout during test: implementation]. Srivastava et al. (2014), Dropout.

    Examples
    --------
    >>> import numpy as np, nn
    >>> model = nn.Sequential(nn.Dropout(0.5, rng=0), nn.Linear(4, 1, rng=0))
    >>> scaled = model.eval()(np.ones((2, 4))).detach().numpy()
    >>> bool(np.allclose(nn.bag(model, np.ones((2, 4))).mean, scaled, rtol=1e-6))
    True
    """
    most = COUNT.check("bag: most", most)
    twin = _drawing("bag", model)
    x = x.detach() if isinstance(x, ag.Tensor) else np.asarray(x)
    if not x.shape or not x.shape[0]:
        raise ConfigError(
            "bag", f"expected a batch of one input or more; received shape {x.shape}."
        )
    program = ag.trace(twin)(x)
    # Of one input: the masks of a batch have an entry for each of its inputs.
    draws = [_Draw(step, threshold) for step, threshold in _masks(ag.trace(twin)(x[:1]))]
    free = sum(draw.size for draw in draws if draw.keep > 0)
    if 2**free > most:
        raise ConfigError(
            "bag",
            f"{free} entries of masks give 2^{free} = {_counted(free)} networks; expected up to {most:,}. "
            "Drop fewer units, raise most=, or use nn.monte_carlo.",
        )
    outputs = _networks(program, draws, x.numpy() if isinstance(x, ag.Tensor) else x)
    return _spread(outputs, "bag")


def averages(
    model: Module, x: ArrayLike, samples: int = 100, *, rng: RandomSource = None
) -> Averages:
    """Predict by scaling, by Monte Carlo, and by the bag where it is small enough.

    Parameters
    ----------
    model, x, samples, rng
        See `monte_carlo`.

    Returns
    -------
    Averages

    Raises
    ------
    ConfigError
        If the model has no layer that draws.

    Examples
    --------
    One layer with fixed inputs is scaled exactly; behind another nonlinear one it is not.

    >>> import numpy as np, nn
    >>> model = nn.Sequential(nn.Linear(2, 3, rng=0), nn.Tanh(), nn.Dropout(0.5, rng=0))
    >>> found = nn.averages(model, np.ones((1, 2)))
    >>> bool(np.allclose(found.scaling, found.bag.mean, rtol=1e-6))
    True
    """
    sampled = monte_carlo(model, x, samples, rng=rng)
    twin = copy.deepcopy(model).eval()
    with ag.no_grad():
        scaling = twin(x).numpy()
    try:
        exact = bag(model, x)
    except ConfigError:
        exact = None
    return Averages(scaling, sampled, exact)


class _Draw:
    """A mask of one input: its shape, and the probability that an entry is on."""

    def __init__(self, step: Application, threshold: int) -> None:
        self.shape = tuple(step.params["shape"])
        self.size = math.prod(self.shape)
        self.keep = threshold / _BITS


class _Given(Reference):
    """NumPy, with random bits that are handed over, in the order of the draws."""

    def __init__(self) -> None:
        super().__init__({})
        self.bits: Iterator[Any] = iter(())

    def apply(self, application: Any, operands: tuple[Any, ...]) -> Any:
        """The step's result; of a draw, the next bits, for every input of the batch."""
        if application.primitive.random:
            return np.broadcast_to(next(self.bits), application.params["shape"])
        return super().apply(application, operands)


def _drawing(operation: str, model: Module) -> Module:
    """A copy of a model in evaluation, but for layers that draw."""
    if not isinstance(model, Module):
        raise ConfigError(operation, f"expected a Module; received {type(model).__name__}.")
    twin = copy.deepcopy(model).eval()
    layers = _layers(twin)
    if not layers:
        raise ConfigError(
            operation,
            f"{type(model).__name__} has no layer that draws. Expected one such as nn.Dropout(0.5). "
            "Call the model in evaluation: there is one prediction.",
        )
    for layer in layers:
        layer.training = True
    return twin


def _layers(model: Module) -> list[Drawing]:
    return [part for part in model.modules() if isinstance(part, Drawing)]


def _masks(program: Program[Any]) -> list[tuple[Application, int]]:
    """The draws of a program, each with the threshold that its bits are compared with."""
    found = []
    drawing = [step for step in program if step.primitive.random]
    if sum(step.primitive.random for step in program.all_steps()) > len(drawing):
        raise ConfigError(
            "bag",
            "the model draws inside of a loop, where masks cannot be given. Expected none there.",
        )
    for step in drawing:
        readers = [s for s in program if step.result in s.operands]
        compared = [s.operands[1] for s in readers if s.primitive.name == "less"]
        if len(readers) != 1 or len(compared) != 1 or not isinstance(compared[0], Literal):
            place = ".".join(step.scope) or "the model"
            raise ConfigError(
                "bag",
                f"{place} draws more than masks: its random bits are read by "
                f"{', '.join(s.primitive.name for s in readers) or 'nothing'}. Expected one comparison "
                "with a threshold. Use nn.monte_carlo.",
            )
        found.append((step, int(compared[0].value)))
    return found


def _networks(
    program: Program[Any], draws: Sequence[_Draw], x: Array
) -> Iterator[tuple[float, Any]]:
    """Each network's probability, and its output."""
    evaluator = _Given()
    choices = [(True, False) if draw.keep else (False,) for draw in draws for _ in range(draw.size)]
    keeps = np.array([draw.keep for draw in draws for _ in range(draw.size)])
    ends = list(itertools.accumulate(draw.size for draw in draws))
    for chosen in itertools.product(*choices):
        on = np.array(chosen, bool)
        parts = np.split(np.where(on, _ON, _OFF), ends)
        # What is behind the last end is empty.
        evaluator.bits = iter([p.reshape(d.shape) for p, d in zip(parts, draws, strict=False)])
        yield float(np.prod(np.where(on, keeps, 1 - keeps))), program.evaluate(evaluator, x)


def _spread(weighted: Iterator[tuple[float, Any]], operation: str) -> Prediction:
    """Mean and standard deviation of outputs with weights that sum to 1.

    Raises
    ------
    ConfigError
        If an output is no single array.
    """
    total, mean, squares = 0.0, np.zeros(()), np.zeros(())
    dtype = np.dtype(np.float64)
    for weight, output in weighted:
        if isinstance(output, (tuple, list, dict)):
            raise ConfigError(
                operation,
                f"the model gives a {type(output).__name__}. Expected one array. Put it into a module "
                "that returns the part which is to be averaged.",
            )
        y = output.numpy() if isinstance(output, ag.Tensor) else np.asarray(output)
        dtype = y.dtype
        total += weight
        if weight:  # West's update, stable where the spread is small
            moved = y.astype(np.float64) - mean
            mean = mean + moved * (weight / total)
            squares = squares + weight * moved * (y - mean)
    return Prediction(mean.astype(dtype), np.sqrt(squares / total).astype(dtype))


def _counted(free: int) -> str:
    return (
        f"{2**free:,}"
        if free < 64
        else f"about {float(10 ** (free * math.log10(2) % 1)):.2f}·10^{int(free * math.log10(2))}"
    )
