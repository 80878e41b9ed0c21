"""Random expression programs, depth up to 30: every way that the engine computes them agrees.

The oracle is NumPy and needs no other engine: the same program on complex numbers, x + i h v with
h = 1e-30, whose imaginary part is h times the derivative along v, exact to rounding (Squire and
Trapp 1998). 2,000 more are compared with HIPS/autograd, an independent engine, to second order.
`make fuzz` runs 10,000 and compares with HIPS/autograd and PyTorch, where they can be imported.
"""

from __future__ import annotations

import collections
import importlib
import itertools
import os
import sys

import numpy as np
import pytest

import autograd_core as ag

PROGRAMS = 300
BESIDE = 1_000  # programs that are compared with another engine
CHUNKS = 10
SHAPES = ((), (1,), (3,), (2, 3), (1, 3), (2, 1), (4, 1, 3), (0,), (0, 3), (2, 0))
STEP = 1e-30

# --- one vocabulary, read by each engine ----------------------------------------------------


class Vocabulary:
    """The words that are not the same function in every engine, in NumPy's."""

    def __init__(self, np_):
        self.np = np_

    def __getattr__(self, name):
        return getattr(self.np, name)

    def sigmoid(self, x):
        return 1.0 / (1.0 + self.np.exp(-x))

    def softplus(self, x):
        return self.np.log(1.0 + self.np.exp(x))

    def relu(self, x):
        return self.where(x > 0, x, x * 0.0)

    def logsumexp(self, x, axis, keepdims):
        return self.np.log(self.np.sum(self.np.exp(x), axis=axis, keepdims=keepdims))

    def softmax(self, x, axis):
        e = self.np.exp(x)
        return e / self.np.sum(e, axis=axis, keepdims=True)

    def var(self, x, axis):
        d = x - self.np.mean(x, axis=axis, keepdims=True)
        return self.np.mean(d * d, axis=axis)

    def getitem(self, x, index):
        return x[index]


class Complex(Vocabulary):
    """NumPy on complex numbers: order is that of the real parts. Notes how near a kink was."""

    def __init__(self):
        super().__init__(np)
        self.margin = np.inf

    def _note(self, difference, at_tie=False):
        near = np.abs(difference)
        near = near if at_tie else near[near > 0]  # a tie of equal computations is no accident
        if near.size:
            self.margin = min(self.margin, float(near.min()))

    def abs(self, x):
        self._note(x.real)
        return np.where(x.real < 0, -x, x * np.sign(np.abs(x.real)))

    def relu(self, x):
        self._note(x.real)
        return np.where(x.real > 0, x, 0.0)

    def maximum(self, a, b):
        self._note(a.real - b.real, at_tie=True)
        return np.where(a.real > b.real, a, b + 0 * a)

    def minimum(self, a, b):
        self._note(a.real - b.real, at_tie=True)
        return np.where(a.real < b.real, a, b + 0 * a)

    def choose(self, a, b, x, y):
        self._note(a.real - b.real, at_tie=True)
        return np.where(a.real > b.real, x, y)

    def max(self, x, axis, keepdims):
        ordered = np.sort(x.real, axis)
        if x.shape[axis] > 1:
            self._note(np.take(ordered, -1, axis) - np.take(ordered, -2, axis), at_tie=True)
        at = np.expand_dims(np.argmax(x.real, axis), axis)
        found = np.take_along_axis(x, at, axis)
        return found if keepdims else np.squeeze(found, axis)


class Ours(Vocabulary):
    """autograd_core, by its own names."""

    def __init__(self):
        super().__init__(ag)
        for name in ("sigmoid", "softplus", "relu", "logsumexp", "softmax", "var"):
            setattr(self, name, getattr(ag, name))

    def abs(self, x):
        return abs(x)

    def choose(self, a, b, x, y):
        return ag.where(a > b, x, y)


class Hips(Vocabulary):
    """HIPS/autograd."""

    def broadcast_to(self, x, shape):  # theirs adds no axes
        return x + np.zeros(shape)

    def flip(self, x, axis):  # theirs has no derivative
        return x[(slice(None),) * axis + (slice(None, None, -1),)]

    def choose(self, a, b, x, y):
        return self.np.where(a > b, x, y)


