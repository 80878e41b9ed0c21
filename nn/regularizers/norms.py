"""Penalties on the size of the weights."""

from __future__ import annotations

from typing import Any

import autograd_core as ag
from autograd_core.aliases import ArrayLike
from autograd_core.errors import ConfigError
from autograd_core.options import NON_NEGATIVE

from .. import functional
from ..contract import Example
from ..functional.penalties import incoming
from ..inputs import as_quantities
from .penalty import Chosen, Penalty

__all__ = ["L1", "L2", "ElasticNet", "GroupLasso"]

_CALLS: list[Any] = [[[(5, 3), (4,)]]]  # a matrix and a vector


class L2(Penalty):
    """Penalty on the squared size of the weights: ½ λ Σ_k ‖W_k‖².

    Its gradient is λ W_k, the slides' ΔW_k + λ W_k in every update [Regularizing the weights].

    Parameters
    ----------
    lam : float
        λ ≥ 0. Beside a loss that is a sum over T instances it has to be T times as large as beside
        their mean.
    half : bool
        False gives λ Σ_k ‖W_k‖², the form of [Summary: Regularization] and [Regularization as soft
        constraint], whose gradient is 2 λ W_k.
    parameters : {"weights", "all"}, sequence of str, or callable
        Which parameters of a model are meant: those with at least two axes, so neither biases nor
        the scales and shifts of normalization; all; those of these names and layers of these names;
        or those for which ``parameters(name, tensor)`` is True.

    Raises
    ------
    ConfigError
        If λ is negative or not finite, ``parameters`` is no such choice, or there is nothing to
        penalize.

    Notes
    -----
    With plain gradient descent this equals an optimizer's weight decay λ (PyTorch's
    ``weight_decay``, applied to the same parameters), inside of the gradient or beside it
    (`optim.WeightDecay`). With momentum and for adaptive methods the decay beside the gradient is
    another: it is not averaged or scaled with it. This is a part of the loss, so it is recorded,
    drawn and proved like any other.

    References
    ----------
    [Smoothness through weight constraints], [Regularizing the weights]

    Examples
    --------
    >>> import numpy as np, autograd_core as ag, nn
    >>> weight = ag.tensor([[1.0, 2.0]], requires_grad=True)
    >>> penalty = nn.L2(0.1)([weight])
    >>> penalty.backward()
    >>> float(penalty.detach()), weight.grad.numpy().tolist()
    (0.25, [[0.1, 0.2]])
    """

    def __init__(self, lam: float, *, half: bool = True, parameters: Chosen = "weights") -> None:
        super().__init__(lam, parameters=parameters)
        self.half = bool(half)

    @classmethod
    def example(cls) -> Example:
        """A matrix and a vector."""
        return Example(cls, (0.5,), calls=_CALLS, variants=[{"half": False}, {"parameters": "all"}])

    def _of(self, weights: list[Any]) -> ag.Tensor:
        penalty = self.lam * functional.l2(weights)
        return penalty if self.half else 2 * penalty

    def proximal(self, w: ArrayLike, step: float | ag.Tensor = 1.0) -> ag.Tensor:
        """w / (1 + η λ), or w / (1 + 2 η λ) without the half."""
        shrunk = step * self.lam if self.half else 2 * step * self.lam
        return ag.divide(w, 1 + shrunk)


class L1(Penalty):
    """Penalty on the absolute values of the weights: λ Σ_k Σ |W_k|, which makes many of them 0.

    Its gradient is λ sign(W_k), with sign(0) = 0. Gradient descent on it jitters around 0 and does
    not arrive there; `proximal`, or `optim.ProximalL1` after each step, does.

    Parameters
    ----------
    lam : float
        λ ≥ 0.
    parameters
        See `L2`.

    Raises
    ------
    ConfigError
        See `L2`.

    References
    ----------
    [l1 regularization], [Effect on gradient descent], [Summary: Regularization]

    Examples
    --------
    >>> import numpy as np, nn
    >>> penalty = nn.L1(0.5)
    >>> float(penalty([np.array([[3.0, -1.0]])]))
    2.0
    >>> penalty.proximal(np.array([3.0, 0.25]), step=1.0).numpy().tolist()
    [2.5, 0.0]
    """

    def __init__(self, lam: float, *, parameters: Chosen = "weights") -> None:
        super().__init__(lam, parameters=parameters)

    @classmethod
    def example(cls) -> Example:
        """A matrix and a vector."""
        return Example(cls, (0.5,), calls=_CALLS, variants=[{"parameters": "all"}])

    def _of(self, weights: list[Any]) -> ag.Tensor:
        return self.lam * functional.l1(weights)

    def proximal(self, w: ArrayLike, step: float | ag.Tensor = 1.0) -> ag.Tensor:
        """`soft_threshold` at η λ."""
        return functional.soft_threshold(w, step * self.lam)


