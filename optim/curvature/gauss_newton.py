"""Gauss-Newton by conjugate gradients: the curvature of the criterion alone."""

from __future__ import annotations

from typing import ClassVar

from .newton_cg import NewtonCG

__all__ = ["GaussNewton"]


class GaussNewton(NewtonCG):
    """Newton's step with the model taken as linear in its weights: curvature that is never negative.

    With the outputs z(w) and the criterion c(z)::

        w_{k+1} = w_k − p_k,    (Jᵀ (∂²c/∂z²) J + μ I) p_k ≈ ∇E(w_k),    J = ∂z/∂w

    For a criterion that is convex in the outputs (squared error, cross-entropy) the matrix is positive
    semidefinite everywhere; at a minimum that fits the data it is the Hessian. With damping this is
    Levenberg and Marquardt's method.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        See `SecondOrder`.
    lr, damping, tolerance, most_products, radius, strategy
        See `NewtonCG`.
    transforms, nonfinite, maximize, jit
        See `SecondOrder`.

    Raises
    ------
    ConfigError
        If a hyperparameter is outside its range; at a step, if the closure returns the loss alone.

    Notes
    -----
    The closure returns ``(loss, outputs)``, the outputs being what the criterion was given. A penalty in the
    loss has its whole curvature. Products are `autograd_core.gnvp`'s, each about three gradients.

    References
    ----------
    [Issues: 1. The Hessian]. Schraudolph (2002), Fast curvature matrix-vector products for second-order
    gradient descent. Martens (2010), Deep learning via Hessian-free optimization.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag, optim
    >>> w = ag.tensor([1.0, 1.0], requires_grad=True)
    >>> x = np.linspace(0, 1, 5)
    >>> y = 2 * np.exp(-3 * x)
    >>> def fitted():
    ...     z = w[0] * ag.exp(w[1] * x)
    ...     return ag.sum((z - y) ** 2), z
    >>> found = optim.minimize(optim.GaussNewton([w]), fitted)
    >>> w.numpy().round(6).tolist()
    [2.0, -3.0]
    """

    gauss_newton: ClassVar[bool] = True
