"""A shell's background jobs ignore Ctrl-C: tests that send it set the handler themselves."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]


def test_files_that_send_an_interrupt_ask_for_the_handler():
    sends = re.compile(r"(raise_signal|os\.kill\w*|send_signal)\(.*SIGINT")
    asks = 'usefixtures("interruptible")'
    found = {
        p.name: p.read_text("utf-8")
        for p in TESTS.rglob("test_*.py")
        if p.name != Path(__file__).name
    }
    senders = {name for name, text in found.items() if sends.search(text)}
    assert len(senders) >= 5
    assert {name for name in senders if asks not in found[name]} == set()


@pytest.mark.skipif(sys.platform == "win32", reason="signals are another matter there")
def test_the_handler_is_set_where_it_was_ignored():
    files = ["test_interrupts.py", "test_early_stopping.py"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "interrupt or weights_come_back",
         *(str(TESTS / "optim" / "training" / name) for name in files)],
        capture_output=True, text=True, check=False, cwd=TESTS.parent,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    assert "passed" in done.stdout
