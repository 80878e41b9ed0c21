from __future__ import annotations

import signal
import threading

import pytest

from optim.training.interrupts import Interrupts


@pytest.mark.usefixtures("interruptible")
def test_the_first_interrupt_waits_for_a_good_moment():
    with Interrupts() as interrupts:
        assert not interrupts.requested
        signal.raise_signal(signal.SIGINT)
        assert interrupts.requested
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.usefixtures("interruptible")
def test_the_second_interrupts_at_once():
    with Interrupts():
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.usefixtures("interruptible")
def test_a_handler_of_the_programs_own_is_left_alone():
    seen = []
    before = signal.signal(signal.SIGINT, lambda *_: seen.append("own"))
    try:
        with Interrupts() as interrupts:
            signal.raise_signal(signal.SIGINT)
            assert not interrupts.requested
    finally:
        signal.signal(signal.SIGINT, before)
    assert seen == ["own"]


def test_another_thread_may_train_too():
    failures = []

    def work():
        try:
            with Interrupts() as interrupts:
                assert not interrupts.requested
        except BaseException as error:  # noqa: BLE001
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert failures == []
