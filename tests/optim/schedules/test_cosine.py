from __future__ import annotations

import math

import pytest

from optim.schedules import Cosine


def test_it_goes_from_one_number_to_the_other_and_stays():
    schedule = Cosine(0.2, updates=10, final=0.05)
    values = [float(schedule(k)) for k in range(13)]
    assert values[0] == 0.2
    assert values[10:] == [0.05] * 3
    assert values == sorted(values, reverse=True)
    assert values[5] == pytest.approx(0.125, rel=1e-15)


def test_it_is_half_a_wave():
    values = [float(Cosine(2.0, updates=7)(k)) for k in range(8)]
    assert values == pytest.approx([1 + math.cos(math.pi * k / 7) for k in range(8)], abs=1e-15)
    # Point by point symmetric about its middle.
    assert [a + b for a, b in zip(values, reversed(values), strict=True)] == pytest.approx(
        [2.0] * 8
    )


def test_it_may_rise():
    assert float(Cosine(0.0, updates=4, final=1.0)(4)) == 1.0
