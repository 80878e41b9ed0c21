"""What every regularizer keeps to, beside what every module does: one that is exported is tested by existing."""

from __future__ import annotations

import numpy as np
import pytest

import nn
import optim
from nn import regularizers
from nn.contract import example_of
from nn.regularizers.penalty import Penalty

KINDS = [
    kind
    for kind in (getattr(regularizers, name) for name in regularizers.__all__)
    if issubclass(kind, Penalty)  # of weights: a penalty on activations has other inputs
]
CASES = [(kind, case) for kind in KINDS for case in example_of(kind).cases()]
every = pytest.mark.parametrize(
    ("kind", "case"), CASES, ids=[f"{kind.__name__}({case.words})" for kind, case in CASES]
)


def model(dtype=np.float64):
    rng = np.random.default_rng(0)
    return nn.Sequential(
        nn.Linear(3, 4, rng=rng, dtype=dtype), nn.Tanh(), nn.Linear(4, 2, rng=rng, dtype=dtype)
    )


def test_there_are_regularizers_to_test():
    assert {"L1", "L2", "ElasticNet", "GroupLasso"} <= {kind.__name__ for kind in KINDS}


@every
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_of_a_model_it_is_a_finite_number_from_0_in_the_models_dtype(kind, case, dtype):
    penalty = case.build(dtype=dtype)(model(dtype))
    assert (penalty.shape, penalty.dtype) == ((), dtype)
    assert 0 <= penalty.item() < np.inf


@every
def test_it_is_smallest_where_there_is_nothing(kind, case):
    network = model()
    penalty = case.build(dtype=np.float64)(network).item()
    for p in network.parameters():
        p.assign(np.zeros(p.shape))
    assert case.build(dtype=np.float64)(network).item() < penalty


@every
def test_training_with_it_ends_in_smaller_weights(kind, case):
    """As `optim.fit` takes it: a function of the model, added to the loss."""
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(32, 3)), rng.normal(size=(32, 2))
    sizes = []
    for penalty in (None, case.build(dtype=np.float64)):
        network = model()
        optimizer = optim.SGD(network.parameters(), lr=0.05)
        optim.fit(
            network, nn.MSELoss(), optimizer, (x, y), epochs=8, batch_size=16, rng=0,
            regularizer=penalty, verbose=0,
        )  # fmt: skip
        sizes.append(sum(float(np.square(w.numpy()).sum()) for w in network.parameters()))
    assert sizes[1] < sizes[0]


@every
@pytest.mark.parametrize("step", [0.0, 0.3, 5.0])
def test_its_proximal_step_ends_where_half_the_square_and_the_penalty_are_least(kind, case, step):
    """w' is better than any point near it, and the penalty is no larger than before."""
    penalty = case.build(dtype=np.float64)
    rng = np.random.default_rng(2)
    for w in (rng.normal(size=(4, 3)), rng.normal(size=(4,)), np.zeros((2, 2))):
        after = penalty.proximal(w, step).numpy()
        assert penalty.proximal(w.astype(np.float32), step).dtype == np.float32

        def objective(v, w=w):
            return ((v - w) ** 2).sum() / 2 + step * penalty([v]).item()

        least = objective(after)
        assert penalty([after]).item() <= penalty([w]).item()
        for scale in (1e-3, 0.1, 1.0):
            for direction in rng.normal(size=(20, *w.shape)):
                assert objective(after + scale * direction) >= least - 1e-12
