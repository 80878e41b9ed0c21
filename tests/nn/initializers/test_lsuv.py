"""LSUV: each layer's outputs have variance 1 on the batch."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.errors import ConfigError, DataError
from nn.initializers import lsuv

RNG = np.random.default_rng(0)
X = RNG.normal(5.0, 20.0, size=(60, 8))


def network(depth=6, width=30, **options):
    layers = [nn.Linear(8, width, rng=0, **options)]
    for k in range(1, depth):
        layers += [nn.Tanh(), nn.Dropout(0.5, rng=k), nn.Linear(width, width, rng=k, **options)]
    return nn.Sequential(*layers)


def outputs(model, x):
    """What the linear layers give, in evaluation."""
    model.eval()
    places = [k for k, part in enumerate(model) if isinstance(part, nn.Linear)]
    return [model[: k + 1](x).detach().numpy() for k in places]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_outputs_of_every_layer_have_variance_1_and_weights_keep_their_angles(dtype):
    model = network(dtype=dtype)
    found = lsuv(model, X, tolerance=1e-3, rng=0)
    assert model.training
    assert list(found) == [name for name, part in model.named_modules() if hasattr(part, "weight")]
    for variance, output in zip(found.values(), outputs(model, X), strict=True):
        assert output.var() == pytest.approx(variance, rel=1e-4)
        assert abs(variance - 1) < 1e-3
    for part in model:
        if isinstance(part, nn.Linear) and part.weight.shape == (30, 30):
            gram = part.weight.numpy() @ part.weight.numpy().T
            np.testing.assert_allclose(gram, gram[0, 0] * np.eye(30), atol=1e-4)
        if isinstance(part, nn.Dropout):
            assert int(part.counter) == 0


def test_equal_generators_give_equal_weights_and_a_forward_is_left_as_it_was():
    first, second = network(), network()
    lsuv(first, X, rng=3)
    lsuv(second, X, rng=3)
    for name, values in first.state_dict().items():
        np.testing.assert_array_equal(values, second.state_dict()[name])
    assert all("forward" not in part.__dict__ for part in first.modules())


def test_biases_frozen_layers_and_those_not_called_stay():
    class Model(nn.Module):
        def __init__(self):
            self.later = nn.Linear(8, 8, rng=0, bias_init=nn.initializers.constant(0.5))
            self.frozen = nn.Linear(8, 8, rng=1).requires_grad_(False)
            self.first = nn.Linear(8, 8, rng=2)
            self.unused = nn.Linear(8, 8, rng=3)

        def forward(self, x):
            return self.later(self.frozen(self.first(x)))

    model = Model()
    before = model.state_dict()
    assert list(lsuv(model, X, rng=0)) == ["first", "later"]
    changed = [n for n, v in model.state_dict().items() if not np.array_equal(v, before[n])]
    assert changed == ["later.weight", "first.weight"]


def test_kernels_in_groups_are_orthogonal_by_group():
    x = RNG.normal(size=(20, 4, 9))
    model = nn.Sequential(nn.Conv1d(4, 6, 3, groups=2, rng=0, dtype=np.float64), nn.ReLU())
    assert lsuv(model, x, tolerance=1e-6, rng=0)["0"] == pytest.approx(1, abs=1e-6)
    for part in np.split(model[0].weight.numpy().reshape(6, -1), 2):
        gram = part @ part.T
        np.testing.assert_allclose(gram, gram[0, 0] * np.eye(3), atol=1e-12)


@pytest.mark.parametrize("kind", [nn.Conv2d, nn.ConvTranspose2d])
@pytest.mark.parametrize("groups", [1, 2])
def test_weights_are_what_the_layer_would_draw_up_to_a_factor(kind, groups):
    given = {"groups": groups, "dtype": np.float64, "weight_init": nn.initializers.orthogonal()}
    layer, drawn = kind(4, 6, 3, rng=1, **given), kind(4, 6, 3, rng=0, **given)
    lsuv(layer, RNG.normal(size=(3, 4, 5, 5)), rng=0)
    ratio = layer.weight.numpy() / drawn.weight.numpy()
    np.testing.assert_allclose(ratio, ratio.flat[0], rtol=1e-10)


class Off(nn.Module):
    def forward(self, x):
        return 0 * x


@pytest.mark.parametrize(
    ("model", "x", "error", "message"),
    [
        (nn.Sequential(nn.ReLU()), X, ConfigError, "calls no layer with weights.*Sequential"),
        (nn.Sequential(nn.Linear(8, 8, rng=0), Off(), nn.Linear(8, 8, rng=1)), X, ConfigError,
         "layer '2' do not vary"),
        (nn.Sequential(nn.Linear(8, 8, rng=0)), X * np.nan, DataError, "layer '0' are NaN"),
    ],
)  # fmt: skip
def test_what_cannot_be_had_is_refused_and_changes_nothing(model, x, error, message):
    before = model.state_dict()
    with pytest.raises(error, match=f"lsuv: .*{message}"):
        lsuv(model, x, rng=0)
    for name, values in model.state_dict().items():
        np.testing.assert_array_equal(values, before[name])
    assert all("forward" not in part.__dict__ for part in model.modules())


def test_options_outside_their_range_are_refused():
    with pytest.raises(ConfigError, match="lsuv: tolerance: expected a finite number"):
        lsuv(network(), X, tolerance=0.0)
    with pytest.raises(ConfigError, match="lsuv: attempts: expected an integer of 1 or more"):
        lsuv(network(), X, attempts=0)


def test_a_deep_network_starts_better_than_from_small_draws():
    """The signal of a deep tanh network dies out under draws that are too small, and not here."""
    small = nn.initializers.normal(std=0.05)
    model = network(depth=20, dtype=np.float64, weight_init=small)
    assert outputs(model, X)[-1].std() < 1e-6
    lsuv(model, X, rng=0)
    assert 0.9 < outputs(model, X)[-1].std() < 1.1
    with ag.no_grad():
        assert len(outputs(model, X)) == 20
