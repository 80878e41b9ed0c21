"""Attention in several heads."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_core as ag
from autograd_core.aliases import ArrayLike, RandomSource
from autograd_core.errors import ConfigError, DTypeError, ShapeError
from autograd_core.options import COUNT, FLOATS, PROBABILITY, SWITCH
from autograd_core.randomness import source_of

from .. import functional, initializers
from ..contract import Example
from ..initializers.initializer import Initializer, parameter_from
from ..inputs import as_features, as_numbers
from ..module import Module
from .noise.dropout import Dropout

__all__ = ["MultiheadAttention"]

# Of the variant that has a mask: `masked_softmax` by itself is proved at every size.
_MASKED = (
    "the place of the largest score that is allowed is one of sums, too long for their normal forms"
)


class MultiheadAttention(Module):
    """Averages of values, weighted by how well keys fit a query; in several heads.

    Each head is softmax(q kᵀ/√d) v of its own projections of query, key and value; the heads side by
    side are projected once more. See `nn.functional.multi_head_attention`.

    Parameters
    ----------
    embed_dim : int
        Size E of queries and of the output.
    num_heads : int
        Divides it: a head has d = embed_dim/num_heads.
    dropout : float, in [0, 1]
        Of the weights, in training (`nn.Dropout`, inverted).
    bias : bool
        Of all projections.
    kdim, vdim : int, optional
        Sizes of keys and values. Default: embed_dim.
    batch_first : bool
        Whether axes are (batch, place, …) in inputs and output, and not (place, batch, …).
    rng : numpy.random.Generator or int, optional
        Source of the first weights, and of the masks: a generator, or a seed. Left out, a fresh seed is
        drawn, which the repr shows.
    dtype : dtype
        Of the parameters and of the computation; a float dtype.
    weight_init, bias_init : Initializer
        First values of each projection by itself. Default: `glorot_uniform` and `zeros`.

    Attributes
    ----------
    in_proj_weight : Tensor, shape (3 · embed_dim, embed_dim)
        Of query, key and value, in this order. With other sizes of keys or values, None, and there
        are ``q_proj_weight``, ``k_proj_weight`` and ``v_proj_weight``, (embed_dim, its size).
    in_proj_bias : Tensor, shape (3 · embed_dim,), or None
    out_proj : Module
        With ``weight``, (embed_dim, embed_dim), and ``bias``. All names and layouts are PyTorch's: its
        state dicts can be loaded.
    seed : int or None
        The seed that the first weights were drawn with, if ``rng`` was no generator.

    Raises
    ------
    ConfigError, DTypeError
        If an option is none of those, or the heads do not divide the size.
    ShapeError
        When called with inputs or masks that do not fit.

    Notes
    -----
    * A query that may see no key gets the bias of the last projection alone, as its weights are all 0,
      and hands no gradient on; PyTorch gives nan.
    * PyTorch draws in_proj_weight as one matrix, with fans E and 3E, and out_proj from U(-1/√E, 1/√E).
    * Not here: add_bias_kv, add_zero_attn.

    References
    ----------
    Vaswani et al. (2017), Attention is all you need.

    Examples
    --------
    >>> import numpy as np, nn
    >>> layer = nn.MultiheadAttention(8, 2, batch_first=True, rng=0)
    >>> x = np.random.default_rng(0).normal(size=(5, 4, 8))
    >>> output, weights = layer(x, x, x, is_causal=True)
    >>> output.shape, weights.shape, weights[0, 0].tolist()
    ((5, 4, 8), (5, 4, 4), [1.0, 0.0, 0.0, 0.0])
    """

    in_proj_weight: ag.Tensor | None
    in_proj_bias: ag.Tensor | None

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        *,
        rng: RandomSource = None,
        dtype: npt.DTypeLike = np.float32,
        weight_init: Initializer = initializers.glorot_uniform,
        bias_init: Initializer = initializers.zeros,
    ) -> None:
        self.embed_dim = size = COUNT.check("MultiheadAttention: embed_dim", embed_dim)
        self.num_heads = COUNT.check("MultiheadAttention: num_heads", num_heads)
        if size % self.num_heads:
            raise ConfigError(
                "MultiheadAttention: num_heads",
                f"expected a divisor of embed_dim = {size}; received {self.num_heads}.",
            )
        self.kdim = size if kdim is None else COUNT.check("MultiheadAttention: kdim", kdim)
        self.vdim = size if vdim is None else COUNT.check("MultiheadAttention: vdim", vdim)
        self.batch_first = SWITCH.check("MultiheadAttention: batch_first", batch_first)
        self.dtype = FLOATS.check("MultiheadAttention: dtype", dtype)
        rate = PROBABILITY.check("MultiheadAttention: dropout", dropout)
        bias = SWITCH.check("MultiheadAttention: bias", bias)
        source = source_of(rng, "MultiheadAttention")
        self.seed = source.seed

        def drawn(inputs: int) -> Any:
            where = "MultiheadAttention: weight_init"
            return (
                parameter_from(weight_init, where, (inputs, size), source.generator, self.dtype)
                .detach()
                .detach()
                .numpy()
                .T
            )

        def offset(copies: int) -> ag.Tensor | None:
            if not bias:
                return None
            where = "MultiheadAttention: bias_init"
            return parameter_from(bias_init, where, (copies * size,), source.generator, self.dtype)

        weights = [drawn(inputs) for inputs in (size, self.kdim, self.vdim)]
        self.in_proj_weight = None
        self._apart = not self.kdim == self.vdim == size
        if self._apart:
            for name, values in zip("qkv", weights, strict=True):
                setattr(self, f"{name}_proj_weight", ag.tensor(values, requires_grad=True))
        else:
            self.in_proj_weight = ag.tensor(np.concatenate(weights), requires_grad=True)
        self.in_proj_bias = offset(3)
        self.out_proj = _Projection(ag.tensor(drawn(size), requires_grad=True), offset(1))
        self.dropout = Dropout(rate, rng=source.generator) if rate else None

    @classmethod
    def example(cls) -> Example:
        """Of a sequence with itself and with another one, masks of both kinds, every option."""
        pair = [(2, 3, 4), (2, 3, 4), (2, 3, 4)]
        first = [(3, 2, 4), (3, 2, 4), (3, 2, 4)]
        hidden = np.array([[False, True], [True, True], [False, False]])
        return Example(
            cls,
            (4, 2),
            calls=[pair],
            variants=[
                {"dropout": 0.5},
                ({"bias": False, "batch_first": True}, [*first, hidden]),
                ({"kdim": 3, "vdim": 2}, [(2, 3, 4), (2, 3, 3), (2, 3, 2)]),
                {"weight_init": initializers.he_normal, "bias_init": initializers.ones},
            ],
            batch=lambda options: 0 if options.get("batch_first") else 1,
            undecided=lambda options: _MASKED if options.get("batch_first") else "",
        )

    def forward(
        self,
        query: ArrayLike,
        key: ArrayLike,
        value: ArrayLike,
        key_padding_mask: ArrayLike | None = None,
        need_weights: bool = True,
        attn_mask: ArrayLike | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> Any:
        """Attend.

        Parameters
        ----------
        query, key, value : array_like, shapes (L, batch, embed_dim), (S, batch, kdim), (S, batch, vdim)
            With ``batch_first`` the batch stands in front; or all three without it.
        key_padding_mask : array_like, shape (batch, S), optional
            Of bool: True takes no part, as in PyTorch. Of floats: is added to scores; -inf takes no part.
        need_weights : bool
            Whether the weights are returned, too.
        attn_mask : array_like, shape (L, S) or (batch · num_heads, L, S), optional
            Likewise, of pairs.
        average_attn_weights : bool
            Whether they are the mean over heads.
        is_causal : bool
            Whether a query sees the keys up to its own place alone; with no ``attn_mask``, too.

        Returns
        -------
        output : Tensor, as the query
        weights : Tensor, shape (batch, L, S), or (batch, heads, L, S); or None
            Before dropout.
        """
        query = as_features(query, self.embed_dim, self.dtype, f"{self._titled()}: query")
        key = as_features(key, self.kdim, self.dtype, f"{self._titled()}: key")
        value = as_features(value, self.vdim, self.dtype, f"{self._titled()}: value")
        single = query.ndim == 2
        batch = 0 if self.batch_first else 1
        if (
            not 2 <= query.ndim == key.ndim == value.ndim <= 3
            or key.shape[:-1] != value.shape[:-1]
            or (not single and query.shape[batch] != key.shape[batch])
        ):
            order = "(batch, {}, …)" if self.batch_first else "({}, batch, …)"
            raise ShapeError(
                self._titled(),
                f"the inputs do not fit. Expected shapes {order.format('L')}, {order.format('S')} and "
                f"{order.format('S')}, or all without the batch; received {query.shape}, {key.shape} "
                f"and {value.shape}.",
            )
        inputs = [query, key, value]
        if single:
            inputs = [ag.expand_dims(x, 0) for x in inputs]
        elif not self.batch_first:
            inputs = [ag.swapaxes(x, 0, 1) for x in inputs]
        rows, places = inputs[0].shape[:2], inputs[1].shape[1]
        if key_padding_mask is not None:  # so that not even a nan in the padding is read
            shape = (places,) if single else (rows[0], places)
            padding = self._kind(key_padding_mask, "key_padding_mask", [shape])
            hidden = padding if padding.dtype.kind == "b" else ag.equal(padding, -np.inf)
            hidden = ag.reshape(hidden, (rows[0], places, 1))
            inputs[1:] = [ag.where(hidden, 0, x) for x in inputs[1:]]
        mask = self._mask(key_padding_mask, attn_mask, (*rows, places), single)
        in_weights, in_biases = self._projections()
        output, weights = functional.multi_head_attention(
            inputs[0],
            inputs[1],
            inputs[2],
            self.num_heads,
            in_weights,
            in_biases,
            self.out_proj.weight,
            self.out_proj.bias,
            mask,
            is_causal,
            self.dropout,
        )
        weights = ag.mean(weights, axis=1) if average_attn_weights else weights
        if single:
            output, weights = output[0], weights[0]
        elif not self.batch_first:
            output = ag.swapaxes(output, 0, 1)
        return output, weights if need_weights else None

    def _projections(self) -> tuple[list[Any], list[Any]]:
        biases = [None] * 3 if self.in_proj_bias is None else ag.split(self.in_proj_bias, 3)
        if self.in_proj_weight is not None:
            return ag.split(self.in_proj_weight, 3), biases
        return [getattr(self, f"{name}_proj_weight") for name in "qkv"], biases

    def _mask(self, padding: Any, pairs: Any, sizes: tuple[Any, Any, Any], single: bool) -> Any:
        """One mask of shape (batch, heads or 1, L or 1, S), in the sense of the function."""
        batch, length, places = sizes
        found = []
        if padding is not None:
            mask = self._kind(
                padding, "key_padding_mask", [(places,) if single else (batch, places)]
            )
            found.append(ag.reshape(mask, (batch, 1, 1, places)))
        if pairs is not None:
            stack = (batch * self.num_heads, length, places)
            mask = self._kind(pairs, "attn_mask", [stack[1:], stack])
            shape = (1, 1) if mask.ndim == 2 else (batch, self.num_heads)
            found.append(ag.reshape(mask, (*shape, length, places)))
        if not found:
            return None
        if all(mask.dtype.kind == "b" for mask in found):
            return ag.logical_not(found[0] if len(found) == 1 else ag.logical_or(*found))
        floats = [
            ag.where(mask, -np.inf, self.dtype.type(0)) if mask.dtype.kind == "b" else mask
            for mask in found
        ]
        return floats[0] if len(floats) == 1 else floats[0] + floats[1]

    def _kind(self, mask: Any, name: str, shapes: list[tuple[Any, ...]]) -> Any:
        mask = as_numbers(mask)
        if mask.dtype.kind not in "bf":
            raise DTypeError(
                f"{self._titled()}: {name}",
                f"expected bool, True where no part is taken, or floats that are added; received {mask.dtype}.",
            )
        if mask.shape not in shapes:
            raise ShapeError(
                f"{self._titled()}: {name}",
                f"expected shape {' or '.join(map(str, shapes))}; received {mask.shape}.",
            )
        return mask

    def _titled(self) -> str:
        return f"{type(self).__name__}({self.extra_repr()})"

    def extra_repr(self) -> str:
        """Give the sizes, and what is not the default."""
        options = [str(self.embed_dim), str(self.num_heads)]
        options += [] if self.out_proj.bias is not None else ["bias=False"]
        options += [f"kdim={self.kdim}", f"vdim={self.vdim}"] if self._apart else []
        options += ["batch_first=True"] if self.batch_first else []
        options += [] if self.dtype == np.float32 else [f"dtype={self.dtype}"]
        options += [] if self.seed is None else [f"rng={self.seed}"]
        return ", ".join(options)


class _Projection(Module):
    """The last projection's parameters, under PyTorch's names: weight of shape (out, in)."""

    weight: ag.Tensor
    bias: ag.Tensor | None

    def __init__(self, weight: ag.Tensor, bias: ag.Tensor | None) -> None:
        self.weight = weight
        self.bias = bias
