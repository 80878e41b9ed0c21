# %% [markdown]
# # Batch norm without a backward pass
#
# Aim: to write batch norm as its slide does, four lines, and nothing else; to read, draw, run, compile
# and prove the backward pass that follows; and to see what the layer does in a network, and what it
# does not. Slides: "Batch normalization: Training", "… Backpropagation", "… Inference". Running time:
# about 15 seconds.

# %%
import tempfile
from pathlib import Path

import numpy as np

import autograd_core as ag
import nn
import optim
import viz
from autograd_core.symbolic import arrays, dims, prove, scalar

# %% [markdown]
# ## Four lines
#
# The slide's formulas for a minibatch of B rows, unit by unit.


# %%
def batch_norm(z, gamma, beta, eps):
    """[Batch normalization: Training]."""
    mu = ag.sum(z, axis=0) / z.shape[0]
    variance = ag.sum((z - mu) ** 2, axis=0) / z.shape[0]
    u = (z - mu) / ag.sqrt(variance + eps)
    return gamma * u + beta


rng = np.random.default_rng(0)
Z, GAMMA, BETA, EPS = rng.normal(2, 3, size=(8, 3)), np.array([1.0, 2.0, 0.5]), np.zeros(3), 1e-5
out = batch_norm(Z, GAMMA, BETA, EPS)
print(out.numpy().mean(0), out.numpy().std(0))  # (0, 0, 0) and gamma
assert np.allclose(out.numpy().std(0), GAMMA, rtol=1e-4)

# %% [markdown]
# ## The program
#
# Recorded on arrays without values, whose sizes are letters, the four lines are one program for every
# batch and every width. The layer of the library is the same formula.

# %%
B, D = dims("B D")
shapes = ag.Abstract((B, D)), ag.Abstract((D,)), ag.Abstract((D,))
print(ag.trace(lambda z, gamma, beta: batch_norm(z, gamma, beta, EPS))(*shapes))
assert np.allclose(nn.functional.batch_norm(Z, GAMMA, BETA, EPS).numpy(), out.numpy())

# %% [markdown]
# ## The backward pass that nobody wrote
#
# Each step of that program has a rule, and the walk applies the rules from the end to the start. G is
# whatever comes down from the rest of a network.

# %%
G = rng.normal(size=Z.shape)


def div(z, gamma, beta):
    return ag.sum(G * batch_norm(z, gamma, beta, EPS))


by_z, by_gamma, by_beta = ag.grad(div, argnums=(0, 1, 2))(Z, GAMMA, BETA)
program = ag.trace(ag.grad(div))(Z, GAMMA, BETA)
print(program)  # the forward, and its way back
assert len(program.applications) > 15

# %% [markdown]
# The slides derive it by hand. Their formulas, in NumPy, give the same numbers:

# %%
mu, variance = Z.mean(0), Z.var(0)
s = np.sqrt(variance + EPS)
u = (Z - mu) / s
by_u = GAMMA * G
by_variance = (by_u * (Z - mu)).sum(0) * (-1 / 2) * (variance + EPS) ** (-3 / 2)
by_mu = (by_u * -1 / s).sum(0) + by_variance * (-2 * (Z - mu)).sum(0) / len(Z)
slides = by_u / s + by_variance * 2 * (Z - mu) / len(Z) + by_mu / len(Z)
assert np.allclose(by_z.numpy(), slides, rtol=1e-10)
assert np.allclose(by_gamma.numpy(), (u * G).sum(0))
assert np.allclose(by_beta.numpy(), G.sum(0))

# %% [markdown]
# ## Draw it
#
# Forward and backward in one picture. Where two lines leave a box and meet again, gradients are added:
# z reaches u by itself, by μ and by σ², which is why the slides have three terms.

# %%
folder = Path(tempfile.mkdtemp())
leaves = [
    ag.tensor(a, requires_grad=True, name=n) for a, n in ((Z, "z"), (GAMMA, "γ"), (BETA, "β"))
]
drawing = viz.draw_graph(batch_norm(*leaves, EPS))
drawing.save(folder / "batch_norm.svg")
print(f"look at {folder / 'batch_norm.svg'}")
assert (folder / "batch_norm.svg").stat().st_size > 1000

# %% [markdown]
# ## Prove it
#
# Agreement at one point, to ten digits, is no proof. The prover runs the four lines, and the walk back,
# on symbols: for every B, every D and every ε > 0, what the engine computes is the derivative.

# %%
z, gamma, beta, g = arrays("z:B,D gamma:D beta:D g:B,D")
eps = scalar("eps", positive=True)
verdict = prove.backward(ag.sum(g * batch_norm(z, gamma, beta, eps)), wrt=[z, gamma, beta, eps])
print(verdict)
assert verdict.status == "PROVED"

# %% [markdown]
# And the slides' formulas, each as printed. The second term of ∂Div/∂μ is always 0, as deviations from
# the mean sum to 0; it is no error, only dead.

# %%
m, v = ag.mean(z, axis=0), ag.mean((z - ag.mean(z, axis=0)) ** 2, axis=0)
dead = ag.sum(-2 * (z - m), axis=0) / z.shape[0]
assert prove.equal(dead, 0 * m, wrt=[z]).status == "PROVED"