class Torch(Vocabulary):
    """PyTorch; only what differs from NumPy's names and options."""

    def __init__(self, torch):
        super().__init__(torch)
        self.softplus = lambda x: torch.nn.functional.softplus(x, threshold=1e9)
        self.relu, self.sigmoid, self.softmax = torch.relu, torch.sigmoid, torch.softmax

    def sum(self, x, axis=None, keepdims=False):
        return x.sum() if axis is None else x.sum(axis, keepdim=keepdims)

    def mean(self, x, axis, keepdims=False):
        return x.mean(axis, keepdim=keepdims)

    def max(self, x, axis, keepdims):
        return x.amax(axis, keepdim=keepdims)

    def logsumexp(self, x, axis, keepdims):
        return self.np.logsumexp(x, axis, keepdim=keepdims)

    def var(self, x, axis):
        d = x - x.mean(axis, keepdim=True)
        return (d * d).mean(axis)

    def transpose(self, x):
        return x.permute(tuple(reversed(range(x.ndim))))

    def expand_dims(self, x, axis):
        return x.unsqueeze(axis)

    def flip(self, x, axis):
        return x.flip((axis,))

    def choose(self, a, b, x, y):
        return self.np.where(a > b, x, y)

    def getitem(self, x, index):
        if isinstance(index, tuple) and any(isinstance(i, slice) and i.step == -1 for i in index):
            return x.flip((x.ndim - 1,))
        return x[index]


# A word takes the vocabulary, an axis and a flag that the generator drew, and its operands.
UNARY = {
    "tanh": lambda s, k, f, x: s.tanh(x),
    "sin": lambda s, k, f, x: s.sin(x),
    "cos": lambda s, k, f, x: s.cos(x),
    "exp": lambda s, k, f, x: s.exp(x * 0.1),
    "x²": lambda s, k, f, x: s.square(x),
    "log(1 + x²)": lambda s, k, f, x: s.log(x * x + 1.0),
    "sqrt(0.5 + x²)": lambda s, k, f, x: s.sqrt(x * x + 0.5),
    "x⁻¹": lambda s, k, f, x: 1.0 / (x * x + 1.0),
    "(1 + x²)^0.7": lambda s, k, f, x: (x * x + 1.0) ** 0.7,
    "x³": lambda s, k, f, x: x**3,
    "-x": lambda s, k, f, x: -x,
    "2 - x/3": lambda s, k, f, x: 2.0 - x / 3.0,
    "abs": lambda s, k, f, x: s.abs(x),
    "relu": lambda s, k, f, x: s.relu(x),
    "sigmoid": lambda s, k, f, x: s.sigmoid(x),
    "softplus": lambda s, k, f, x: s.softplus(x),
    "reshape(-1)": lambda s, k, f, x: s.reshape(x, (-1,)),
    "T": lambda s, k, f, x: s.transpose(x),
    "expand_dims": lambda s, k, f, x: s.expand_dims(x, 0 if f else -1),
    "broadcast_to": lambda s, k, f, x: s.broadcast_to(x, (2, *x.shape)),
    "x[None]": lambda s, k, f, x: s.getitem(x, None),
}
ALONG = {
    "sum": lambda s, k, f, x: s.sum(x, axis=k, keepdims=f),
    "mean": lambda s, k, f, x: s.mean(x, axis=k, keepdims=f),
    "max": lambda s, k, f, x: s.max(x, axis=k, keepdims=f),
    "logsumexp": lambda s, k, f, x: s.logsumexp(x, k, f),
    "softmax": lambda s, k, f, x: s.softmax(x, k),
    "var": lambda s, k, f, x: s.var(x, k),
    "std": lambda s, k, f, x: s.sqrt(s.var(x, k) + 0.5),
    "cumsum": lambda s, k, f, x: s.cumsum(x, k),
    "flip": lambda s, k, f, x: s.flip(x, k),
    "x[..., ::-1]": lambda s, k, f, x: s.getitem(x, (..., slice(None, None, -1))),
    "x[1:]": lambda s, k, f, x: s.getitem(x, slice(1, None)),
    "x[-1]": lambda s, k, f, x: s.getitem(x, -1),
    "x[[0, 0, -1]]": lambda s, k, f, x: s.getitem(x, np.array([0, 0, -1])),
}
BINARY = {
    "+": lambda s, k, f, a, b: a + b,
    "-": lambda s, k, f, a, b: a - b,
    "*": lambda s, k, f, a, b: a * b,
    "/": lambda s, k, f, a, b: a / (b * b + 1.0),
    "maximum": lambda s, k, f, a, b: s.maximum(a, b),
    "minimum": lambda s, k, f, a, b: s.minimum(a, b),
    "where": lambda s, k, f, a, b: s.choose(a, b, a * 2.0, b + a),
    "power": lambda s, k, f, a, b: (a * a + 0.5) ** (b / (b * b + 1.0)),
    "@": lambda s, k, f, a, b: s.matmul(a, s.transpose(b)),
    "concatenate": lambda s, k, f, a, b: s.concatenate([a, b], 0),
    "stack": lambda s, k, f, a, b: s.stack([a, b], 0),
}
WORDS = {**UNARY, **ALONG, **BINARY}


