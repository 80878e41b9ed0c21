"""Batch normalization: the layers, their running statistics, and the slides' statistics."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

import autograd_core as ag
from autograd_core.aliases import Array, ArrayLike
from autograd_core.errors import ConfigError, DataError, ShapeError
from autograd_core.modes import mode
from autograd_core.options import COUNT, FLOATS, POSITIVE, PROBABILITY, Choice

from ... import functional
from ...contract import Example
from ...functional.normalization import laid
from ...inputs import as_units
from ...module import Module
from .statistics import check_taken

__all__ = ["BatchNorm1d", "BatchNorm2d", "estimate_statistics"]

_Last = Literal["own", "drop"]
_Inference = Literal["running", "average"]
_Earlier = Literal["batch", "final"]
_Batch = tuple[Any, int, Array, Array]  # layer, how many values, their mean and variance


class _BatchNorm(Module):
    """What batch norm does, whatever places there are behind the units; see `BatchNorm1d`."""

    gamma: ag.Tensor | None
    beta: ag.Tensor | None
    running_mean: ag.Tensor
    running_var: ag.Tensor
    _places: ClassVar[tuple[int, ...]]

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = True,
        *,
        units: Sequence[int] | Sequence[bool] | Array | None = None,
        inference: _Inference = "running",
        dtype: npt.DTypeLike = np.float32,
    ) -> None:
        name = type(self).__name__
        self.num_features = COUNT.check(f"{name}: num_features", num_features)
        self.eps = POSITIVE.check(f"{name}: eps", eps)
        self.momentum = PROBABILITY.check(f"{name}: momentum", momentum)
        self.inference = Choice(("running", "average")).check(f"{name}: inference", inference)
        self.dtype = FLOATS.check(f"{name}: dtype", dtype)
        self.units = None if units is None else _chosen(units, self.num_features, f"{name}: units")
        size = self.num_features if self.units is None else len(self.units)
        self.gamma = ag.tensor(np.ones(size, self.dtype), requires_grad=True) if affine else None
        self.beta = ag.tensor(np.zeros(size, self.dtype), requires_grad=True) if affine else None
        # In float32 at least: a tenth of what is new would be rounded off in float16.
        wide = np.promote_types(self.dtype, np.float32)
        first = (0.0, 1.0) if self.inference == "running" else (math.nan, math.nan)
        self.register_buffer("running_mean", np.full(size, first[0], wide))
        self.register_buffer("running_var", np.full(size, first[1], wide))
        self._collected: list[_Batch] | None = None

    @classmethod
    def example(cls) -> Example:
        """Three units, with as many places as there may be; each option at another value."""
        calls = [[(5, 3, *(2, 2)[:places])] for places in cls._places]

        def ready(dtype: npt.DTypeLike = np.float32, **options: Any) -> Module:
            layer = cls(3, **options, dtype=dtype)
            if layer.inference == "average":  # of some data
                with layer.accumulate():
                    layer(np.random.default_rng(0).normal(size=calls[0][0]))
            return layer

        variants: list[dict[str, Any]] = [
            {"affine": False, "eps": 0.5},
            {"momentum": 1.0},
            {"inference": "average"},
            {"units": [2, 0]},
        ]
        return Example(
            ready, calls=calls, variants=variants[-1:] if cls._places == (2,) else variants
        )

    def forward(self, z: ArrayLike) -> ag.Tensor:
        """Normalize ``z``.

        Parameters
        ----------
        z : array_like
            A batch, as the class says.

        Returns
        -------
        Tensor, shape of z
            In the layer's dtype.
        """
        z = as_units(z, self.num_features, self._places, self.dtype, self)
        axes = (0, *range(2, z.ndim))
        gamma, beta = self._filled(self.gamma, 1), self._filled(self.beta, 0)
        if not self.training and self._collected is None:
            if self.inference == "average":
                check_taken(self, self.running_mean, _ESTIMATE)
            mean: Any = self._filled(self.running_mean, 0)
            variance: Any = self._filled(self.running_var, 1)
            mean, variance, gamma, beta = (laid(t, axes) for t in (mean, variance, gamma, beta))
            output = functional.normalize(z, mean, variance, gamma, beta, self.eps)
            return self._selected(output, z)
        count = math.prod(z.shape[axis] for axis in axes)
        if self._collected is None and (count == 0 or count == 1):
            raise ShapeError(
                f"{self!r}",
                f"a batch of {count} has no variance to normalize by. "
                f"Expected at least 2 {'values of each unit' if z.ndim > 2 else 'rows'} in training. "
                "Drop the short last batch, choose another batch size, or call eval() first.",
            )
        output, mean, variance = functional.batch_norm_with_statistics(z, gamma, beta, self.eps)
        if self.units is not None:
            mean, variance = mean[np.array(self.units)], variance[np.array(self.units)]
        if self._collected is not None:
            found = (np.array(mean.numpy(), float), np.array(variance.numpy(), float))
            self._collected.append((self, count, *found))
        elif self.inference == "running":
            # Statistics are read off, never differentiated; a trace records the writes all the same.
            with ag.no_grad():
                old, new = 1 - self.momentum, self.momentum
                unbiased = variance * count / (count - 1)
                self.running_mean.assign(self.running_mean * old + mean * new)
                self.running_var.assign(self.running_var * old + unbiased * new)
        return self._selected(output, z)

    def _filled(self, values: ag.Tensor | None, rest: float) -> ag.Tensor | None:
        """What the chosen units have, and ``rest`` for the others."""
        if values is None or self.units is None:
            return values
        places = np.zeros(self.num_features, int)
        places[list(self.units)] = np.arange(1, len(self.units) + 1)
        return ag.concatenate([np.full(1, rest, values.dtype), values])[places]

    def _selected(self, output: ag.Tensor, z: Any) -> ag.Tensor:
        """What was computed of the chosen units, and ``z`` of the others."""
        if self.units is None:
            return output
        mask = np.isin(np.arange(self.num_features), self.units)
        return ag.where(mask.reshape(-1, *[1] * (z.ndim - 2)), output, z)

    @contextmanager
    def accumulate(self, last: _Last = "own") -> Iterator[None]:
        """Set the running statistics to the slides' average over the batches passed inside.

        μ_BN = 1/N Σ μ_B and σ²_BN = 1/N Σ σ²_B B/(B−1), over N equal batches. Inside, the layer
        normalizes by the batch's own statistics, whatever ``training`` says. If the block raises,
        the running statistics stay as they were.

        Parameters
        ----------
        last : {"own", "drop"}
            A last batch shorter than the others counts as one batch, with its own B/(B−1), or is
            left out.

        Raises
        ------
        ConfigError
            If ``last`` is no such name, the layer is accumulating already, or no batch was passed.
        ShapeError
            If batches other than the last differ in size, or one that counts has a single value.
        DataError
            If a batch has statistics that are NaN or infinite.

        Notes
        -----
        B counts values of a unit: of images, batch · height · width.

        References
        ----------
        [Batch normalization: Inference]
        """
        name = repr(self)
        Choice(("own", "drop")).check(f"{name}: last", last)
        found: list[_Batch] = []
        with _collecting([self], found):
            yield
        self._take(_average(self, found, last, len(found) - 1))

    def _take(self, statistics: tuple[Array, Array]) -> None:
        self.running_mean.assign(statistics[0])
        self.running_var.assign(statistics[1])

    def extra_repr(self) -> str:
        """Give the size and the options."""
        options = [str(self.num_features), f"eps={self.eps:g}", f"momentum={self.momentum:g}"]
        options += ["affine=False"] if self.gamma is None else []
        options += [] if self.units is None else [f"units={list(self.units)}"]
        options += [] if self.inference == "running" else [f'inference="{self.inference}"']
        options += [] if self.dtype == np.float32 else [f"dtype={self.dtype}"]
        return ", ".join(options)


class BatchNorm1d(_BatchNorm):
    """Moves each unit's batch to mean 0 and variance 1, then to a learned place γ u + β.

    Training: μ_B = 1/B Σ z_i, σ²_B = 1/B Σ (z_i − μ_B)², u_i = (z_i − μ_B)/√(σ²_B + ε),
    ẑ_i = γ u_i + β. Evaluation: the same with statistics of the training data.

    Parameters
    ----------
    num_features : int
        Number of units: the second axis of the input, which is of shape (batch, num_features), or
        (batch, num_features, length), and then B is batch · length.
    eps : float
        ε > 0, added to the variance, inside the root.
    momentum : float, in [0, 1]
        Weight of the newest batch in the running statistics (PyTorch's meaning; Keras's momentum
        is 1 minus this).
    affine : bool
        Whether there are γ and β.
    units : sequence of int, or mask of num_features bools, optional
        The units that are normalized, negative ones counted from the end; the others pass
        unchanged. γ, β and the statistics are then those of the chosen units, in this order.
        Default: all.
    inference : {"running", "average"}
        What evaluation normalizes by. ``"running"``: a running average, which each training batch
        moves. ``"average"``: the slides' average over all training minibatches of the final network,
        which `estimate_statistics` takes; training leaves it alone.
    dtype : dtype
        Of parameters and computation; a float dtype. Statistics are in float32 or better.

    Attributes
    ----------
    gamma, beta : Tensor, shape (num_features,) or that of ``units``, or None
        Scale, at first 1, and shift, at first 0.
    running_mean, running_var : Tensor, of the same shape
        Buffers. At first 0 and 1, so that evaluation before any training is z/√(1 + ε); with
        ``inference="average"`` NaN, and evaluation is refused.

    Raises
    ------
    ConfigError, DTypeError
        If an option is outside its range.
    ShapeError
        When called with an input of another shape; or, in training, with a single value for each
        unit (or none), whose variance says nothing: drop it, or use another batch size.
    StateError
        When called in evaluation with ``inference="average"`` before `estimate_statistics`.

    Notes
    -----
    * The running statistics follow PyTorch: after each training batch,
      running ← (1 − momentum) running + momentum · batch, the variance unbiased: σ²_B B/(B−1).
      PyTorch's ``momentum=None`` and ``track_running_stats=False`` are not here.
    * The slides average over all minibatches of the *final* network instead
      [Batch normalization: Inference]: call `estimate_statistics` when training is done, or
      `accumulate` for one layer, under either ``inference``.
    * A bias before this layer is without effect; [Batch normalization: Training] places the layer
      after the weighted sum and before the activation.
    * During a trace the new running statistics are the program's writes, and memory is not touched.

    References
    ----------
    [Batch normalization: Training], [Batch normalization: Inference]; ``units`` [Batch
    normalization]. Ioffe and Szegedy (2015), Batch normalization: accelerating deep network training
    by reducing internal covariate shift.

    Examples
    --------
    >>> import numpy as np, nn
    >>> layer = nn.BatchNorm1d(1, momentum=0.5, dtype=np.float64)
    >>> _ = layer(np.array([[1.0], [3.0]]))
    >>> layer.running_mean.numpy().tolist(), layer.running_var.numpy().tolist()
    ([1.0], [1.5])
    >>> nn.BatchNorm1d(2, eps=3.0, units=[1])(np.array([[1.0, 1.0], [3.0, 3.0]])).numpy().tolist()
    [[1.0, -0.5], [3.0, 0.5]]
    """

    _places = (0, 1)


class BatchNorm2d(_BatchNorm):
    """Batch norm of images: statistics of each channel over batch, height and width.

    As `BatchNorm1d`, with the same parameters and attributes, for inputs of shape
    (batch, num_features, height, width): B is batch · height · width, in μ_B, in σ²_B and in
    B/(B−1). So a convolution's outputs at all places are normalized alike.

    Parameters
    ----------
    num_features : int
        Number of channels, the second axis of the input.
    eps, momentum, affine, units, inference, dtype
        As of `BatchNorm1d`.

    Raises
    ------
    ConfigError, DTypeError, ShapeError, StateError
        As `BatchNorm1d`. A single image is a batch, if it has more than one place.

    References
    ----------
    Ioffe and Szegedy (2015), Batch normalization, section 3.2.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.BatchNorm2d(1, eps=3.0)(np.array([[[[1.0, 3.0], [1.0, 3.0]]]])).numpy().tolist()
    [[[[-0.5, 0.5], [-0.5, 0.5]]]]
    """

    _places = (2,)


def estimate_statistics(
    model: Module,
    batches: Iterable[ArrayLike],
    last: _Last = "own",
    earlier: _Earlier = "batch",
) -> None:
    """Give every batch-norm layer the slides' statistics: the average over all minibatches.

    Passes the batches through the model as it is now (the slides' "final converged network"),
    without recording and with everything but batch norm in evaluation mode, so that dropout is
    off; each batch-norm layer normalizes by the batch itself. Then sets `running_mean` and
    `running_var` of each. The model's modes are restored.

    Parameters
    ----------
    model : Module
        Holding at least one `BatchNorm1d` or `BatchNorm2d`, at any depth.
    batches : iterable of array_like
        Inputs, equal batches; the last may be shorter.
    last : {"own", "drop"}
        What is done with a shorter last batch, see `BatchNorm1d.accumulate`.
    earlier : {"batch", "final"}
        What the batch-norm layers before one normalize by, while its statistics are taken: by the
        batch, as in training, in one pass for all; or by their final statistics, as evaluation will,
        in one pass for each layer, in the order in which they are called. The batches are kept then.

    Raises
    ------
    ConfigError
        If the model has no batch norm, there is no batch, one is a tuple such as inputs with their targets,
        or an option is no such name.
    ShapeError
        If the batches are not equal, or one has a single value for each unit.
    DataError
        If a layer's statistics are NaN or infinite. Nothing was changed, as with each error.

    References
    ----------
    [Batch normalization: Inference]

    Examples
    --------
    >>> import numpy as np, nn
    >>> layer = nn.BatchNorm1d(1, dtype=np.float64)
    >>> nn.estimate_statistics(layer, [np.array([[0.0], [2.0]]), np.array([[2.0], [6.0]])])
    >>> layer.running_mean.numpy().tolist(), layer.running_var.numpy().tolist()
    ([2.5], [5.0])
    """
    Choice(("batch", "final")).check("estimate_statistics: earlier", earlier)
    layers = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    if not layers:
        raise ConfigError(
            "estimate_statistics",
            "the model has no batch norm. Expected at least one BatchNorm1d or BatchNorm2d "
            f"in it; received {type(model).__name__}.",
        )
    batches = batches if earlier == "batch" else list(batches)
    before = [
        (one, (np.array(one.running_mean.numpy()), np.array(one.running_var.numpy())))
        for one in layers
    ]
    try:
        while layers:
            found: list[_Batch] = []
            begins = 0
            with mode(model, training=False), _collecting(layers, found), ag.no_grad():
                for batch in batches:
                    begins = len(found)
                    model(_inputs(batch))
            # The layer that is called first has none before it that is not final.
            now = [found[0][0]] if found and earlier == "final" else layers
            for layer, statistics in [(one, _average(one, found, last, begins)) for one in now]:
                layer._take(statistics)
            layers = [layer for layer in layers if layer not in now]
    except BaseException:
        for layer, statistics in before:
            layer._take(statistics)
        raise


@contextmanager
def _collecting(layers: Sequence[_BatchNorm], into: list[_Batch]) -> Iterator[None]:
    """Let layers normalize by the batch, and note its statistics in the order of their calls."""
    for layer in layers:
        if layer._collected is not None:
            raise ConfigError(repr(layer), "accumulate is already running. Leave the first block.")
    for layer in layers:
        layer._collected = into
    try:
        yield
    finally:
        for layer in layers:
            layer._collected = None


def _inputs(batch: ArrayLike) -> ArrayLike:
    """A batch that is no tuple of inputs and targets.

    Raises
    ------
    ConfigError
        If it is.
    """
    if isinstance(batch, tuple):
        raise ConfigError(
            "estimate_statistics",
            f"expected batches of inputs; received a tuple of {len(batch)}. Pass the inputs alone.",
        )
    return batch


def _average(
    layer: _BatchNorm, found: list[_Batch], last: _Last, begins: int
) -> tuple[Array, Array]:
    """The slides' mean and variance of a layer, of what was collected.

    The last batch begins at a place of ``found``: a layer that is called twice has two of each batch.
    """
    name = repr(layer)
    own = [(n >= begins, b, mean, v) for n, (by, b, mean, v) in enumerate(found) if by is layer]
    if not own:
        raise ConfigError(
            name,
            "it saw no batch to take statistics of. Expected one or more; received none. Pass batches to "
            "estimate_statistics (a generator is empty once it is used), or call the model inside of accumulate.",
        )
    sizes = [size for _, size, _, _ in own]
    if any(size > sizes[0] or (size < sizes[0] and not late) for late, size, _, _ in own):
        raise ShapeError(
            name,
            "the average is over equal batches. Expected all but a shorter last one "
            f"of size {sizes[0]}; received sizes {sizes if len(sizes) < 9 else set(sizes)}. "
            "Cut the data into equal batches.",
        )
    if last == "drop":
        own = [one for one in own if one[1] == sizes[0]]
    smallest = min(size for _, size, _, _ in own)
    if smallest < 2:
        raise ShapeError(
            name,
            f"a batch of {smallest} has no unbiased variance. Expected at "
            'least 2 rows. Pass last="drop" to leave a short last batch out, or cut others.',
        )
    average = np.mean([mean for _, _, mean, _ in own], axis=0)
    variance = np.mean([v * (b / (b - 1)) for _, b, _, v in own], axis=0)
    if not (np.isfinite(average).all() and np.isfinite(variance).all()):
        raise DataError(
            name,
            "a batch has statistics that are NaN or infinite. Expected finite numbers in the data and "
            "in what the layers before give. Look at the inputs, or for a model that diverged.",
        )
    return average, variance


def _chosen(units: Any, size: int, where: str) -> tuple[int, ...]:
    """``units``, which are indices or a mask, as indices from 0.

    Raises
    ------
    ConfigError
        If they are neither, outside of the layer, twice there, or none.
    """
    given = np.asarray(units)
    mask = given.dtype == bool
    fits = given.ndim == 1 and given.size and (mask or given.dtype.kind in "iu")
    if fits and mask:
        fits = given.size == size and bool(given.any())
        given = np.flatnonzero(given)
    if fits:
        fits = given.min() >= -size and given.max() < size
        given = given % size
    if not fits or len(set(given.tolist())) < given.size:
        raise ConfigError(
            where.partition(":")[0],
            f"units: expected different indices from {-size} to {size - 1}, one or more, or a mask of "
            f"{size} bools; received {units!r:.60}.",
        )
    return tuple(int(i) for i in given)


_ESTIMATE = "first call nn.estimate_statistics(model, batches) with the training data."
