"""A small model made of the engine's functions alone, and data for it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

import autograd_core as ag


class Tiny:
    """Two layers; a running mean and a counted random mask while training, as nn's layers have."""

    def __init__(self, seed=0, sizes=(2, 8, 3), dtype=np.float64):
        rng = np.random.default_rng(seed)
        self.tensors = {}
        for i, (n, m) in enumerate(pairwise(sizes)):
            weight = rng.normal(size=(n, m)) / np.sqrt(n)
            self.tensors[f"{i}.weight"] = ag.tensor(
                weight, dtype, requires_grad=True, name="weight"
            )
            self.tensors[f"{i}.bias"] = ag.tensor(
                np.zeros(m), dtype, requires_grad=True, name="bias"
            )
        self.tensors["mean"] = ag.tensor(np.zeros(sizes[1]), dtype)
        self.tensors["key"] = ag.tensor(rng.integers(0, 2**63, 2, np.uint64))
        self.tensors["counter"] = ag.tensor(np.uint64(0))
        self.training = True

    def __call__(self, x):
        t = self.tensors
        h = ag.tanh(ag.tensor(x) @ t["0.weight"] + t["0.bias"])
        if self.training:
            t["counter"].assign(t["counter"].numpy() + np.uint64(1))
            bits = ag.random_bits(t["key"], t["counter"], shape=h.shape)
            h = ag.where(bits < 3 * 2**30, h, 0.0)
            t["mean"].assign(0.9 * t["mean"].numpy() + 0.1 * h.detach().numpy().mean(axis=0))
        return (h - t["mean"]) @ t["1.weight"] + t["1.bias"]

    def parameters(self):
        return [t for t in self.tensors.values() if t.requires_grad]

    def train(self):
        self.training = True

    def eval(self):
        self.training = False

    def state_dict(self):
        return {name: np.array(t.numpy()) for name, t in self.tensors.items()}

    def load_state_dict(self, state):
        for name, t in self.tensors.items():
            t.assign(state[name])


def cross_entropy(logits, targets):
    rows = np.arange(len(targets))
    return -ag.mean(ag.log_softmax(logits, axis=1)[rows, np.asarray(targets)])


def spiral(seed, count=60):
    """Three arms, in the plane."""
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, 3, count)
    radius = rng.uniform(0.2, 1.0, count)
    angle = 2.1 * targets + 2 * radius + rng.normal(scale=0.1, size=count)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1), targets


@pytest.fixture
def tiny():
    return Tiny


@pytest.fixture
def criterion():
    return cross_entropy


@pytest.fixture
def train():
    return spiral(1)


@pytest.fixture
def validation():
    return spiral(2, 30)
