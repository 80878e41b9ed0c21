# %% [markdown]
# # From one scalar to a drawn and proved network
#
# Aim: to see one chain rule run as numbers, read as a program, drawn as a graph, and proved.
# Slides: "Backpropagation", "Batch normalization". Running time: about 10 seconds.

# %%
import tempfile
from pathlib import Path

import numpy as np

import autograd_core as ag
import nn
import optim
import viz
from autograd_core.symbolic import prove

# %% [markdown]
# ## One scalar
#
# A tensor that asks for a gradient remembers what is done to it. `backward` walks that memory.

# %%
w = ag.tensor(0.5, requires_grad=True, name="w")
y = ag.tanh(w * 3.0)
y.backward()
print(w.grad)  # 3 (1 - tanh(1.5)^2)
assert np.isclose(w.grad.item(), 3 * (1 - np.tanh(1.5) ** 2))

# %% [markdown]
# ## The same as a function
#
# `grad` turns a function into its derivative, and can be applied again. NumPy's own functions are
# recorded when they meet a tensor.


# %%
def f(w):
    return np.tanh(w * 3.0)


slope = ag.grad(f)
curvature = ag.grad(slope)
print(slope(0.5), curvature(0.5))
assert np.isclose(curvature(0.5).item(), -18 * np.tanh(1.5) * (1 - np.tanh(1.5) ** 2))

# %% [markdown]
# ## The program behind it
#
# `trace` records what a function does on an array without values. The backward is made of the same
# primitives as the forward; nothing is hidden.

# %%
print(ag.trace(slope)(0.5))

# %% [markdown]
# Sizes may stay symbolic: this is the program for every batch size B and every width D.

# %%
B, D = ag.dims("B D")
program = ag.trace(lambda z: ag.mean(ag.square(z - ag.mean(z, 0)), 0))(ag.Abstract((B, D)))
print(program)
z = np.random.default_rng(0).normal(size=(5, 2))
assert np.allclose(program(z), z.var(0))

# %% [markdown]
# ## A network
#
# Layers are built of the same functions. None of them has a backward pass written by hand, batch
# norm included.

# %%
rng = np.random.default_rng(0)
model = nn.Sequential(
    nn.Linear(2, 16, rng=rng),
    nn.BatchNorm1d(16),
    nn.Tanh(),
    nn.Dropout(0.1, rng=rng),
    nn.Linear(16, 2, rng=rng),
)
points = rng.normal(size=(400, 2)).astype(np.float32)
classes = (points[:, 0] * points[:, 1] > 0).astype(np.int64)  # the four quadrants: exclusive or
history = optim.fit(
    model,
    nn.CrossEntropyLoss(),
    optim.Adam(model.parameters(), lr=0.02),
    (points[:300], classes[:300]),
    validation=(points[300:], classes[300:]),
    epochs=30,
    batch_size=32,
    rng=rng,
    callbacks=[optim.EarlyStopping(patience=10)],
)
print(history)

# %%
model.eval()
with ag.no_grad():
    predicted = model(points[300:]).data.argmax(1)
error = np.mean(predicted != classes[300:])
print(f"validation error {error:.1%}")
assert error < 0.1

# %% [markdown]
# ## Its graph
#
# Modules become boxes; parameters, inputs and the dropout mask have shapes of their own.

# %%
folder = Path(tempfile.mkdtemp())
model.train()
viz.draw_graph(model, points[:8]).save(folder / "graph.svg")
viz.draw_dropout_mask(model, points[:8]).save(folder / "mask.svg")
print(f"look at {folder / 'graph.svg'} and {folder / 'mask.svg'}")
assert (folder / "graph.svg").stat().st_size > 1000

# %% [markdown]
# ## Its proof
#
# `prove.backward` takes the library's own forward, records the backward that training runs,
# evaluates both on symbols, and decides whether the result is the derivative. The small constant
# eps is read as a symbol of its own, so the theorem holds for every eps > 0.

# %%
z, gamma, beta = (
    ag.tensor(a, requires_grad=True, name=n)
    for a, n in ((rng.normal(size=(4, 2)), "z"), (np.ones(2), "gamma"), (np.zeros(2), "beta"))
)
loss = (nn.functional.batch_norm(z, gamma, beta, eps=1e-5) ** 2).sum()
verdict = prove.backward(loss, wrt=[z, gamma, beta])
print(verdict)
assert verdict.status == "PROVED"

# %% [markdown]
# ## Check yourself
#
# 1. What is the gradient of `ag.norm` at the origin? (`ag.grad(ag.norm)(np.zeros(2))`)
# 2. What does a second `y.backward()` say?
# 3. Which nodes of the drawn graph disappear in `model.eval()`?

# %%
assert not ag.grad(ag.norm)(np.zeros(2)).data.any()
