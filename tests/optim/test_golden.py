"""Every optimizer goes where PyTorch's goes, over a hundred steps under the same convention.

Where that is, `make golden` keeps, for each row of the table `golden_table`; an optimizer with neither a row nor
a reason there fails.
"""

from __future__ import annotations

import functools
from pathlib import Path

import golden
import golden_table
import numpy as np
import pytest

import autograd_core as ag
import optim
from optim.contract import every_optimizer

FILE = Path(__file__).resolve().parents[1] / "golden" / "optimizers.npz"
ROWS = golden_table.OPTIMIZERS


@functools.cache
def kept():
    with np.load(FILE, allow_pickle=False) as file:
        return dict(file)


def gone(row, **others):
    """Where ours goes, as `golden.gone` has torch's."""
    params = [ag.tensor(t, requires_grad=True) for t in golden_table.start()]
    optimizer = getattr(optim, row.kind)(params, **{**row.options, **row.ours, **others})
    seen = []
    for k in range(1, golden_table.STEPS + 1):
        for t, g in zip(params, golden_table.slopes([t.numpy() for t in params], k), strict=True):
            t.grad = ag.tensor(g)
        optimizer.step()
        seen += [t.numpy().copy() for t in params] if k in golden_table.SHOWN else []
        if row.drops and k == golden_table.STEPS // 2:
            optimizer.lr /= 10
    return golden.joined(seen)


def test_the_file_is_of_this_table():
    assert len({row.name for row in ROWS}) == len(ROWS)
    assert set(kept()) == {row.name for row in ROWS}, "run `make golden`"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_it_goes_where_pytorch_s_goes(row):
    np.testing.assert_allclose(gone(row), kept()[row.name], rtol=1e-10, atol=1e-10)


def test_every_optimizer_has_a_row_or_a_reason_and_not_both():
    public = {kind.__name__ for kind in every_optimizer()}
    rows, reasons = {row.kind for row in ROWS}, set(golden_table.OPTIMIZER_REASONS)
    missing = sorted(public - rows - reasons)
    assert not missing, (
        f"{', '.join(missing)}: add rows to tools/golden_table.py and run `make golden`, or say in its "
        "OPTIMIZER_REASONS why PyTorch has no counterpart."
    )
    assert not rows & reasons
    assert not (rows | reasons) - public


@pytest.mark.parametrize("row", ROWS[::7], ids=lambda row: row.name)
def test_it_would_notice(row):
    """Another learning rate, or memory, is told apart."""
    name = "delta0" if row.kind == "Rprop" else "lr"
    other = {name: 0.999 * row.options.get("lr", 1.0)}
    assert np.abs(gone(row, **other) - kept()[row.name]).max() > 1e-7


def test_where_conventions_differ_runs_do():
    """Each word in which a row says how ours is to go PyTorch's way: without it, it goes another."""
    for row in ROWS[::3]:
        usual = optim.__dict__[row.kind]._given((), {**row.options})
        for name, value in row.ours.items():
            if value == usual[name] or (name == "eta" and not row.drops):
                continue  # η inside and outside is the same, while it does not change
            there = kept()[row.name]
            assert np.abs(gone(row, **{name: usual[name]}) - there).max() > 1e-9, (row.name, name)