one_line = (
    z.shape[0] * g
    - ag.sum(g, axis=0)
    - (z - m) / (v + eps) * ag.sum(g * (z - m), axis=0)
) / (z.shape[0] * ag.sqrt(v + eps))  # fmt: skip
engine = ag.grad(lambda z: ag.sum(g * batch_norm(z, 1, 0, eps)))(z)
verdict = prove.equal(engine, one_line, wrt=[z, g, eps])
print(verdict)
assert verdict.status == "PROVED"

# %% [markdown]
# ## A fault that looks right
#
# A backward pass that was written by hand, fused into one line, and forgets ε once. On this batch it is
# off by less than 10⁻⁵ of the largest gradient, and any test with a tolerance lets it through.


# %%
def forgets_eps(z, g, eps, xp=ag):
    b, m = z.shape[0], xp.mean(z, axis=0)
    v = xp.mean((z - m) ** 2, axis=0)
    inner = b * g - xp.sum(g, axis=0) - (z - m) / v * xp.sum(g * (z - m), axis=0)
    return inner / (b * xp.sqrt(v + eps))


right = ag.grad(lambda z: ag.sum(G * batch_norm(z, 1, 0, EPS)))(Z).numpy()
error = np.abs(forgets_eps(Z, G, EPS, np) - right).max() / np.abs(right).max()
print(f"largest error {error:.1e} of the largest gradient")
assert error < 1e-5
verdict = prove.equal(engine, forgets_eps(z, g, eps), wrt=[z, g, eps])
print(verdict.witness)  # numbers at which the two differ, for certain
assert verdict.status == "REFUTED"

# %% [markdown]
# ## Compile it
#
# Forward and backward are one program, so they become one function.

# %%
compiled = ag.jit(ag.value_and_grad(div))
value, gradient = compiled(Z, GAMMA, BETA)
assert np.allclose(gradient.numpy(), slides, rtol=1e-10)

# %% [markdown]
# ## At inference
#
# A single test instance has no batch. The layer keeps a running average while it is trained; the slides
# average over all training minibatches of the final network instead. Both are there, by name.

# %%
layer = nn.BatchNorm1d(1, inference="average", dtype=np.float64)
batches = [np.array([[0.0], [2.0]]), np.array([[10.0], [12.0]])]
try:
    layer.eval()(batches[0])
except ag.StateError as error:
    print(error)
nn.estimate_statistics(layer, batches)
print(layer.running_mean, layer.running_var)
assert layer.running_mean.item() == 6.0

# %% [markdown]
# The slide: "the B/(B-1) term gives us an unbiased estimator for the variance". Of the variance *within*
# batches. These two have variance 2 each; the four numbers together have 34.67. Where batches are drawn
# at random the two agree in the mean. Sorted data is another matter.

# %%
every = np.concatenate(batches)
print(layer.running_var.item(), every.var(ddof=1))
assert np.isclose(layer.running_var.item(), 2.0)
assert np.isclose(every.var(ddof=1), 34.67, atol=0.01)

# %% [markdown]
# So test data that is shifted against the training data comes out shifted, by γ s/√(σ² + ε): batch norm
# does not see it.

# %%
shift = layer(batches[0] + 100.0) - layer(batches[0])
print(shift.numpy().ravel())
assert np.allclose(shift.numpy(), 100 / np.sqrt(2 + 1e-5))

# %% [markdown]
# ## In a network
#
# The same digits, the same seeds, a deep network of sigmoids, and a learning rate that is large. Batch
# norm stands between the weighted sum and the sigmoid; a bias before it would have no effect.

# %%
train, validation, test = nn.data.digits(rng=0)


def trained(with_batch_norm, lr=0.5):
    layers, size = [], 64
    for k in range(4):
        layers.append(nn.Linear(size, 32, bias=not with_batch_norm, rng=k))
        layers += [nn.BatchNorm1d(32)] if with_batch_norm else []
        layers.append(nn.Sigmoid())
        size = 32
    model = nn.Sequential(*layers, nn.Linear(32, 10, rng=9))
    criterion, optimizer = nn.CrossEntropyLoss(), optim.SGD(model.parameters(), lr=lr)
    optim.fit(model, criterion, optimizer, train, epochs=12, batch_size=60, rng=0, verbose=0)
    if with_batch_norm:
        equal = [train.inputs[i : i + 60] for i in range(0, len(train.inputs), 60)]
        nn.estimate_statistics(model, equal, last="drop")
    return optim.evaluate(model, criterion, test)["error"]


errors = {"without": trained(False), "with batch norm": trained(True)}
print({name: f"{error:.1%}" for name, error in errors.items()})
assert errors["with batch norm"] < 0.08
assert errors["without"] > 0.5  # it has not begun to learn

# %% [markdown]
# ## Check yourself
#
# 1. What is the gradient by a bias right before batch norm? (`prove.equal` can say it for every size.)
# 2. What does batch norm make of a batch of one, in the function and in the layer? Of a batch of two,
#    for ε = 0, what is the gradient by z?
# 3. `nn.BatchNorm1d(3, units=[0, 2])` normalizes two of three units. What is the gradient of the third?

# %%
assert not nn.functional.batch_norm(Z[:1]).numpy().any()
two = ag.grad(lambda z: ag.sum(G[:2] * batch_norm(z, 1, 0, 0)))(Z[:2])
assert np.allclose(two.numpy(), 0, atol=1e-12)
