"""Batch normalization: the layer, its running statistics, and the slides' statistics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Literal

import numpy as np
import numpy.typing as npt

import autograd_core as ag
from autograd_core.aliases import Array, ArrayLike
from autograd_core.errors import ConfigError, ShapeError
from autograd_core.modes import mode
from autograd_core.options import COUNT, FLOATS, POSITIVE, PROBABILITY, Choice

from ... import functional
from ...contract import Example
from ...inputs import as_features
from ...module import Module

__all__ = ["BatchNorm1d", "estimate_statistics"]

_Last = Literal["own", "drop"]


class BatchNorm1d(Module):
    """Moves each unit's batch to mean 0 and variance 1, then to a learned place γ u + β.

    Training: μ_B = 1/B Σ z_i, σ²_B = 1/B Σ (z_i − μ_B)², u_i = (z_i − μ_B)/√(σ²_B + ε),
    ẑ_i = γ u_i + β. Evaluation: the same with the running mean and variance.

    Parameters
    ----------
    num_features : int
        Number of units, the last axis of the input.
    eps : float
        ε > 0, added to the variance, inside the root.
    momentum : float, in [0, 1]
        Weight of the newest batch in the running statistics (PyTorch's meaning; Keras's momentum
        is 1 minus this).
    affine : bool
        Whether there are γ and β.
    dtype : dtype
        Of parameters, statistics and computation; a float dtype.

    Attributes
    ----------
    gamma, beta : Tensor, shape (num_features,), or None
        Scale, at first 1, and shift, at first 0.
    running_mean, running_var : Tensor, shape (num_features,)
        Buffers, at first 0 and 1.

    Raises
    ------
    ConfigError, DTypeError
        If an option is outside its range.
    ShapeError
        When called with an input that is not (batch, num_features); or, in training, with a batch
        of one (or none), whose variance says nothing: drop it, or use another batch size.

    Notes
    -----
    * The running statistics follow PyTorch: after each training batch,
      running ← (1 − momentum) running + momentum · batch, the variance unbiased: σ²_B B/(B−1).
    * The slides average over all minibatches of the *final* network instead
      [Batch normalization: Inference]: call `estimate_statistics` when training is done, or
      `accumulate` for one layer.
    * A bias before this layer is without effect; [Batch normalization: Training] places the layer
      after the weighted sum and before the activation.
    * During a trace the new running statistics are the program's writes, and memory is not touched.

    References
    ----------
    [Batch normalization: Training], [Batch normalization: Inference]. Ioffe and Szegedy (2015),
    Batch normalization: accelerating deep network training by reducing internal covariate shift.

    Examples
    --------
    >>> import numpy as np, nn
    >>> layer = nn.BatchNorm1d(1, momentum=0.5, dtype=np.float64)
    >>> _ = layer(np.array([[1.0], [3.0]]))
    >>> layer.running_mean.numpy().tolist(), layer.running_var.numpy().tolist()
    ([1.0], [1.5])
    """

    gamma: ag.Tensor | None
    beta: ag.Tensor | None
    running_mean: ag.Tensor
    running_var: ag.Tensor

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = True,
        *,
        dtype: npt.DTypeLike = np.float32,
    ) -> None:
        name = type(self).__name__
        self.num_features = COUNT.check(f"{name}: num_features", num_features)
        self.eps = POSITIVE.check(f"{name}: eps", eps)
        self.momentum = PROBABILITY.check(f"{name}: momentum", momentum)
        self.dtype = FLOATS.check(f"{name}: dtype", dtype)
        ones = np.ones(self.num_features, self.dtype)
        self.gamma = ag.tensor(ones, requires_grad=True) if affine else None
        self.beta = ag.tensor(0 * ones, requires_grad=True) if affine else None
        self.register_buffer("running_mean", 0 * ones)
        self.register_buffer("running_var", ones)
        self._collected: list[tuple[int, Array, Array]] | None = None

    @classmethod
    def example(cls) -> Example:
        """Three units; each option at another value."""
        return Example(cls, (3,), variants=[{"affine": False}, {"eps": 0.5}, {"momentum": 1.0}])

    def forward(self, z: ArrayLike) -> ag.Tensor:
        """Normalize ``z``.

        Parameters
        ----------
        z : array_like, shape (batch, num_features)

        Returns
        -------
        Tensor, shape (batch, num_features)
            In the layer's dtype.
        """
        z = as_features(z, self.num_features, self.dtype, self)
        if z.ndim != 2:
            raise ShapeError(
                f"{self!r}",
                "the input is no batch of rows. Expected shape (batch, "
                f"{self.num_features}); received {z.shape}. Reshape it, or put nn.Flatten() before.",
            )
        if not self.training and self._collected is None:
            return functional.normalize(
                z, self.running_mean, self.running_var, self.gamma, self.beta, self.eps
            )
        batch = z.shape[0]
        if self._collected is None and (batch == 1 or batch == 0):
            raise ShapeError(
                f"{self!r}",
                f"a batch of {batch} has no variance to normalize by. Expected at least "
                "2 rows in training. Drop the short last batch, choose another batch size, or "
                "call eval() first.",
            )
        output, mean, variance = functional.batch_norm_with_statistics(
            z, self.gamma, self.beta, self.eps
        )
        if self._collected is not None:
            self._collected.append(
                (batch, np.array(mean.numpy(), float), np.array(variance.numpy(), float))
            )
            return output
        # Statistics are read off, never differentiated; a trace records the writes all the same.
        with ag.no_grad():
            old, new = 1 - self.momentum, self.momentum
            unbiased = variance * batch / (batch - 1)
            self.running_mean.assign(self.running_mean * old + mean * new)
            self.running_var.assign(self.running_var * old + unbiased * new)
        return output

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
            If batches other than the last differ in size, or one that counts has a single row.

        References
        ----------
        [Batch normalization: Inference]
        """
        name = repr(self)
        Choice(("own", "drop")).check(f"{name}: last", last)
        if self._collected is not None:
            raise ConfigError(name, "accumulate is already running. Leave the first block.")
        self._collected = []
        try:
            yield
            collected = self._collected
        finally:
            self._collected = None
        if not collected:
            raise ConfigError(
                name, "accumulate saw no batch. Call the model at least once inside the block."
            )
        sizes = [size for size, _, _ in collected]
        if any(size != sizes[0] for size in sizes[:-1]) or sizes[-1] > sizes[0]:
            raise ShapeError(
                name,
                "the average is over equal batches. Expected all but a shorter last one "
                f"of size {sizes[0]}; received sizes {sizes if len(sizes) < 9 else set(sizes)}. "
                "Cut the data into equal batches.",
            )
        if last == "drop" and sizes[-1] < sizes[0]:
            collected = collected[:-1]
        if collected[-1][0] < 2:
            raise ShapeError(
                name,
                f"a batch of {collected[-1][0]} has no unbiased variance. Expected at "
                'least 2 rows. Pass last="drop" to leave a short last batch out, or cut others.',
            )
        self.running_mean.assign(sum(mean for _, mean, _ in collected) / len(collected))
        self.running_var.assign(sum(v * b / (b - 1) for b, _, v in collected) / len(collected))

    def extra_repr(self) -> str:
        """Give the size and the options."""
        options = [str(self.num_features), f"eps={self.eps:g}", f"momentum={self.momentum:g}"]
        options += ["affine=False"] if self.gamma is None else []
        options += [] if self.dtype == np.float32 else [f"dtype={self.dtype}"]
        return ", ".join(options)


