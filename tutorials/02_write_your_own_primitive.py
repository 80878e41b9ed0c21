# %% [markdown]
# # Write your own primitive
#
# Aim: to add an operation that the engine does not have, from one declaration, and to see it
# differentiated twice, traced at every size, drawn and proved. Running time: a few seconds.
#
# First ask whether you need one. A function that can be composed of existing ones needs no rule:

# %%
import tempfile
from pathlib import Path

import numpy as np

import autograd_core as ag
import viz
from autograd_core.symbolic import prove


def swish(x):
    """x times its sigmoid (Ramachandran, Zoph, Le 2017)."""
    return x * ag.sigmoid(x)


assert ag.gradcheck(swish, np.linspace(-2, 2, 7))

# %% [markdown]
# ## When a primitive pays
#
# A primitive is right where NumPy computes something better in one go, where the rule is simpler
# than what the chain rule would give, or where the composite loses accuracy. Take
# log(cosh(x)), a smooth absolute value: cosh overflows at 711, its logarithm does not.
#
# The declaration has four parts:
#
# - the **kind**: Elementwise, with the scalar formula that the operation *means*;
# - the **rule** for the cotangent, in `xp`, infix operators, `g`, `y` and the operands;
# - the **forward**, in NumPy, as stable as can be;
# - name, signature and documentation, from the `def` itself.


# %%
@ag.primitive(
    ag.Elementwise(lambda s, x: s.log((s.exp(x) + s.exp(-x)) / 2)),
    vjp=lambda xp, g, y, x: g * xp.tanh(x),
    label="log cosh",
)
def logcosh(x: ag.ArrayLike):
    """``log(cosh(x))``, element by element, without overflow."""
    a = np.abs(x)
    return a + np.log1p(np.exp(-2 * a)) - np.log(2.0)


print(logcosh(np.array([0.0, 1.0, 1000.0])))
assert np.isfinite(logcosh(np.array([1000.0])).data).all()

# %% [markdown]
# ## What follows from it
#
# First and second derivatives:

# %%
assert ag.gradcheck(logcosh, np.linspace(-3, 3, 7))
assert ag.gradgradcheck(logcosh, np.linspace(-3, 3, 7))
print(ag.hessian(lambda x: ag.sum(logcosh(x)))(np.array([0.0, 1.0])))

# %% [markdown]
# The program, for every size, with the backward made of primitives:

# %%
(B,) = ag.dims("B")
print(ag.trace(ag.grad(lambda x: ag.sum(logcosh(x))))(ag.Abstract((B,))))

# %% [markdown]
# A drawing:

# %%
x = ag.tensor([0.3, -1.2], requires_grad=True, name="x")
drawing = viz.draw_graph(ag.sum(logcosh(x)))
picture = Path(tempfile.mkdtemp()) / "logcosh.svg"
drawing.save(picture)
print(f"look at {picture}")
assert "log cosh" in drawing.source

# %% [markdown]
# And a proof: the rule is compared with the derivative of the formula, as functions.

# %%
verdict = prove.backward(ag.sum(logcosh(x)), wrt=[x])
print(verdict)
assert verdict.status == "PROVED"

# %% [markdown]
# ## When the rule is wrong
#
# Suppose that we had lost a factor. Finite differences would notice; a proof says where.


# %%
@ag.primitive(
    ag.Elementwise(lambda s, x: s.log((s.exp(x) + s.exp(-x)) / 2)),
    vjp=lambda xp, g, y, x: g * xp.tanh(x + x),
)
def logcosh_with_a_fault(x: ag.ArrayLike):
    """The same forward, with a wrong rule."""
    return logcosh(x).data


verdict = prove.backward(ag.sum(logcosh_with_a_fault(x)), wrt=[x])
print(verdict)
assert verdict.status == "REFUTED"
print(verdict.witness)

# %% [markdown]
# ## The mistakes that are caught for you
#
# - a rule for each operand: give `None` where there is no gradient;
# - NumPy in a rule, or an `if` on the data, fails as soon as the rule is traced;
# - a name that is taken is refused;
# - broadcasting is undone by the walk, so a rule never sums.

# %%
try:

    @ag.primitive(ag.Elementwise(), vjp=lambda xp, g, y, a: g)
    def two_operands(a: ag.ArrayLike, b: ag.ArrayLike):
        return a + b

except ag.ConfigError as error:
    print(error)
