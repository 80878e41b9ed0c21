from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim
from autograd_core.errors import ConfigError


def test_it_is_the_weighted_mean_of_where_the_weights_were():
    t = ag.tensor([1.0, -2.0], requires_grad=True)
    optimizer = optim.SGD([t], lr=0.1, transforms=[optim.Average(0.75)])
    places = []
    for k in range(1, 6):
        optimizer.zero_grad()
        ag.sum(t * t).backward()
        optimizer.step()
        places.append(t.numpy().copy())
        weights = 0.75 ** np.arange(k - 1, -1, -1)
        mean = (weights[:, None] * np.array(places)).sum(axis=0) / weights.sum()
        np.testing.assert_allclose(optimizer.slots_of(t)["Average.average"], mean, rtol=1e-14)


def test_it_does_not_touch_the_run():
    a, b = (ag.tensor([1.0, -2.0], requires_grad=True) for _ in range(2))
    plain = optim.Adam([a], lr=0.1)
    averaged = optim.Adam([b], lr=0.1, transforms=[optim.Average()])
    for _ in range(4):
        for t, optimizer in ((a, plain), (b, averaged)):
            optimizer.zero_grad()
            ag.sum(ag.cos(t)).backward()
            optimizer.step()
    np.testing.assert_array_equal(a.numpy(), b.numpy())


def run(steps, transform, dtype=np.float64, jit=False):
    """Where the weights were after each step, and the average after each."""
    t = ag.tensor([1.0, -2.0], dtype, requires_grad=True)
    optimizer = optim.SGD([t], lr=0.3, transforms=[transform])

    def step(target):
        optimizer.zero_grad()
        loss = ag.sum((t - target) ** 2)
        loss.backward()
        optimizer.step()
        return loss

    stepped = ag.jit(step, backend="numpy") if jit else step
    rng, places, averages = np.random.default_rng(0), [], []
    for _ in range(steps):
        stepped(rng.normal(size=2).astype(dtype))
        places.append(np.array(t.numpy(), float))
        averages.append(np.array(optimizer.slots_of(t)["Average.average"], float))
    return np.array(places), np.array(averages), optimizer, t


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("form", ["uniform", "exponential"])
@pytest.mark.parametrize(("start", "every"), [(0, 1), (0, 3), (4, 1), (3, 2), (2, 3)])
def test_it_averages_every_so_many_from_a_start_on(form, start, every, jit):
    decay = 0.75
    transform = optim.Average(decay, form=form, start=start, every=every)
    places, averages, *_ = run(12, transform, jit=jit)
    for k in range(1, 13):
        chosen = [i for i in range(start, k) if (i - start) % every == 0]
        if not chosen:
            expected = places[k - 1]
        else:
            n = len(chosen)
            weights = np.ones(n) if form == "uniform" else decay ** np.arange(n - 1.0, -1.0, -1.0)
            expected = weights @ places[chosen] / weights.sum()
        np.testing.assert_allclose(averages[k - 1], expected, rtol=1e-12, atol=1e-14)


def test_averages_stand_in_for_the_weights_and_are_given_back():
    places, averages, optimizer, t = run(5, optim.Average(form="uniform"))
    with optim.averaged(optimizer):
        np.testing.assert_array_equal(t.numpy(), averages[-1])
    np.testing.assert_array_equal(t.numpy(), places[-1])
    with pytest.raises(ZeroDivisionError), optim.averaged(optimizer):
        _ = 1 / 0
    np.testing.assert_array_equal(t.numpy(), places[-1])
    optim.take_averages(optimizer)
    np.testing.assert_array_equal(t.numpy(), averages[-1])


def test_buffers_are_not_averaged_but_renewed_and_given_back():
    rng = np.random.default_rng(0)
    x, d = rng.normal(size=(40, 3)), rng.normal(size=(40, 1))
    model = nn.Sequential(
        nn.Linear(3, 4, rng=0, dtype=np.float64), nn.BatchNorm1d(4, dtype=np.float64), nn.Tanh(),
        nn.Linear(4, 1, rng=1, dtype=np.float64),
    )  # fmt: skip
    optimizer = optim.SGD(
        model.parameters(), lr=0.3, transforms=[optim.Average(form="uniform", start=2)]
    )
    optim.fit(model, nn.MSELoss(), optimizer, (x, d), epochs=4, batch_size=10, rng=0)
    before = {name: np.array(value) for name, value in model.state_dict().items()}
    model.eval()
    with optim.averaged(optimizer, model):
        for name, buffer in model.named_buffers():  # those of training
            np.testing.assert_array_equal(buffer.numpy(), before[name])
        nn.estimate_statistics(model, [x])
        mean = (x @ model[0].weight.numpy() + model[0].bias.numpy()).mean(axis=0)
        np.testing.assert_allclose(model[1].running_mean.numpy(), mean, rtol=1e-6)
        inside = nn.MSELoss()(model(x), d).item()
    after = model.state_dict()
    for name, value in before.items():
        np.testing.assert_array_equal(np.asarray(after[name]), value)
    assert nn.MSELoss()(model(x), d).item() != inside


def test_where_there_are_no_averages_it_is_said():
    w = ag.tensor([1.0], requires_grad=True)
    for use in (optim.take_averages, lambda o: optim.averaged(o).__enter__()):
        with pytest.raises(ConfigError, match="keeps no averages"):
            use(optim.SGD([w], lr=0.1))
        with pytest.raises(ConfigError, match="nothing was averaged yet"):
            use(optim.SGD([w], lr=0.1, transforms=[optim.Average()]))
        with pytest.raises(ConfigError, match="expected an Optimizer"):
            use([w])
    _, _, optimizer, _ = run(1, optim.Average())
    with pytest.raises(ConfigError, match=r"with a state_dict\(\)"), optim.averaged(optimizer, 3):
        pass
    for wrong in ({"start": -1}, {"every": 0}, {"every": 1.5}, {"form": "median"}, {"decay": 1.0}):
        with pytest.raises(ConfigError, match=f"Average: {next(iter(wrong))}: expected"):
            optim.Average(**wrong)
