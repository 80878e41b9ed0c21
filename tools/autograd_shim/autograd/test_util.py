"""Derivatives against central differences, forward and reverse, to any order."""

import itertools

import numpy as np

import autograd_core as ag
from autograd_core.trees import flatten, map_tree, unflatten

from .differential_operators import array, make_jvp, plain, reverse, unary_to_nary
from .internal import CHECKED, LEFT_OUT

STEP = 1e-6
TOLERANCE = 1e-6


def _random(shape):
    # From NumPy's global generator, which their tests seed.
    return np.random.standard_normal(shape)  # noqa: NPY002


def scalar_close(a, b):
    return abs(a - b) < TOLERANCE or abs(a - b) / abs(a + b) < TOLERANCE


def _numbers(tree):
    """The leaves as arrays of floats."""
    leaves = flatten(map_tree(lambda a: plain(a.detach()) if type(a) is ag.Tensor else a, tree))[0]
    return [np.asarray(array(a)) for a in leaves]


def _inner(a, b):
    return float(sum(np.sum(p * q, dtype=float) for p, q in zip(a, b, strict=True)))


def _random_like(tree):
    return map_tree(lambda a: np.asarray(_random(array(a).shape)), tree)


def _moved(x, v, t):
    return map_tree(lambda pair: pair, _zip(lambda a, b: (array(a) + t * np.asarray(b))[()], x, v))


def _zip(function, one, other):
    a, structure = flatten(one)
    b, _ = flatten(other)
    return unflatten(structure, [function(p, q) for p, q in zip(a, b, strict=True)])


def _slope(f, x, v):
    """The derivative of ``f`` along ``v``, by central differences."""
    ahead = _numbers(f(_moved(x, v, STEP / 2)))
    behind = _numbers(f(_moved(x, v, -STEP / 2)))
    return [(p - q) / STEP for p, q in zip(ahead, behind, strict=True)]


def check_equivalent(x, y):
    a, b = _numbers(x), _numbers(y)
    assert [p.shape for p in a] == [q.shape for q in b], f"shapes differ:\n{x}\n{y}"
    CHECKED.append("values")
    for p, q in zip(a, b, strict=True):
        v = _random(p.shape)
        assert scalar_close(np.sum(p * v), np.sum(q * v)), f"values differ:\n{x}\n{y}"


def _check_reverse(f, x):
    value, pull = reverse(f, x)
    g, v = _random_like(value), _random_like(x)
    pulled = pull(g)
    assert [p.shape for p in _numbers(pulled)] == [p.shape for p in _numbers(x)]
    exact = _inner(_numbers(v), _numbers(pulled))
    numeric = _inner(_numbers(g), _slope(f, x, v))
    assert scalar_close(numeric, exact), (
        f"reverse-mode derivative at {x}:\nanalytic: {exact}\nnumeric:  {numeric}"
    )


def _check_forward(f, x):
    v = _random_like(x)
    pushed = _numbers(make_jvp(f)(x)(v)[1])
    slope = _slope(f, x, v)
    for p, q in zip(pushed, slope, strict=True):
        assert p.shape == q.shape
        u = _random(p.shape)
        a, b = np.sum(p * u), np.sum(q * u)
        assert scalar_close(a, b), f"forward-mode derivative at {x}:\nanalytic: {a}\nnumeric:  {b}"


@unary_to_nary
def check_grads(f, x, modes=("fwd", "rev"), order=2):
    if any(np.asarray(a).dtype.kind == "c" for a in flatten(x)[0] if type(a) is not ag.Tensor):
        LEFT_OUT.append("complex")
        return
    if "fwd" in modes:
        _check_forward(f, x)
        if order > 1:
            v = _random_like(x)
            check_grads(lambda x, v: make_jvp(f)(x)(v)[1], (0, 1), modes, order=order - 1)(x, v)
    if "rev" in modes:
        _check_reverse(f, x)
        if order > 1:
            g = _random_like(f(x))
            check_grads(lambda x, g: reverse(f, x)[1](g), (0, 1), modes, order=order - 1)(x, g)


def combo_check(function, *args, **kwargs):
    """Checks every combination of the arguments and options given."""
    check = check_grads(function, *args, **kwargs)

    def check_all(*choices, **options):
        for chosen in itertools.product(*choices):
            for values in itertools.product(*options.values()):
                check(*chosen, **dict(zip(options, values, strict=True)))

    return check_all