class ElasticNet(Penalty):
    """The slide's elastic net: λ Σ_k Σ (β W_k² + |W_k|), with β on the square alone.

    Parameters
    ----------
    lam : float
        λ ≥ 0.
    beta : float
        β ≥ 0; 0 gives `L1`.
    parameters
        See `L2`.

    Raises
    ------
    ConfigError
        See `L2`; and if β is negative or not finite.

    References
    ----------
    [Summary: Regularization]. See `nn.functional.elastic_net` for scikit-learn's letters.

    Examples
    --------
    >>> import numpy as np, nn
    >>> float(nn.ElasticNet(0.5, beta=2.0)([np.array([[3.0, -1.0]])]))
    12.0
    """

    def __init__(self, lam: float, *, beta: float = 1.0, parameters: Chosen = "weights") -> None:
        super().__init__(lam, parameters=parameters)
        self.beta = NON_NEGATIVE.check("ElasticNet: beta", beta)

    @classmethod
    def example(cls) -> Example:
        """A matrix and a vector."""
        return Example(cls, (0.5,), calls=_CALLS, variants=[{"beta": 0.25}, {"parameters": "all"}])

    def _of(self, weights: list[Any]) -> ag.Tensor:
        return self.lam * functional.elastic_net(weights, self.beta)

    def proximal(self, w: ArrayLike, step: float | ag.Tensor = 1.0) -> ag.Tensor:
        """`soft_threshold` at η λ, over 1 + 2 η λ β."""
        t = step * self.lam
        return functional.soft_threshold(w, t) / (1 + 2 * self.beta * t)


class GroupLasso(Penalty):
    """Penalty on the norm of each unit's weights: λ Σ √n ‖w_unit‖, which makes whole units 0.

    Parameters
    ----------
    lam : float
        λ ≥ 0.
    axis : int, optional
        The axis of the units; see `nn.functional.group_lasso`.
    parameters
        See `L2`.

    Raises
    ------
    ConfigError
        See `L2`; and if ``axis`` is no integer.

    References
    ----------
    Yuan and Lin (2006), Model selection and estimation in regression with grouped variables.

    Examples
    --------
    >>> import numpy as np, nn
    >>> penalty = nn.GroupLasso(1.0)
    >>> penalty.proximal(np.array([[30.0, 0.3], [40.0, 0.4]])).numpy().round(3).tolist()
    [[29.151, 0.0], [38.869, 0.0]]
    """

    def __init__(
        self, lam: float, *, axis: int | None = None, parameters: Chosen = "weights"
    ) -> None:
        super().__init__(lam, parameters=parameters)
        if axis is not None and (isinstance(axis, bool) or not isinstance(axis, int)):
            raise ConfigError(
                "GroupLasso", f"axis: expected an integer or None; received {axis!r}."
            )
        self.axis = axis

    @classmethod
    def example(cls) -> Example:
        """A matrix and a vector."""
        return Example(cls, (0.5,), calls=_CALLS, variants=[{"axis": 0}, {"parameters": "all"}])

    def _of(self, weights: list[Any]) -> ag.Tensor:
        return self.lam * functional.group_lasso(weights, self.axis)

    def proximal(self, w: ArrayLike, step: float | ag.Tensor = 1.0) -> ag.Tensor:
        """Each unit's weights, times max(0, 1 − η λ √n / their norm)."""
        w = as_quantities(w, "GroupLasso")
        axes = incoming(w, self.axis)
        size = 1
        for a in axes:
            size *= w.shape[a]
        norm = ag.norm(w, axis=axes, keepdims=True)
        positive = ag.greater(norm, 0)
        t = step * self.lam * size**0.5
        return w * ag.where(positive, ag.relu(1 - t / ag.where(positive, norm, 1)), 0)
