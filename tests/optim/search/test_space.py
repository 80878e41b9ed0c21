"""Spaces: what a configuration may be, which are tried, and with which seeds."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

import nn
import optim
from autograd_core.errors import ConfigError
from optim.search import Integers, LogUniform, Uniform
from optim.search.space import Space, jobs


def seen(space, n=None, **options):
    """The configurations and seeds of a search, in the order of their trials."""
    calls = []

    def trial(config, seed):
        calls.append((config, seed))
        return 0.0

    options = {"rng": 0, **options}
    search = optim.grid_search if n is None else optim.random_search
    search(trial, space, *([] if n is None else [n]), **options)
    return calls


def test_a_grid_is_all_combinations_the_last_name_fastest():
    configs = [config for config, _ in seen({"a": [1, 2], "b": ["x", "y", "z"]})]
    assert [(c["a"], c["b"]) for c in configs] == [(a, b) for a in (1, 2) for b in "xyz"]


def test_values_arrive_as_they_were_given_and_named_ones_stand_by_their_names():
    space = {
        "unit": {"relu": nn.ReLU, "tanh": nn.Tanh},
        "hidden": [(8,), (8, 4)],
        "lr": np.array([0.5, 1.0]),
    }
    trials = optim.grid_search(lambda config, seed: len(config["hidden"]), space, rng=0)
    assert trials["unit"][::4] == ["relu", "tanh"]
    assert trials["hidden"][:4] == [[8], [8], [8, 4], [8, 4]]
    assert trials["lr"][:2] == [0.5, 1.0]
    assert trials.best_config == {"unit": nn.ReLU, "hidden": (8,), "lr": 0.5}


def test_seeds_depend_on_nothing_but_the_search_the_configuration_and_the_repetition():
    def key(calls):
        return {json.dumps(config, sort_keys=True): seed for config, seed in calls}

    small = key(seen({"a": [1, 2], "b": [0.5]}))
    large = key(
        seen({"b": [0.25, 0.5, 1.0], "a": [3, 2, 1]})
    )  # other names first, other order, more values
    assert small.items() <= large.items()
    assert len(set(large.values())) == 9
    assert not set(key(seen({"a": [1, 2], "b": [0.5]}, rng=1)).values()) & set(small.values())
    repeated = seen({"a": [1]}, repeats=3)
    assert len({seed for _, seed in repeated}) == 3
    assert repeated[0] == seen({"a": [1]})[0]


def test_a_random_search_begins_with_the_same_ones_whatever_n_and_order_of_names():
    space = {"lr": LogUniform(1e-4, 1.0), "width": Integers(1, 8), "unit": ["a", "b"]}
    few, many = seen(space, 5), seen(dict(reversed(space.items())), 20)
    assert few == many[:5]


def test_no_configuration_is_drawn_twice_and_all_are_found():
    calls = seen({"a": Integers(0, 4), "b": ["x", "y"]}, 10)
    assert len({(c["a"], c["b"]) for c, _ in calls}) == 10
    with pytest.raises(
        ConfigError, match="n: expected at most 10, which is how many configurations"
    ):
        seen({"a": Integers(0, 4), "b": ["x", "y"]}, 11)


def test_distributions_have_their_distribution():
    rng = np.random.default_rng(0)
    uniform = np.array([Uniform(2.0, 4.0).draw(rng) for _ in range(4000)])
    assert uniform.min() >= 2
    assert uniform.max() < 4
    assert abs(np.mean(uniform) - 3) < 0.05
    log = np.log10([LogUniform(1e-4, 1.0).draw(rng) for _ in range(4000)])
    assert abs(np.mean(log) + 2) < 0.1
    assert abs(np.mean(log < -3) - 0.25) < 0.03
    whole = [Integers(1, 4).draw(rng) for _ in range(4000)]
    assert set(whole) == {1, 2, 3, 4}
    assert abs(whole.count(4) / 4000 - 0.25) < 0.03
    factors = [Integers(1, 15, log=True).draw(rng) for _ in range(4000)]  # 1, 2-3, 4-7, 8-15 alike
    assert (min(factors), max(factors)) == (1, 15)
    assert abs(np.mean(np.array(factors) < 4) - 0.5) < 0.04


REFUSED = {
    "empty": ({}, "an empty one"),
    "no dict": ([1, 2], "expected a dict"),
    "a name that is no string": ({1: [1]}, "names that are strings"),
    "a name of another column": ({"seed": [1]}, "received 'seed'"),
    "no values": ({"a": []}, "'a' has no values"),
    "a value by itself": ({"a": 3}, "For a single value pass [value]"),
    "a string by itself": ({"a": "relu"}, "received 'relu'"),
    "twice the same": ({"a": [0.1, 0.2, 0.1]}, "lists 0.1 twice"),
    "twice the same, as NumPy has it": ({"a": [0.5, np.float32(0.5)]}, "lists 0.5 twice"),
    "nan": ({"a": [float("nan")]}, "received nan"),
    "an object without a name": ({"a": [nn.ReLU]}, "Give others a name: {'a': {'name': value}}"),
    "names that are no strings": ({"a": {1: nn.ReLU}}, "expected strings as names"),
    "a distribution in a grid": ({"a": Uniform(0, 1)}, "use random_search"),
    "too many": ({str(i): list(range(10)) for i in range(7)}, "10,000,000 configurations"),
}


@pytest.mark.parametrize(("space", "says"), REFUSED.values(), ids=REFUSED)
def test_a_space_that_cannot_be_is_refused_before_any_trial(space, says):
    with pytest.raises(ConfigError, match=re.escape(says)):
        optim.grid_search(lambda config, seed: 1 / 0, space)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Uniform(1, 1), "low < high"),
        (lambda: Uniform(0, float("inf")), "high: expected a finite number"),
        (lambda: LogUniform(0, 1), "low: expected a number over 0"),
        (lambda: Integers(0.5, 2), "low: expected a whole number"),
        (lambda: Integers(0, 2, log=True), "expected 1 or more"),
        (lambda: Integers(True, 2), "low: expected a whole number"),
    ],
)
def test_a_distribution_that_cannot_be_is_refused(make, says):
    with pytest.raises(ConfigError, match=says):
        make()


def test_true_1_and_1_0_are_three_values():
    space = Space("test", {"a": [1, 1.0, True]})
    assert len({job.key for job in jobs(space.grid(), 1, 0)}) == 3
