"""Rectifiers: the identity above 0, and less below."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

import autograd_core as ag
from autograd_core.aliases import ArrayLike
from autograd_core.errors import ShapeError
from autograd_core.options import COUNT, FLOATS, POSITIVE, Interval

from ... import functional
from ...contract import Example
from ...inputs import as_reals, in_dtype
from ...module import Module

__all__ = ["CELU", "ELU", "SELU", "LeakyReLU", "PReLU", "ReLU", "ReLU6", "Threshold"]

_NUMBER = Interval()


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


class ReLU6(Module):
    """y = min(max(x, 0), 6), elementwise: see `nn.functional.relu6`.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.ReLU6()(np.array([-1.0, 2.0, 9.0])).numpy().tolist()
    [0.0, 2.0, 6.0]
    """

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Hold ``x`` between 0 and 6, any shape."""
        return functional.relu6(x)


class LeakyReLU(Module):
    """y = x for x > 0 and a x below, elementwise: see `nn.functional.leaky_relu`.

    Parameters
    ----------
    negative_slope : float
        a, which is the derivative at 0, too. PyTorch's default; Keras's is 0.3.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.LeakyReLU(0.5)(np.array([-4.0, 0.0, 2.0])).numpy().tolist()
    [-2.0, 0.0, 2.0]
    """

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = _NUMBER.check("LeakyReLU: negative_slope", negative_slope)

    @classmethod
    def example(cls) -> Example:
        """Two slopes."""
        return Example(cls, variants=[{"negative_slope": 0.3}])

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Compute x or a x, any shape."""
        return functional.leaky_relu(x, self.negative_slope)

    def extra_repr(self) -> str:
        """Give the slope."""
        return f"negative_slope={self.negative_slope:g}"


class PReLU(Module):
    """y = x for x > 0 and a x below, with a learned: see `nn.functional.prelu`.

    Parameters
    ----------
    num_parameters : int
        1: one slope for all; or the number of channels, the second axis of the input.
    init : float
        First value of the slopes.
    dtype : dtype
        Of the slopes and of the computation.

    Attributes
    ----------
    weight : Tensor, shape (num_parameters,)
        A penalty on its size pulls the layer towards `ReLU`; He et al. use none.

    Raises
    ------
    ShapeError
        When called with an input of other channels.

    Notes
    -----
    Keras's layer has a slope for each unit, and 0 at first.

    References
    ----------
    He, Zhang, Ren and Sun (2015), Delving deep into rectifiers.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.PReLU(2)(np.array([[-4.0, 2.0]])).numpy().tolist()
    [[-1.0, 2.0]]
    """

    weight: ag.Tensor

    def __init__(
        self, num_parameters: int = 1, init: float = 0.25, *, dtype: npt.DTypeLike = np.float32
    ) -> None:
        self.num_parameters = COUNT.check("PReLU: num_parameters", num_parameters)
        self.init = _NUMBER.check("PReLU: init", init)
        self.dtype = FLOATS.check("PReLU: dtype", dtype)
        slopes = np.full(self.num_parameters, self.init, self.dtype)
        self.weight = ag.tensor(slopes, requires_grad=True)

    @classmethod
    def example(cls) -> Example:
        """One slope, and one for each of three channels; with an axis behind them."""
        return Example(
            cls, calls=[[(5, 3)], [(5, 3, 2)]], variants=[{"init": 0.5}, {"num_parameters": 3}]
        )

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Compute x or a x.

        Parameters
        ----------
        x : array_like, shape (batch, channels, …); any shape for one slope
        """
        x = in_dtype(as_reals(x, self.dtype, self), self.dtype)
        n = self.num_parameters
        if n > 1 and (x.ndim < 2 or x.shape[1] != n):
            raise ShapeError(
                str(self),
                f"the input does not fit. Expected shape (batch, {n}, …); received {x.shape}. "
                "Make the layer for its second axis, or with one slope.",
            )
        return functional.prelu(x, self.weight)

    def extra_repr(self) -> str:
        """Give how many slopes, their first value, and the dtype if it is not the default."""
        options = [f"{self.num_parameters}", f"init={self.init:g}"]
        options += [] if self.dtype == np.float32 else [f"dtype={self.dtype}"]
        return ", ".join(options)


class ELU(Module):
    """y = x for x > 0 and α (e^x − 1) below, elementwise: never below −α. See `nn.functional.elu`.

    Parameters
    ----------
    alpha : float, > 0
        α; 1 is the value at which the derivative has no jump.

    References
    ----------
    Clevert, Unterthiner and Hochreiter (2016), Fast and accurate deep network learning by
    exponential linear units.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.ELU()(np.array([-40.0, 0.0, 2.0])).numpy().tolist()
    [-1.0, 0.0, 2.0]
    """

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = POSITIVE.check("ELU: alpha", alpha)

    @classmethod
    def example(cls) -> Example:
        """Two α."""
        return Example(cls, variants=[{"alpha": 0.5}])

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Compute x or α (e^x − 1), any shape."""
        return functional.elu(x, self.alpha)

    def extra_repr(self) -> str:
        """Give α where it is not 1."""
        return "" if self.alpha == 1 else f"alpha={self.alpha:g}"


class CELU(Module):
    """y = x for x > 0 and α (e^(x/α) − 1) below, elementwise: see `nn.functional.celu`.

    Parameters
    ----------
    alpha : float, > 0
        α.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.CELU(2.0)(np.array([-80.0, 0.0, 2.0])).numpy().tolist()
    [-2.0, 0.0, 2.0]
    """

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = POSITIVE.check("CELU: alpha", alpha)

    @classmethod
    def example(cls) -> Example:
        """Two α."""
        return Example(cls, variants=[{"alpha": 0.5}])

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Compute x or α (e^(x/α) − 1), any shape."""
        return functional.celu(x, self.alpha)

    def extra_repr(self) -> str:
        """Give α where it is not 1."""
        return "" if self.alpha == 1 else f"alpha={self.alpha:g}"


class SELU(Module):
    """y = λ x for x > 0 and λ α (e^x − 1) below, elementwise: see `nn.functional.selu`.

    Keeps mean 0 and variance 1 from layer to layer where weights are drawn by `lecun_normal`; with it goes
    alpha dropout.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.SELU()(np.array([-40.0, 0.0, 1.0])).numpy().round(4).tolist()
    [-1.7581, 0.0, 1.0507]
    """

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Compute λ x or λ α (e^x − 1), any shape."""
        return functional.selu(x)


class Threshold(Module):
    """y = x above a threshold and a value elsewhere, elementwise: see `nn.functional.threshold`.

    Parameters
    ----------
    threshold, value : float

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.Threshold(1.0, -1.0)(np.array([0.5, 1.0, 2.0])).numpy().tolist()
    [-1.0, -1.0, 2.0]
    """

    def __init__(self, threshold: float, value: float) -> None:
        self.threshold = _NUMBER.check("Threshold: threshold", threshold)
        self.value = _NUMBER.check("Threshold: value", value)

    @classmethod
    def example(cls) -> Example:
        """A jump up, and a ReLU."""
        return Example(cls, (0.25, 0.75))

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Compute x or the value, any shape."""
        return functional.threshold(x, self.threshold, self.value)

    def extra_repr(self) -> str:
        """Give threshold and value."""
        return f"{self.threshold:g}, {self.value:g}"
