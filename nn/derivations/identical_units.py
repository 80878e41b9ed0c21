"""Units that are alike: without noise they stay so, under dropout they part."""

from __future__ import annotations

import autograd_core as ag
from autograd_core.symbolic import arrays, prove
from autograd_core.symbolic.claims import Erratum, Finding, claim, derived, erratum

from .. import functional as F

TRICKS = "Other tricks"


class _Alike:
    """One hidden layer whose H units have the same weights; a mask for each unit and input."""

    def __init__(self, units: str = "H") -> None:
        self.x, self.w, self.b, self.v, self.c, self.g = arrays("x:B,I w:I,1 b:1 v:1,O c:O g:B,O")
        (self.mask,) = arrays(f"mask:B,{units}")
        self.unit = ag.tanh(F.linear(self.x, self.w, self.b))
        self.leaves = [self.x, self.w, self.b, self.v, self.c, self.g, self.mask]

    @property
    def weights(self) -> tuple[ag.Tensor, ag.Tensor, ag.Tensor]:
        """Into the units, their biases, and out of them: each unit has the same."""
        spread = 0 * ag.sum(self.mask, axis=0)
        return self.w + spread, self.b + spread, self.v + ag.expand_dims(spread, 1)

    def output(self, w1: ag.Tensor, dropped: bool) -> ag.Tensor:
        """Σ g times the output, for weights into the units; g is the derivative by the output."""
        _, biases, out = self.weights
        hidden = ag.tanh(F.linear(self.x, w1, biases))
        hidden = F.dropout(hidden, self.mask) if dropped else hidden
        return ag.sum(self.g * F.linear(hidden, out, self.c))

    def gradient(self, dropped: bool) -> ag.Tensor:
        """By the weights into the units."""
        found: ag.Tensor = ag.grad(lambda w1: self.output(w1, dropped))(self.weights[0])
        return found

    @property
    def back(self) -> ag.Tensor:
        """What comes back to a unit that is on: the same for all, (B, 1)."""
        return ag.matmul(self.g, ag.matrix_transpose(self.v)) * (1 - self.unit * self.unit)


@claim(
    "O34",
    slide=TRICKS,
    formula=r"w_{ij} = w_{ij'} \Rightarrow \frac{\partial L}{\partial w_{ij}} = \frac{\partial L}{\partial w_{ij'}}",
    words="Units that are connected alike and start alike get the same gradients, so that they stay alike: start them at random.",
    assumptions=["one hidden layer, all of whose units start alike"],
    method="engine's gradients against their means over the units",
    runs=[F.linear, F.squared_error],
)
def alike() -> list[Finding]:
    x, w, b, v, c, d = arrays("x:B,I w:I,1 b:1 v:1,O c:O d:B,O")
    (unit,) = arrays("unit:H")  # lends its size only

    def loss(w1: ag.Tensor, b1: ag.Tensor, w2: ag.Tensor) -> ag.Tensor:
        return F.squared_error(F.linear(ag.tanh(F.linear(x, w1, b1)), w2, c), d)

    copies = (w + 0 * unit, b + 0 * unit, v + ag.expand_dims(0 * unit, 1))
    gradients = ag.grad(loss, argnums=(0, 1, 2))(*copies)
    leaves = [x, w, b, v, c, d, unit]
    names = ("weights into the units", "biases of the units", "weights out of the units")
    return [
        Finding(
            name,
            prove.equal(g, ag.mean(g, axis=axis, keepdims=True) + 0 * g, wrt=leaves),
        )
        for name, g, axis in zip(names, gradients, (1, 0, 0), strict=True)
    ]


@claim(
    "D6",
    slide=derived(TRICKS),
    formula=r"\frac{\partial L}{\partial w_{ij}} = \sum_t D_j^{(t)} x_i^{(t)} \delta^{(t)}",
    words="Identical units get the same gradient for those inputs on which both are on, and none where they are off: under dropout they part at the first step.",
    assumptions=["one hidden layer, all of whose units start alike"],
    method="engine's gradient against the closed form and sympy's derivative; and without masks",
    runs=[F.linear, F.dropout],
)
def part_under_dropout() -> list[Finding]:
    net = _Alike()
    closed = ag.matmul(ag.matrix_transpose(net.x), net.mask * net.back)
    shared = ag.matmul(ag.matrix_transpose(net.x), net.back) + 0 * closed
    (w1,) = arrays("w1:I,H")  # any weights into the units: sympy differentiates by each
    return [
        Finding("under dropout", prove.equal(net.gradient(True), closed, wrt=net.leaves)),
        Finding(
            "without it, the same for all units",
            prove.equal(net.gradient(False), shared, wrt=net.leaves),
            r"\frac{\partial L}{\partial w_{ij}} = \sum_t x_i^{(t)} \delta^{(t)}",
        ),
        *(
            Finding(
                f"as derived, {words}",
                prove.backward(net.output(w1, dropped), wrt=[w1, *net.leaves]),
            )
            for words, dropped in (("under dropout", True), ("without it", False))
        ),
    ]


@erratum(
    "X44",
    "ASSUME",
    slide=TRICKS,
    formula=r"\text{neurons with identical connections that are identically initialized will never diverge}",
    words="That holds where nothing tells the units apart. Dropout does: the gradients differ by the inputs on which one is on and the other is off.",
    assumptions=["two units, for the readings; tanh"],
    method="gradients of the two units' weights, without and with a mask for each unit",
    runs=[F.linear, F.dropout],
)
def never_but_under_dropout() -> Erratum:
    net = _Alike("2")
    plain, dropped = net.gradient(False), net.gradient(True)
    apart = net.mask[:, :1] - net.mask[:, 1:]
    closed = ag.matmul(ag.matrix_transpose(net.x), apart * net.back)
    return Erratum(
        "ASSUME",
        readings=(
            Finding("without noise", prove.equal(plain[:, :1], plain[:, 1:], wrt=net.leaves)),
            Finding("under dropout", prove.equal(dropped[:, :1], dropped[:, 1:], wrt=net.leaves)),
        ),
        correction=(
            Finding(
                "how far the gradients are apart",
                prove.equal(dropped[:, :1] - dropped[:, 1:], closed, wrt=net.leaves),
                r"\frac{\partial L}{\partial w_{i1}} - \frac{\partial L}{\partial w_{i2}} = \sum_t (D_1^{(t)} - D_2^{(t)}) x_i^{(t)} \delta^{(t)}",
            ),
        ),
        source="an assumption: a network without noise",
    )
