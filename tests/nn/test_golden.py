"""Layers, losses and initializers against PyTorch's values and gradients, which `make golden` keeps.

Found by walking the table `golden_table`, and what the package exports: what has neither a row nor a reason
there fails.
"""

from __future__ import annotations

import functools
from pathlib import Path

import golden
import golden_table
import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.trees import flatten
from nn.catalogue import public_modules

FOLDER = Path(__file__).resolve().parents[1] / "golden"
PAIRS = [
    (part, row, kind)
    for part, rows in golden_table.PARTS.items()
    for row in rows
    for kind in row.ours
]


@functools.cache
def kept(part):
    with np.load(FOLDER / f"{part}.npz", allow_pickle=False) as file:
        return dict(file)


def leaves(output):
    return flatten(output)[0]


def ours(row, kind):
    """Outputs, gradients and buffers, in the order in which `golden.vector` has torch's."""
    inputs, params = golden_table.given(row)
    made = row.ours[kind](nn)
    tensors = [
        ag.tensor(array, requires_grad=True) if by else array
        for array, by in zip(inputs, golden_table.differentiated(row), strict=True)
    ]
    if isinstance(made, nn.Module):
        made.train(row.training)
        p = dict(made.named_parameters())
        assert {name: t.shape for name, t in p.items()} == {
            name: array.shape for name, array in params.items()
        }
        for name, array in params.items():
            p[name].assign(array)
        p = {name: p[name] for name in params}
        outputs = leaves(made(*row.nest(*tensors)))
        buffers = dict(made.named_buffers())
    else:
        p = {name: ag.tensor(array, requires_grad=True) for name, array in params.items()}
        outputs, buffers = leaves(made(p, *row.nest(*tensors))), {}
    weighted = [
        ag.sum(y * golden_table.values(golden.weights(y.shape), 90 + k))
        for k, y in enumerate(outputs)
    ]
    by = [*(t for t in tensors if isinstance(t, ag.Tensor)), *p.values()]
    if by:
        sum(weighted[1:], weighted[0]).backward()
    values = [*outputs, *(t.grad for t in by)]
    values += [buffers[name] for name in row.after if name in buffers]
    return golden.joined([t.detach().numpy() for t in values])


def test_names_are_told_apart_and_the_files_are_of_this_table():
    for part, rows in golden_table.PARTS.items():
        names = [row.name for row in rows]
        assert len(set(names)) == len(names), [n for n in names if names.count(n) > 1]
        assert set(kept(part)) == set(names), f"{part}: run `make golden`"
    initial = {one.name for one in golden_table.INITIAL}
    assert set(kept("initial")) == initial | {f"gain {name}" for name in golden_table.GAINS}
    files = {path.name for path in FOLDER.iterdir()}
    assert files == {f"{part}.npz" for part in (*golden_table.PARTS, "initial", "optimizers")}
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 300_000


@pytest.mark.together
@pytest.mark.parametrize(
    ("part", "row", "kind"), PAIRS, ids=[f"{kind}-{row.name}" for _, row, kind in PAIRS]
)
def test_values_and_gradients_are_pytorch_s(part, row, kind):
    found, expected = ours(row, kind), kept(part)[row.name]
    if kind.startswith("functional."):
        expected = expected[: len(found)]  # a function has no buffers
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("one", golden_table.INITIAL, ids=lambda one: one.name)
def test_initial_values_are_drawn_from_what_pytorch_draws_from(one):
    (scale,) = kept("initial")[one.name]
    draw = getattr(nn.initializers, one.ours)
    drawn = np.concatenate(
        [draw(one.shape, rng=seed, dtype=np.float64).ravel() for seed in range(1 + 40_000 // np.prod(one.shape))]
    )  # fmt: skip
    assert abs(drawn.mean()) < 0.03 * scale
    if one.ours.endswith("uniform"):
        assert 0.999 * scale < np.abs(drawn).max() <= scale
        assert drawn.std() == pytest.approx(scale / np.sqrt(3), rel=0.02)
    else:
        assert drawn.std() == pytest.approx(scale, rel=0.02)
        assert 3.2 * scale < np.abs(drawn).max() < 6 * scale


@pytest.mark.parametrize("name", golden_table.GAINS)
def test_gains_are_pytorch_s(name):
    assert nn.initializers.gain(name) == pytest.approx(
        kept("initial")[f"gain {name}"][0], rel=1e-15
    )


def test_everything_public_has_a_row_or_a_reason_and_not_both():
    kinds = public_modules()
    # Transforms of data draw their own parameters, or are told them: PyTorch has none (torchvision does).
    public = {kind.__name__ for kind in kinds if not kind.__module__.startswith("nn.data.")}
    public |= {f"functional.{name}" for name in nn.functional.__all__}
    public |= {f"initializers.{name}" for name in nn.initializers.__all__}
    rows = {kind for _, _, kind in PAIRS}
    rows |= {f"initializers.{one.ours}" for one in golden_table.INITIAL}
    reasons = set(golden_table.REASONS)
    missing = sorted(public - rows - reasons)
    assert not missing, (
        f"{', '.join(missing)}: add rows to tools/golden_table.py and run `make golden`, or say in its "
        "REASONS why PyTorch has no counterpart."
    )
    assert not rows & reasons
    assert not (rows | reasons) - public


@pytest.mark.parametrize("fault", [1e-9, np.nan])
def test_a_difference_is_noticed(monkeypatch, fault):
    row = golden_table.PARTS["layers"][1]
    (kind, *_) = row.ours
    right = nn.Linear.forward
    monkeypatch.setattr(nn.Linear, "forward", lambda self, x: right(self, x) * (1 + fault))
    with pytest.raises(AssertionError):
        test_values_and_gradients_are_pytorch_s("layers", row, kind)


def test_values_are_the_same_on_every_machine():
    """Both sides make them anew: were they others, every row would fail, and none would say why."""
    found = golden_table.values(golden_table.Numbers((2, 2), 0.0, 1.0), 0)
    expected = [[0.9540821943542598, 0.5349456496882219], [0.7227386262038963, 0.13531185431386306]]
    assert found.shape == (2, 2)
    np.testing.assert_allclose(found, expected, rtol=1e-15)
