# %% [markdown]
# # Compile a training step
#
# Aim: to run a whole training step (forward, backward, update, masks, running statistics) as one
# native function; to read what was made of it; and to know what can go wrong. Running time: a few
# seconds.
#
# Nothing is written anew for it. `ag.jit` records the step that trains eagerly, is drawn and is
# proved, as a Program, and compiles that. It needs the extra `jit` (llvmlite); without it the same Program
# is run by NumPy.

# %%
import time

import numpy as np

import autograd_core as ag
import nn
import optim

rng = np.random.default_rng(0)
model = nn.Sequential(
    nn.Linear(64, 128, rng=rng), nn.BatchNorm1d(128), nn.ReLU(), nn.Dropout(0.2, rng=rng),
    nn.Linear(128, 10, rng=rng),
)  # fmt: skip
criterion = nn.CrossEntropyLoss()
opt = optim.Adam(model.parameters(), lr=1e-3)


@ag.jit
def step(x, t):
    opt.zero_grad()
    loss = criterion(model(x), t)
    loss.backward()
    opt.step()
    return loss


train, validation, test = nn.data.digits(rng=rng)
x, t = train.inputs[:64].astype(np.float32), train.targets[:64]

# %% [markdown]
# The first call captures the step, on arrays without values and without effect, and compiles it. The
# calls after that are one native call each.

# %%
start = time.perf_counter()
first = step(x, t)
print(f"first call   {(time.perf_counter() - start) * 1e3:8.1f} ms, loss {float(first):.4f}")
start = time.perf_counter()
for _ in range(100):
    loss = step(x, t)
print(f"then         {(time.perf_counter() - start) / 100 * 1e3:8.3f} ms, loss {float(loss):.4f}")
assert float(loss) < float(first)

# %% [markdown]
# ## Read it
#
# `ag.jit.explain` gives the program, what each pass left of it, the kernels that it became with their
# operations and bytes, the memory plan, and how long compiling took. Look for the lines of the
# kernels: bias, activation and the update of a weight stand in the line of a matrix product, since
# they happen on its tiles.

# %%
found = ag.jit.explain(step)
print(f"{found.flops:,} flops, {found.bytes:,} bytes, {found.memory:,} bytes of memory for good")
for kernel in found.kernels:
    print(f"{kernel.name:12} {'×'.join(map(str, kernel.loops)):10} {' '.join(kernel.steps)[:60]}")

# %% [markdown]
# `ag.jit.check` runs one step both ways, from the same state, and compares every output and every
# tensor that was written. It changes nothing. Some of what it compares is rounding alone: the bias
# before a batch norm has gradient 0, and Adam makes a step of the rounding that comes out. So where two
# numbers differ by more than rounding does, the check also looks at what the step without compiling
# does when its arguments and weights move by a rounding, and allows for that.

# %%
comparison = ag.jit.check(step, x, t)
print(comparison)
assert comparison.ok

# %% [markdown]
# ## What may change between calls
#
# The learning rate is an input of the program, not a constant in it, so a schedule costs nothing.
# Whatever else the step depends on is watched: shapes and dtypes, training or evaluation mode, the
# layers of the model, the variables that the function reads. A change is seen at the next call, which
# captures again, or finds the capture from before.

# %%
opt.lr = 1e-4
step(x, t)
step(x[:32], t[:32])  # another shape: a second capture

scale = 1.0


@ag.jit
def scaled(v):
    return ag.sum(v * scale)


assert float(scaled(np.ones(3))) == 3.0
scale = 2.0
assert float(scaled(np.ones(3))) == 6.0

# %% [markdown]
# ## What can go wrong
#
# **Asking for values.** While a step is captured its arrays have none. `if loss > 1`, `float(loss)` or
# `loss.item()` inside of the step is an error that names the line. Return the value and look at it
# outside, or choose with `ag.where`.

# %%


@ag.jit
def impatient(v):
    total = ag.sum(v)
    if total > 1:
        return total
    return -total


try:
    impatient(np.ones(3))
except ag.CaptureError as error:
    print(error)

# %% [markdown]
# **Effects.** `print` and whatever else Python does happens once, at the capture. Writes to tensors
# (`assign`, the optimizer's step, running statistics) are part of the step, and an exception leaves
# all as it was.
#
# **Gradients.** A compiled step keeps no memory for them: `p.grad` says that it was consumed. Ask for
# them where they are wanted.

# %%
try:
    print(next(model.parameters()).grad)
except ag.GraphError as error:
    print(error)

kept = ag.jit(step.function, keep_grads=True)
kept(x, t)
print(next(model.parameters()).grad.shape)

# %% [markdown]
# **Bad input.** A label that is no class, or a gradient that is not finite, ends the step before
# anything is written.

# %%
before = model.state_dict()["0.weight"]
try:
    step(x, t + 5)
except ag.DataError as error:
    print(error)
assert (model.state_dict()["0.weight"] == before).all()

# %% [markdown]
# ## More than a step
#
# Many steps in one call, where batches are at hand: arguments are stacked along a new first axis.

# %%
batches = (
    train.inputs[:640].astype(np.float32).reshape(10, 64, 64),
    train.targets[:640].reshape(10, 64),
)
print(step.many(*batches).numpy())

# %% [markdown]
# Derivatives of any order compile as well; so do loops, with their gradients.

# %%


def rosenbrock(v):
    return ag.sum(100 * (v[1:] - v[:-1] ** 2) ** 2 + (1 - v[:-1]) ** 2)


hessian = ag.jit(ag.hessian(rosenbrock))
print(hessian(np.ones(4)).numpy())

grow = ag.jit(
    ag.value_and_grad(lambda r: ag.scan(lambda v, _: (r * v * (1 - v), None), 0.4, length=50)[0])
)
print(grow(np.array(3.2)))

# %% [markdown]
# And the training loop does it for you:

# %%
history = optim.fit(
    model, criterion, opt, train, validation=validation, epochs=3, batch_size=64, rng=rng, jit=True,
    verbose=0,
)  # fmt: skip
print(history["loss"])

# %% [markdown]
# ## Check yourself
#
# What will `scaled(np.ones(3))` give after `scale = 3.0`? And what after `scaled.function` was called
# with it?

# %%
scale = 3.0
assert float(scaled(np.ones(3))) == 9.0 == float(scaled.function(np.ones(3)))
