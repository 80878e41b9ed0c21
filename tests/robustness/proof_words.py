"""The words of random statements: functions, others that make the same, and others that nearly do."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import autograd_core as ag

REGISTRY = ag.REGISTRY


# What a word makes of its operands; twins make the same of them, by other steps, wherever all of
# these are defined; friends make something that is easily taken for it, and is not the same.


@dataclass(frozen=True)
class Word:
    takes: str  # f: floats, i: integers that label columns, k: signed integers, b: truths
    make: Callable[..., Any]
    twins: tuple[Callable[..., Any], ...] = ()
    friends: tuple[Callable[..., Any], ...] = ()
    when: Callable[..., bool] = lambda *xs: True
    gives: str = "f"


def _flat(x):
    return x.ndim == 2


def _line(x, *rest):
    return x.ndim == 1


def _rows(x, i):
    """Whether labels pick one element of each row."""
    return x.ndim == 2 and i.shape == (x.shape[0], 1)


def _once(x):
    return x.ndim == 2 and x.shape[1] > 0


def _same(a, b):
    return a.shape == b.shape


def _matrices(a, b):
    return a.ndim == 2 and a.shape == b.shape


def one(s, o, x):
    """1, of the shape of x."""
    return 0 * x + 1


def mean0(x):
    return ag.mean(x, 0, keepdims=True)


def spread(x):
    """Means of columns, at each row."""
    return ag.broadcast_to(mean0(x), x.shape)


def pick(x, i):
    return ag.take_along_axis(x, i, 1)


def number(b):
    return b * 1.0


def pairs(s, f, z):
    """Where f is the same at two elements of a line, as numbers."""
    e = f(z)
    return number(ag.equal(ag.expand_dims(e, 1), ag.expand_dims(e, 0)))


def unit(z):
    return REGISTRY["eye"].function(size=z.shape[0], dtype=np.float64)


BASE = {
    "a + b": Word("ff", lambda s, o, a, b: a + b, (lambda s, o, a, b: b + a,
        lambda s, o, a, b: -(-a - b)), (lambda s, o, a, b: a - b,)),
    "a - b": Word("ff", lambda s, o, a, b: a - b, (lambda s, o, a, b: a + -1 * b,),
        (lambda s, o, a, b: b - a,)),
    "a b": Word("ff", lambda s, o, a, b: a * b, (lambda s, o, a, b: b * a,
        lambda s, o, a, b: ((a + b) ** 2 - (a - b) ** 2) / 4), (lambda s, o, a, b: a * abs(b),)),
    "x²": Word("f", lambda s, o, x: x * x, (lambda s, o, x: ag.square(x), lambda s, o, x: x**2,
        lambda s, o, x: abs(x) ** 2), (lambda s, o, x: x * abs(x),)),
    "c x": Word("f", lambda s, o, x: o["c"] * x, (lambda s, o, x: x * (o["c"] + 1) - x,),
        (lambda s, o, x: (o["c"] + 1) * x,)),
    "tanh": Word("f", lambda s, o, x: ag.tanh(x), (lambda s, o, x: -ag.tanh(-x),
        lambda s, o, x: 2 * ag.sigmoid(2 * x) - 1), (lambda s, o, x: ag.tanh(abs(x)),)),
    "exp": Word("f", lambda s, o, x: ag.exp(x / 2), (lambda s, o, x: 1 / ag.exp(-x / 2),
        lambda s, o, x: ag.exp(x / 4) ** 2), (lambda s, o, x: ag.exp(abs(x) / 2),)),
    "relu": Word("f", lambda s, o, x: ag.relu(x), (lambda s, o, x: ag.maximum(x, 0),
        lambda s, o, x: ag.where(x > 0, x, 0), lambda s, o, x: (x + abs(x)) / 2,
        lambda s, o, x: x * (x > 0)), (lambda s, o, x: abs(x), lambda s, o, x: x + 0)),
    "|x|": Word("f", lambda s, o, x: abs(x), (lambda s, o, x: ag.maximum(x, -x),
        lambda s, o, x: ag.relu(x) + ag.relu(-x), lambda s, o, x: ag.sqrt(ag.square(x))),
        (lambda s, o, x: x * 1,)),
    "max(a, b)": Word("ff", lambda s, o, a, b: ag.maximum(a, b), (lambda s, o, a, b: -ag.minimum(-a, -b),
        lambda s, o, a, b: b + ag.relu(a - b)), (lambda s, o, a, b: ag.maximum(a, abs(b)),)),
    "sum": Word("f", lambda s, o, x: ag.sum(x, o["axis"], keepdims=o["keep"]),
        (lambda s, o, x: ag.mean(x, o["axis"], keepdims=o["keep"]) * x.shape[o["axis"]],
         lambda s, o, x: -ag.sum(-x, o["axis"], keepdims=o["keep"])),
        (lambda s, o, x: ag.mean(x, o["axis"], keepdims=o["keep"]),
         lambda s, o, x: ag.sum(x * x, o["axis"], keepdims=o["keep"])), when=lambda x: x.ndim > 0),
    "max": Word("f", lambda s, o, x: ag.max(x, o["axis"], keepdims=o["keep"]),
        (lambda s, o, x: -ag.min(-x, o["axis"], keepdims=o["keep"]),
         lambda s, o, x: ag.max(x + 1, o["axis"], keepdims=o["keep"]) - 1),
        (lambda s, o, x: ag.mean(x, o["axis"], keepdims=o["keep"]),), when=lambda x: x.ndim > 0),
    "a bᵀ": Word("ff", lambda s, o, a, b: a @ b.T, (lambda s, o, a, b: ag.einsum("mn,kn->mk", a, b),
        lambda s, o, a, b: ag.sum(ag.expand_dims(a, 1) * ag.expand_dims(b, 0), 2)),
        (lambda s, o, a, b: b @ a.T,), when=_matrices),
    "mean": Word("f", lambda s, o, x: ag.mean(x, o["axis"], keepdims=True),
        (lambda s, o, x: ag.sum(x / x.shape[o["axis"]], o["axis"], keepdims=True),),
        (lambda s, o, x: ag.sum(x, o["axis"], keepdims=True),), when=lambda x: x.ndim > 0),
    "used again": Word("ff", lambda s, o, a, b: a * a * b + a, (lambda s, o, a, b: a * (a * b + 1),),
        (lambda s, o, a, b: a * b * b + a,)),
}  # fmt: skip
DOMAINS = {
    "a / b": Word("ff", lambda s, o, a, b: a / b, (lambda s, o, a, b: a * (1 / b), lambda s, o, a, b: a * b**-1),
        (lambda s, o, a, b: a / abs(b),)),
    "x / x": Word("f", lambda s, o, x: x / x, (one,), (lambda s, o, x: x / abs(x),)),
    "x / x x": Word("f", lambda s, o, x: x / x * x, (lambda s, o, x: x + 0,), (lambda s, o, x: abs(x),)),
    "exp log": Word("f", lambda s, o, x: ag.exp(ag.log(x)), (lambda s, o, x: x + 0,
        lambda s, o, x: ag.log(ag.exp(x)), lambda s, o, x: abs(x)), (lambda s, o, x: 1 / x,)),
    "root²": Word("f", lambda s, o, x: ag.sqrt(x) ** 2, (lambda s, o, x: x + 0, lambda s, o, x: abs(x)),
        (lambda s, o, x: 1 - x,)),
    "log - log": Word("f", lambda s, o, x: ag.log(x) - ag.log(x), (lambda s, o, x: 0 * x,), (one,)),
    "1/(1/relu)": Word("f", lambda s, o, x: 1 / (1 / ag.relu(x)), (lambda s, o, x: ag.relu(x),
        lambda s, o, x: x + 0), (lambda s, o, x: -x,)),
    "relu/relu": Word("f", lambda s, o, x: ag.relu(x) / ag.relu(x), (one, lambda s, o, x: x / x),
        (lambda s, o, x: 0 * x,)),
    "relu²/relu": Word("f", lambda s, o, x: ag.relu(x) ** 2 / ag.relu(x), (lambda s, o, x: ag.relu(x),
        lambda s, o, x: x + 0), (lambda s, o, x: 2 * ag.relu(x),)),
    "share": Word("f", lambda s, o, x: ag.relu(x) / ag.sum(ag.relu(x), o["axis"], keepdims=True),
        (lambda s, o, x: ag.relu(2 * x) / ag.sum(ag.relu(2 * x), o["axis"], keepdims=True),),
        (lambda s, o, x: x / ag.sum(x, o["axis"], keepdims=True),), when=lambda x: x.ndim > 0),
    "log": Word("f", lambda s, o, x: ag.log(x), (lambda s, o, x: -ag.log(1 / x),
        lambda s, o, x: 2 * ag.log(ag.sqrt(x)), lambda s, o, x: ag.log(abs(x))), (lambda s, o, x: ag.log(2 * x),)),
    "x^½": Word("f", lambda s, o, x: x**0.5, (lambda s, o, x: ag.sqrt(x),), (lambda s, o, x: x**1.5,)),
    "x⁻¹ x": Word("f", lambda s, o, x: x**-1 * x, (one,), (lambda s, o, x: x**-1 * abs(x),)),
    "1/x": Word("f", lambda s, o, x: ag.reciprocal(x), (lambda s, o, x: x**-2 * x, lambda s, o, x: 1 / x),
        (lambda s, o, x: 1 / abs(x),)),
}  # fmt: skip
INDICES = {
    "picked": Word("fi", lambda s, o, x, i: pick(x, i), (
        lambda s, o, x, i: ag.sum(x * ag.one_hot(i[:, 0], x.shape[1]), 1, keepdims=True),),
        (lambda s, o, x, i: x[:, :1] + 0, lambda s, o, x, i: ag.max(x, 1, keepdims=True)), when=_rows),
    "centred, picked": Word("fi", lambda s, o, x, i: pick(x - mean0(x), i), (
        lambda s, o, x, i: pick(x, i) - pick(spread(x), i),), (
        lambda s, o, x, i: pick(x, i) - ag.mean(pick(x, i), 0, keepdims=True),), when=_rows),
    "mean, picked": Word("fi", lambda s, o, x, i: pick(spread(x), i), (
        lambda s, o, x, i: pick(x, i) - pick(x - mean0(x), i),), (
        lambda s, o, x, i: ag.broadcast_to(ag.mean(pick(x, i), 0, keepdims=True), i.shape),), when=_rows),
    "centred, at the largest": Word("f",
        lambda s, o, x: ag.sum(pick(x - mean0(x), ag.argmax(x, 1, keepdims=True))),
        (lambda s, o, x: ag.sum(pick(x, ag.argmax(x, 1, keepdims=True)))
            - ag.sum(pick(spread(x), ag.argmax(x, 1, keepdims=True))),),
        (lambda s, o, x: 0 * ag.sum(x),), when=_flat),
    "at the largest": Word("f", lambda s, o, x: pick(x, ag.argmax(x, 1, keepdims=True)),
        (lambda s, o, x: ag.max(x, 1, keepdims=True), lambda s, o, x: pick(x, ag.argmax(2 * x - 1, 1, keepdims=True))),
        (lambda s, o, x: pick(x, ag.argmin(x, 1, keepdims=True)),), when=_flat),
    "one-hot": Word("f", lambda s, o, x: ag.one_hot(ag.argmax(x, 1), x.shape[1]),
        (lambda s, o, x: ag.one_hot(ag.argmin(-x, 1), x.shape[1]),
         lambda s, o, x: number(ag.equal(x, ag.max(x, 1, keepdims=True)))),
        (lambda s, o, x: ag.one_hot(ag.argmin(x, 1), x.shape[1]),
         lambda s, o, x: number(x > 0)), when=_once),
    "put": Word("fi", lambda s, o, x, i: REGISTRY["put_along_axis"].function(
            pick(x - mean0(x), i), i, axis=1, size=x.shape[1]) * x,
        (lambda s, o, x, i: (x - mean0(x)) * ag.one_hot(i[:, 0], x.shape[1]) * x,),
        (lambda s, o, x, i: (pick(x, i) - ag.mean(pick(x, i), 0, keepdims=True))
            * ag.one_hot(i[:, 0], x.shape[1]) * x,), when=_rows),
    "weights of rows": Word("ff", lambda s, o, x, w: ag.sum(
            pick(x * w, ag.argmax(x, 1, keepdims=True)) * ag.sum(w, 1, keepdims=True), 0),
        (lambda s, o, x, w: ag.sum(ag.max(x, 1, keepdims=True) * ag.sum(w, 1, keepdims=True)
            * pick(w, ag.argmax(x, 1, keepdims=True)), 0),),
        (lambda s, o, x, w: ag.sum(ag.max(x, 1, keepdims=True) * ag.max(w, 1, keepdims=True)
            * ag.sum(w, 1, keepdims=True), 0),), when=_matrices),
    "rows": Word("fi", lambda s, o, x, i: ag.take(x, ag.argmax(x - mean0(x), 0), 0),
        (lambda s, o, x, i: x[ag.argmax(x, 0)],), (lambda s, o, x, i: x[ag.argmin(x, 0)],), when=_rows),
    "sorted": Word("f", lambda s, o, x: ag.sort(x, o["axis"]), (
        lambda s, o, x: -ag.flip(ag.sort(-x, o["axis"]), o["axis"]),
        lambda s, o, x: ag.sort(x + 1, o["axis"]) - 1), (lambda s, o, x: x + 0,),
        when=lambda x: x.ndim > 0),
    "sum of sorted": Word("f", lambda s, o, x: ag.sum(ag.sort(x, -1), -1), (lambda s, o, x: ag.sum(x, -1),),
        (lambda s, o, x: ag.max(x, -1),), when=lambda x: x.ndim > 0),
}  # fmt: skip
TRUTHS = {
    "(b + c) x": Word("bbf", lambda s, o, b, c, x: (b + c) * x,
        (lambda s, o, b, c, x: ag.where(ag.logical_or(b, c), x, 0), lambda s, o, b, c, x: (c + b + b) * x),
        (lambda s, o, b, c, x: (number(b) + number(c)) * x,)),
    "where(b + c)": Word("bbf", lambda s, o, b, c, x: ag.where(b + c, x, 0),
        (lambda s, o, b, c, x: ag.where(b, x, ag.where(c, x, 0)),),
        (lambda s, o, b, c, x: (number(b) + number(c)) * x, lambda s, o, b, c, x: ag.where(b * c, x, 0))),
    "(b c) x": Word("bbf", lambda s, o, b, c, x: (b * c) * x, (lambda s, o, b, c, x: number(b) * number(c) * x,
        lambda s, o, b, c, x: ag.where(ag.logical_and(b, c), x, 0)), (lambda s, o, b, c, x: (b + c) * x,)),
    "b @ c": Word("bb", lambda s, o, b, c: number(b @ c.T), (
        lambda s, o, b, c: number(ag.any(ag.expand_dims(b, 1) * ag.expand_dims(c, 0), 2)),
        lambda s, o, b, c: number(ag.einsum("mn,kn->mk", b, c))),
        (lambda s, o, b, c: number(b) @ number(c).T,), when=_matrices),
    "count": Word("b", lambda s, o, b: number(ag.sum(b, o["axis"])), (lambda s, o, b: ag.sum(number(b), o["axis"]),),
        (lambda s, o, b: number(ag.any(b, o["axis"])), lambda s, o, b: ag.mean(b, o["axis"])),
        when=lambda b: b.ndim > 0),
    "where": Word("bff", lambda s, o, b, x, y: ag.where(b, x, y), (
        lambda s, o, b, x, y: number(b) * x + (1 - number(b)) * y,
        lambda s, o, b, x, y: ag.where(ag.logical_not(b), y, x)), (lambda s, o, b, x, y: ag.where(b, y, x),)),
    "b x": Word("bf", lambda s, o, b, x: b * x, (lambda s, o, b, x: ag.where(b, x, 0),
        lambda s, o, b, x: (b + b) * x), (lambda s, o, b, x: ag.logical_not(b) * x, lambda s, o, b, x: (number(b) + b) * x)),
    "b = c": Word("bb", lambda s, o, b, c: number(ag.equal(b, c)), (
        lambda s, o, b, c: number(b * c) + number(ag.logical_not(b) * ag.logical_not(c)),
        lambda s, o, b, c: 1 - number(ag.logical_xor(b, c))), (lambda s, o, b, c: number(b * c),)),
    "a > b": Word("ff", lambda s, o, a, b: a > b, (lambda s, o, a, b: b < a,
        lambda s, o, a, b: ag.logical_not(a <= b)), (lambda s, o, a, b: b > a,), gives="b"),
    "a = b": Word("ff", lambda s, o, a, b: ag.equal(a, b), (lambda s, o, a, b: ag.logical_not(ag.not_equal(a, b)),),
        (lambda s, o, a, b: ag.not_equal(a, b),), gives="b"),
    "largest of truths": Word("b", lambda s, o, b: number(ag.max(b, o["axis"])), (
        lambda s, o, b: number(ag.any(b, o["axis"])),), (lambda s, o, b: number(ag.all(b, o["axis"])),),
        when=lambda b: b.ndim > 0),
}  # fmt: skip
INTEGERS = {
    "k x": Word("kf", lambda s, o, k, x: k * x, (lambda s, o, k, x: number(k) * x, lambda s, o, k, x: (k + 1) * x - x),
        (lambda s, o, k, x: abs(k) * x,)),
    "|k| x": Word("kf", lambda s, o, k, x: ag.sqrt(number(ag.square(k))) * x, (lambda s, o, k, x: abs(k) * x,),
        (lambda s, o, k, x: k * x,)),
    "k = -1": Word("kf", lambda s, o, k, x: ag.where(ag.equal(k, -1), x * x, 0), (
        lambda s, o, k, x: number(ag.equal(k + 1, 0)) * x**2,), (lambda s, o, k, x: 0 * x * k,)),
    "k = -1, else": Word("kf", lambda s, o, k, x: ag.where(ag.equal(k, -1), 0, x), (
        lambda s, o, k, x: (1 - number(ag.equal(k, -1))) * x,), (lambda s, o, k, x: x + 0 * k,)),
    "k ≥ 0": Word("kf", lambda s, o, k, x: ag.where(k >= 0, x, 0), (lambda s, o, k, x: (k >= 0) * x,
        lambda s, o, k, x: ag.where(k > -1, x, 0)), (lambda s, o, k, x: x + 0 * k, lambda s, o, k, x: (k > 0) * x)),
    "k // 2": Word("kf", lambda s, o, k, x: (k // 2) * x, (lambda s, o, k, x: ag.floor(number(k) / 2) * x,
        lambda s, o, k, x: ((k + 2) // 2 - 1) * x), (lambda s, o, k, x: number(k) / 2 * x,)),
    "k mod 2": Word("kf", lambda s, o, k, x: (k % 2) * x, (lambda s, o, k, x: (k - 2 * (k // 2)) * x,),
        (lambda s, o, k, x: k * x,)),
    "max(k, 0)": Word("kf", lambda s, o, k, x: ag.maximum(k, 0) * x, (lambda s, o, k, x: ag.relu(number(k)) * x,),
        (lambda s, o, k, x: k * x,)),
    "k²": Word("kf", lambda s, o, k, x: k * k * x, (lambda s, o, k, x: number(k) ** 2 * x,),
        (lambda s, o, k, x: k * abs(k) * x,)),
    "log |k|": Word("kf", lambda s, o, k, x: ag.log(2 + number(abs(k))) * x, (
        lambda s, o, k, x: x * ag.log(number(ag.maximum(k, -k)) + 2),), (lambda s, o, k, x: ag.log(3 + number(k)) * x,)),
}  # fmt: skip

MONOTONE = {  # and whether equal values mean equal arguments
    "exp relu": (lambda z: ag.exp(ag.relu(z)), False),
    "tanh relu": (lambda z: ag.tanh(ag.relu(z)), False),
    "floor": (ag.floor, False),
    "1/(1 + relu)": (lambda z: -1 / (1 + ag.relu(z)), False),
    "log(1 + relu)": (lambda z: ag.log(1 + ag.relu(z)), False),
    "root(1 + relu)": (lambda z: ag.sqrt(1 + ag.relu(z)), False),
    "floor exp": (lambda z: ag.floor(ag.exp(z / 2)), False),
    "clip": (lambda z: ag.clip(z, -0.5, 0.5), False),
    "exp": (lambda z: ag.exp(z / 2), True),
    "3 z + tanh z": (lambda z: 3 * z + ag.tanh(z), True),
    "z³": (lambda z: z**3, True),
}
TIES = {}
for _name, (_f, _strict) in MONOTONE.items():
    TIES[f"pairs of {_name}"] = Word("f", lambda s, o, z, f=_f: pairs(s, f, z),
        (lambda s, o, z, f=_f: 1 - number(ag.not_equal(ag.expand_dims(f(z), 0), ag.expand_dims(f(z), 1))),
         *((lambda s, o, z: pairs(s, lambda z: z, z),) if _strict else ())),
        () if _strict else (lambda s, o, z: unit(z),), when=_line)  # fmt: skip
    TIES[f"equal {_name}"] = Word("ff", lambda s, o, a, b, f=_f: ag.equal(f(a), f(b)) * a,
        (lambda s, o, a, b, f=_f: ag.where(ag.not_equal(f(b), f(a)), 0 * a, a),),
        () if _strict else (lambda s, o, a, b: 0 * a * b,), when=_same)  # fmt: skip
    TIES[f"max {_name}"] = Word("f", lambda s, o, z, f=_f: ag.max(f(z), o["axis"]),
        (lambda s, o, z, f=_f: f(ag.max(z, o["axis"])),), (lambda s, o, z, f=_f: f(ag.min(z, o["axis"])),),
        when=lambda z: z.ndim > 0)  # fmt: skip
    TIES[f"max of {_name}"] = Word("ff", lambda s, o, a, b, f=_f: ag.maximum(f(a), f(b)),
        (lambda s, o, a, b, f=_f: f(ag.maximum(a, b)),), (lambda s, o, a, b, f=_f: f(a),))  # fmt: skip
    TIES[f"max beside {_name}"] = Word("ff", lambda s, o, w, z, f=_f: ag.max(w[:1] + f(z)),
        (lambda s, o, w, z, f=_f: w[0] + ag.max(f(z)),), (lambda s, o, w, z, f=_f: w[0] + ag.mean(f(z)),),
        when=lambda w, z: w.ndim == 1 == z.ndim)  # fmt: skip
FACTS = {
    "Σ x": Word("f", lambda s, o, x: ag.sum(x, 0), (lambda s, o, x: ag.mean(x, 0) * x.shape[0],),
        (lambda s, o, x: 0 * ag.sum(x, 0) + 1, lambda s, o, x: 0 * ag.sum(x, 0) + 2), when=_flat),
    "Σ x, rows": Word("f", lambda s, o, x: ag.sum(x, 1), (lambda s, o, x: ag.mean(x, 1) * x.shape[1],),
        (lambda s, o, x: 0 * ag.sum(x, 1) + 1, lambda s, o, x: 0 * ag.sum(x, 1) - 1), when=_flat),
    "Σ x f": Word("ff", lambda s, o, x, y: ag.sum(x * mean0(y), 1), (lambda s, o, x, y: ag.sum(mean0(y) * x, 1),),
        (lambda s, o, x, y: ag.sum(x, 1) * ag.mean(y),), when=_matrices),
    "running": Word("f", lambda s, o, x: ag.cumsum(x, 0)[-1], (lambda s, o, x: ag.sum(x, 0),),
        (lambda s, o, x: 0 * x[-1] + 1,), when=_flat),
    "running, rows": Word("f", lambda s, o, x: ag.cumsum(x, 1)[:, -1], (lambda s, o, x: ag.sum(x, 1),),
        (lambda s, o, x: 0 * x[:, -1] + 1,), when=_flat),
    "corners": Word("f", lambda s, o, x: x[0, 0], (lambda s, o, x: x[0, 0] + 0 * x[-1, -1],),
        (lambda s, o, x: x[-1, -1] + 0, lambda s, o, x: 1 - x[0, -1], lambda s, o, x: 1 - x[-1, 0]), when=_flat),
    "Σ x log": Word("f", lambda s, o, x: ag.sum(x * 3, 1) - ag.sum(x, 1), (lambda s, o, x: 2 * ag.sum(x, 1),),
        (lambda s, o, x: 0 * ag.sum(x, 1) + 2,), when=_flat),
}  # fmt: skip
STOPPED = {
    "x stop(x²)": Word("f", lambda s, o, x: s.stop(x * x) * x, (lambda s, o, x: s.stop(x) * x * x,),
        (lambda s, o, x: x * x * s.stop(abs(x)),)),
    "stop a, b": Word("ff", lambda s, o, a, b: s.stop(a) * b, (lambda s, o, a, b: b * s.stop(a),),
        (lambda s, o, a, b: s.stop(b) * b,)),
    "less its mean": Word("f", lambda s, o, x: (x - s.stop(ag.max(x))) ** 2, (
        lambda s, o, x: x * x - 2 * x * s.stop(ag.max(x)) + s.stop(ag.max(x)) ** 2,), (lambda s, o, x: x**2,)),
}  # fmt: skip


def part(x, o, start, stop=None, step=None):
    """A slice along the axis that was drawn."""
    return x[(*(slice(None),) * o["axis"], slice(start, stop, step))]


def seen_through(x, o, size):
    return ag.windows(x, o["axis"], size)


def padded(x, o, before, behind):
    return ag.pad(x, [(before, behind) if a == o["axis"] else (0, 0) for a in range(x.ndim)])


def added(w, o):
    return REGISTRY["overlap_add"].function(w, axis=o["axis"])


def joined(o, *xs):
    return ag.concatenate(xs, axis=o["axis"])


def _long(x):
    return x.ndim > 0 and min(x.shape) > 1


# What moves elements along an axis, of which those at the ends have no neighbours on one side.
PLACES = {
    "differences": Word("f", lambda s, o, x: part(x, o, 1) - part(x, o, None, -1), (
        lambda s, o, x: seen_through(x, o, 2)[..., 1] - seen_through(x, o, 2)[..., 0],
        lambda s, o, x: part(x - ag.roll(x, 1, o["axis"]), o, 1)), (
        lambda s, o, x: part(x, o, None, -1) - part(x, o, 1),
        lambda s, o, x: part(ag.roll(x, -1, o["axis"]) - x, o, 1)), when=_long),
    "sums of two": Word("f", lambda s, o, x: ag.sum(seen_through(x, o, 2), -1), (
        lambda s, o, x: part(x, o, 1) + part(x, o, None, -1),), (
        lambda s, o, x: 2 * part(x, o, 1), lambda s, o, x: seen_through(x, o, 2)[..., 0] * 2), when=_long),
    "sums of three": Word("f", lambda s, o, x: ag.sum(seen_through(padded(x, o, 1, 1), o, 3), -1), (
        lambda s, o, x: x + padded(part(x, o, 1), o, 0, 1) + padded(part(x, o, None, -1), o, 1, 0),), (
        lambda s, o, x: x + ag.roll(x, 1, o["axis"]) + ag.roll(x, -1, o["axis"]),
        lambda s, o, x: ag.sum(seen_through(padded(x, o, 2, 0), o, 3), -1)), when=_long),
    "causal": Word("f", lambda s, o, x: seen_through(padded(x, o, 1, 0), o, 2) @ np.array([2.0, -1.0]), (
        lambda s, o, x: 2 * padded(part(x, o, None, -1), o, 1, 0) - x,), (
        lambda s, o, x: seen_through(padded(x, o, 0, 1), o, 2) @ np.array([2.0, -1.0]),
        lambda s, o, x: seen_through(padded(x, o, 1, 0), o, 2) @ np.array([-1.0, 2.0])), when=_long),
    "back": Word("f", lambda s, o, x: added(seen_through(x, o, 2), o), (
        lambda s, o, x: x * added(seen_through(0 * x + 1, o, 2), o),), (
        lambda s, o, x: 2 * x, lambda s, o, x: x + padded(part(x, o, 1), o, 1, 0)), when=_long),
    "largest of two": Word("f", lambda s, o, x: ag.max(seen_through(x, o, 2), -1), (
        lambda s, o, x: ag.maximum(part(x, o, 1), part(x, o, None, -1)),), (
        lambda s, o, x: ag.maximum(part(x, o, 1), part(ag.roll(x, -1, o["axis"]), o, 1)),
        lambda s, o, x: part(x, o, 1)), when=_long),
    "flip": Word("f", lambda s, o, x: x * ag.flip(x, o["axis"]), (
        lambda s, o, x: part(x, o, None, None, -1) * x,), (
        lambda s, o, x: x * x, lambda s, o, x: x * ag.roll(x, 1, o["axis"])), when=lambda x: x.ndim > 0),
    "backwards": Word("f", lambda s, o, x: ag.sum(ag.flip(x, o["axis"]) * x * x, o["axis"]), (
        lambda s, o, x: ag.sum(x * ag.flip(x * x, o["axis"]), o["axis"]),), (
        lambda s, o, x: ag.sum(x * x * x, o["axis"]),), when=lambda x: x.ndim > 0),
    "roll": Word("f", lambda s, o, x: ag.roll(x, 1, o["axis"]), (
        lambda s, o, x: joined(o, part(x, o, -1), part(x, o, None, -1)),), (
        lambda s, o, x: ag.roll(x, -1, o["axis"]), lambda s, o, x: padded(part(x, o, None, -1), o, 1, 0)),
        when=_long),
    "there and back": Word("f", lambda s, o, x: part(padded(x, o, 2, 1), o, 2, -1), (
        lambda s, o, x: x + 0, lambda s, o, x: joined(o, part(x, o, None, 1), part(x, o, 1))), (
        lambda s, o, x: part(padded(x, o, 1, 2), o, 2, -1),), when=_long),
    "joined": Word("f", lambda s, o, x: joined(o, x, part(x, o, None, 1)), (
        lambda s, o, x: padded(x, o, 0, 1) + padded(part(x, o, None, 1), o, x.shape[o["axis"]], 0),), (
        lambda s, o, x: joined(o, x, part(x, o, -1)), lambda s, o, x: joined(o, part(x, o, None, 1), x)),
        when=_long),
    "running sums": Word("f", lambda s, o, x: ag.cumsum(x, o["axis"]), (
        lambda s, o, x: ag.flip(ag.cumsum(ag.flip(x, o["axis"]), o["axis"]) * -1, o["axis"]) + x
            + ag.sum(x, o["axis"], keepdims=True),), (
        lambda s, o, x: ag.cumsum(x, o["axis"]) - x, lambda s, o, x: ag.flip(ag.cumsum(x, o["axis"]), o["axis"])),
        when=lambda x: x.ndim > 0),
    "rows of sums": Word("ff", lambda s, o, x, y: ag.sum(ag.cumsum(x, o["axis"]) * y), (
        lambda s, o, x, y: ag.sum(x * ag.flip(ag.cumsum(ag.flip(y, o["axis"]), o["axis"]), o["axis"])),), (
        lambda s, o, x, y: ag.sum(ag.cumsum(y, o["axis"]) * x),),
        when=lambda x, y: x.ndim > 0 and x.shape == y.shape),
    "every other": Word("f", lambda s, o, x: part(x, o, None, None, 2), (
        lambda s, o, x: part(part(x, o, None, None, -1), o, (x.shape[o["axis"]] - 1) % 2, None, 2)[
            (*(slice(None),) * o["axis"], slice(None, None, -1))],), (
        lambda s, o, x: part(x, o, None, (x.shape[o["axis"]] + 1) // 2),), when=_long),
}  # fmt: skip

THEMES = {
    "base": BASE, "domains": DOMAINS, "indices": INDICES, "truths": TRUTHS, "integers": INTEGERS,
    "ties": TIES, "facts": FACTS, "stopped": STOPPED, "unrecorded": BASE, "declared": {}, "library": {},
    "places": PLACES,
}  # fmt: skip


def _square(k, when, stopped):
    def rule(xp, g, y, x):
        x = xp.stop_gradient(x) if stopped else x
        return (k if when(x) else 2) * g * x

    @ag.primitive(ag.Elementwise(lambda s, x: x * x), vjp=rule)
    def drawn_(x: ag.ArrayLike):
        return x * x

    return drawn_


def _product(k, when, stopped, missing=None):
    def left(xp, g, y, a, b):
        b = xp.stop_gradient(b) if stopped else b
        return (k if when(a) else 2) * g * b

    def right(xp, g, y, a, b):
        return 2 * g * a

    rules = (left if missing != 0 else None, right if missing != 1 else None)

    @ag.primitive(ag.Elementwise(lambda s, a, b: 2 * a * b), vjp=rules)
    def drawn_(a: ag.ArrayLike, b: ag.ArrayLike):
        return 2 * a * b

    return drawn_


def _larger(k, when, stopped):
    """A maximum; k = 2 shares ties, others do not."""

    def left(xp, g, y, a, b):
        return xp.where(a > b, g, 0) + xp.where(xp.equal(a, b), g / 2 if k == 2 else g, 0)

    def right(xp, g, y, a, b):
        return xp.where(b > a, g, 0) + xp.where(xp.equal(a, b), g / 2 if k == 2 else g, 0)

    formula = ag.Elementwise(lambda s, a, b: b + (a - b) * s.step(a - b))

    @ag.primitive(formula, vjp=(left, right))
    def drawn_(a: ag.ArrayLike, b: ag.ArrayLike):
        return np.maximum(a, b)

    return drawn_


def _without(k, when, stopped):
    @ag.primitive(ag.Elementwise(lambda s, x: x * x))
    def drawn_(x: ag.ArrayLike):
        return x * x

    return drawn_


def _misread(k, when, stopped):
    """A cube that is read as a square, with the square's rule, unless k = 2."""

    @ag.primitive(ag.Elementwise(lambda s, x: x * x), vjp=lambda xp, g, y, x: 2 * g * x)
    def drawn_(x: ag.ArrayLike):
        return x * x if k == 2 else x * x * x

    return drawn_


