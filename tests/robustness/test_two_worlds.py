"""Two worlds from one seed, of which one compiles its steps: after every event they are the same.

A world is a model, an optimizer, a training step and what the step reads: numbers, lists, masks,
objects, in ways that a seed chooses. Events are what people do between steps: they change
hyperparameters, freeze, switch modes, write arrays in place, fill lists, replace layers, hand in
other layouts and dtypes, put a compiled encoder under an eager head. A compiled step gives what the
plain one gives, the same error, or a `CaptureError` that says why not; never another number.

``make slow`` runs thousands; ``GRADPROOF_WORLDS`` and ``GRADPROOF_SEED`` choose how many and which.
"""

import collections
import os
import types

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim

IN, OUT, STEPS = 5, 3, 9


class Config:
    """What users keep their settings in."""

    scale = 1.0  # of the class; an instance may have its own

    def __init__(self):
        self.gain = 1.0
        self.use_penalty = False
        self.weights = [1.0, 0.5]
        self.table = {"smoothing": 0.0}

    @property
    def doubled(self):
        return 2 * self.gain

    @classmethod
    def shared(cls):
        return cls.scale


class Scaled(nn.Module):
    """A user's layer, with a plain attribute and a list that its forward reads."""

    def __init__(self, size, rng):
        super().__init__()
        self.linear = nn.Linear(size, size, rng=rng, dtype=np.float64)
        self.factor = 1.0
        self.shifts = []

    def forward(self, x):
        y = self.linear(x) * self.factor
        for shift in self.shifts:
            y = y + shift
        return np.tanh(y)


class World:
    """Everything that one seed makes; ``wrap`` compiles, or does not."""

    def __init__(self, seed, wrap):
        rng = np.random.default_rng(seed)
        self.pick = np.random.default_rng([seed, 1])
        self.wrap = wrap
        width = int(self.pick.integers(3, 7))
        layers = [nn.Linear(IN, width, rng=rng, dtype=np.float64)]
        if self.pick.random() < 0.5:
            layers.append(nn.BatchNorm1d(width, dtype=np.float64))
        layers.append([nn.Tanh(), nn.ReLU(), nn.Sigmoid()][self.pick.integers(3)])
        if self.pick.random() < 0.5:
            layers.append(Scaled(width, rng))
        if self.pick.random() < 0.5:
            layers.append(nn.Dropout(0.3, rng=rng))
        layers.append(nn.Linear(width, OUT, rng=rng, dtype=np.float64))
        self.model = nn.Sequential(*layers)
        parameters = self.model.parameters()
        kind = self.pick.integers(3)
        self.optimizer = (
            optim.SGD(parameters, lr=0.05)
            if kind == 0
            else optim.SGD(parameters, lr=0.05, momentum=0.9, weight_decay=1e-3)
            if kind == 1
            # (Adam makes noise of rounding into steps of the size lr: ε inside the root keeps it small.)
            else optim.Adam(parameters, lr=0.01, eps=1e-4)
        )
        self.config = Config()
        self.space = types.SimpleNamespace(k=1.0)
        self.queue = collections.deque([0.5], maxlen=3)
        self.penalties = []
        self.mask = np.ones(OUT, bool)
        self.row = np.arange(OUT)
        self.offset = np.zeros(OUT)
        self.running = ag.tensor(np.zeros(()), name="running")
        self.criterion = nn.CrossEntropyLoss()
        self.way = int(self.pick.integers(len(WAYS)))
        self.step = wrap(self.made_step())
        self.encoder = wrap(self.model)

    def made_step(self):
        read, config = WAYS[self.way], self.config
        model, optimizer, criterion = self.model, self.optimizer, self.criterion

        def step(x, t):
            optimizer.zero_grad()
            logits = model(x) * read(self) + self.offset
            loss = criterion(logits, t) * config.gain
            if config.use_penalty:
                loss = loss + config.weights[0] * ag.mean(ag.square(logits[:, self.mask]))
            for penalty in self.penalties:
                loss = loss + penalty * ag.mean(ag.absolute(logits))
            loss.backward()
            optimizer.step()
            with ag.no_grad():
                self.running.assign(0.9 * self.running + 0.1 * loss)
            return loss, logits[:, self.row]

        return step

    def forward_loss(self, x, t):
        """A compiled encoder under an eager head."""
        self.optimizer.zero_grad()
        loss = self.criterion(self.encoder(x) * 1.5, t)
        loss.backward()
        self.optimizer.step()
        return loss

    def state(self):
        found = {k: np.array(v) for k, v in self.model.state_dict().items()}
        found |= {
            f"slot {k}": np.array(v) for k, v in self.optimizer.state_dict()["arrays"].items()
        }
        found["running"] = self.running.numpy().copy()
        return found


