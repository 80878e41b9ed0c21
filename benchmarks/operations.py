"""Single operations in eager mode beside PyTorch: forward and backward, float32, one thread, best times.

    python benchmarks/operations.py              # every row
    python benchmarks/operations.py conv2d erf   # rows whose title holds one of these

Every row's value and gradients are compared with PyTorch's before anything is timed. README.md
says why a row is above 3 where one is.
"""

from __future__ import annotations

import os

os.environ.update({f"{name}_NUM_THREADS": "1" for name in ("OPENBLAS", "OMP", "MKL")})
os.environ.pop("OPENBLAS_CORETYPE", None)  # would hold it to another processor
os.environ.pop("OPENBLAS_L2_SIZE", None)

import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import measuring
import numpy as np
import torch
from measuring import duration

import autograd_core as ag

torch.set_num_threads(1)
rng = np.random.default_rng(0)


def normal(*shape: int) -> Any:
    """Standard normal numbers in float32."""
    return rng.normal(size=shape).astype(np.float32)


class Row(NamedTuple):
    """An operation: its operands, and the function of ours and of PyTorch's."""

    operands: Sequence[Any]
    ours: Callable[..., Any]
    theirs: Callable[..., Any]


def _windows(x: Any, w: Any) -> Any:
    patches = ag.sliding_window_view(x, w.shape[2:], (2, 3))
    return ag.einsum("bchwij,ocij->bohw", patches, w)


def _windows_1d(x: Any, w: Any) -> Any:
    return ag.einsum("bcti,oci->bot", ag.sliding_window_view(x, w.shape[2], 2), w)


def _attention(q: Any, k: Any, v: Any) -> Any:
    weights = ag.softmax(ag.einsum("bhid,bhjd->bhij", q, k) / 8, -1)
    return ag.einsum("bhij,bhjd->bhid", weights, v)


def _torch_attention(q: Any, k: Any, v: Any) -> Any:
    weights = torch.softmax(torch.einsum("bhid,bhjd->bhij", q, k) / 8, -1)
    return torch.einsum("bhij,bhjd->bhid", weights, v)


def _cut_and_stacked(x: Any) -> Any:
    return ag.stack([part * part for part in ag.split(x, 100)])