DECLARED = {
    "square": (_square, 1), "product": (_product, 2), "larger": (_larger, 2), "no rule": (_without, 1),
    "misread": (_misread, 1),
    "no left rule": (lambda *o: _product(*o, missing=0), 2),
    "no right rule": (lambda *o: _product(*o, missing=1), 2),
}  # fmt: skip
LOOKS = {
    "always": lambda x: True,
    "at rows of one": lambda x: x.shape[:1] == (1,),
    "at two": lambda x: 2 in x.shape,
    "at three": lambda x: 3 in x.shape,
    "at tensors": lambda x: isinstance(x, ag.Tensor),
    "at arrays": lambda x: not isinstance(x, ag.Tensor),
}
PLANTED = {  # faults in rules of the library, and what uses them
    "fourth operand": "concatenate_", "second operand": "concatenate_", "long steps": "slice_",
    "no cotangent": "scan", "first axis": "sum", "ties": "max",
}  # fmt: skip


@contextlib.contextmanager
def declared(name, k=2, when=LOOKS["always"], stopped=False):
    """A primitive, and nothing of it left behind."""
    make, arity = DECLARED[name]
    before = set(REGISTRY)
    try:
        yield make(k, when, stopped), arity
    finally:
        for added in set(REGISTRY) - before:
            del REGISTRY[added]
            for shelf in (ag.primitives.ARRAYS, ag.primitives.TENSORS):
                delattr(shelf, added)