def estimate_statistics(model: Module, batches: Iterable[ArrayLike], last: _Last = "own") -> None:
    """Give every batch-norm layer the slides' statistics: the average over all minibatches.

    Passes the batches through the model as it is now (the slides' "final converged network"),
    without recording and with everything but batch norm in evaluation mode, so that dropout is
    off; each batch-norm layer normalizes by the batch itself. Then sets `running_mean` and
    `running_var` of each. The model's modes are restored.

    Parameters
    ----------
    model : Module
        Holding at least one `BatchNorm1d`, at any depth.
    batches : iterable of array_like
        Inputs, equal batches; the last may be shorter.
    last : {"own", "drop"}
        What is done with a shorter last batch, see `BatchNorm1d.accumulate`.

    Raises
    ------
    ConfigError
        If the model has no batch norm, or there is no batch.
    ShapeError
        If the batches are not equal, or one has a single row.

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
    layers = [module for module in model.modules() if isinstance(module, BatchNorm1d)]
    if not layers:
        raise ConfigError(
            "estimate_statistics",
            "the model has no batch norm. Expected at least one BatchNorm1d "
            f"in it; received {type(model).__name__}.",
        )
    with ExitStack() as stack:
        stack.enter_context(mode(model, training=False))
        for layer in layers:
            stack.enter_context(layer.accumulate(last))
        stack.enter_context(ag.no_grad())
        for batch in batches:
            model(batch)
