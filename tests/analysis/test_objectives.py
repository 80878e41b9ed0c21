import numpy as np
import pytest

import autograd_core as ag
import nn
from analysis import Objective, bowl, objective, objective_of, surface
from autograd_core.errors import AnomalyError, ConfigError, DTypeError, UnreachableError

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(6, 3)), np.array([0, 1, 2, 0, 1, 2])


def network(dtype=np.float64, *layers):
    return nn.Sequential(
        nn.Linear(3, 4, rng=0, dtype=dtype),
        nn.Tanh(),
        *layers,
        nn.Linear(4, 3, rng=1, dtype=dtype),
    )


def of(model):
    return objective_of(model, nn.CrossEntropyLoss(), X, Y)


EVERY = {
    "number": lambda: objective(lambda w: w**4 + w, 0.5),
    "list": lambda: objective(lambda w: ag.sum(w**3), [1.0, 2.0]),
    "whole": lambda: objective(lambda w: ag.sum(w**3), [1, 2]),
    "matrix": lambda: objective(lambda w: ag.sum(ag.tanh(w @ w)), [[1.0, 2.0], [0.5, 0.3]]),
    "dict": lambda: objective(
        lambda p: ag.sum(p["w"] ** 2) * p["b"][0] ** 2, {"w": np.ones(2), "b": [3.0]}
    ),
    "surface": lambda: objective(surface("beale"), [1.0, 1.0]),
    "quadratic": lambda: objective(bowl(5.0, 3, coupled=True, rng=0), np.ones(3)),
    "network": lambda: of(network()),
    "float32": lambda: of(network(np.float32)),
    "batch norm": lambda: of(network(np.float64, nn.BatchNorm1d(4, dtype=np.float64))),
    "dropout": lambda: of(network(np.float64, nn.Dropout(0.5, rng=0))),
}


@pytest.fixture(params=EVERY, scope="module")
def e(request):
    return EVERY[request.param]()


def test_products_are_those_of_the_hessian_which_is_the_slope_of_the_gradient(e):
    close = 1e-7 if e.epsilon < 1e-10 else 2e-3
    h, product = e.hessian(), e.products()
    assert np.array_equal(h, h.T)
    for _ in range(3):
        v = RNG.normal(size=e.size)
        np.testing.assert_allclose(product(v), h @ v, atol=close * max(1.0, np.abs(h).max()))
    step = 1e-5 if e.epsilon < 1e-10 else 1e-2
    v = RNG.normal(size=e.size)
    slope = (e.gradient(e.at + step * v) - e.gradient(e.at - step * v)) / (2 * step)
    np.testing.assert_allclose(slope, h @ v, rtol=0.01, atol=50 * close * max(1, np.abs(h).max()))
    rise = (e.value(e.at + step * v) - e.value(e.at - step * v)) / (2 * step)
    assert rise == pytest.approx(float(e.gradient() @ v), rel=0.01, abs=0.02)


def test_the_same_numbers_every_time(e):
    assert e.value() == e.value()
    assert np.array_equal(e.gradient(), e.gradient())
    assert {name: part.shape for name, part in e.parts().items()} == dict(
        zip(e.names, e.shapes, strict=True)
    )
    assert objective(e).at is e.at
    assert objective(e, 2 * e.at).value() == e.value(2 * e.at)


def test_a_model_is_left_as_it_was():
    model = network(np.float64, nn.BatchNorm1d(4, dtype=np.float64), nn.Dropout(0.5, rng=0))
    before = {k: v.copy() for k, v in model.state_dict().items()}
    e = of(model)
    e.value(), e.gradient(), e.hessian()
    assert all(np.array_equal(v, before[k]) for k, v in model.state_dict().items())
    assert all(t.grad is None for t in model.parameters())
    assert "training mode" in e.remark
    assert of(model.eval()).remark == ""


def test_frozen_parameters_are_constants_and_tied_ones_are_one():
    model = network()
    model[0].requires_grad_(False)
    assert of(model).names == ("2.weight", "2.bias")
    tied = nn.Sequential(nn.Linear(3, 3, rng=0), nn.Tanh(), nn.Linear(3, 3, rng=1))
    tied[2].weight = tied[0].weight
    e = of(tied)
    assert e.size == 9 + 3 + 3
    v = RNG.normal(size=e.size)
    np.testing.assert_allclose(e.products()(v), e.hessian() @ v, atol=1e-5)


def test_what_cannot_be_looked_at_is_named():
    frozen = network().requires_grad_(False)
    for call, error, words in [
        (lambda: of(frozen), ConfigError, "no parameter that is not frozen"),
        (lambda: of(nn.Sequential(nn.Tanh())), ConfigError, "no parameter"),
        (lambda: objective_of(1, nn.MSELoss(), X), ConfigError, "nn.Module"),
        (lambda: objective_of(network(), 1, X), ConfigError, "a criterion"),
        (lambda: objective(1, [1.0]), ConfigError, "a function"),
        (lambda: objective(network(), [1.0]), ConfigError, "objective_of"),
        (lambda: objective(ag.sum), ConfigError, "expected the point"),
        (lambda: objective(ag.sum, []), ConfigError, "at least one number"),
        (lambda: objective(ag.sum, {}), ConfigError, "at least one number"),
        (lambda: objective(ag.sum, [np.nan]), ConfigError, "finite"),
        (lambda: objective(ag.sum, [1j]), DTypeError, "floats"),
        (lambda: objective(ag.sum, ["a"]), DTypeError, "floats"),
        (lambda: objective(lambda w: w, [1.0, 2.0]).value(), ConfigError, "one number"),
        (lambda: objective(lambda w: 3.0, [1.0]).value(), ConfigError, "one number"),
        (lambda: objective(ag.sum, [1.0]).value([1.0, 2.0]), ConfigError, "1 finite"),
        (lambda: objective(ag.sum, [1.0]).value([np.inf]), ConfigError, "1 finite"),
        (lambda: objective(lambda w: ag.tensor(1.0), [1.0]).gradient(), UnreachableError, "depend"),
    ]:
        with pytest.raises(error, match=words):
            call()


def test_a_loss_that_is_no_number_is_told():
    e = objective(lambda w: ag.sum(ag.log(w)), [0.0, 1.0])
    with np.errstate(all="ignore"):
        for call in (e.value, e.gradient, e.products, e.hessian):
            with pytest.raises(AnomalyError, match="expected a finite"):
                call()


def test_its_hessian_is_refused_past_a_limit():
    wide = objective(lambda w: ag.sum(w**2), np.ones(100_000))
    with pytest.raises(ConfigError, match=r"80 GB.*ag\.hvp"):
        wide.hessian()
    assert wide.products()(np.ones(100_000))[0] == 2
    assert isinstance(wide, Objective)
