"""Weights that are off, moved or noisy, connection by connection."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import Any, Literal

import numpy as np

import autograd_core as ag
from autograd_core.aliases import ArrayLike
from autograd_core.options import Choice, Whole

from ..products import linear

__all__ = ["connected", "drop_connect", "moment_matched", "shakeout", "whiteout_spread"]

_FORMS: Choice[Literal["published", "printed"]] = Choice(("published", "printed"))


def connected(x: ArrayLike, weight: ArrayLike, bias: ArrayLike | None = None) -> ag.Tensor:
    """Weighted sums, x W + b, where each input may have weights and biases of its own.

    Parameters
    ----------
    x : array_like, shape (…, in)
    weight : array_like, shape (in, out) or (…, in, out)
        One for all inputs, or one for each.
    bias : array_like, shape (out,) or (…, out), optional

    Returns
    -------
    Tensor, shape (…, out)

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.functional.connected(np.ones((2, 1)), np.array([[[2.0]], [[3.0]]])).numpy().tolist()
    [[2.0], [3.0]]
    """
    if np.ndim(weight) == 2 and np.ndim(bias if bias is not None else 0) < 2:
        return linear(x, weight, bias)
    sums = ag.matmul(ag.expand_dims(x, -2), weight)[..., 0, :]
    return sums if bias is None else sums + bias


def drop_connect(
    x: ArrayLike,
    weight: ArrayLike,
    mask: ArrayLike,
    bias: ArrayLike | None = None,
    keep: ArrayLike | None = None,
) -> ag.Tensor:
    """Switch connections off by a given mask: x (M W) + b, or x (M W)/α + b.

    Parameters
    ----------
    x : array_like, shape (…, in)
    weight : array_like, shape (in, out)
    mask : array_like of bool or 0 and 1, shape (in, out) or (…, in, out)
        M: 1 keeps, 0 drops; one for all inputs, or one for each.
    bias : array_like, shape (out,) or (…, out), optional
    keep : float, optional
        α, the probability to keep. Given, the weights are divided by it.

    Returns
    -------
    Tensor, shape (…, out)

    References
    ----------
    [Variations on dropout]. Wan et al. (2013), Regularization of neural networks using DropConnect.

    Examples
    --------
    >>> import numpy as np, nn
    >>> mask = np.array([[True], [False]])
    >>> nn.functional.drop_connect(np.ones((1, 2)), np.array([[2.0], [3.0]]), mask).numpy().tolist()
    [[2.0]]
    """
    kept = ag.multiply(weight, mask)
    return connected(x, kept if keep is None else kept / keep, bias)


def moment_matched(
    mean: ArrayLike, variance: ArrayLike, activation: Callable[[Any], Any], samples: int = 64
) -> ag.Tensor:
    """Mean of an activation over normal sums: (1/Z) Σ_z a(μ + s q_z).

    The paper draws Z normal numbers for each unit. A unit's mean is an integral in one variable, so
    here the q_z are the middles of Z equally likely parts, scaled to variance 1: no draw, and an
    error of order 1/Z where Z draws have 1/√Z. Polynomials up to degree 3 come out exactly.

    Parameters
    ----------
    mean, variance : array_like, one shape
        Of the sums; variances from 0.
    activation : callable
        Elementwise.
    samples : int, from 2
        Z.

    Returns
    -------
    Tensor, of that shape

    References
    ----------
    Wan et al. (2013), DropConnect, section 3.2 and Algorithm 2.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag, nn
    >>> mean = nn.functional.moment_matched(np.zeros(1), np.ones(1), ag.relu, samples=1000)
    >>> bool(abs(mean.numpy()[0] - 1 / np.sqrt(2 * np.pi)) < 1e-3)
    True
    """
    samples = Whole(2).check("moment_matched: samples", samples)
    scores = np.array([NormalDist().inv_cdf((z + 0.5) / samples) for z in range(samples)])
    scores /= math.sqrt(np.mean(scores**2))
    mean, variance = (v if isinstance(v, ag.Tensor) else np.asarray(v) for v in (mean, variance))
    some = ag.greater(variance, 0)  # the root has no slope at 0, and none is needed
    spread = ag.where(some, ag.sqrt(ag.where(some, variance, 1)), 0)
    total = activation(mean + spread * float(scores[0]))
    for score in scores[1:]:
        total = total + activation(mean + spread * float(score))
    return total / samples


def shakeout(
    weight: ArrayLike,
    keep: ArrayLike,
    c: ArrayLike,
    form: Literal["published", "printed"] = "published",
) -> tuple[ag.Tensor, ag.Tensor]:
    """What Shakeout makes of weights: those of a unit that is kept, and of one that is not.

    With s = sign(w), sign(0) = 0, and a = 1/keep:

    ===============  ====================  ==============
    form             kept                  not kept
    ===============  ====================  ==============
    ``"published"``  a w + (a − 1) c s     −c s
    ``"printed"``    s (a |w| + (1 − a) c)  −c
    ===============  ====================  ==============

    Parameters
    ----------
    weight : array_like
    keep : float, in (0, 1]
        1 − τ.
    c : float, ≥ 0
        How far weights are moved; 0 is dropout of inputs.
    form : {"published", "printed"}
        Kang et al.'s, or the slide's, for its demonstration: its mean is not w (erratum X16).

    Returns
    -------
    kept, dropped : Tensor, shape of weight
        The derivative of s is 0.

    References
    ----------
    [Variations on dropout]. Kang, Li, Tao (2016), Shakeout: a new regularized deep neural network
    training scheme.

    Examples
    --------
    >>> import numpy as np, nn
    >>> kept, dropped = nn.functional.shakeout(np.array([1.0, -1.0]), 0.5, 0.1)
    >>> kept.numpy().tolist(), dropped.numpy().tolist()
    ([2.1, -2.1], [-0.1, 0.1])
    """
    form = _FORMS.check("shakeout: form", form)
    signs = ag.sign(weight)
    if form == "printed":
        return signs * (ag.absolute(weight) / keep + (1 - 1 / keep) * c), ag.zeros_like(weight) - c
    return ag.divide(weight, keep) + signs * ((1 / keep - 1) * c), signs * -c


def whiteout_spread(weight: ArrayLike, std: Any, gamma: Any = 1.0, lam: Any = 0.0) -> ag.Tensor:
    """Standard deviation of w e for noise e of variance σ² |w|^(−γ) + λ: √(σ² |w|^(2−γ) + λ w²).

    Parameters
    ----------
    weight : array_like
    std : float, ≥ 0
        σ.
    gamma : float, in [0, 2]
        γ: the mean penalty is σ² |w|^(2−γ) + λ w²; 1 gives an elastic net, 0 L2.
    lam : float, ≥ 0
        λ.

    Returns
    -------
    Tensor, shape of weight
        0 where the weight is 0, and no slope there.

    References
    ----------
    [Variations on dropout]. Li and Liu (2016), Whiteout: Gaussian adaptive noise regularization in
    deep neural networks.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.functional.whiteout_spread(np.array([4.0, -4.0, 0.0]), 1.5).numpy().tolist()
    [3.0, 3.0, 0.0]
    """
    weight = weight if isinstance(weight, ag.Tensor) else np.asarray(weight)
    within = np.result_type(
        weight.dtype, np.float32
    )  # squares of small weights are none in float16
    wide = weight if weight.dtype == within else ag.cast(weight, within)
    size = ag.absolute(wide)
    # As a product, since squares of small weights are no numbers: no root of what may be 0.
    if isinstance(std, (int, float)) and std == 0:
        spread = size * (ag.sqrt(lam) if isinstance(lam, ag.Tensor) else math.sqrt(lam))
    else:
        spread = std * size ** (1 - gamma / 2) * ag.sqrt(1 + lam / std**2 * size**gamma)
    spread = ag.where(ag.equal(wide, 0), 0, spread)
    return spread if weight.dtype == within else ag.cast(spread, weight.dtype)