def _default(world):
    def read(c=world.config, s=world.space):
        return c.gain * s.k

    return read()


def _through_helper(world):
    return _gain_of(world.config) * world.space.k


def _gain_of(c):
    return c.gain


def _unpacked(world):
    c, s = world.config, world.space
    first, *_ = c.weights
    return c.doubled * s.k * first


def _of_class(world):
    return world.config.shared() * type(world.config).scale


def _chosen(world):
    value = world.config.table["smoothing"] or (k := world.space.k)
    return value + 1.0 if world.config.table["smoothing"] else k


WAYS = (
    lambda world: world.config.gain * world.space.k,
    lambda world: sum(world.queue) + len(world.penalties) + 1.0,
    lambda world: max(world.config.weights) + getattr(world.space, "k", 1.0),
    lambda world: vars(world.config)["gain"] * world.config.table.get("factor", 1.0),
    lambda world: sum(w * world.space.k for w in world.config.weights),
    _default,
    _through_helper,
    _unpacked,
    _of_class,
    _chosen,
)


# --- what happens between steps -------------------------------------------------------------------


def _layer(world, kind):
    return next((m for m in world.model.modules() if isinstance(m, kind)), None)


def _set(name, low, high):
    def event(world, draw):
        group = world.optimizer
        if hasattr(group, name):
            setattr(group, name, float(draw.uniform(low, high)))

    return event


def _freeze(world, draw):
    parameters = list(world.model.parameters())
    p = parameters[draw.integers(len(parameters))]
    p.requires_grad = not p.requires_grad
    if not any(q.requires_grad for q in parameters):
        p.requires_grad = True


def _dropout(world, draw):
    layer = _layer(world, nn.Dropout)
    if layer is not None:
        layer.p = float(draw.uniform(0.1, 0.6))


def _factor(world, draw):
    layer = _layer(world, Scaled)
    if layer is not None:
        layer.factor = float(draw.uniform(0.5, 1.5))


def _shift(world, draw):
    layer = _layer(world, Scaled)
    if layer is not None:
        layer.shifts.append(float(draw.normal()))


def _momentum(world, draw):
    layer = _layer(world, nn.BatchNorm1d)
    if layer is not None:
        layer.momentum = float(draw.uniform(0.05, 0.5))


def _assign(world, draw):
    p = next(iter(world.model.parameters()))
    with ag.no_grad():
        p.assign(p.numpy() + draw.normal(size=p.shape) / 10)


def _offset(world, draw):
    world.offset[:] = draw.normal(size=OUT)


def _new_offset(world, draw):
    world.offset = draw.normal(size=OUT)


def _mask(world, draw):
    world.mask[draw.integers(OUT)] ^= True
    if not world.mask.any():
        world.mask[0] = True


def _row(world, draw):
    world.row[:] = draw.permutation(OUT)


def _load(world, draw):
    state = world.model.state_dict()
    world.model.load_state_dict(
        {k: v * 0.9 if v.dtype.kind == "f" else v for k, v in state.items()}
    )


EVENTS = {
    "nothing": lambda world, draw: None,
    "lr": _set("lr", 0.01, 0.1),
    "weight decay": _set("weight_decay", 0.0, 0.01),
    "momentum": _set("momentum", 0.1, 0.9),
    "freeze": _freeze,
    "eval": lambda world, draw: world.model.eval(),
    "train": lambda world, draw: world.model.train(),
    "dropout": _dropout,
    "factor": _factor,
    "shift": _shift,
    "batch norm": _momentum,
    "gain": lambda world, draw: setattr(world.config, "gain", float(draw.uniform(0.5, 2))),
    "minus zero": lambda world, draw: world.config.weights.__setitem__(0, -0.0),
    "penalty": lambda world, draw: setattr(
        world.config, "use_penalty", not world.config.use_penalty
    ),
    "list": lambda world, draw: world.penalties.append(float(draw.uniform(0, 0.1))),
    "clear": lambda world, draw: world.penalties.clear(),
    "entry": lambda world, draw: world.config.weights.__setitem__(0, float(draw.uniform())),
    "table": lambda world, draw: world.config.table.update(smoothing=float(draw.uniform())),
    "key": lambda world, draw: world.config.table.update(factor=float(draw.uniform(1, 2))),
    "space": lambda world, draw: setattr(world.space, "k", float(draw.uniform(0.5, 2))),
    "queue": lambda world, draw: world.queue.append(float(draw.uniform())),
    "class": lambda world, draw: setattr(world.config, "scale", float(draw.uniform(0.5, 2))),
    "offset": _offset,
    "new offset": _new_offset,
    "mask": _mask,
    "row": _row,
    "assign": _assign,
    "load": _load,
    "forget": lambda world, draw: world.optimizer.zero_grad(),
}


