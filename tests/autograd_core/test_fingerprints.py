"""Hashes of functions: of texts for records, of running code for what is remembered."""

from __future__ import annotations

import functools
import subprocess
import sys

import numpy as np
import pytest

import autograd_core as ag
from autograd_core import graph
from autograd_core.fingerprints import CodeHash, text_hash
from autograd_core.shelves import TENSORS

SCRIPT = """
import functools
import autograd_core as ag
from autograd_core.symbolic import prove

class Rule:
    def __init__(self, k):
        self.k = k
    def __call__(self, xp, g, y, x):
        return self.k * g * x

def scaled(xp, g, y, x, k):
    return k * g * x

def declare(name, rule):
    def definition(x: ag.ArrayLike):
        return x * x
    definition.__name__ = name
    return ag.primitive(ag.Elementwise(lambda s, x: x * x), vjp=rule)(definition)

declare("plain", lambda xp, g, y, x: 2 * g * x)
declare("held", Rule(2))
declare("part", functools.partial(scaled, k=2))
for name in ("plain", "held", "part"):
    print(prove.rule(name).status, ag.REGISTRY[name].rule_hash())
"""


def test_what_was_typed_or_piped_in_has_a_hash_that_stays():
    """Neither has a source, and no hash may hold an address, of which each process has others."""
    found = []
    for given in (["-c", SCRIPT], ["-"]):
        command = [sys.executable, *given]
        done = subprocess.run(command, input=SCRIPT, capture_output=True, text=True, check=True)
        found.append(done.stdout.split())
    assert found[0] == found[1]
    assert found[0][::2] == ["PROVED"] * 3
    assert len(set(found[0][1::2])) == 3


class Holder:
    def __init__(self, k):
        self.k = k

    def __call__(self, x):
        return self.k * x


def _helper(x):
    return 2 * x


def _other(x):
    return 3 * x


def _closure(k):
    return lambda x: k * x


def _default(k):
    return lambda x, k=k: k * x


def _keyword(k):
    return lambda x, *, k=k: k * x


def _through(helper):
    text = "def f(x):\n    return helper(x)"
    found = {"helper": helper, "__name__": __name__}
    exec(compile(text, "<prompt>", "exec"), found)
    return found["f"]


# Two that differ, and one more like the first, for each place where functions of one text may differ.
PAIRS = {
    "closure": (_closure, 2, 3),
    "a closure of an array": (_closure, np.arange(3), np.arange(3) + 1),
    "a closure of a function": (_closure, _helper, _other),
    "a closure of an object": (_closure, Holder(2), Holder(3)),
    "default": (_default, 2, 3),
    "keyword default": (_keyword, 2, 3),
    "object": (Holder, 2, 3),
    "partial": (lambda k: functools.partial(_closure(1), k), 2, 3),
    "method": (lambda k: Holder(k).__call__, 2, 3),
    "helper": (_through, _helper, _other),
    "a list inside": (_closure, [1, {"a": 2}], [1, {"a": 3}]),
}


@pytest.mark.parametrize("where", PAIRS)
def test_functions_of_one_text_differ_where_anything_that_they_reach_does(where):
    make, one, two = PAIRS[where]
    for found in (lambda f: text_hash([f]), CodeHash("autograd_core").of):
        assert found(make(one)) == found(make(one))
        assert found(make(one)) != found(make(two))


def test_the_hash_of_the_engine_notices_whatever_is_replaced_in_it(monkeypatch):
    def whole():
        return CodeHash("autograd_core", vars(TENSORS), ag.REGISTRY).whole

    before = whole()
    assert whole() == before

    def changed(target, name, value):
        with monkeypatch.context() as patch:
            patch.setattr(target, name, value)
            assert whole() != before
        assert whole() == before

    changed(graph, "pullback", lambda *a, **k: {})
    changed(graph, "_ones", lambda rows, dtype: 2 * np.ones(rows, dtype))
    changed(TENSORS, "mean", lambda x: x)
    changed(ag.REGISTRY["tanh"], "vjp", (lambda xp, g, y, x: g,))
    changed(ag.REGISTRY["tanh"], "kind", ag.Elementwise(lambda s, x: s.sin(x)))
    changed(ag.REGISTRY["tanh"], "forward", np.sin)
    changed(ag.Tensor, "__mul__", lambda a, b: a)


def test_what_the_engine_meets_does_not_change_its_hash():
    def whole():
        return CodeHash("autograd_core", vars(TENSORS), ag.REGISTRY).whole

    squared = ag.jit(lambda x: ag.sum(ag.exp(x)))
    squared(np.ones(2))  # imports what compiles
    before = whole()
    x = ag.tensor(np.ones(3), requires_grad=True)
    ag.sum(ag.tanh(x) ** 2).backward()
    x.assign(np.zeros(3))
    squared(np.ones(3))
    assert whole() == before
