"""Pictures and models that several tests draw."""

import sys

import numpy as np
import pytest

import nn
from viz.drawing.picture import Cluster, Edge, Node, Picture


def make_picture(sizes, edges, home=None, parents=(), direction="TB", **rest):
    """A picture of operations: number of nodes, (source, target[, slot]) edges, clusters."""
    nodes = tuple(
        Node("operation", f"op{k}", ("(8, 8)",), None if home is None else home[k])
        for k in range(sizes)
    )
    seen = {}
    made = []
    for source, target in edges:
        slot = seen[target] = seen.get(target, -1) + 1
        made.append(Edge(source, target, slot))
    clusters = tuple(Cluster(f"box {k}", parent) for k, parent in enumerate(parents))
    return Picture("picture", nodes, tuple(made), clusters, direction, **rest)


@pytest.fixture
def picture():
    return make_picture


@pytest.fixture(autouse=True)
def closed_figures():
    """What a test has pyplot show is closed after it."""
    yield
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close("all")


@pytest.fixture
def model():
    rng = np.random.default_rng(0)
    return nn.Sequential(
        nn.Linear(6, 5, rng=rng),
        nn.BatchNorm1d(5),
        nn.ReLU(),
        nn.Dropout(0.4, rng=rng),
        nn.Linear(5, 3, rng=rng),
    )


@pytest.fixture
def two():
    """A network with two dropout layers."""
    rng = np.random.default_rng(3)
    return nn.Sequential(
        nn.Dropout(0.25, rng=rng), nn.Linear(6, 20, rng=rng), nn.Tanh(),
        nn.Dropout(0.5, rng=rng), nn.Linear(20, 3, rng=rng),
    )  # fmt: skip


@pytest.fixture
def batch():
    return np.random.default_rng(1).random((8, 6)).astype(np.float32)