def _arrays(draw):
    """A batch, in a memory order, of a dtype and of an order of bytes that people have."""
    rows = int(draw.choice([4, 4, 4, 7, 1 + draw.integers(2, 9)]))
    x, t = draw.normal(size=(rows, IN)), draw.integers(OUT, size=rows)
    form = draw.integers(8)
    if form == 0:
        x = np.asfortranarray(x)
    elif form == 1:
        x = np.repeat(x, 2, 0)[::2][::-1]
    elif form == 2:
        x = x.astype(x.dtype.newbyteorder())
        t = t.astype(t.dtype.newbyteorder())
    elif form == 3:
        x = x.astype(np.float32)
    elif form == 4:
        x.setflags(write=False)
    elif form == 5:
        t = t.astype(np.int8)
    elif form == 6 and draw.random() < 0.3:
        x[0, 0] = np.nan
    return x, t


def _outcome(call):
    """What a call gives: its numbers, or its error."""
    try:
        with np.errstate(all="ignore"):
            result = call()
    except ag.AutogradError as error:
        return error
    parts = result if isinstance(result, tuple) else (result,)
    return [np.array(p.detach().numpy()) for p in parts]


def _take_step(world, how, batch):
    x, t = batch
    if how == "head":
        return _outcome(lambda: world.forward_loss(x, t))
    if how == "evaluation":

        def evaluation():
            with ag.no_grad():
                return world.encoder(x)

        return _outcome(evaluation)
    return _outcome(lambda: world.step(x, t))


def run(seed, backend):
    """The life of two worlds; how many steps were compared, and how many refused."""
    plain = World(seed, lambda f: f)
    compiled = World(seed, lambda f: ag.jit(f, backend=backend))
    draw = np.random.default_rng([seed, 2])
    compared = refused = 0
    story = []
    for number in range(STEPS):
        for _ in range(draw.integers(0, 3)):
            name = list(EVENTS)[draw.integers(len(EVENTS))]
            key = [seed, 3, number, int(draw.integers(1000))]
            for world in (plain, compiled):
                EVENTS[name](world, np.random.default_rng(key))
            story.append(name)
        batch = _arrays(draw)
        how = ("step", "step", "step", "head", "evaluation")[draw.integers(5)]
        story.append(f"{how} {batch[0].dtype.str} {batch[0].shape}")
        said = f"seed {seed}, {backend}, way {plain.way}: {', '.join(story)}"
        found = _take_step(compiled, how, batch)
        if isinstance(found, ag.CaptureError):
            refused += 1
            return compared, refused, f"{said}: {found}"
        wanted = _take_step(plain, how, batch)
        if isinstance(wanted, Exception) or isinstance(found, Exception):
            assert type(found) is type(wanted), f"{said}\n{found!r}\n{wanted!r}"
            return compared, refused, None  # (eager may have written running statistics by then)
        compared += 1
        for a, b in zip(found, wanted, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-9, err_msg=said)
        before, after = plain.state(), compiled.state()
        assert before.keys() == after.keys(), said
        for name, value in before.items():
            np.testing.assert_allclose(
                after[name], value, rtol=1e-6, atol=1e-8, err_msg=f"{said}: {name}"
            )
    return compared, refused, None


def worlds():
    """How many, and from which seed on."""
    return int(os.environ.get("GRADPROOF_WORLDS", "0")), int(os.environ.get("GRADPROOF_SEED", "0"))


def check(seeds, backend):
    """Run worlds; refusals must be rare, since nothing here is out of the ordinary."""
    compared = refused = 0
    reasons = []
    for seed in seeds:
        steps, no, why = run(seed, backend)
        compared, refused = compared + steps, refused + no
        reasons += [why] if why else []
    print(f"{backend}: {compared} steps compared, {refused} refused")
    assert compared > 3 * len(seeds)
    assert not refused, reasons[:5]


@pytest.mark.parametrize("backend", ["native", "numpy"])
def test_worlds_that_compile_are_the_same(backend):
    if backend == "native":
        pytest.importorskip("llvmlite")
    check(range(5 if backend == "native" else 10), backend)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["native", "numpy"])
def test_many_worlds(backend):
    count, start = worlds()
    check(range(1000 + start, 1000 + start + (count or 300)), backend)
