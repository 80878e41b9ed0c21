"""Layers and losses as functions of their parameters: what is differentiated, drawn and proved.

All are composites of the engine's functions. None has a backward of its own, none asks for a
value (so each can be traced, for every batch size at once), and counts enter as exact integers.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core import log_softmax, relu, sigmoid, softmax, softplus, tanh
from autograd_core.aliases import ArrayLike
from autograd_core.context import CONTEXT
from autograd_core.errors import CaptureError, ConfigError, DataError, DTypeError, ShapeError

__all__ = [
    "batch_norm",
    "batch_norm_with_statistics",
    "cross_entropy",
    "dropout",
    "l2",
    "linear",
    "log_softmax",
    "mse_loss",
    "normalize",
    "relu",
    "sigmoid",
    "softmax",
    "softplus",
    "squared_error",
    "tanh",
]


def __dir__() -> list[str]:
    """The public names, for completion."""
    return list(__all__)


def linear(x: ArrayLike, weight: ArrayLike, bias: ArrayLike | None = None) -> ag.Tensor:
    """Weighted sums: x W + b.

    Parameters
    ----------
    x : array_like, shape (…, in)
    weight : array_like, shape (in, out)
        The transpose of PyTorch's.
    bias : array_like, shape (out,), optional

    Returns
    -------
    Tensor, shape (…, out)

    References
    ----------
    [What each neuron computes]
    """
    return ag.matmul(x, weight) if bias is None else ag.affine(x, weight, bias)


def normalize(
    z: ArrayLike,
    mean: ArrayLike,
    variance: ArrayLike,
    gamma: ArrayLike | None = None,
    beta: ArrayLike | None = None,
    eps: float | ag.Tensor = 1e-5,
) -> ag.Tensor:
    """Normalize by given statistics, then scale and shift: γ (z − μ)/√(σ² + ε) + β.

    Parameters
    ----------
    z : array_like, shape (B, …)
    mean, variance : array_like, broadcastable to z
    gamma, beta : array_like, broadcastable to z, optional
        Scale and shift; left out if None.
    eps : float
        ε > 0, added to the variance, inside the root.

    Returns
    -------
    Tensor, shape of z

    References
    ----------
    [Batch normalization: Inference]
    """
    return _scaled((z - mean) / ag.sqrt(variance + eps), gamma, beta)


def batch_norm_with_statistics(
    z: ArrayLike,
    gamma: ArrayLike | None = None,
    beta: ArrayLike | None = None,
    eps: float | ag.Tensor = 1e-5,
) -> tuple[ag.Tensor, ag.Tensor, ag.Tensor]:
    """Compute `batch_norm`, and the mean μ_B and variance σ²_B (divided by B) it used.

    Returns
    -------
    tuple of three Tensors, of shapes (B, …), (…), (…)
    """
    mean = ag.mark(ag.mean(z, axis=0), name="mean")
    centered = z - mean
    variance = ag.mark(ag.mean(ag.square(centered), axis=0), name="variance")
    u = ag.mark(centered / ag.sqrt(variance + eps), name="u")
    return _scaled(u, gamma, beta), mean, variance


def batch_norm(
    z: ArrayLike,
    gamma: ArrayLike | None = None,
    beta: ArrayLike | None = None,
    eps: float | ag.Tensor = 1e-5,
) -> ag.Tensor:
    """Normalize each unit over the batch, then scale and shift it.

    μ_B = 1/B Σ z_i,   σ²_B = 1/B Σ (z_i − μ_B)²,   u_i = (z_i − μ_B)/√(σ²_B + ε),   ẑ_i = γ u_i + β

    Parameters
    ----------
    z : array_like, shape (B, …)
        Statistics are taken over the first axis, for each unit by itself.
    gamma, beta : array_like, broadcastable to z, optional
        Scale and shift of each unit; left out if None.
    eps : float
        ε > 0, inside the root.

    Returns
    -------
    Tensor, shape (B, …)

    Notes
    -----
    The variance divides by B here, as on the slide. A batch of one gives u ≡ 0; the layer
    `nn.BatchNorm1d` refuses it. Since every output depends on the whole batch, the derivative of
    the batch's divergence is no mean of derivatives of single instances [A note on derivatives].

    References
    ----------
    [Batch normalization: Training]. Ioffe and Szegedy (2015), Batch normalization, algorithm 1.

    Examples
    --------
    >>> import numpy as np, nn
    >>> z = np.array([[1.0], [3.0]])
    >>> nn.functional.batch_norm(z, eps=3.0).numpy().tolist()
    [[-0.5], [0.5]]
    """
    return batch_norm_with_statistics(z, gamma, beta, eps)[0]


def _scaled(u: ag.Tensor, gamma: ArrayLike | None, beta: ArrayLike | None) -> ag.Tensor:
    scaled = u if gamma is None else gamma * u
    return scaled if beta is None else scaled + beta


def dropout(x: ArrayLike, mask: ArrayLike, keep: ArrayLike | None = None) -> ag.Tensor:
    """Switch units off by a given mask: D x, or D x / α.

    Parameters
    ----------
    x : array_like
        Outputs of the units, after their activation; or the network's inputs.
    mask : array_like of bool or 0 and 1, broadcastable to x
        D: 1 keeps, 0 drops.
    keep : float, optional
        α, the probability to keep, in (0, 1]. Given, the kept values are divided by it (inverted
        dropout, nothing to scale at test time). None: the slide's form, to be scaled by α then.

    Returns
    -------
    Tensor, shape of x

    References
    ----------
    [What each neuron computes], [Dropout]. Srivastava et al. (2014), Dropout, section 4.

    Examples
    --------
    >>> import numpy as np, nn
    >>> y = nn.functional.dropout(np.array([1.0, 2.0]), np.array([True, False]), keep=0.5)
    >>> y.numpy().tolist()
    [2.0, 0.0]
    """
    dropped = ag.multiply(x, mask)
    return dropped if keep is None else dropped / keep


def cross_entropy(logits: ArrayLike, targets: ArrayLike) -> ag.Tensor:
    """Mean over the batch of −Σ_c y_c log softmax(z)_c, in nats.

    Parameters
    ----------
    logits : array_like, shape (B, C)
        Scores before the softmax.
    targets : array_like, shape (B,) of int, or shape (B, C)
        Class labels in 0 … C−1; or one row of probabilities per input (one-hot or soft).

    Returns
    -------
    Tensor, shape ()
        0 for certain and right answers, log C for uniform ones.

    Raises
    ------
    ShapeError
        If shapes do not fit, or the batch is empty.
    DTypeError
        If labels of shape (B,) are not integers.
    DataError
        If a label is outside 0 … C−1; in a compiled step, at each run of it. Not checked in a trace,
        where labels have no values.

    Notes
    -----
    Computed by the shifted log-sum-exp, so large logits do not overflow. The gradient is
    (softmax(z) − y)/B where each row of y sums to 1; in general (softmax(z) Σ_c y_c − y)/B.

    References
    ----------
    [Mini Batches] for the mean over the batch.

    Examples
    --------
    >>> import numpy as np, nn
    >>> loss = nn.functional.cross_entropy(np.zeros((2, 4)), np.array([0, 3]))
    >>> bool(np.isclose(loss.numpy(), np.log(4)))
    True
    """
    logits, targets = _numbers(logits), _numbers(targets)
    if logits.ndim != 2 or logits.shape[0] == 0 or logits.shape[1] == 0:
        raise ShapeError(
            "cross_entropy: the logits are no batch of scores. Expected shape (batch, classes), "
            f"both at least 1; received {logits.shape}."
        )
    batch, classes = logits.shape
    if targets.shape == (batch,):
        _check_labels(targets, classes)
        return ag.sum(ag.softmax_cross_entropy(logits, targets)) / batch
    if targets.shape != logits.shape:
        raise ShapeError(
            "cross_entropy: the targets do not fit the logits. Expected integer labels of shape "
            f"({batch},) or probabilities of shape {logits.shape}; received {targets.shape}."
        )
    targets = _like(targets, logits)
    # 0 log 0 = 0: a class of probability 0 may have the logit -inf.
    return -ag.sum(ag.still(targets * log_softmax(logits, axis=1), targets)) / batch


def mse_loss(output: ArrayLike, targets: ArrayLike) -> ag.Tensor:
    """Mean of the squared error over **all elements**: 1/(B D) Σ (Y − d)².

    PyTorch's and Keras's mean squared error. The slides sum over the outputs of one instance and
    average over instances only: that is `squared_error`, D times as large.

    Parameters
    ----------
    output, targets : array_like, shape (B, …)
        Of one shape: nothing is broadcast.

    Returns
    -------
    Tensor, shape ()

    Raises
    ------
    ShapeError
        If the shapes differ (a column against a row would broadcast to a square in silence) or
        are empty.

    Examples
    --------
    >>> import numpy as np, nn
    >>> float(nn.functional.mse_loss(np.array([[1.0, 2.0]]), np.zeros((1, 2))))
    2.5
    """
    output, targets = _pair(output, targets, "mse_loss")
    return ag.squared_distance(output, targets) / output.size


def squared_error(output: ArrayLike, targets: ArrayLike) -> ag.Tensor:
    """Mean over the batch of the slides' divergence: 1/B Σ_t ‖Y_t − d_t‖².

    Parameters, returns and raises: see `mse_loss`, which divides by all elements instead.
    The gradient is 2/B (Y − d).

    References
    ----------
    [General approach to training], [Objective function for neural networks], [Mini Batches]

    Examples
    --------
    >>> import numpy as np, nn
    >>> float(nn.functional.squared_error(np.array([[1.0, 2.0]]), np.zeros((1, 2))))
    5.0
    """
    output, targets = _pair(output, targets, "squared_error")
    return ag.squared_distance(output, targets) / output.shape[0]


def l2(weights: Iterable[ArrayLike]) -> ag.Tensor:
    """Half the sum of squares: ½ Σ_k ‖W_k‖²; its gradient is W_k.

    Parameters
    ----------
    weights : iterable of array_like
        Of any shapes; at least one.

    Returns
    -------
    Tensor, shape ()

    Raises
    ------
    ConfigError
        If there are no weights.

    References
    ----------
    [Smoothness through weight constraints]

    Examples
    --------
    >>> import numpy as np, nn
    >>> float(nn.functional.l2([np.array([3.0]), np.array([4.0])]))
    12.5
    """
    squares = [ag.sum(ag.square(weight)) for weight in weights]
    if not squares:
        raise ConfigError(
            "l2: there are no weights to penalize. Expected at least one array; received none."
        )
    total = squares[0]
    for square in squares[1:]:
        total = total + square
    return total / 2


def _numbers(x: ArrayLike) -> Any:
    """A Tensor, or an array that a recorder will copy if it has to."""
    return x if isinstance(x, (ag.Tensor, np.ndarray)) else ag.tensor(x)


def _like(targets: Any, output: Any) -> Any:
    """Targets in the dtype of the output, so that a float32 model has a float32 loss."""
    return targets if targets.dtype == output.dtype else ag.cast(targets, output.dtype)


def _pair(output: ArrayLike, targets: ArrayLike, name: str) -> tuple[Any, Any]:
    output, targets = _numbers(output), _numbers(targets)
    shape = output.shape
    if shape != targets.shape or not shape or 0 in shape:
        raise ShapeError(
            f"{name}: output and targets do not fit. Expected one shape (batch, …), not empty; "
            f"received {shape} and {targets.shape}. Reshape the targets."
        )
    return output, _like(targets, output)


def _check_labels(targets: Any, classes: Any) -> None:
    if targets.dtype.kind not in "iu":
        raise DTypeError(
            "cross_entropy: labels are integers. Expected an integer dtype for targets of shape "
            f"{targets.shape}; received {targets.dtype}. Convert with .astype(np.int64), or pass "
            "probabilities of shape (batch, classes)."
        )
    if isinstance(classes, ag.Dim):
        return
    capture = CONTEXT.get().capture
    if capture is not None and capture.blind:  # checked at every run of the compiled step
        largest = ag.max(ag.cast(targets, np.uint64))  # as which negative ones are large
        known = ag.less(largest, classes)
        capture.check(known, lambda labels: _no_class(labels, classes), (targets,))
        return
    try:
        labels = np.asarray(targets)
    except CaptureError:  # traced: the labels will only be known when the program runs
        return
    # NumPy would read a label of −1 as the last class.
    if int(labels.min()) < 0 or int(labels.max()) >= classes:
        raise _no_class(labels, classes)


def _no_class(labels: Any, classes: int) -> DataError:
    low, high = int(labels.min()), int(labels.max())
    return DataError(
        f"cross_entropy: a label is no class. Expected labels from 0 to {classes - 1} for "
        f"{classes} logits; received {low if low < 0 else high}. Count classes from 0."
    )