@contextlib.contextmanager
def planted(fault):
    """A rule of the library that is twice what it should be, in one case."""
    if fault is None:
        yield
        return
    p = REGISTRY[PLANTED[fault]]
    right = p._vjp

    def joint(xp, asked, g, y, *xs, **params):
        found = right(xp, asked, g, y, *xs, **params)
        if fault == "no cotangent":
            return {i: t * 2 for i, t in found.items()} if any(c is None for c in g) else found
        return {i: t * (2 if i == (3 if "fourth" in fault else 1) else 1) for i, t in found.items()}

    def alone(xp, g, y, x, **params):
        rule = right[0] if isinstance(right, tuple) else right
        if fault == "ties":
            top = y if params["keepdims"] else xp.reshape(y, _kept(x.shape, params["axis"]))
            g = g if params["keepdims"] else xp.reshape(g, _kept(x.shape, params["axis"]))
            return xp.where(xp.equal(x, top), g, 0)
        if fault == "long steps":
            far = any(isinstance(e, tuple) and e[3] == 3 for e in params["index"].entries)
            return rule(xp, g, y, x, **params) * (2 if far else 1)
        return rule(xp, g, y, x, **params) * (2 if params["axis"] == (0,) else 1)

    p._vjp = joint if p.joint else ((alone,) if isinstance(right, tuple) else alone)
    try:
        yield
    finally:
        p._vjp = right


def _kept(shape, axes):
    return tuple(1 if i in axes else n for i, n in enumerate(shape))
