"""Problems on which second-order optimizers are compared with others: ``PROBLEMS[name] = start, function(w, xp)``.

``xp`` supplies a library's functions, so that PyTorch computes the same. Run by its Python, this file prints the
golden numbers of ``test_lbfgs.py``: how many evaluations `torch.optim.LBFGS` takes, and where it arrives.
"""

import numpy as np


def rosenbrock(n):
    start = np.ones(n)
    start[::2] = -1.2
    return start, lambda w, xp: xp.sum(100 * (w[1:] - w[:-1] ** 2) ** 2 + (1 - w[:-1]) ** 2)


def quadratic(condition, n=30):
    rng = np.random.default_rng(0)
    q, _ = np.linalg.qr(rng.normal(size=(n, n)))
    a = (q * np.geomspace(1, condition, n)) @ q.T
    a, b = (a + a.T) / 2, rng.normal(size=n)

    def bowl(w, xp):
        return xp.sum(w * (xp.constant(a) @ w)) / 2 + xp.sum(xp.constant(b) * w)

    return 3 * rng.normal(size=n), bowl


def logistic():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(100, 8))
    y = np.where(x @ rng.normal(size=8) + rng.normal(size=100) > 0, 1.0, -1.0)

    def loss(w, xp):
        margin = xp.constant(y) * (xp.constant(x) @ w)
        return xp.sum(xp.softplus(-margin)) / 100 + 1e-3 * xp.sum(w * w)

    return np.zeros(8), loss


def beale(w, xp):
    x, y = w[0], w[1]
    return sum((c - x + x * y**k) ** 2 for k, c in enumerate((1.5, 2.25, 2.625), 1))


def network():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 3))
    t = np.sin(x.sum(1))

    def loss(w, xp):
        hidden = xp.tanh(xp.constant(x) @ xp.reshape(w[:15], (3, 5)) + w[15:20])
        y = hidden @ w[20:25] + w[25]
        return xp.sum((y - xp.constant(t)) ** 2) / 40 + 1e-2 * xp.sum(w * w)

    return rng.normal(size=26) * 0.5, loss


PROBLEMS = {
    "rosenbrock-2": rosenbrock(2),
    "rosenbrock-10": rosenbrock(10),
    "rosenbrock-100": rosenbrock(100),
    "quadratic-100": quadratic(1e2),
    "quadratic-10000": quadratic(1e4),
    "logistic": logistic(),
    "beale": (np.ones(2), beale),
    "network": network(),
}


if __name__ == "__main__":
    import torch

    class Torch:
        sum, tanh, reshape = torch.sum, torch.tanh, torch.reshape
        constant, softplus = torch.tensor, torch.nn.functional.softplus

    def counted(start, function, size):
        """Evaluations, and the value where it ends."""
        w = torch.tensor(start, requires_grad=True)
        optimizer = torch.optim.LBFGS(
            [w], max_iter=9999, max_eval=9999, history_size=size, tolerance_grad=1e-9,
            tolerance_change=1e-15, line_search_fn="strong_wolfe",
        )  # fmt: skip
        values = []

        def closure():
            optimizer.zero_grad()
            values.append(function(w, Torch))
            values[-1].backward()
            return values[-1]

        optimizer.step(closure)
        return len(values), closure().item()

    for size in (10, 100):
        for name, problem in PROBLEMS.items():
            print(f'    ("{name}", {size}): {counted(*problem, size)},')
