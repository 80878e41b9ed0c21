from __future__ import annotations

import threading
import time

import numpy as np
import pytest

import optim
from autograd_core.errors import ConfigError


def threads():
    return [t for t in threading.enumerate() if t.name == "gradproof prefetch"]


@pytest.fixture(autouse=True)
def _no_thread_stays():
    yield
    assert not threads()


@pytest.mark.parametrize("ahead", [1, 2, 7])
def test_items_and_order_are_those_of_the_source(ahead):
    fetched = optim.Prefetch(range(20), ahead)
    assert list(fetched) == list(range(20))
    assert list(fetched) == list(range(20))
    assert list(optim.Prefetch(lambda: iter("abc"), ahead)) == ["a", "b", "c"]
    assert list(optim.Prefetch([], ahead)) == []


def test_so_many_are_made_ahead_and_no_more():
    made = []

    def source():
        for i in range(10):
            made.append(i)
            yield i

    items = iter(optim.Prefetch(source, 3))
    assert next(items) == 0
    deadline = time.monotonic() + 5
    while len(made) < 5 and time.monotonic() < deadline:
        time.sleep(0.001)
    time.sleep(0.05)
    assert made == [0, 1, 2, 3, 4]  # one in use, three ready, one that waits to be put down
    items.close()


def test_an_error_comes_where_its_item_would_have_come():
    def failing():
        yield 1
        yield 2
        raise KeyError("third")

    items = iter(optim.Prefetch(failing, 5))
    assert [next(items), next(items)] == [1, 2]
    with pytest.raises(KeyError, match="third") as caught:
        next(items)
    assert any(entry.name == "failing" for entry in caught.traceback)


def test_leaving_early_closes_the_source_in_its_thread():
    closed = []

    def source():
        try:
            yield from range(100)
        finally:
            closed.append(threading.current_thread().name)

    for item in optim.Prefetch(source, 2):
        if item == 3:
            break
    deadline = time.monotonic() + 5
    while not closed and time.monotonic() < deadline:
        time.sleep(0.001)
    assert closed == ["gradproof prefetch"]


def test_settings_of_the_caller_hold_in_the_thread():
    def source():
        yield np.geterr()["divide"]

    with np.errstate(divide="raise"):
        assert list(optim.Prefetch(source)) == ["raise"]


@pytest.mark.parametrize("ahead", [0, -1, 1.5, True])
def test_how_many_is_a_positive_integer(ahead):
    with pytest.raises(ConfigError, match="Prefetch: ahead: expected an integer of 1 or more"):
        optim.Prefetch([], ahead)


def test_a_run_is_the_same_with_it_whatever_ends_it(tiny, criterion, train):
    def run(**options):
        model = tiny()
        optimizer = optim.Adam(model.parameters(), lr=0.02)
        history = optim.fit(
            model, criterion, optimizer, train, epochs=3, batch_size=7, rng=0, **options
        )
        return history["loss"], [t.numpy().tolist() for t in model.parameters()]

    assert run(prefetch=3) == run()

    class Fails(optim.Callback):
        def on_batch_end(self, run):
            if (run.epoch, run.batch) == (2, 3):
                raise RuntimeError("elsewhere")

    with pytest.raises(RuntimeError, match="elsewhere"):
        run(prefetch=3, callbacks=Fails())
    assert not threads()
