"""Philox as instructions: NumPy's bits, of every length, and not a word more than asked for."""

from __future__ import annotations

import ctypes
import functools

import numpy as np
import pytest

import autograd_core as ag

pytest.importorskip("llvmlite")

from autograd_core.compiler.native.machine import host
from autograd_core.compiler.native.philox import PHILOX, philox

LEVELS = (None, "avx2", "baseline")


@functools.cache
def function(level):
    machine = host(level)
    library = machine.load(machine.assemble(philox().replace("define internal", "define")))
    pointer = ctypes.c_void_p
    return library.function(PHILOX, None, pointer, pointer, pointer, ctypes.c_int64)


def drawn(level, key, counter, n, room=4):
    """The first ``n`` words, and what lies behind them."""
    key, counter = np.array(key, np.uint64), np.array(counter, np.uint64)
    out = np.full(n + room, 0xDEADBEEF, np.uint32)
    function(level)(key.ctypes.data, counter.ctypes.data, out.ctypes.data, n)
    return out[:n], out[n:]


@pytest.mark.parametrize("level", LEVELS)
def test_every_length_and_nothing_behind_it(level):
    for n in [*range(40), 63, 64, 65, 1000, 1001]:
        found, behind = drawn(level, [3, 5], 7, n)
        np.testing.assert_array_equal(found, ag.random_bits(np.uint64([3, 5]), np.uint64(7), (n,)))
        assert np.all(behind == 0xDEADBEEF)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("counter", [0, 1, 2**32 - 1, 2**32, 2**63 - 1, 2**63, 2**64 - 1])
def test_the_ends_of_keys_and_counters(level, counter):
    ends = [0, 1, 2**32, 2**63, 2**64 - 1]
    for key in [(a, b) for a in ends for b in ends]:
        found, _ = drawn(level, key, counter, 11)
        wanted = ag.random_bits(np.array(key, np.uint64), np.uint64(counter), (11,))
        np.testing.assert_array_equal(found, wanted)


def test_the_published_answer():
    """Random123's known-answer test of philox4x64-10, whose counter is one before NumPy's first."""
    digits = [0x243F6A8885A308D3, 0x13198A2E03707344, 0xA4093822299F31D0, 0x082EFA98EC4E6C89]
    bits = np.random.Philox(
        key=np.array([0x452821E638D01377, 0xBE5466CF34E90C6C], np.uint64),
        counter=np.array([digits[0] - 1, *digits[1:]], np.uint64),
    )
    published = [0xA528F45403E61D95, 0x38C72DBD566E9788, 0xA5A1610E72FD18B5, 0x57BD43B5E52B7FE6]
    assert bits.random_raw(4).tolist() == published
    found, _ = drawn(None, [3, 5], 7, 8)
    own = np.random.Philox(key=np.uint64([3, 5]), counter=np.uint64([0, 7, 0, 0]))
    np.testing.assert_array_equal(found, own.random_raw(4).view(np.uint32))
