"""Zoneout: what a recurrent state is on average, how it varies, and what comes back through it."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

import autograd_core as ag
from autograd_core.errors import ProofError
from autograd_core.symbolic.claims import Finding, claim, derived
from autograd_core.symbolic.equations import OnSymbols, equation

from .. import functional as F
from ..layers.recurrent import RNNCell, Zoneout

x, h, new = sympy.symbols("x h_{t-1} hhat", real=True)
w, u, g = sympy.symbols("w u g", real=True)
z = sympy.Symbol("z", positive=True)

RATE = sympy.Rational(1, 4)  # z of the layer that is run; a float holds it exactly
BITS = 2**32  # random bits are whole numbers below this, all equally likely


def step(d: bool) -> OnSymbols:
    """One step of a plain network with one unit under zoneout, for a mask: h' and g ∂h'/∂h by the engine."""
    mask = np.array(d)

    def run(x: Any, h: Any, w: Any, u: Any) -> Any:
        x, h = ag.reshape(x, (1,)), ag.reshape(h, (1,))
        new = F.rnn_cell(x, h, ag.reshape(w, (1, 1)), ag.reshape(u, (1, 1)))
        return ag.sum(F.zoneout(h, new, mask))

    return OnSymbols(lambda x, h, w, u, g: (run(x, h, w, u), g * ag.grad(run, 1)(x, h, w, u)))


class Drawn:
    """`nn.Zoneout` around a cell of one unit in training, as a function of the bits that it draws.

    That its mask is a comparison of the bits with a threshold is recorded; so its values at both ends
    and on both sides of z 2³² are its values everywhere.
    """

    def __init__(self, **options: Any) -> None:
        cell = RNNCell(1, 1, bias=False, rng=0, dtype=np.float64)
        cell.weight_ih.assign([[0.5]])
        cell.weight_hh.assign([[2.0]])
        self.layer = Zoneout(cell, float(RATE), rng=0, **options)
        self.ran = OnSymbols(self._run, exact=True)
        self.new = sympy.tanh(x / 2 + 2 * h)

    def _run(self, x: Any, h: Any) -> Any:
        return ag.sum(self.layer(ag.reshape(x, (1,)), ag.reshape(h, (1,))))

    def __call__(self, bits: Any = None) -> sympy.Expr:
        """The next h, if all random bits were these."""
        return self.ran(x, h, bits=None if bits is None else int(bits))[0]

    def finding(self, kept: sympy.Expr, moved: sympy.Expr) -> Finding:
        """Which bits keep the state; ``kept`` and ``moved`` are what it is then and otherwise."""
        border = RATE * BITS
        places = {"0": 0, "z2³² - 1": border - 1, "z2³²": border, "2³² - 1": BITS - 1}
        computed = {name: self(bits) for name, bits in places.items()}
        readers = [
            s.primitive.name
            for program in self.ran.programs
            for drawn in program
            if drawn.primitive.name == "random_bits"
            for s in program
            if drawn.result in s.operands
        ]
        if readers != ["less"]:
            raise ProofError(
                "Zoneout",
                f"the random bits are read by {readers}. Expected one comparison with a threshold; the "
                "four values say nothing of the rest otherwise.",
            )
        expected = dict.fromkeys(places, moved) | dict.fromkeys(["0", "z2³² - 1"], kept)
        return Finding(
            f"{self.layer.scale}: the layer keeps its state for a share of z = 1/4 of all bits",
            equation("bits", computed, expected, ran=[self.ran]),
        )

    def mean(self) -> sympy.Expr:
        """The mean over all bits: a share of z is like the first, the rest like the last."""
        return RATE * self(0) + (1 - RATE) * self(BITS - 1)


def expected(of: Any) -> sympy.Expr:
    """The expectation over D: 1 with probability z, else 0."""
    return z * of(True) + (1 - z) * of(False)


@claim(
    "D8",
    slide=derived("What each neuron computes"),
    formula=r"\mathrm{E}[h_t] = z h_{t-1} + (1 - z) \hat{h}_t, \quad \mathrm{Var}[h_t] = z (1 - z) (h_{t-1} - \hat{h}_t)^2, \quad \mathrm{E}\left[ \frac{\partial h_t}{\partial h_{t-1}} \right] = z + (1 - z) \frac{\partial \hat{h}_t}{\partial h_{t-1}}",
    words="Under zoneout a state is on average between what it was and what it would be, varies with their distance, and hands a share z of its gradient straight back.",
    assumptions=["D is independent of the state and of the input", "0 < z < 1"],
    method="sums over the two values of the mask that the layer's function is given, with the derivative of sympy and "
    "that of the engine; the layer itself as a function of the bits that it draws, at z = 1/4",
    runs=[F.zoneout, F.rnn_cell, Zoneout.forward],
)
def moments() -> list[Finding]:
    mixed = {
        d: OnSymbols(lambda old, new, d=d: F.zoneout(old, new, np.array(d))) for d in (True, False)
    }
    rule = OnSymbols(F.zoneout)
    ran = [*mixed.values(), rule]
    states = {d: run(h, new)[0] for d, run in mixed.items()}
    mean = expected(states.__getitem__)
    spread = expected(lambda d: (states[d] - mean) ** 2)
    steps = {d: step(d) for d in (True, False)}
    both = {d: run(x, h, w, u, g) for d, run in steps.items()}
    would = sympy.tanh(x * w + h * u)
    derived_by_sympy = expected(lambda d: g * sympy.diff(both[d][0], h))
    by_engine = expected(lambda d: both[d][1])
    back = g * (z + (1 - z) * sympy.diff(would, h))
    drawn, turned = Drawn(), Drawn(scale="inverted")
    evaluated = Drawn()
    evaluated.layer.eval()
    plain = Drawn(scale="inverted")
    plain.layer.eval()
    between = RATE * h + (1 - RATE) * drawn.new
    enlarged = h + (drawn.new - h) / (1 - RATE)
    return [
        Finding("mean", equation("D8", mean, z * h + (1 - z) * new, ran=ran)),
        Finding("as the rule of evaluation", equation("D8", rule(h, new, z)[0], mean, ran=ran)),
        Finding("variance", equation("D8", spread, z * (1 - z) * (h - new) ** 2, ran=ran)),
        Finding(
            "gradient, as sympy derives it",
            equation("D8", derived_by_sympy, back, ran=list(steps.values())),
        ),
        Finding(
            "and as the engine does", equation("D8", by_engine, back, ran=list(steps.values()))
        ),
        drawn.finding(h, drawn.new),
        Finding("so its mean is that", equation("D8", drawn.mean(), between, ran=[drawn.ran])),
        Finding(
            "and that is what it gives in evaluation",
            equation("D8", evaluated(), between, ran=[evaluated.ran]),
        ),
        turned.finding(h, enlarged),
        Finding(
            "inverted, the mean is the state that would be",
            equation("D8", turned.mean(), turned.new, ran=[turned.ran]),
        ),
        Finding(
            "and that is what it gives in evaluation",
            equation("D8", plain(), plain.new, ran=[plain.ran]),
        ),
    ]
