"""Long chains, wide graphs, long training, many threads: iterative everywhere, nothing left behind."""

from __future__ import annotations

import asyncio
import copy
import functools
import gc
import sys
import threading
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import autograd_core as ag
import optim
from autograd_core.context import CONTEXT
from nn import BatchNorm1d, Dropout, Linear, ReLU, Sequential
from nn.losses import CrossEntropyLoss
from optim import SGD, Adam, Optimizer
from optim.second_order import SecondOrder
from viz import draw_graph

CHAIN = 100_000
WIDE = 20_000
JOINED = 3_000  # operands of one primitive; its backward takes time in their square


@pytest.fixture
def shallow():
    """Recursion as good as forbidden: 200 frames, of which pytest takes some fifty."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(200)
    yield
    sys.setrecursionlimit(limit)


@pytest.fixture
def no_collector():
    """Without the cyclic collector: what is freed is freed by counting references."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def live_tensors():
    """Tensors that exist; the collector tracks them, enabled or not."""
    return sum(type(o) is ag.Tensor for o in gc.get_objects())


def variable(*values):
    return ag.tensor(list(values), requires_grad=True)


def chain(x, n):
    y = x
    for _ in range(n // 2):
        y = y * 1.0
        y = y + 1e-6
    return y


# --- length ---------------------------------------------------------------------------------


def walk_a_chain(n):
    """Forward, backward, drop, deepcopy and detach; returns seconds and bytes per operation."""
    x = ag.tensor(2.0, requires_grad=True)
    start = time.thread_time()
    y = chain(x, n)
    y.backward()
    seconds = time.thread_time() - start
    assert x.grad.item() == 1.0
    assert y.item() == pytest.approx(2.0 + n // 2 * 1e-6, rel=1e-9)
    del y  # freed as it went
    y = chain(x, n)
    assert y.detach().is_leaf
    twin, leaf = copy.deepcopy((y, x))
    assert copy.deepcopy(y.detach()).item() == y.item()
    assert leaf.grad.item() == 1.0
    twin.backward()
    assert leaf.grad.item() == 2.0  # added to the copy of the first one
    assert x.grad.item() == 1.0
    del twin, leaf
    del y  # dropped as a whole: no recursion in deallocation
    tracemalloc.start()
    y = chain(x, min(n, 20_000))
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del y
    return seconds / n, held / min(n, 20_000)


def test_a_chain_of_100_000(shallow, no_collector):
    before = live_tensors()
    _, size = walk_a_chain(CHAIN)
    assert size < 1_000, f"{size:.0f} bytes a node"
    assert live_tensors() == before


@pytest.mark.slow
def test_a_chain_of_1_000_000(shallow, no_collector):
    walk_a_chain(CHAIN // 10)
    # The best of a few, since others use the machine.
    short = min(walk_a_chain(CHAIN)[0] for _ in range(3))
    long, size = min(walk_a_chain(10 * CHAIN) for _ in range(3))
    print(
        f"\nper operation: {short * 1e6:.2f} us at 1e5, {long * 1e6:.2f} us at 1e6; {size:.0f} bytes"
    )
    assert size < 1_000
    assert long < 1.3 * short


def test_the_transforms_walk_long_chains(shallow):
    g = ag.grad(lambda x: chain(x, CHAIN // 10))(np.array(2.0))
    assert g.item() == 1.0
    program = ag.trace(lambda x: chain(x, 2_000))(np.array(2.0))
    assert len(program.applications) == 2_000
    assert program(np.array(2.0)).item() == chain(ag.tensor(2.0), 2_000).item()


def test_the_recorded_backward_of_a_long_chain(shallow, no_collector):
    before = live_tensors()
    x = ag.tensor(0.5, requires_grad=True)
    y = x
    for _ in range(5_000):
        y = ag.sin(y)
    y.backward(create_graph=True)
    first = x.grad
    x.grad = None
    first.backward()
    assert np.isfinite(x.grad.item())
    # Written out: y = sin∘…∘sin, y' = Π cos, y'' = −y' Σ tan(y_i) y_i'.
    value, slope, curvature = 0.5, 1.0, 0.0
    for _ in range(5_000):
        curvature = -np.sin(value) * slope * slope + np.cos(value) * curvature
        slope *= np.cos(value)
        value = np.sin(value)
    assert first.item() == pytest.approx(slope, rel=1e-9)
    assert x.grad.item() == pytest.approx(curvature, rel=1e-9)
    x.grad = None
    del x, y, first
    assert live_tensors() == before


# --- drawing --------------------------------------------------------------------------------


@pytest.mark.parametrize("view", ["forward", "combined"])
def test_a_long_chain_is_drawn_as_a_summary(view):
    y = chain(ag.tensor(2.0, requires_grad=True), CHAIN // 5)
    start = time.thread_time()
    drawing = draw_graph(y, view=view)
    svg = drawing.to_svg()
    assert time.thread_time() - start < 20
    assert len(drawing.picture.nodes) <= 400
    assert any("are not shown" in note for note in drawing.picture.notes)
    assert len(svg) < 1_000_000


@pytest.mark.parametrize(
    "n", [3 * CHAIN, pytest.param(10 * CHAIN, marks=pytest.mark.slow)], ids="{:,}".format
)
def test_what_is_too_large_to_draw_is_refused_in_seconds(shallow, n):
    y = chain(ag.tensor(2.0, requires_grad=True), n)
    for view in ("forward", "backward", "combined"):
        start = time.thread_time()
        with pytest.raises(ag.GraphError, match=rf"{n + 1:,} tensors.*200,000 at most.*wrt="):
            draw_graph(y, view=view)
        assert time.thread_time() - start < 20


def test_a_part_of_a_large_graph_can_be_drawn():
    x = chain(ag.tensor(2.0, requires_grad=True), 3 * CHAIN)
    part = ag.introspect.program(ag.tanh(x) * 2.0, wrt=[x])
    assert len(draw_graph(part).picture.nodes) == 4


# --- width ----------------------------------------------------------------------------------


def test_wide_fan_out(shallow):
    x = variable(1.0, 2.0)
    parts = [x * float(i) for i in range(WIDE)]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    total.sum().backward()
    assert x.grad.data.tolist() == [sum(range(WIDE))] * 2


def test_wide_fan_in(shallow):
    leaves = [ag.tensor([float(i)], requires_grad=True) for i in range(WIDE)]
    total = leaves[0] * leaves[0]
    for t in leaves[1:]:
        total = total + t * t
    total.sum().backward()
    assert all(t.grad.item() == 2.0 * i for i, t in enumerate(leaves))


def test_many_operands(shallow):
    leaves = [ag.tensor([float(i)], requires_grad=True) for i in range(JOINED)]
    joined = ag.concatenate(leaves)
    (joined * joined).sum().backward()
    assert all(t.grad.item() == 2.0 * i for i, t in enumerate(leaves))


def test_one_operand_many_times(shallow):
    x = variable(3.0)
    ag.stack([x] * JOINED).sum().backward()
    assert x.grad.data.tolist() == [JOINED]


# --- duration -------------------------------------------------------------------------------


def model_and_data(seed):
    rng = np.random.default_rng(seed)
    model = Sequential(
        Linear(4, 8, rng=rng), BatchNorm1d(8), ReLU(), Dropout(0.2, rng=rng), Linear(8, 3, rng=rng)
    )
    x = rng.normal(size=(16, 4)).astype(np.float32)
    return model, x, rng.integers(0, 3, 16)


def train(model, x, labels, steps, make=Adam):
    made = make.func if isinstance(make, functools.partial) else make
    optimizer = make(model.parameters(), **({"lr": 0.01} if "lr" in made.hyperparameters else {}))
    loss_of = CrossEntropyLoss()
    if isinstance(optimizer, SecondOrder):  # which does more in a step

        def closure():
            outputs = model(x)
            loss = loss_of(outputs, labels)
            return (loss, outputs) if isinstance(optimizer, optim.GaussNewton) else loss

        for _ in range(-(-steps // 10)):
            optimizer.step(closure)
        return loss_of(model(x), labels).item()
    for _ in range(steps):
        optimizer.zero_grad()
        loss = loss_of(model(x), labels)
        loss.backward()
        optimizer.step()
    return loss.item()


# Every optimizer, by existing; SGD in its three kinds.
OPTIMIZERS = {
    **{
        name: value
        for name, value in vars(optim).items()
        if isinstance(value, type) and issubclass(value, Optimizer) and value is not Optimizer
    },
    "Newton": functools.partial(optim.Newton, indefinite="absolute"),
    "SGD with momentum": functools.partial(SGD, momentum=0.9),
    "SGD of Nesterov": functools.partial(SGD, momentum=0.9, nesterov=True),
}


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(make, id=name, marks=pytest.mark.slow if name != "Adam" else ())
        for name, make in OPTIMIZERS.items()
    ],
)
def test_training_leaves_nothing_behind(no_collector, make):
    before = live_tensors()
    model, x, labels = model_and_data(0)
    first = train(model, x, labels, 100, make)  # NumPy's and Python's free lists fill
    held, objects = live_tensors(), len(gc.get_objects())
    tracemalloc.start()
    last = train(model, x, labels, 1_000, make)
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert last < first
    assert live_tensors() == held, "tensors outlive their training step"
    assert len(gc.get_objects()) - objects < 200, "containers outlive their training step"
    assert grown < 1_000_000, f"memory grew by {grown / 1e3:.0f} kB in 1,000 steps"
    del model
    assert live_tensors() == before, "tensors outlive their model"


def test_a_failed_backward_leaves_nothing_behind(no_collector):
    before = live_tensors()
    x = variable(1.0, 2.0)
    y = (x * x).sum()
    x.assign([3.0, 4.0])
    with pytest.raises(ag.GraphError):
        y.backward()
    del x, y
    assert live_tensors() == before


# --- threads and tasks ----------------------------------------------------------------------


@pytest.mark.sampled(2)
@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_eight_threads_train_as_one_after_the_other(make):
    def result(seed):
        model, x, labels = model_and_data(seed)
        loss = train(model, x, labels, 25, make)
        return loss, {name: value.tobytes() for name, value in model.state_dict().items()}

    serial = [result(seed) for seed in range(8)]
    old = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)  # as many switches as possible
    try:
        with ThreadPoolExecutor(8) as pool:
            parallel = list(pool.map(result, range(8)))
    finally:
        sys.setswitchinterval(old)
    assert parallel == serial
    assert len({state["0.weight"] for _, state in serial}) == 8


def test_threads_share_a_model_that_they_only_read():
    model, x, labels = model_and_data(0)
    train(model, x, labels, 20)
    model.eval()
    batches = [np.random.default_rng(i).normal(size=(5, 4)).astype(np.float32) for i in range(64)]

    def answer(batch):
        with ag.no_grad():
            y = model(batch)
            assert not y.requires_grad
            return y.data.tobytes()

    serial = list(map(answer, batches))
    before = {name: value.tobytes() for name, value in model.state_dict().items()}
    old = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(answer, batches)) == serial
    finally:
        sys.setswitchinterval(old)
    assert {name: value.tobytes() for name, value in model.state_dict().items()} == before


def test_threads_that_share_a_model_do_not_share_their_graphs():
    """Recorded by eight threads at once, walked by the main one: sums as from one thread."""
    model, x, labels = model_and_data(0)
    model.eval()
    loss_of = CrossEntropyLoss()
    with ThreadPoolExecutor(8) as pool:
        losses = list(pool.map(lambda i: loss_of(model(x * (i + 1.0)), labels), range(16)))
    for loss in losses:
        loss.backward()
    together = [p.grad.data.tobytes() for p in model.parameters()]
    for p in model.parameters():
        p.grad = None
    for i in range(16):
        loss_of(model(x * (i + 1.0)), labels).backward()
    assert [p.grad.data.tobytes() for p in model.parameters()] == together


def in_another_thread(function):
    """What ``function`` returns when another thread runs it."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function).result(timeout=60)


def test_no_grad_is_of_its_thread():
    x = variable(1.0)
    with ag.no_grad():
        assert not (x * 2.0).requires_grad
        assert in_another_thread(lambda: (x * 2.0).requires_grad)
    entered, leave = threading.Event(), threading.Event()

    def inside():
        with ag.no_grad():
            entered.set()
            leave.wait(60)
            return (x * 2.0).requires_grad

    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(inside)
        entered.wait(60)
        assert (x * 2.0).requires_grad
        leave.set()
        assert answer.result(60) is False


def test_no_grad_is_of_its_task():
    x = variable(1.0)

    async def without():
        with ag.no_grad():
            await asyncio.sleep(0.001)
            return (x * 2.0).requires_grad

    async def recording():
        seen = []
        for _ in range(5):
            await asyncio.sleep(0.0005)
            seen.append((x * 2.0).requires_grad)
        return seen

    async def scoped(name):
        with ag.named_scope(name):
            await asyncio.sleep(0.001)
            return CONTEXT.get().scope

    async def together():
        return await asyncio.gather(without(), recording(), scoped("a"), scoped("b"))

    assert asyncio.run(together()) == [False, [True] * 5, ("a",), ("b",)]


def test_interleaved_tasks_train_and_predict_as_if_alone():
    """One await after each step: the tasks' contexts are entered and left in every order."""

    async def training(seed, steps=8):
        model, x, labels = model_and_data(seed)
        optimizer, loss_of = SGD(model.parameters(), lr=0.1), CrossEntropyLoss()
        for _ in range(steps):
            with ag.named_scope(f"run{seed}"):
                loss = loss_of(model(x), labels)
                await asyncio.sleep(0)
                assert CONTEXT.get().scope == (f"run{seed}",)
            assert loss.requires_grad
            loss.backward()
            await asyncio.sleep(0)
            optimizer.step()
            optimizer.zero_grad()
        return [p.data.tobytes() for p in model.parameters()]

    async def predicting(seed, steps=20):
        model, x, _ = model_and_data(seed)
        model.eval()
        with ag.no_grad(), ag.named_scope("predict"):
            for _ in range(steps):
                assert not model(x).requires_grad
                await asyncio.sleep(0)
                assert CONTEXT.get().scope == ("predict",)

    async def watching(steps=10):
        with ag.detect_anomaly():
            for _ in range(steps):
                await asyncio.sleep(0)
                with pytest.raises(ag.AnomalyError), np.errstate(all="ignore"):
                    ag.log(variable(0.0))

    async def together():
        return await asyncio.gather(
            *(training(seed) for seed in range(4)), *(predicting(s) for s in range(4)), watching()
        )

    alone = [asyncio.run(training(seed)) for seed in range(4)]
    assert asyncio.run(together())[:4] == alone


def test_no_grad_decorates_functions_of_many_threads():
    x = variable(1.0)

    @ag.no_grad()
    def without(seconds):
        time.sleep(seconds)
        return (x * 2.0).requires_grad, CONTEXT.get().recording

    with ThreadPoolExecutor(8) as pool:
        # Entered in one order and left in another.
        assert set(pool.map(without, [0.02, 0.01, 0.03, 0.0] * 6)) == {(False, False)}
        assert set(pool.map(lambda _: CONTEXT.get().recording, range(16))) == {True}


def test_a_capture_does_not_disturb_another_thread():
    x = variable(1.0, 2.0)
    buffer = ag.tensor([0.0, 0.0])

    def traced(t):
        # In the midst of a capture, another thread computes, differentiates and writes.
        def elsewhere():
            y = ag.tensor([3.0], requires_grad=True)
            (y * y).sum().backward()
            buffer.assign([5.0, 6.0])
            return y.grad.item(), buffer.data.tolist(), (x * 2.0).data.tolist()

        assert in_another_thread(elsewhere) == (6.0, [5.0, 6.0], [2.0, 4.0])
        buffer.assign(t)  # captured: nothing is written
        return t * x

    program = ag.trace(traced)(np.array([7.0, 8.0]))
    assert len(program.writes) == 1
    assert buffer.data.tolist() == [5.0, 6.0]
    assert program(np.array([7.0, 8.0])).data.tolist() == [7.0, 16.0]


def test_threads_may_share_leaves_with_transforms():
    w = np.linspace(0.1, 1.0, 50)
    shared = ag.tensor(w)

    def gradient(i):
        return ag.grad(lambda v: (ag.tanh(v * shared) * float(i)).sum())(w).data.tobytes()

    serial = [gradient(i) for i in range(64)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(gradient, range(64))) == serial