class Expression:
    """Steps over a growing list of values: the inputs, then one value a step."""

    def __init__(self, seed):
        rng = np.random.default_rng([2026, seed])
        self.seed = seed
        shapes = [SHAPES[i] for i in rng.integers(0, len(SHAPES), rng.integers(1, 4))]
        self.inputs = [rng.normal(size=s) for s in shapes]
        self.directions = [rng.normal(size=s) for s in shapes]
        self.steps = []
        values, oracle, depth = list(self.inputs), Complex(), int(rng.integers(2, 31))
        kinds = (UNARY, ALONG, BINARY)
        while len(self.steps) < depth:
            words = kinds[rng.choice(3, p=[0.4, 0.25, 0.35])]
            word = str(rng.choice(list(words)))
            # Recent values are likelier, so that programs grow deep.
            places = [
                max(0, len(values) - 1 - int(rng.exponential(2.0)))
                for _ in range(1 + (words is BINARY))
            ]
            operands = [values[i] for i in places]
            k, flag = -1, bool(rng.integers(2))
            if words is ALONG:
                if operands[0].ndim == 0:
                    continue
                k = int(rng.integers(operands[0].ndim))
                if operands[0].shape[k] == 0 or operands[0].shape[0] == 0:
                    continue
            if word in ("@", "concatenate", "stack", "T"):
                same = all(o.shape == operands[0].shape and o.ndim > 0 for o in operands)
                if not same or (word == "@" and operands[0].ndim != 2):
                    continue
            try:
                with np.errstate(all="ignore"):
                    value = np.asarray(WORDS[word](oracle, k, flag, *operands))
            except ValueError:
                continue  # these shapes do not broadcast
            if value.size > 100 or value.ndim > 4 or not np.all(np.abs(value) < 30):
                continue
            values.append(value)
            self.steps.append((word, places, k, flag))

    def __call__(self, vocabulary, *inputs):
        """The value of the program: the sum of its last three values, squared or not."""
        values = list(inputs)
        for word, places, k, flag in self.steps:
            values.append(WORDS[word](vocabulary, k, flag, *(values[i] for i in places)))
        total = vocabulary.sum(values[-1])
        for v in values[-3:-1]:
            total = total + vocabulary.sum(v * v) * 0.5
        return total

    def __str__(self):
        n = len(self.inputs)
        lines = [f"v{i} = input of shape {x.shape}" for i, x in enumerate(self.inputs)]
        for i, (word, places, k, flag) in enumerate(self.steps):
            options = f" axis={k} keepdims={flag}" if word in ALONG else ""
            lines.append(f"v{n + i} = {word} {' '.join(f'v{p}' for p in places)}{options}")
        return f"expression {self.seed}:\n  " + "\n  ".join(lines)


# --- the checks -----------------------------------------------------------------------------


def near(got, want, tolerance, what, expression):
    """Equal up to ``tolerance`` relative to the larger of 1 and what is wanted."""
    got, want = np.asarray(got), np.asarray(want)
    assert got.shape == want.shape, f"{what}: shape {got.shape}, not {want.shape}\n{expression}"
    scale = max(1.0, float(np.max(np.abs(want), initial=0.0)))
    worst = float(np.max(np.abs(got - want), initial=0.0)) / scale
    assert worst <= tolerance, f"{what}: off by {worst:.1e}\n{got}\n{want}\n{expression}"


def ours(expression):
    """The program as a function of tensors, and its value and gradients, eagerly."""
    vocabulary = Ours()

    def function(*inputs):
        return expression(vocabulary, *inputs)

    every = tuple(range(len(expression.inputs)))
    value, gradients = ag.value_and_grad(function, every, unreachable="zero")(*expression.inputs)
    return function, every, value.data, [g.data for g in gradients]


