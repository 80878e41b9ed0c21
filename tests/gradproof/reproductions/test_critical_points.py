import numpy as np

import autograd_core as ag
from gradproof.reproducing import Order, carried_out, judged
from gradproof.reproductions import critical_points
from gradproof.work import Work


def test_a_small_networks_minimum_is_where_descent_comes_to_rest():
    experiment = critical_points.critical(hidden=1)
    results, _ = carried_out(experiment, Order("critical-points", updates=4))
    (row,) = experiment.rows
    assert results.mean(row, critical_points.MINIMA) == 1
    assert results.mean(row, critical_points.SPREAD) == 0
    assert results.mean(row, critical_points.STAYED) == 0
    assert judged(experiment, results)[-1][1] == "holds"


def test_the_problem_is_the_penalized_error():
    e = critical_points.problem(2)
    w = np.zeros(e.size)
    assert e.size == 9
    plain = e.value(w)
    w[-1] = 0.5  # the last bias alone
    assert e.value(w) != plain
    g = e.gradient(w)
    assert np.isfinite(g).all()
    ends = critical_points.descended(e, [w], Work(1))
    assert np.abs(e.gradient(ends[0])).max() < 1e-6
    assert isinstance(e.function(ag.tensor(w)), ag.Tensor)
