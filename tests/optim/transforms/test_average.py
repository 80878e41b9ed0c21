from __future__ import annotations

import numpy as np

import autograd_core as ag
import optim


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
