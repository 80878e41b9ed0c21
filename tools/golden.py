"""Values, gradients and steps of PyTorch, to which layers, losses and optimizers are held: `make golden`.

For every row of `golden_table` what torch gives in float64: outputs, gradients by inputs and parameters,
buffers after the step; for every initializer what its numbers are drawn from; for every optimizer where it goes.
They are written as ``tests/golden/<part>.npz``, one vector a row, and compared by tests/nn/test_golden.py and
tests/optim/test_golden.py.

PyTorch comes into ``.environments/golden``, an environment of its own with nothing of this project.

Usage: python tools/golden.py [--here]

--here
    Make them with the interpreter that this is run by, which has torch.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

TORCH = ("torch==2.13.0", "numpy")
FILES = Path(__file__).resolve().parents[1] / "tests" / "golden"


def vector(row: Any) -> np.ndarray:
    """All that torch gives for a row, one number after the other."""
    import torch
    from golden_table import differentiated, given, values

    inputs, params = given(row)
    tensors = [
        torch.tensor(array, requires_grad=by)
        for array, by in zip(inputs, differentiated(row), strict=True)
    ]
    p = {name: torch.tensor(array, requires_grad=True) for name, array in params.items()}
    called = row.theirs(torch)
    module = getattr(called, "module", None)
    if module is not None:
        module.train(row.training)
    outputs = leaves(called(p, *row.nest(*tensors)))
    weighted = [
        (y * torch.tensor(values(weights(y.shape), 90 + k))).sum() for k, y in enumerate(outputs)
    ]
    by = [*(t for t in tensors if t.requires_grad), *p.values()]
    gradients = torch.autograd.grad(sum(weighted), by) if by else []
    buffers = [getattr(module, name) for name in row.after]
    return joined([t.detach().numpy() for t in (*outputs, *gradients, *buffers)])


def weights(shape: Any) -> Any:
    """What an output is weighted by, so that no gradient cancels."""
    from golden_table import Numbers

    return Numbers(tuple(shape), 0.5, 1.5)


def leaves(outputs: Any) -> list[Any]:
    """Tensors of nested tuples, in order."""
    if isinstance(outputs, tuple | list):
        return [leaf for part in outputs for leaf in leaves(part)]
    return [outputs]


def joined(arrays: list[Any]) -> np.ndarray:
    """One vector."""
    return np.concatenate([np.ravel(a).astype(np.float64) for a in arrays])


def drawn(initial: Any) -> np.ndarray:
    """The bound of the uniform, or the deviation of the normal numbers, that an initializer asks for."""
    import torch

    asked: list[float] = []
    shape = initial.shape[::-1] if initial.turned else initial.shape

    def noted(tensor: Any, _: float, scale: float, generator: Any = None) -> Any:
        """In place of ``uniform_(low, high)`` and ``normal_(mean, std)``."""
        asked.append(scale)
        return tensor

    draws: Any = torch.Tensor
    before = draws.uniform_, draws.normal_
    draws.uniform_ = draws.normal_ = noted
    try:
        getattr(torch.nn.init, initial.theirs)(torch.empty(shape), **initial.options)
    finally:
        draws.uniform_, draws.normal_ = before
    return np.array(asked, np.float64)


def gone(row: Any) -> np.ndarray:
    """Where an optimizer of torch's has taken the parameters, after those steps that are shown."""
    import torch
    from golden_table import SHOWN, STEPS, slopes, start

    torch.set_default_dtype(torch.float64)  # which is that of its running products and counts, too
    params = [torch.tensor(t, requires_grad=True) for t in start()]
    optimizer = getattr(torch.optim, row.kind)(params, **row.options, **row.theirs)
    seen: list[Any] = []
    for k in range(1, STEPS + 1):
        for t, g in zip(params, slopes([t.detach().numpy() for t in params], k), strict=True):
            t.grad = torch.tensor(g)
        optimizer.step()
        seen += [t.detach().numpy().copy() for t in params] if k in SHOWN else []
        if row.drops and k == STEPS // 2:
            for group in optimizer.param_groups:
                group["lr"] /= 10
    return joined(seen)


def made() -> dict[str, dict[str, np.ndarray]]:
    """The files, with their vectors by name."""
    import golden_table
    import torch

    parts: dict[str, dict[str, np.ndarray]] = {}
    for part, rows in golden_table.PARTS.items():
        parts[part] = {row.name: vector(row) for row in rows}
    gains = {
        f"gain {name}": np.array([torch.nn.init.calculate_gain(name)])
        for name in golden_table.GAINS
    }
    initial = {one.name: drawn(one) for one in golden_table.INITIAL}
    parts["optimizers"] = {row.name: gone(row) for row in golden_table.OPTIMIZERS}
    return {**parts, "initial": {**initial, **gains}}


def main(arguments: list[str]) -> int:
    """Make the environment and the files."""
    if "--here" not in arguments:
        from environments import FOLDER, run, uv

        python = FOLDER / "golden" / "bin" / "python"
        if not python.exists():
            run(
                uv(),
                "venv",
                "--quiet",
                "--seed",
                "--python",
                sys.executable,
                str(FOLDER / "golden"),
            )
        run(str(python), "-m", "pip", "install", "--quiet", *TORCH)
        run(str(python), __file__, "--here")
        return 0
    FILES.mkdir(exist_ok=True)
    for part, vectors in made().items():
        np.savez_compressed(str(FILES / f"{part}.npz"), allow_pickle=False, **vectors)
        size = (FILES / f"{part}.npz").stat().st_size
        print(f"tests/golden/{part}.npz: {len(vectors)} rows, {size / 1000:.1f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
