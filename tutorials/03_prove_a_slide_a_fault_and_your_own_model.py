# %% [markdown]
# # Prove a slide, a fault and your own model
#
# Aim: to state a gradient for every batch size and every width, and to have it decided; to see a
# wrong rule refuted that finite differences let through; to prove a model and a primitive of your
# own. Slides: "Batch normalization: Backpropagation". Running time: about 15 seconds.
#
# Tutorial 01 proved a gradient at one shape. Here sizes are letters.

# %%
import numpy as np

import autograd_core as ag
import nn
from autograd_core.symbolic import arrays, dims, facts, labels, prove, scalar

B, D = dims("B D")
z, gamma, beta, G = arrays("z:B,D gamma:D beta:D G:B,D")
eps = scalar("eps", positive=True)

# %% [markdown]
# These are ordinary tensors without values. What is done to them is recorded as always, so the loss
# below is the library's own forward, and its gradient comes from the rules that training runs. G
# stands for whatever the rest of a network passes down.

# %%
loss = (nn.functional.batch_norm(z, gamma, beta, eps=eps) * G).sum()
verdict = prove.backward(loss, wrt=[z, gamma, beta, eps])
print(verdict)
assert verdict.status == "PROVED"

# %% [markdown]
# One statement covers every B, every D and every eps > 0. The closed form behind it, in the
# intermediates that the library names, and as NumPy:

# %%
print(verdict.latex("z"))
print(verdict.numpy("z"))

# %% [markdown]
# ## A slide
#
# The lecture prints the backward pass of batch norm in three steps. Written down once, with the
# engine's functions, it is compared with what the engine computes.


# %%
def slide(z, gamma, g, eps):
    """[Batch normalization: Backpropagation]; g is the derivative by the layer's output."""
    mu = ag.sum(z, axis=0) / B
    variance = ag.sum((z - mu) ** 2, axis=0) / B
    by_u = gamma * g
    by_variance = -ag.sum(by_u * (z - mu), axis=0) / (2 * (variance + eps) ** 1.5)
    by_mu = -ag.sum(by_u, axis=0) / ag.sqrt(variance + eps)
    by_mu = by_mu - 2 * by_variance * ag.sum(z - mu, axis=0) / B  # this term is 0
    return by_u / ag.sqrt(variance + eps) + by_variance * 2 * (z - mu) / B + by_mu / B


engine = ag.grad(lambda z: ag.sum(nn.functional.batch_norm(z, gamma, beta, eps=eps) * G))(z)
verdict = prove.equal(engine, slide(z, gamma, G, eps), wrt=[z, gamma, G, eps])
print(verdict)
assert verdict.status == "PROVED"

# %% [markdown]
# A sign that is lost on the way is found, with numbers that anyone can check:

# %%
verdict = prove.equal(engine, -slide(z, gamma, G, eps), wrt=[z, gamma, G, eps])
print(verdict.witness)
assert verdict.status == "REFUTED"

# %% [markdown]
# ## What has to be given
#
# That the gradient of cross-entropy is (p - y)/B holds only where each row of y sums to 1. Without
# that fact it is refuted; with it, it is proved, and the verdict says so.

# %%
(C,) = dims("C")
o, y = arrays("o:B,C y:B,C")
engine = ag.grad(lambda o: -ag.sum(y * ag.log_softmax(o, axis=1)) / B)(o)
closed = (ag.softmax(o, axis=1) - y) / B
assert prove.equal(engine, closed, wrt=[o, y]).status == "REFUTED"
verdict = prove.equal(engine, closed, wrt=[o, y], given=[facts.sums_to_one(y, axis=1)])
print(*verdict.facts, sep="\n")
assert verdict.status == "PROVED"

# %% [markdown]
# Integer labels are symbols as well: any label in range.

# %%
(t,) = labels("t:B")
assert prove.backward(nn.functional.cross_entropy(o, t), wrt=[o]).status == "PROVED"

# %% [markdown]
# ## A fault that finite differences let through
#
# Somebody makes the derivative of the square root "safe" by a small number. At the usual tolerances
# no difference is seen; as functions the two are not equal.


# %%
@ag.primitive(
    ag.Elementwise(lambda s, x: s.sqrt(x)),
    vjp=lambda xp, g, y, x: xp.xdivy(g, y + y + 1e-8),
    domain=(0.5, 2.0),
)
def safe_sqrt(x: ag.ArrayLike):
    """The square root, with a wrong rule."""
    return np.sqrt(x)


x = np.array([0.5, 1.0, 2.0])
step = 1e-6
difference = (np.sqrt(x + step) - np.sqrt(x - step)) / (2 * step)
assert np.allclose(ag.grad(lambda x: ag.sum(safe_sqrt(x)))(x), difference, rtol=1e-3, atol=1e-5)
verdict = prove.rule("safe_sqrt")
print(verdict.witness)
assert verdict.status == "REFUTED"

# %% [markdown]
# ## Your own model
#
# A model of any depth is proved by composition: each rule that its graph uses, in the pattern in
# which it is used, at every size; the walk that puts them together has a proof of its own. The time
# grows with the number of different patterns, not with depth or width.

# %%
rng = np.random.default_rng(0)
model = nn.Sequential(
    nn.Linear(64, 128, rng=rng),
    nn.BatchNorm1d(128),
    nn.GELU(),
    nn.Dropout(0.2, rng=rng),
    nn.Linear(128, 10, rng=rng),
)
inputs = ag.tensor(rng.normal(size=(32, 64)).astype(np.float32), name="x")
loss = nn.functional.cross_entropy(model(inputs), np.arange(32) % 10) + nn.L2(1e-4)(model)
verdict = prove.graph(model, loss)
print(verdict)
assert verdict.status == "PROVED"

# %% [markdown]
# ## The float code
#
# The forward of a primitive is NumPy code that avoids overflow: `softplus` takes a maximum and an
# absolute value that its formula does not have. That code runs on tensors as well, so it is
# recorded, and compared with the formula.

# %%
verdict = prove.forward("softplus")
print(verdict)
assert verdict.status == "PROVED"

# %% [markdown]
# ## What a proof does not cover
#
# Rounding, overflow and the values at kinks: `verdict.excluded` lists the kinks, `verdict.domain`
# where the functions are defined. UNDECIDED means neither yes nor no, and says why:

# %%
a, v = arrays("A:B,B v:B")
verdict = prove.backward(ag.sum(ag.solve(a, v) ** 2), wrt=[v])
print(verdict.status, verdict.reason)
assert verdict.status == "UNDECIDED"

# %% [markdown]
# ## Check yourself
#
# 1. Is the gradient by a bias right before batch norm zero? State it and have it decided.
# 2. Which of `prove.backward(ag.sum(ag.relu(v)), wrt=[v]).excluded` do you expect?
# 3. The lecture's other formulas: `gradproof prove --list`, and `gradproof prove --report page.html`.

# %%
(b,) = arrays("b:D")
shifted = (nn.functional.batch_norm(z + b, gamma, beta, eps=eps) * G).sum()
zero = prove.equal(
    ag.grad(lambda b: ag.sum(nn.functional.batch_norm(z + b, gamma, beta, eps=eps) * G))(b),
    0 * b,
    wrt=[z, b, gamma, G, eps],
)
assert zero.status == "PROVED"
