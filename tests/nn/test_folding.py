"""W_test = α W: each layer's own α, no biases, and what cannot be folded."""

from __future__ import annotations

import numpy as np
import pytest

import nn
from autograd_core.errors import ConfigError
from nn.catalogue import public_modules
from nn.contract import example_of
from nn.folding import _PASSING, _WEIGHTS
from nn.layers.noise.drawing import Drawing

F64 = np.float64
X = np.random.default_rng(0).normal(size=(6, 3))


def linear(rows, columns, seed=0):
    return nn.Linear(rows, columns, rng=seed, dtype=F64, bias_init=nn.initializers.ones)


def drop(keep, kind=nn.Dropout, **options):
    return kind(keep=keep, rng=0, scale="test", **options)


def values(tensor):
    return tensor.detach().numpy()


def test_each_layer_takes_the_alpha_of_the_one_before_and_no_bias_does():
    model = nn.Sequential(drop(0.8), linear(3, 4), nn.Tanh(), drop(0.5), linear(4, 2, 1))
    before = model.state_dict()
    folded = nn.fold_dropout(model)
    state = folded.state_dict()
    np.testing.assert_allclose(state["1.weight"], 0.8 * before["1.weight"], rtol=1e-15)
    np.testing.assert_allclose(state["4.weight"], 0.5 * before["4.weight"], rtol=1e-15)
    for bias in ("1.bias", "4.bias"):
        np.testing.assert_array_equal(state[bias], before[bias])
    np.testing.assert_allclose(values(folded(X)), values(model.eval()(X)), rtol=1e-12)
    assert not [m for m in folded.modules() if isinstance(m, nn.Dropout)]
    np.testing.assert_array_equal(model.state_dict()["1.weight"], before["1.weight"])


MODELS = {
    "inputs kept": [linear(3, 4), nn.ReLU(), drop(0.5), linear(4, 2)],
    "past ReLU and Flatten": [drop(0.8), nn.Flatten(), nn.ReLU(), linear(3, 2)],
    "two in a row": [drop(0.8), drop(0.5), linear(3, 2)],
    "the output dropped": [drop(0.8), linear(3, 2), drop(0.5)],
    "inverted": [nn.Dropout(0.5, rng=0), linear(3, 2)],
    "one chain in another": [drop(0.8), nn.Sequential(linear(3, 4), nn.Tanh(), drop(0.5)), linear(4, 1)],
    "gaussian": [drop(0.8, nn.GaussianDropout), linear(3, 2)],
    "depth": [drop(0.8, nn.StochasticDepth), linear(3, 2)],
    "connections": [drop(0.8), nn.DropConnect(3, 2, keep=0.5, scale="test", drop_bias=True, rng=0, dtype=F64, bias_init=nn.initializers.ones)],
    "moments": [drop(0.8), nn.DropConnect(3, 2, keep=0.5, test="gaussian", activation=np.tanh, rng=0, dtype=F64)],
    "whiteout_spread": [drop(0.8), nn.Whiteout(3, 2, rng=0, dtype=F64)],
    "none": [linear(3, 2)],
}  # fmt: skip


@pytest.mark.parametrize("parts", MODELS.values(), ids=MODELS)
def test_the_folded_model_computes_the_same_in_both_modes(parts):
    model = nn.Sequential(*parts)
    expected = values(model.eval()(X))
    folded = nn.fold_dropout(model)
    assert not folded.training
    np.testing.assert_allclose(values(folded(X)), expected, rtol=1e-12)


def test_dropout_behind_the_last_weights_stays():
    folded = nn.fold_dropout(nn.Sequential(drop(0.8), linear(3, 2), drop(0.5)))
    assert [type(m) for m in folded] == [nn.Identity, nn.Linear, nn.Dropout]


@pytest.mark.parametrize("between", [nn.Tanh(), nn.BatchNorm1d(3, dtype=F64), nn.Sigmoid()])
def test_an_alpha_does_not_pass_what_is_not_homogeneous(between):
    model = nn.Sequential(drop(0.8), between, linear(3, 2))
    with pytest.raises(
        ConfigError, match=f"stands before 1, a {type(between).__name__}, past which"
    ):
        nn.fold_dropout(model)


def test_shared_weights_take_one_alpha():
    shared = linear(3, 3)
    model = nn.Sequential(drop(0.8), shared, nn.Tanh(), drop(0.8), shared)
    np.testing.assert_allclose(
        values(nn.fold_dropout(model)(X)), values(model.eval()(X)), rtol=1e-12
    )
    for other in (nn.Identity(), drop(0.5)):
        with pytest.raises(ConfigError, match="1 and 4 are the same weights, and take"):
            nn.fold_dropout(nn.Sequential(drop(0.8), shared, nn.Tanh(), other, shared))


def test_what_does_not_say_what_follows_is_refused():
    class Own(nn.Module):
        def __init__(self):
            self.drop, self.linear = drop(0.5), linear(3, 2)

        def forward(self, x):
            return self.linear(self.drop(x))

    with pytest.raises(ConfigError, match=r"expected a Sequential.*received Own"):
        nn.fold_dropout(Own())
    with pytest.raises(ConfigError, match=r"stands inside of 0, a Own"):
        nn.fold_dropout(nn.Sequential(Own()))
    with pytest.raises(ConfigError, match="moves outputs as well as scaling"):
        nn.fold_dropout(nn.Sequential(drop(0.5, nn.AlphaDropout), linear(3, 2)))


def scales(kind):
    """Whether f(2 x) = 2 f(x) in evaluation, as far as examples tell; at 0 biases, not as it was made."""
    for case in example_of(kind).cases():
        layer, given = case.build(dtype=F64), case.inputs(F64)
        if len(given) != 1 or given[0].dtype.kind != "f" or list(layer.children()):
            return False  # what holds others scales as they do
        x = 10 * given[0] + 3
        layer(x)  # statistics of a batch, where there are some
        layer.eval()
        for name, p in layer.named_parameters():
            if name.endswith("bias"):
                p.assign(np.zeros(p.shape))
        once, twice = layer(x), layer(2 * x)
        if isinstance(once, tuple) or not np.allclose(values(twice), 2 * values(once), rtol=1e-12):
            return False
    return True


LAYERS = [kind for kind in public_modules() if kind.__module__.startswith("nn.layers")]


@pytest.mark.parametrize("kind", LAYERS, ids=lambda kind: kind.__name__)
def test_an_alpha_passes_layers_that_scale_and_no_others(kind):
    """Those that draw scale by themselves; other layers are listed if, and only if, they scale."""
    if issubclass(kind, Drawing):
        return
    assert (kind.__name__ in {*_PASSING, *_WEIGHTS}) == scales(kind)
