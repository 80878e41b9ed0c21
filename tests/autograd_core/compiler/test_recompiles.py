"""What is compiled again and again is told of; what is kept has a bound."""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import time
import warnings

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.compiler import backends
from autograd_core.errors import CompileWarning, ConfigError, RecompileWarning

X = np.array([1.0, 2.0])


class Thing:
    pass


def told(run):
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        run()
    assert all(w.category is RecompileWarning for w in found)
    assert all(w.filename == __file__ for w in found)
    return [str(w.message) for w in found]


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda k: k, r"the argument n was 8 different values of type int.*np.asarray\(n\)"),
        (lambda k: f"mode {k}", "8 different values of type str"),
        (lambda k: [Thing(), k][0], "8 different objects of type Thing.*the same object"),
    ],
)
def test_each_value_that_is_compiled_for_is_told_of_once(make, what):
    step, kept = ag.jit(lambda x, n: x * (n if type(n) is int else 2), backend="numpy"), []

    def run():
        for k in range(30):
            kept.append(make(k))
            step(X, kept[-1])

    (message,) = told(run)
    assert message.startswith("jit of lambda: ")
    assert re.search(what, message)


def test_what_is_closed_over_anew_is_told_of():
    w = ag.tensor(X)
    step = ag.jit(lambda x: x * w, backend="numpy")

    def run():
        nonlocal w
        for _ in range(20):
            w = ag.tensor(X)
            step(X)

    (message,) = told(run)
    assert "compiled 8 times for the same arguments" in message


def test_more_shapes_than_are_kept_are_told_of():
    step = ag.jit(lambda x: 2 * x, backend="numpy", captures=4)

    def run(sizes):
        for _ in range(3):
            for n in range(1, sizes + 1):
                step(np.ones(n))

    assert told(lambda: run(4)) == []
    (message,) = told(lambda: run(5))
    assert "more than 4 shapes or values in turn" in message
    assert "captures=16" in message
    assert len(step._entries) == 4


def test_many_shapes_and_modes_are_kept_without_a_word():
    layer = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5))
    step = ag.jit(lambda x, scale: layer(x) * scale, backend="numpy")
    for _ in range(2):
        for n in range(1, 41):
            step(np.ones((n, 2), np.float32), 0.5 * n)
    prepared = len(step._runners)
    for k in range(40):
        layer.train(k % 2 == 0)
        step(np.ones((3, 2), np.float32), 1.0)
    assert len(step._runners) <= prepared + 1


@pytest.mark.parametrize("captures", [0, -1, True, 1.5, None])
def test_a_bound_that_is_none(captures):
    with pytest.raises(ConfigError, match="captures: expected an integer of 1 or more"):
        ag.jit(lambda x: x, captures=captures)


def test_llvmlite_that_cannot_be_imported(monkeypatch):
    real = importlib.import_module

    def broken(name, *args):
        if name == "llvmlite.binding":
            raise OSError("libLLVM.so: cannot open shared object file")
        return real(name, *args)

    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: object())
    monkeypatch.setattr(backends.importlib, "import_module", broken)
    monkeypatch.setattr(backends, "_TOLD", set())
    with pytest.raises(
        ag.MissingDependencyError, match=r"installed but cannot be imported \(OSError: libLLVM.so"
    ):
        ag.jit(lambda x: x + 1, backend="native")(X)
    step = ag.jit(lambda x: x + 1)
    with pytest.warns(CompileWarning, match="cannot be imported .*are run by NumPy"):
        assert step(X).tolist() == [2, 3]
    assert ag.jit(lambda x: x + 2)(X).tolist() == [3, 4]  # told once
    assert ag.jit(lambda x: x + 2, backend="numpy")(X).tolist() == [3, 4]


def test_a_step_that_takes_the_gradient_of_an_argument_says_that_it_is_not_compiled():
    @ag.jit
    def step(w):
        loss = ag.sum(w * w)
        loss.backward()
        return loss

    w = ag.tensor([1.0, 2.0], requires_grad=True)
    with pytest.warns(
        CompileWarning, match=r"jit of step: it asks for the \.grad of an argument.*Close over"
    ):
        assert float(step(w)) == 5
    w.grad = None
    assert float(step(w)) == 5  # told once
    np.testing.assert_array_equal(w.grad.numpy(), [2, 4])


def test_the_cache_on_disk_has_a_bound(tmp_path, monkeypatch):
    pytest.importorskip("llvmlite")
    from autograd_core.compiler.native import cache

    monkeypatch.setenv("GRADPROOF_CACHE_SIZE", "0.01")
    assert cache.limit() == 10_000
    now = time.time()
    for k in range(20):
        (tmp_path / f"{k}.o").write_bytes(b"x" * 1000)
        os.utime(tmp_path / f"{k}.o", (now - k, now - k))
    old, new = (f".{k}.o.{str(k) * 16}.tmp" for k in range(2))  # begun, and not ended
    for name, age in ((old, 2 * 86400), (new, 10)):
        (tmp_path / name).write_bytes(b"x")
        os.utime(tmp_path / name, (now - age, now - age))
    (tmp_path / "of another").write_bytes(b"x" * 10**6)
    cache.prune(tmp_path)
    left = {p.name for p in tmp_path.iterdir()}
    assert left == {*(f"{k}.o" for k in range(7)), new, "of another"}
    for given in ("", "much"):
        monkeypatch.setenv("GRADPROOF_CACHE_SIZE", given)
        assert cache.limit() == 256e6
    cache.prune(tmp_path)
    assert len(list(tmp_path.iterdir())) == 9


def test_what_is_used_is_not_the_oldest(tmp_path, monkeypatch):
    pytest.importorskip("llvmlite")
    monkeypatch.setenv("GRADPROOF_CACHE", str(tmp_path))
    ag.jit(lambda x: x * 3.5 + 1)(X)
    (path,) = tmp_path.glob("*.o")
    os.utime(path, (1, 1))
    ag.jit(lambda x: x * 3.5 + 1)(X)
    assert path.stat().st_mtime > 1
    path.unlink()
    # A folder that cannot be looked through or written costs nothing but the cache.
    monkeypatch.setenv("GRADPROOF_CACHE", str(tmp_path / "file" / "under"))
    (tmp_path / "file").write_text("")
    assert ag.jit(lambda x: x * 4.5 + 1)(X).tolist() == [5.5, 10]
