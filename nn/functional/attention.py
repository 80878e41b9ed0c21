"""Attention: averages of values, weighted by how well keys fit a query."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core.aliases import ArrayLike
from autograd_core.errors import ShapeError

from ..inputs import as_numbers
from .recurrent import driven

__all__ = ["masked_softmax", "multi_head_attention", "scaled_dot_product_attention"]

Dropping = Callable[[ag.Tensor], ag.Tensor]


def masked_softmax(x: ArrayLike, allowed: ArrayLike) -> ag.Tensor:
    """Softmax over those elements of the last axis that a mask allows; the others are 0.

    Parameters
    ----------
    x : array_like, shape (…, n)
    allowed : array_like of bool, broadcastable to x

    Returns
    -------
    Tensor, shape of x
        Sums to 1 along the last axis; where nothing is allowed, all of it is 0, and so is its gradient.

    Examples
    --------
    >>> import numpy as np, nn
    >>> allowed = np.array([[True, True, False], [False, False, False]])
    >>> nn.functional.masked_softmax(np.zeros((2, 3)), allowed).numpy().tolist()
    [[0.5, 0.5, 0.0], [0.0, 0.0, 0.0]]
    """
    # What is not allowed is not read: it may be nan, or far above the largest that is.
    lowest = ag.min(ag.where(allowed, x, 0), axis=-1, keepdims=True)
    largest = ag.max(ag.where(allowed, x, lowest), axis=-1, keepdims=True)
    shifted = ag.where(allowed, ag.subtract(x, ag.stop_gradient(largest)), 0)
    share = ag.where(allowed, ag.exp(shifted), 0)
    total = ag.sum(share, axis=-1, keepdims=True)
    return share / ag.where(ag.greater(total, 0), total, 1)


def scaled_dot_product_attention(
    query: ArrayLike,
    key: ArrayLike,
    value: ArrayLike,
    attn_mask: ArrayLike | None = None,
    is_causal: bool = False,
    scale: float | None = None,
    *,
    dropout: Dropping | None = None,
    need_weights: bool = False,
) -> Any:
    """softmax(q kᵀ / √d + mask) v.

    Parameters
    ----------
    query, key, value : array_like, shapes (…, L, d), (…, S, d), (…, S, v)
    attn_mask : array_like, broadcastable to (…, L, S), optional
        Of bool: True takes part, as in PyTorch's function of this name (its layer has it the other way
        round). Of floats: is added; -inf takes no part.
    is_causal : bool
        Whether a query sees the keys up to its own place alone.
    scale : float, optional
        In place of 1/√d.
    dropout : callable, optional
        Of the weights, to those that are used; such as an `nn.Dropout`.
    need_weights : bool
        Whether the weights are returned, too.

    Returns
    -------
    Tensor, shape (…, L, v); or a pair with the weights, (…, L, S)
        A query that may see nothing gets zeros, and hands no gradient on; PyTorch gives nan.

    Raises
    ------
    ShapeError
        If shapes do not fit.

    References
    ----------
    Vaswani et al. (2017), Attention is all you need, section 3.2.1.
    """
    query, key, value = (as_numbers(a) for a in (query, key, value))
    if (
        min(query.ndim, key.ndim, value.ndim) < 2
        or query.shape[-1] != key.shape[-1]
        or key.shape[-2] != value.shape[-2]
    ):
        raise ShapeError(
            "scaled_dot_product_attention",
            "query, key and value do not fit. Expected shapes (…, L, d), (…, S, d) and (…, S, v); received "
            f"{query.shape}, {key.shape} and {value.shape}.",
        )
    scale = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores = ag.matmul(query * scale, ag.swapaxes(key, -1, -2))
    allowed, added = _masks(attn_mask, scores.shape)
    if is_causal:
        rows, columns = (ag.arange(n) for n in scores.shape[-2:])
        before = ag.less_equal(columns, ag.expand_dims(rows, 1))
        allowed = before if allowed is None else ag.logical_and(allowed, before)
    scores = scores if added is None else scores + ag.cast(added, scores.dtype)
    weights = ag.softmax(scores, axis=-1) if allowed is None else masked_softmax(scores, allowed)
    result = ag.matmul(weights if dropout is None else dropout(weights), value)
    return (result, weights) if need_weights else result


def _masks(mask: ArrayLike | None, shape: tuple[Any, ...]) -> tuple[Any, Any]:
    """What is allowed, and what is added to scores."""
    if mask is None:
        return None, None
    mask = as_numbers(mask)
    fits = len(mask.shape) <= len(shape) and all(
        n in (1, m) for n, m in zip(mask.shape[::-1], shape[::-1], strict=False)
    )
    if not fits or mask.dtype.kind not in "bf":
        raise ShapeError(
            "scaled_dot_product_attention",
            f"the mask does not fit. Expected bool or floats, of a shape that broadcasts to {shape}; "
            f"received {mask.dtype} of shape {mask.shape}.",
        )
    if mask.dtype.kind == "b":
        return mask, None
    allowed = ag.greater(mask, -np.inf)
    return allowed, ag.where(allowed, mask, 0)


def multi_head_attention(
    query: ArrayLike,
    key: ArrayLike,
    value: ArrayLike,
    num_heads: int,
    in_weights: Sequence[ArrayLike],
    in_biases: Sequence[ArrayLike | None],
    out_weight: ArrayLike,
    out_bias: ArrayLike | None = None,
    attn_mask: ArrayLike | None = None,
    is_causal: bool = False,
    dropout: Dropping | None = None,
) -> tuple[ag.Tensor, ag.Tensor]:
    """Attention in several heads, each of its own projection of query, key and value.

    Parameters
    ----------
    query, key, value : array_like, shapes (batch, L, …), (batch, S, …), (batch, S, …)
    num_heads : int
        Divides the embedding's size E.
    in_weights, in_biases : three array_like, shapes (E, …) and (E,); biases may be None
        Of query, key and value, laid out as PyTorch's; E/num_heads rows a head.
    out_weight, out_bias : array_like, shapes (E, E) and (E,)
        Of the heads, side by side.
    attn_mask, is_causal, dropout : see `scaled_dot_product_attention`
        The mask broadcasts to (batch, heads, L, S).

    Returns
    -------
    output : Tensor, shape (batch, L, E)
    weights : Tensor, shape (batch, heads, L, S)

    References
    ----------
    Vaswani et al. (2017), Attention is all you need, section 3.2.2.
    """
    q, k, v = (
        _heads(driven(x, weight, bias), num_heads)
        for x, weight, bias in zip((query, key, value), in_weights, in_biases, strict=True)
    )
    result, weights = scaled_dot_product_attention(
        q, k, v, attn_mask, is_causal, dropout=dropout, need_weights=True
    )
    joined = ag.swapaxes(result, 1, 2)
    joined = ag.reshape(joined, (*joined.shape[:2], joined.shape[2] * joined.shape[3]))
    return driven(joined, out_weight, out_bias), weights


def _heads(x: Any, number: int) -> Any:
    batch, places, size = x.shape
    return ag.swapaxes(ag.reshape(x, (batch, places, number, size // number)), 1, 2)
