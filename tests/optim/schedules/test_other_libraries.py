"""Schedules beside those of PyTorch: its values, as torch 2.13 gives them for a base rate of 0.1, over 12 updates."""

from __future__ import annotations

from math import log

import numpy as np
import pytest

from optim.schedules import (
    Constant,
    Cosine,
    Exponential,
    OneCycle,
    Polynomial,
    Ramp,
    Step,
    WarmRestarts,
    WarmUp,
)

# What ours does after its end is said in the table of conventions: it stays. PyTorch's waves rise again.
PAIRS = [
    ("StepLR(o, 3, 0.5)", Step(0.1, every=3, factor=0.5), 12,
     [0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.025, 0.025, 0.025, 0.0125, 0.0125, 0.0125]),
    ("MultiStepLR(o, [2, 7], 0.1)", Constant(0.1).then(Constant(0.01), 2).then(Constant(0.001), 7), 12,
     [0.1, 0.1, 0.01, 0.01, 0.01, 0.01, 0.01, 0.001, 0.001, 0.001, 0.001, 0.001]),
    ("ExponentialLR(o, 0.9)", Exponential(0.1, beta=-log(0.9)), 12,
     [0.1, 0.09, 0.081, 0.0729, 0.06561, 0.059049, 0.0531441, 0.04782969, 0.043046721,
      0.0387420489, 0.03486784401, 0.031381059609]),
    ("LinearLR(o, 0.25, 1.0, 4)", Ramp(0.025, 0.1, updates=4), 12,
     [0.025, 0.04375, 0.0625, 0.08125, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]),
    ("PolynomialLR(o, 5, 2.0)", Polynomial(0.1, updates=5, power=2.0), 12,
     [0.1, 0.064, 0.036, 0.016, 0.004, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
    ("CosineAnnealingLR(o, 8, 0.01)", Cosine(0.1, updates=8, final=0.01), 9,
     [0.1, 0.096574578963, 0.0868198051534, 0.0722207544564, 0.055, 0.0377792455436,
      0.0231801948466, 0.013425421037, 0.01]),
    ("CosineAnnealingWarmRestarts(o, 2, 2, 0.01)", WarmRestarts(0.1, 2, multiply=2, final=0.01), 12,
     [0.1, 0.055, 0.1, 0.0868198051534, 0.055, 0.0231801948466, 0.1, 0.096574578963,
      0.0868198051534, 0.0722207544564, 0.055, 0.0377792455436]),
    ("CosineAnnealingWarmRestarts(o, 5)", WarmRestarts(0.1, updates=5), 12,
     [0.1, 0.0904508497187, 0.0654508497187, 0.0345491502813, 0.00954915028125, 0.1,
      0.0904508497187, 0.0654508497187, 0.0345491502813, 0.00954915028125, 0.1, 0.0904508497187]),
    ("OneCycleLR(o, 0.1, 10)", OneCycle(0.1, updates=10), 10,
     [0.004, 0.052, 0.1, 0.0950484632013, 0.081174565395, 0.0611262021936, 0.0388741978064,
      0.018825834605, 0.00495193679865, 4e-07]),
    ("OneCycleLR(o, 0.1, 10, pct_start=0.55, div_factor=4, final_div_factor=8)",
     OneCycle(0.1, 10, pct_start=0.55, div_factor=4.0, final_div_factor=8.0), 10,
     [0.025, 0.033773333383, 0.0559881933375, 0.08125, 0.0977384732795, 0.0970788613193,
      0.07578125, 0.0431514163943, 0.0144572222864, 0.003125]),
    ("SequentialLR(o, [LinearLR(o, 0.5, 1.0, 3), CosineAnnealingLR(o, 5)], [3])",
     WarmUp(Cosine(0.1, updates=5), updates=3, start=0.05), 9,
     [0.05, 0.0666666666667, 0.0833333333333, 0.1, 0.0904508497187, 0.0654508497187,
      0.0345491502813, 0.00954915028125, 0.0]),
]  # fmt: skip


@pytest.mark.parametrize(("theirs", "ours", "count", "values"), PAIRS, ids=[p[0] for p in PAIRS])
def test_it_is_pytorchs(theirs, ours, count, values):
    assert len(values) == count
    np.testing.assert_allclose(
        [float(ours(k)) for k in range(count)], values, rtol=1e-11, atol=1e-17
    )
