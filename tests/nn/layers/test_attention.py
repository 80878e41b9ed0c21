"""Attention: against its formula in NumPy, masks of both kinds, queries that may see nothing, bad input."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.errors import ConfigError, DTypeError, ShapeError
from autograd_core.symbolic import prove

F = nn.functional
RNG = np.random.default_rng(0)
Q, K, V = RNG.normal(size=(2, 3, 4)), RNG.normal(size=(2, 5, 4)), RNG.normal(size=(2, 5, 6))


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def made(**options):
    layer = nn.MultiheadAttention(4, 2, **{"dtype": np.float64, "rng": 0, **options})
    rng = np.random.default_rng(3)
    for p in layer.parameters():
        p.assign(rng.normal(size=p.shape))
    return layer


def test_it_is_the_formula():
    expected = softmax(Q @ np.swapaxes(K, 1, 2) / 2) @ V
    np.testing.assert_allclose(
        F.scaled_dot_product_attention(Q, K, V).numpy(), expected, rtol=1e-12
    )
    twice = softmax(Q @ np.swapaxes(K, 1, 2) * 2) @ V
    found = F.scaled_dot_product_attention(Q, K, V, scale=2.0)
    np.testing.assert_allclose(found.numpy(), twice, rtol=1e-12)


def test_heads_are_blocks_of_rows_and_the_weights_are_their_mean():
    layer = made(batch_first=True)
    x = RNG.normal(size=(2, 3, 4))
    output, weights = layer(x, x, x)
    _, each = layer(x, x, x, average_attn_weights=False)
    projected = x @ layer.in_proj_weight.numpy().T + layer.in_proj_bias.numpy()
    q, k, v = np.split(projected, 3, axis=-1)
    heads, shares = [], []
    for n in range(2):
        block = np.s_[..., 2 * n : 2 * n + 2]
        shares.append(softmax(q[block] @ np.swapaxes(k[block], 1, 2) / np.sqrt(2)))
        heads.append(shares[-1] @ v[block])
    out = layer.out_proj
    expected = np.concatenate(heads, axis=-1) @ out.weight.numpy().T + out.bias.numpy()
    np.testing.assert_allclose(output.numpy(), expected, rtol=1e-12)
    np.testing.assert_allclose(each.numpy(), np.stack(shares, axis=1), rtol=1e-12)
    np.testing.assert_allclose(weights.numpy(), np.mean(shares, axis=0), rtol=1e-12)


def test_axes_stand_as_batch_first_says_and_the_batch_may_be_left_out():
    first, last = made(batch_first=True), made()
    last.load_state_dict(first.state_dict())
    x, y = RNG.normal(size=(2, 3, 4)), RNG.normal(size=(2, 5, 4))
    output, weights = first(x, y, y)
    turned, same = last(*(np.swapaxes(a, 0, 1) for a in (x, y, y)))
    np.testing.assert_allclose(np.swapaxes(turned.numpy(), 0, 1), output.numpy(), rtol=1e-12)
    np.testing.assert_allclose(same.numpy(), weights.numpy(), rtol=1e-12)
    for layer in (first, last):
        alone, share = layer(x[0], y[0], y[0])
        np.testing.assert_allclose(alone.numpy(), output.numpy()[0], rtol=1e-12)
        np.testing.assert_allclose(share.numpy(), weights.numpy()[0], rtol=1e-12)


def test_a_masked_key_is_as_if_it_were_not_there():
    layer = made(batch_first=True)
    x, y = RNG.normal(size=(2, 3, 4)), RNG.normal(size=(2, 5, 4))
    hidden = np.array([[False, True, False, False, True]] * 2)
    short, _ = layer(x, y[:, ~hidden[0]], y[:, ~hidden[0]])
    pairs = np.repeat(hidden[:1], 3, axis=0)
    for masks in (
        {"key_padding_mask": hidden},
        {"key_padding_mask": np.where(hidden, -np.inf, 0.0)},
        {"attn_mask": pairs},
        {"attn_mask": np.where(pairs, -np.inf, 0.0)},
        {"attn_mask": np.repeat(pairs[None], 4, axis=0)},
        {"attn_mask": np.zeros((3, 5), bool), "key_padding_mask": np.where(hidden, -np.inf, 0.0)},
    ):
        output, weights = layer(x, y, y, **masks)
        np.testing.assert_allclose(output.numpy(), short.numpy(), rtol=1e-12)
        assert not weights.numpy()[:, :, hidden[0]].any()


def test_not_even_a_nan_in_the_padding_is_read():
    layer = made(batch_first=True)
    hidden = np.array([[False, True, False, False, True]] * 2)
    y = RNG.normal(size=(2, 5, 4))
    x = RNG.normal(size=(2, 3, 4))
    expected, _ = layer(x, y, y, hidden)
    y[hidden] = np.nan
    for mask in (hidden, np.where(hidden, -np.inf, 0.0)):
        key = ag.tensor(y, requires_grad=True)
        output, _ = layer(x, key, key, mask)
        np.testing.assert_allclose(output.detach().numpy(), expected.detach().numpy(), rtol=1e-12)
        ag.sum(output * output).backward()
        assert np.isfinite(key.grad.numpy()).all()
        assert all(np.isfinite(p.grad.numpy()).all() for p in layer.parameters())


def test_causal_is_the_mask_of_all_that_is_later():
    layer = made(batch_first=True)
    x = RNG.normal(size=(2, 3, 4))
    later = ~np.tril(np.ones((3, 3), bool))
    causal, _ = layer(x, x, x, is_causal=True)
    np.testing.assert_allclose(
        causal.numpy(), layer(x, x, x, attn_mask=later)[0].numpy(), rtol=1e-12
    )
    # The function has a mask of what is seen, the layer one of what is not: as in PyTorch.
    seen = F.scaled_dot_product_attention(x, x, x, ~later)
    np.testing.assert_allclose(
        F.scaled_dot_product_attention(x, x, x, is_causal=True).numpy(), seen.numpy(), rtol=1e-12
    )


def test_a_query_that_may_see_nothing_gets_zeros_and_hands_no_gradient_on():
    """PyTorch gives nan, forward and backward."""
    layer = made(batch_first=True)
    x, y = (ag.tensor(RNG.normal(size=s), requires_grad=True) for s in ((2, 3, 4), (2, 5, 4)))
    hidden = np.zeros((3, 5), bool)
    hidden[1] = True
    for mask in (hidden, np.where(hidden, -np.inf, 0.0)):
        x.grad = y.grad = None
        output, weights = layer(x, y, y, attn_mask=mask)
        np.testing.assert_array_equal(
            output.detach().numpy()[:, 1], [layer.out_proj.bias.numpy()] * 2
        )
        assert not weights.detach().numpy()[:, 1].any()
        ag.sum(output * output).backward()
        assert not x.grad.numpy()[:, 1].any()
        assert np.isfinite(y.grad.numpy()).all()
    assert not F.scaled_dot_product_attention(Q, K, V, np.zeros((3, 5), bool)).numpy().any()


def test_scores_that_are_masked_may_be_of_any_size():
    allowed = np.array([[True, True, False], [False, False, False]])
    for low, high in ((0.0, 1e300), (-1e300, 0.0), (1.0, np.inf), (1.0, np.nan)):
        x = ag.tensor([[low, low, high]] * 2, requires_grad=True)
        y = F.masked_softmax(x, allowed)
        ag.sum(y * [1.0, 2.0, 3.0]).backward()
        np.testing.assert_allclose(y.detach().numpy(), [[0.5, 0.5, 0], [0, 0, 0]])
        np.testing.assert_allclose(x.grad.numpy(), [[-0.25, 0.25, 0], [0, 0, 0]])


def test_dropout_is_of_the_weights_that_are_used_and_in_training_only():
    layer = made(dropout=1.0, batch_first=True)
    x = RNG.normal(size=(2, 3, 4))
    output, weights = layer(x, x, x)
    np.testing.assert_array_equal(
        output.numpy(), np.broadcast_to(layer.out_proj.bias.numpy(), (2, 3, 4))
    )
    np.testing.assert_allclose(weights.numpy().sum(axis=-1), 1)
    assert not np.allclose(layer.eval()(x, x, x)[0].numpy(), output.numpy())


def test_compiled_and_mapped_it_is_the_same():
    layer = made(batch_first=True)
    x = RNG.normal(size=(2, 3, 4))
    hidden = np.array([[False, False, True], [True, True, True]])
    step = ag.jit(lambda x, hidden: layer(x, x, x, hidden)[0])
    for mask in (hidden, ~hidden):
        np.testing.assert_allclose(
            step(x, mask).numpy(), layer(x, x, x, mask)[0].numpy(), rtol=1e-12, atol=1e-14
        )
    mapped = ag.vmap(lambda one: layer(one, one, one)[0])(x)
    np.testing.assert_allclose(mapped.numpy(), layer(x, x, x)[0].numpy(), rtol=1e-12)


def test_no_weights_are_returned_where_none_are_asked_for():
    output, weights = made()(Q[0], K[0], K[0], need_weights=False)
    assert output.shape == (3, 4)
    assert weights is None


@pytest.mark.parametrize(
    "shapes", [((0, 2, 4), (5, 2, 4)), ((3, 0, 4), (5, 0, 4)), ((1, 1, 4), (1, 1, 4))]
)
def test_empty_and_single_inputs_have_their_shapes(shapes):
    query, key = map(np.ones, shapes)
    output, weights = made()(query, key, key)
    assert output.shape == query.shape
    assert weights.shape == (query.shape[1], query.shape[0], key.shape[0])


def test_bad_input_is_refused_by_name():
    layer, x, y = made(batch_first=True), np.zeros((2, 3, 4)), np.zeros((2, 5, 4))
    for inputs, masks, error, words in (
        ((x, y, y[:, :4]), {}, ShapeError, "the inputs do not fit"),
        ((x, y[:1], y[:1]), {}, ShapeError, "the inputs do not fit"),
        ((x[0], y, y), {}, ShapeError, "the inputs do not fit"),
        ((x, y[..., :3], y), {}, ShapeError, "key: the input does not fit"),
        (
            (x, y, y),
            {"key_padding_mask": np.zeros((2, 3), bool)},
            ShapeError,
            r"expected shape \(2, 5\)",
        ),
        ((x, y, y), {"attn_mask": np.zeros((5, 3), bool)}, ShapeError, r"\(3, 5\) or \(4, 3, 5\)"),
        ((x, y, y), {"attn_mask": np.zeros((3, 5), int)}, DTypeError, "attn_mask: expected bool"),
    ):
        with pytest.raises(error, match=words):
            layer(*inputs, **masks)
    for options, words in (
        ({"num_heads": 3}, "expected a divisor of embed_dim = 4; received 3"),
        ({"num_heads": 2, "dropout": -1}, "dropout: expected"),
        ({"num_heads": 0}, "num_heads: expected"),
    ):
        with pytest.raises(ConfigError, match=words):
            nn.MultiheadAttention(4, **options)
    with pytest.raises(ShapeError, match="query, key and value do not fit"):
        F.scaled_dot_product_attention(Q, K, V[:, :4])
    with pytest.raises(ShapeError, match="the mask does not fit"):
        F.scaled_dot_product_attention(Q, K, V, np.ones((5, 3), bool))


def test_a_masked_softmax_is_proved_for_every_batch():
    (batch,) = ag.dims("B")
    shape = (batch, 3)
    verdict = prove.backward(
        lambda x, allowed, g: ag.sum(F.masked_softmax(x, allowed) * g),
        wrt=(0,),
        args=[ag.Abstract(shape, t) for t in (np.float64, bool, np.float64)],
    )
    assert verdict.status == "PROVED"