def check_against_numpy(expression):
    """Value and gradient against complex numbers; False where a kink is too near to tell."""
    oracle = Complex()
    moved = [
        x + 1j * STEP * v for x, v in zip(expression.inputs, expression.directions, strict=True)
    ]
    with np.errstate(all="ignore"):
        wanted = expression(oracle, *moved)
    if oracle.margin < 1e-9:
        return False
    *_, value, gradients = ours(expression)
    near(value, wanted.real, 1e-12, "value", expression)
    slope = sum(np.sum(g * v) for g, v in zip(gradients, expression.directions, strict=True))
    scale = sum(
        np.sum(np.abs(g * v)) for g, v in zip(gradients, expression.directions, strict=True)
    )
    near(slope / max(1.0, scale), wanted.imag / STEP / max(1.0, scale), 1e-12, "slope", expression)
    return True


def clear_of_kinks(expression):
    """Whether a number next to the inputs' would take the same way."""
    oracle = Complex()
    with np.errstate(all="ignore"):
        expression(oracle, *(x + 0j for x in expression.inputs))
    return oracle.margin >= 1e-9


def check_programs(expression):
    """Traced and replayed, forward and gradient, against eager."""
    function, every, value, gradients = ours(expression)
    program = ag.trace(function)(*expression.inputs)
    near(program(*expression.inputs).data, value, 1e-12, "program", expression)
    replayed = ag.Replay(program)
    for attempt in ("first replay", "second replay"):
        near(replayed(*expression.inputs)[0], value, 1e-12, attempt, expression)
    derivative = ag.trace(ag.grad(function, every, unreachable="zero"))(*expression.inputs)
    for g, want in zip(derivative(*expression.inputs), gradients, strict=True):
        near(g.data, want, 1e-12, "program of the gradient", expression)
    for g, want in zip(ag.Replay(derivative)(*expression.inputs), gradients, strict=True):
        near(g, want, 1e-12, "replay of the gradient", expression)


def check_second_order(expression):
    """Gradients of gradients against five-point differences of the gradients."""
    function, every, _, _ = ours(expression)
    first = ag.grad(function, every, unreachable="zero")
    h = 1e-3

    def along(t):
        moved = [x + t * v for x, v in zip(expression.inputs, expression.directions, strict=True)]
        return [g.data for g in first(*moved)]

    oracle = Complex()
    for t in (-2 * h, 0.0, 2 * h):
        with np.errstate(all="ignore"):
            expression(
                oracle,
                *(x + t * v for x, v in zip(expression.inputs, expression.directions, strict=True)),
            )
    if oracle.margin < 0.05:  # a kink may lie on the way
        return False
    found = ag.hvp(lambda xs: function(*xs), unreachable="zero")(
        list(expression.inputs), list(expression.directions)
    )
    points = [along(t) for t in (-2 * h, -h, h, 2 * h)]
    for i, g in enumerate(found):
        a, b, c, d = (p[i] for p in points)
        near(g.data, (a - 8 * b + 8 * c - d) / (12 * h), 1e-6, "second order", expression)
    return True


def gradients_by_hips(expression, hips):
    words = Hips(hips.numpy)
    every = tuple(range(len(expression.inputs)))
    with np.errstate(all="ignore"):
        return hips.grad(lambda *xs: expression(words, *xs), every)(*expression.inputs)


def twice_by_hips(expression, hips):
    """Gradients, and gradients of their product with the program's directions."""
    words, every = Hips(hips.numpy), tuple(range(len(expression.inputs)))
    first = hips.grad(lambda *xs: expression(words, *xs), every)

    def along(*xs):
        return sum(
            hips.numpy.sum(g * v) for g, v in zip(first(*xs), expression.directions, strict=True)
        )

    with np.errstate(all="ignore"):
        return first(*expression.inputs), hips.grad(along, every)(*expression.inputs)


def gradients_by_torch(expression, torch):
    inputs = [torch.tensor(x, requires_grad=True) for x in expression.inputs]
    value = expression(Torch(torch), *inputs)
    found = torch.autograd.grad(value, inputs, allow_unused=True)
    return [
        np.zeros(x.shape) if g is None else g.numpy() for g, x in zip(found, inputs, strict=True)
    ]


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_expressions(chunk):
    told = 0
    for seed in range(chunk, PROGRAMS, CHUNKS):
        expression = Expression(seed)
        told += check_against_numpy(expression)
        check_programs(expression)
        if seed % 3 == 0:
            check_second_order(expression)
    assert told > PROGRAMS / CHUNKS / 2


