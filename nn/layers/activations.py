"""Activations: elementwise functions as layers, without parameters.

To add one: a class here whose ``forward`` calls a function, and its name in ``__all__``.
"""

from __future__ import annotations

import math

import autograd_core as ag
from autograd_core.aliases import ArrayLike

from ..module import Module

__all__ = ["ELU", "GELU", "Identity", "ReLU", "Sigmoid", "Softplus", "Tanh"]


class ELU(Module):
    """y = x for x > 0 and e^x − 1 below, elementwise: smooth at 0, never below −1.

    References
    ----------
    Clevert, Unterthiner and Hochreiter (2016), Fast and accurate deep network learning by
    exponential linear units; their α is 1 here, the value at which the derivative has no jump.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.ELU()(np.array([-40.0, 0.0, 2.0])).numpy().tolist()
    [-1.0, 0.0, 2.0]
    """

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Compute x or e^x − 1, any shape."""
        positive = ag.relu(x)
        # x - positive is min(x, 0) with derivative 1 at 0; the exponential of a large x is not taken.
        return positive + ag.expm1(x - positive)


class GELU(Module):
    """y = x Φ(x) with the normal distribution function Φ(x) = (1 + erf(x/√2))/2, elementwise.

    References
    ----------
    Hendrycks and Gimpel (2016), Gaussian error linear units. This is the exact form, PyTorch's
    default, not the one by tanh.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.GELU()(np.array([-40.0, 0.0, 40.0])).numpy().tolist()
    [-0.0, 0.0, 40.0]
    """

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Compute x Φ(x), any shape."""
        return x * (1 + ag.erf(ag.divide(x, math.sqrt(2)))) / 2


class Identity(Module):
    """y = x: a layer that does nothing, to stand in for another.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.Identity()(np.array([1.0, -1.0])).numpy().tolist()
    [1.0, -1.0]
    """

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Return ``x``, any shape."""
        return ag.identity(x)


class ReLU(Module):
    """y = max(x, 0), elementwise.

    Notes
    -----
    The derivative at 0 is taken as 0 (as in PyTorch; a subgradient there is any number in [0, 1]).

    References
    ----------
    Nair and Hinton (2010), Rectified linear units improve restricted Boltzmann machines.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.ReLU()(np.array([-1.0, 0.0, 2.0])).numpy().tolist()
    [0.0, 0.0, 2.0]
    """

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Compute max(x, 0), any shape."""
        return ag.relu(x)


class Sigmoid(Module):
    """y = 1 / (1 + e^(−x)), elementwise, in (0, 1); computed without overflow.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.Sigmoid()(np.array([0.0])).numpy().tolist()
    [0.5]
    """

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Compute the sigmoid, any shape."""
        return ag.sigmoid(x)


class Softplus(Module):
    """y = log(1 + e^x), elementwise: a smooth ReLU whose derivative is the sigmoid.

    References
    ----------
    Dugas et al. (2001), Incorporating second-order functional knowledge for better option pricing.

    Examples
    --------
    >>> import numpy as np, nn
    >>> bool(np.isclose(nn.Softplus()(np.array(0.0)).numpy(), np.log(2)))
    True
    """

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Compute log(1 + e^x), any shape."""
        return ag.softplus(x)


class Tanh(Module):
    """y = tanh(x), elementwise, in (−1, 1).

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.Tanh()(np.array([0.0])).numpy().tolist()
    [0.0]
    """

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Compute tanh(x), any shape."""
        return ag.tanh(x)
