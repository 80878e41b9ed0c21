"""Weights by what a batch of data gives: layer-sequential unit variance."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core.aliases import Array, ArrayLike, RandomSource
from autograd_core.errors import ConfigError, DataError
from autograd_core.modes import mode
from autograd_core.options import COUNT, POSITIVE
from autograd_core.randomness import source_of

from ..module import Module
from .orthogonal import orthogonal

__all__ = ["lsuv"]


def lsuv(
    model: Module,
    batch: ArrayLike,
    tolerance: float = 0.1,
    attempts: int = 10,
    *,
    rng: RandomSource = None,
) -> dict[str, float]:
    """Give weights so that on a batch of data the outputs of each layer have variance 1.

    Every layer with a ``weight`` of two axes or more (linear ones, convolutions) first gets orthogonal
    weights. Then, in the order in which they are called, each is divided by the deviation of its
    outputs on the batch, before the activation, until their variance is 1 within the tolerance.

    Parameters
    ----------
    model : Module
        Changed in place; only such weights are. It runs in evaluation mode, without recording.
    batch : array_like
        Inputs, as the model takes them.
    tolerance : float, > 0
        How far from 1 the variance may be.
    attempts : int
        How often one layer is divided, at most.
    rng : numpy.random.Generator or int, optional
        Source of the orthogonal weights, or its seed; left out, a fresh seed, which the logger
        ``"gradproof"`` notes.

    Returns
    -------
    dict of str to float
        The variance that each layer had at last, by its path, in the order of the calls.

    Raises
    ------
    ConfigError
        If an option is outside its range, the model calls no such layer, or a layer's outputs do not
        vary on the batch. Nothing was changed then.
    DataError
        If outputs are NaN or infinite. Nothing was changed.

    Notes
    -----
    Frozen weights, embeddings and layers that the model does not call stay as they are, and so do all
    biases. A layer that is called twice is judged by the first call. Kernels of a convolution in
    groups are orthogonal by group.

    References
    ----------
    Mishkin and Matas (2016), All you need is a good init, algorithm 1. [Other tricks]

    Examples
    --------
    >>> import numpy as np, nn
    >>> model = nn.Sequential(nn.Linear(3, 20, rng=0), nn.ReLU(), nn.Linear(20, 5, rng=1))
    >>> batch = np.random.default_rng(0).normal(size=(100, 3))
    >>> {path: f"{v:.2f}" for path, v in nn.initializers.lsuv(model, batch, rng=0).items()}
    {'0': '1.00', '2': '1.00'}
    """
    tolerance = POSITIVE.check("lsuv: tolerance", tolerance)
    attempts = COUNT.check("lsuv: attempts", attempts)
    generator = source_of(rng, "lsuv").generator
    layers: dict[str, Any] = {path: part for path, part in model.named_modules() if _weighs(part)}
    with mode(model, training=False), ag.no_grad():
        called = list(_outputs(model, layers, batch))
        if not called:
            raise ConfigError(
                "lsuv",
                "the model calls no layer with weights to set. Expected linear layers or convolutions "
                f"that are not frozen; received {type(model).__name__}.",
            )
        before = {path: np.array(layers[path].weight.numpy()) for path in called}
        try:
            for path in called:
                _make_orthogonal(layers[path], generator)
            return {
                path: _scaled(model, path, layers[path], batch, tolerance, attempts)
                for path in called
            }
        except BaseException:
            for path, values in before.items():
                layers[path].weight.assign(values)
            raise


def _weighs(part: Any) -> bool:
    weight = getattr(part, "weight", None)
    return (
        isinstance(weight, ag.Tensor)
        and weight.requires_grad
        and weight.ndim >= 2
        and not hasattr(part, "num_embeddings")  # which looks up, and sums nothing
    )


def _make_orthogonal(layer: Any, rng: np.random.Generator) -> None:
    """As the layer would draw: a group of kernels after the other, by outputs and inputs."""
    weight, groups = layer.weight, getattr(layer, "groups", 1)
    shape = (weight.shape[0] // groups, *weight.shape[1:])
    turned = hasattr(layer, "output_padding")  # a transposed convolution, which keeps inputs first
    asked = (shape[1], shape[0], *shape[2:]) if turned else shape
    draw = orthogonal()
    drawn = [draw(asked, rng=rng, dtype=weight.dtype) for _ in range(groups)]
    weight.assign(np.concatenate([np.swapaxes(w, 0, 1) if turned else w for w in drawn]))


def _scaled(
    model: Module, path: str, layer: Any, batch: ArrayLike, tolerance: float, attempts: int
) -> float:
    """Divide the weights of a layer, and give the variance of its outputs afterwards."""
    for left in range(attempts, -1, -1):
        output = _outputs(model, {path: layer}, batch)[path]
        variance = float(np.var(output.astype(np.float64)))
        if not math.isfinite(variance):
            raise DataError(
                "lsuv",
                f"outputs of layer {path!r} are NaN or infinite. Expected finite numbers in the batch "
                "and in what the layers before give.",
            )
        if variance == 0:
            raise ConfigError(
                "lsuv",
                f"the outputs of layer {path!r} do not vary on the batch. Expected several different "
                "inputs, and units before it that are not all off. Pass a larger batch.",
            )
        if abs(variance - 1) < tolerance or not left:
            break
        layer.weight.assign(layer.weight.numpy() / math.sqrt(variance))
    return variance


def _outputs(model: Module, layers: dict[str, Module], batch: ArrayLike) -> dict[str, Array]:
    """What each layer gave at its first call, in the order of the calls."""
    found: dict[str, Array] = {}
    with _watched(layers, found):
        model(batch)
    return found


@contextmanager
def _watched(layers: dict[str, Module], found: dict[str, Array]) -> Iterator[None]:
    """Note what layers give, by a forward of their own that stands before the class's."""

    def around(path: str, forward: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*inputs: Any, **options: Any) -> Any:
            output = forward(*inputs, **options)
            found.setdefault(path, np.array(output.numpy()))
            return output

        return watched

    own = {path: layer.__dict__.get("forward") for path, layer in layers.items()}
    try:
        for path, layer in layers.items():
            layer.__dict__["forward"] = around(path, layer.forward)
        yield
    finally:
        for path, layer in layers.items():
            del layer.__dict__["forward"]
            if own[path] is not None:
                layer.__dict__["forward"] = own[path]