def _torch_cut_and_stacked(x: Any) -> Any:
    return torch.stack([part * part for part in torch.split(x, x.shape[0] // 100)])


def _positive_definite(n: int) -> Any:
    a = normal(n, n)
    return a @ a.T / n + np.eye(n, dtype=np.float32)


F = torch.nn.functional
images, kernels = normal(16, 16, 16, 16), normal(16, 16, 3, 3) / 12
heads = [normal(4, 4, 64, 32) for _ in range(3)]
square = normal(256, 256)
ROWS: dict[str, Row] = {
    "conv2d by windows": Row([images, kernels], _windows, F.conv2d),
    "conv1d by windows": Row([normal(16, 16, 256), normal(16, 16, 5) / 9], _windows_1d, F.conv1d),
    "einsum ijk,kl->ijl": Row(
        [normal(32, 64, 64), normal(64, 64)],
        lambda a, b: ag.einsum("ijk,kl->ijl", a, b),
        lambda a, b: torch.einsum("ijk,kl->ijl", a, b),
    ),
    "einsum bij,bkj->bik": Row(
        [normal(32, 64, 64), normal(32, 64, 64)],
        lambda a, b: ag.einsum("bij,bkj->bik", a, b),
        lambda a, b: torch.einsum("bij,bkj->bik", a, b),
    ),
    "einsum bi,ij,bj->b": Row(
        [normal(256, 64), normal(64, 64), normal(256, 64)],
        lambda a, b, c: ag.einsum("bi,ij,bj->b", a, b, c),
        lambda a, b, c: torch.einsum("bi,ij,bj->b", a, b, c),
    ),
    "attention by einsum": Row(heads, _attention, _torch_attention),
    "matmul": Row([square, square.T.copy()], ag.matmul, torch.matmul),
    "split and stack (100)": Row([normal(1000, 64)], _cut_and_stacked, _torch_cut_and_stacked),
    "erf": Row([normal(256, 256)], ag.erf, torch.erf),
    "sigmoid": Row([normal(256, 256)], ag.sigmoid, torch.sigmoid),
    "pad reflect": Row(
        [normal(16, 16, 16, 16)],
        lambda x: ag.pad(x, ((0, 0), (0, 0), (2, 2), (2, 2)), mode="reflect"),
        lambda x: F.pad(x, (2, 2, 2, 2), mode="reflect"),
    ),
    "pad constant": Row(
        [normal(16, 16, 16, 16)],
        lambda x: ag.pad(x, ((0, 0), (0, 0), (2, 2), (2, 2))),
        lambda x: F.pad(x, (2, 2, 2, 2)),
    ),
    "take rows (2,048 of 512)": Row(
        [normal(512, 64)],
        lambda x: ag.take(x, PLACES, 0),
        lambda x: F.embedding(TORCH_PLACES, x),
    ),
    "cumprod": Row(
        [1 + normal(256, 256) / 16],
        lambda x: ag.cumprod(x, 1),
        lambda x: torch.cumprod(x, 1),
    ),
    "prod": Row([1 + normal(256, 256) / 16], lambda x: ag.prod(x, 1), lambda x: torch.prod(x, 1)),
    "cumsum": Row([normal(256, 256)], lambda x: ag.cumsum(x, 1), lambda x: torch.cumsum(x, 1)),
    "median": Row(
        [normal(255, 255)],
        lambda x: ag.median(x, 1),
        lambda x: torch.median(x, 1).values,
    ),
    "sort": Row([normal(256, 256)], lambda x: ag.sort(x, 1), lambda x: torch.sort(x, 1).values),
    "max pooling 2×2": Row(
        [normal(16, 16, 32, 32)],
        lambda x: ag.max(ag.reshape(x, (16, 16, 16, 2, 16, 2)), (3, 5)),
        lambda x: F.max_pool2d(x, 2),
    ),
    "mean pooling 2×2": Row(
        [normal(16, 16, 32, 32)],
        lambda x: ag.mean(ag.reshape(x, (16, 16, 16, 2, 16, 2)), (3, 5)),
        lambda x: F.avg_pool2d(x, 2),
    ),
    "cholesky": Row([_positive_definite(128)], ag.linalg.cholesky, torch.linalg.cholesky),
    "solve": Row([_positive_definite(128), normal(128, 8)], ag.linalg.solve, torch.linalg.solve),
    "slogdet": Row(
        [_positive_definite(128)],
        lambda a: ag.linalg.slogdet(a)[1],
        lambda a: torch.linalg.slogdet(a)[1],
    ),
    "logaddexp": Row([normal(256, 256), normal(256, 256)], ag.logaddexp, torch.logaddexp),
    "mod": Row(
        [normal(256, 256), 1 + np.abs(normal(256, 256))],
        ag.mod,
        torch.remainder,
    ),
    "clip": Row([normal(256, 256)], lambda x: ag.clip(x, -1, 1), lambda x: torch.clip(x, -1, 1)),
    "convolve": Row(
        [normal(4096), normal(64)],
        ag.convolve,
        lambda a, v: F.conv1d(a[None, None], v.flip(0)[None, None], padding=63)[0, 0],
    ),
}
PLACES = rng.integers(0, 512, 2048)
TORCH_PLACES = torch.from_numpy(PLACES)


def _steps(row: Row) -> dict[str, measuring.Step]:
    """Forward and backward of each, after their results were compared."""
    ours = [ag.tensor(x, requires_grad=True) for x in row.operands]
    theirs = [torch.tensor(x, requires_grad=True) for x in row.operands]
    value, expected = row.ours(*ours), row.theirs(*theirs)
    weights = np.asarray(normal(*value.shape))
    torch_weights = torch.from_numpy(weights) if weights.ndim else torch.tensor(weights)

    def gradproof() -> None:
        for x in ours:
            x.grad = None
        row.ours(*ours).backward(weights)

    def pytorch() -> None:
        for x in theirs:
            x.grad = None
        row.theirs(*theirs).backward(torch_weights)

    gradproof()
    pytorch()
    pairs = [(value, expected), *((a.grad, b.grad) for a, b in zip(ours, theirs, strict=True))]
    if row.ours is ag.linalg.cholesky:  # the lower triangle alone has a gradient with us
        pairs = [(value, expected)]
    for a, b in pairs:
        reference = b.detach().numpy()
        scale = np.abs(reference).max()
        assert np.allclose(a.numpy(), reference, rtol=1e-3, atol=1e-4 * scale), "results differ"
    return {
        "ours": gradproof,
        "torch": pytorch,
        "ours forward": lambda: row.ours(*ours),
        "torch forward": lambda: row.theirs(*theirs),
    }


def main() -> None:
    measuring.pin()
    wanted = sys.argv[1:]
    print(f"{measuring.environment()}; {', '.join(measuring.versions(('torch',)))}")
    print(f"{'operation':26} {'gradproof':>10} {'PyTorch':>10} {'ratio':>6} {'forward':>8}")
    for title, row in ROWS.items():
        if wanted and not any(word in title for word in wanted):
            continue
        steps = _steps(row)
        with measuring.frozen():
            times = measuring.sample(steps, 0.5)
        best = {name: min(found) for name, found in times.items()}
        print(
            f"{title:26} {duration(best['ours']):>10} {duration(best['torch']):>10} "
            f"{best['ours'] / best['torch']:>6.2f} {best['ours forward'] / best['torch forward']:>8.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