@pytest.mark.parametrize(
    "chunk", [pytest.param(n, marks=pytest.mark.slow) if n % 2 else n for n in range(CHUNKS)]
)
@pytest.mark.filterwarnings("ignore")  # theirs
def test_another_engine_agrees_to_second_order(chunk):
    hips = pytest.importorskip("autograd")
    importlib.import_module("autograd.numpy")
    told = refused = 0
    for seed in itertools.count(100_000 + chunk, CHUNKS):
        if told == BESIDE // CHUNKS:
            break
        expression = Expression(seed)
        if not clear_of_kinks(expression):
            continue  # there the engines may rightly differ
        try:
            wanted, wanted_twice = twice_by_hips(expression, hips)
        except (TypeError, NotImplementedError):
            refused += 1  # what it cannot do is its own affair
            continue
        told += 1
        function, _, _, gradients = ours(expression)
        twice = ag.hvp(lambda xs, f=function: f(*xs), unreachable="zero")(
            list(expression.inputs), list(expression.directions)
        )
        for g, want in zip(gradients, wanted, strict=True):
            near(g, want, 1e-9, "gradient beside HIPS/autograd", expression)
        for g, want in zip(twice, wanted_twice, strict=True):
            near(g.data, want, 1e-9, "second order beside HIPS/autograd", expression)
    assert refused < told / 20


def test_another_engine_would_see_a_wrong_second_derivative(monkeypatch):
    pytest.importorskip("autograd")
    right = ag.REGISTRY["sin"].vjp[0]
    # Right at first order; the derivative of the rule itself is not.
    wrong = (lambda xp, g, y, x: xp.stop_gradient(right(xp, g, y, x)),)
    monkeypatch.setattr(ag.REGISTRY["sin"], "vjp", wrong)
    with pytest.raises(AssertionError, match=r"second order beside HIPS/autograd: off by"):
        test_another_engine_agrees_to_second_order(0)


def test_a_wrong_gradient_would_be_seen(monkeypatch):
    broken = ag.REGISTRY["tanh"]
    monkeypatch.setattr(broken, "vjp", (lambda xp, g, y, x: g - g * y,))

    def check_some():
        for seed in range(60):
            check_against_numpy(Expression(seed))

    with pytest.raises(AssertionError, match=r"slope: off by [\s\S]*tanh v"):
        check_some()


def peers():
    """The other engines that can be imported, by name."""
    sys.path.extend(filter(None, [os.environ.get("GRADPROOF_PEERS")]))
    engines = {"autograd": gradients_by_hips, "torch": gradients_by_torch}
    for name, gradients in engines.items():
        try:
            module = importlib.import_module(name)
            if name == "autograd":
                importlib.import_module("autograd.numpy")
        except ImportError:
            print(f"{name}: not installed, not compared with")
        else:
            yield name, gradients, module


@pytest.mark.slow
def test_many_expressions():
    """`make fuzz`: GRADPROOF_FUZZ programs (2,000) from GRADPROOF_SEED on.

    GRADPROOF_PEERS is a folder of packages, to be looked at last, in which other engines may be.
    """
    count = int(os.environ.get("GRADPROOF_FUZZ", "2000"))
    start = int(os.environ.get("GRADPROOF_SEED", "1000"))
    others = list(peers())
    told, compared = 0, collections.Counter()
    for seed in itertools.count(start):
        if told == count:
            break
        expression = Expression(seed)
        if not check_against_numpy(expression):
            continue  # near a kink the engines may rightly differ
        told += 1
        check_programs(expression)
        for name, gradients, module in others:
            try:
                wanted = gradients(expression, module)
            except Exception:  # noqa: BLE001 - what the other engine cannot do is its own affair
                continue
            for g, want in zip(ours(expression)[-1], wanted, strict=True):
                near(g, want, 1e-9, name, expression)
            compared[name] += 1
    print(
        f"\n{told} programs clear of kinks, seeds {start} to {seed - 1}; compared: {dict(compared)}"
    )
    assert all(compared[name] > told / 2 for name, *_ in others)
