"""Smooth activations, and the one that does nothing."""

from __future__ import annotations

from typing import Literal

import autograd_core as ag
from autograd_core.aliases import ArrayLike
from autograd_core.options import POSITIVE, Choice

from ... import functional
from ...contract import Example
from ...module import Module

__all__ = [
    "GELU",
    "Identity",
    "LogSigmoid",
    "Mish",
    "SiLU",
    "Sigmoid",
    "Softplus",
    "Softsign",
    "Tanh",
    "Tanhshrink",
]

_FORMS: Choice[Literal["none", "tanh"]] = Choice(("none", "tanh"))


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


class LogSigmoid(Module):
    """y = log σ(x), elementwise, below 0; computed without overflow.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.LogSigmoid()(np.array([-1000.0])).numpy().tolist()
    [-1000.0]
    """

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Compute log σ(x), any shape."""
        return functional.logsigmoid(x)


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


class Tanhshrink(Module):
    """y = x − tanh(x), elementwise.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.Tanhshrink()(np.array([-40.0, 0.0])).numpy().tolist()
    [-39.0, 0.0]
    """

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Compute x − tanh(x), any shape."""
        return functional.tanhshrink(x)


class Softsign(Module):
    """y = x / (1 + |x|), elementwise, in (−1, 1): see `nn.functional.softsign`.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.Softsign()(np.array([-3.0, 1.0])).numpy().tolist()
    [-0.75, 0.5]
    """

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Compute x / (1 + |x|), any shape."""
        return functional.softsign(x)


class Softplus(Module):
    """y = log(1 + e^(βx)) / β, elementwise: a smooth ReLU whose derivative is the sigmoid of βx.

    Parameters
    ----------
    beta : float, > 0
        β. PyTorch's ``threshold`` is not needed: see `nn.functional.softplus`.

    References
    ----------
    Dugas et al. (2001), Incorporating second-order functional knowledge for better option pricing.

    Examples
    --------
    >>> import numpy as np, nn
    >>> bool(np.isclose(nn.Softplus()(np.array(0.0)).numpy(), np.log(2)))
    True
    """

    def __init__(self, beta: float = 1.0) -> None:
        self.beta = POSITIVE.check("Softplus: beta", beta)

    @classmethod
    def example(cls) -> Example:
        """Two β."""
        return Example(cls, variants=[{"beta": 2.5}])

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Compute log(1 + e^(βx)) / β, any shape."""
        return functional.softplus(x, self.beta)

    def extra_repr(self) -> str:
        """Give β where it is not 1."""
        return "" if self.beta == 1 else f"beta={self.beta:g}"


class SiLU(Module):
    """y = x σ(x), elementwise: see `nn.functional.silu`.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.SiLU()(np.array([-1000.0, 0.0, 1000.0])).numpy().tolist()
    [-0.0, 0.0, 1000.0]
    """

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Compute x σ(x), any shape."""
        return functional.silu(x)


class Mish(Module):
    """y = x tanh(log(1 + e^x)), elementwise: see `nn.functional.mish`.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.Mish()(np.array([-1000.0, 0.0, 1000.0])).numpy().tolist()
    [-0.0, 0.0, 1000.0]
    """

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Compute x tanh(log(1 + e^x)), any shape."""
        return functional.mish(x)


class GELU(Module):
    """y = x Φ(x) with the normal distribution function Φ(x) = (1 + erf(x/√2))/2, elementwise.

    Parameters
    ----------
    approximate : {"none", "tanh"}
        "tanh" is the form by tanh, of GPT-2 among others: see `nn.functional.gelu`.

    References
    ----------
    Hendrycks and Gimpel (2016), Gaussian error linear units.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.GELU()(np.array([-40.0, 0.0, 40.0])).numpy().tolist()
    [-0.0, 0.0, 40.0]
    """

    def __init__(self, approximate: Literal["none", "tanh"] = "none") -> None:
        self.approximate = _FORMS.check("GELU: approximate", approximate)

    @classmethod
    def example(cls) -> Example:
        """Both forms."""
        return Example(cls, variants=[{"approximate": "tanh"}])

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Compute x Φ(x), any shape."""
        return functional.gelu(x, self.approximate)

    def extra_repr(self) -> str:
        """Give the form where it is not the exact one."""
        return "" if self.approximate == "none" else f"approximate={self.approximate!r}"
