"""fit with optimizers that evaluate the loss themselves."""

import copy

import numpy as np
import pytest

import nn
import optim
from autograd_core.errors import AnomalyError, ConfigError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 3))
D = np.sin(X.sum(axis=1, keepdims=True))
KINDS = {
    optim.LBFGS: {},
    optim.NewtonCG: {},
    optim.GaussNewton: {},
    optim.Newton: {"indefinite": "absolute", "line_search": "backtracking"},
    optim.DiagonalNewton: {"line_search": "backtracking"},
}


def made(kind):
    model = nn.Sequential(
        nn.Linear(3, 4, rng=0, dtype=np.float64), nn.Tanh(), nn.Dropout(0.1, rng=1),
        nn.Linear(4, 1, rng=2, dtype=np.float64),
    )  # fmt: skip
    return model, kind(model.parameters(), **KINDS[kind])


def trained(model, optimizer, epochs, **options):
    options = {"batch_size": 30, "regularizer": nn.L2(1e-3), "sampler": optim.in_order, **options}
    return optim.fit(model, nn.MSELoss(), optimizer, (X, D), epochs=epochs, rng=0, **options)


def weights(model):
    return np.concatenate([t.numpy().ravel() for t in model.parameters()])


def test_every_kind_is_tried():
    assert {kind.__name__ for kind in KINDS} == set(optim.curvature.__all__)


@pytest.mark.parametrize("kind", KINDS)
def test_full_batches_are_steps_of_the_optimizer(kind):
    model, optimizer = made(kind)
    plain, other = made(kind)
    history = trained(model, optimizer, 4)
    plain.train()

    def loss():
        z = plain(X)
        return nn.MSELoss()(z, D) + nn.L2(1e-3)(plain), [z]

    for k in range(4):
        value, _ = other.step(loss)
        assert history["loss"][k] + history["penalty"][k] == pytest.approx(value.item(), rel=1e-12)
    np.testing.assert_allclose(weights(model), weights(plain), rtol=1e-8)
    assert optimizer.evaluations == other.evaluations


@pytest.mark.parametrize("kind", [optim.LBFGS, optim.GaussNewton])
def test_compiled_accumulated_and_in_batches(kind):
    model, optimizer = made(kind)
    other, compiled = made(kind)
    trained(model, optimizer, 3)
    trained(other, compiled, 3, jit=True)
    np.testing.assert_allclose(weights(other), weights(model), rtol=1e-6)
    model, optimizer = made(kind)
    model[2].eval()
    history = trained(model, optimizer, 5, batch_size=15)
    assert history["loss"][-1] < history["loss"][0]
    assert optimizer.updates == 10
    model, optimizer = made(kind)
    trained(model, optimizer, 2, batch_size=10, accumulate=3)
    assert optimizer.updates == 2


@pytest.mark.parametrize("kind", [optim.LBFGS, optim.NewtonCG])
def test_a_resumed_run_is_the_uninterrupted_one(kind, tmp_path):
    model, optimizer = made(kind)
    start = copy.deepcopy((model, optimizer))
    trained(model, optimizer, 6)
    first, one = start
    trained(first, one, 3, checkpoint=tmp_path / "run")
    second, two = made(kind)
    trained(second, two, 6, checkpoint=optim.Checkpoint(tmp_path / "run", resume=True))
    np.testing.assert_array_equal(weights(second), weights(model))
    for name, array in optimizer.carried.items():
        np.testing.assert_array_equal(two.carried[name], array)


def test_what_does_not_go_with_it_is_named():
    model, optimizer = made(optim.LBFGS)
    with pytest.raises(ConfigError, match="is read of the gradients before an update"):
        trained(model, optimizer, 1, callbacks=[optim.GradientFlow()])
    with pytest.raises(AnomalyError, match="the loss is nan where step 1 begins") as caught:
        optim.fit(
            model,
            lambda z, d: nn.MSELoss()(z, d) * np.nan,
            optimizer,
            (X, D),
            epochs=1,
            batch_size=30,
        )
    assert any("In fit, epoch 1, batch 1 of 1" in note for note in caught.value.__notes__)
    model.requires_grad_(False)
    with pytest.raises(ConfigError, match="every parameter is frozen"):
        trained(model, optimizer, 1)
