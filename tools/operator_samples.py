"""PyTorch's operator samples, tried on this engine: part of `make slow`, where PyTorch is.

PyTorch describes its operators in a database for its own tests (OpInfo, ``op_db``): samples of
inputs of all the shapes and options that an operator has. `operator_mapping` says each in this
engine's words. On every sample, in float64: values are compared, then first derivatives along a
random cotangent, then second ones along a random direction, and on a few samples the compiled
values and first derivatives with those that are not compiled.

Usage: .environments/torch/bin/python tools/operator_samples.py [--samples N] [--compiled N] [--part I/N] [name …]

--samples
    At most so many of an operator, spread over all that there are. Default: 40.
--compiled
    So many of these are compiled as well. Default: 2.
--part
    Every Nth operator, from the Ith on (0/1: all).

Prints what differs and is not in `EXPECTED`, and counts; exits with 1 if anything does.
"""

from __future__ import annotations

import argparse
import collections
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from operator_mapping import OPERATORS, Unsupported

import autograd_core as ag
from autograd_core.errors import AutogradError

__all__ = ["EXPECTED", "Tally", "main"]

TOLERANCES = {"value": 1e-10, "first": 1e-9, "second": 1e-8, "compiled": 1e-9}

# What differs, and why it may: operator, stage and message as patterns, then the reason.
EXPECTED: tuple[tuple[str, str, str, str], ...] = (
    (
        r"special\.bessel_[jy][01]",
        "value",
        "where PyTorch",
        "PyTorch's Bessel functions are wrong from the 8th digit on; ours are mpmath's",
    ),
    (
        r"nn\.functional\.hardsigmoid",
        "first",
        "where PyTorch",
        "PyTorch's 1/6 in this gradient is of float32",
    ),
    (
        r"(log_)?softmax.*|nn\.functional\.softmin.*",
        "value",
        "over no elements is not defined",
        "softmax over no elements is refused by name, as NumPy's max is",
    ),
    (
        r"linalg\.norm subgradients_at_zero",
        "first",
        r"^\[(?!nan).*where PyTorch has \[-?0\.",
        "the spectral norm at the zero matrix: another of its subgradients",
    ),
    (
        r"(linalg\.)?(vector_|matrix_)?norm.*|nn\.functional\.normalize|renorm|cdist|dist",
        "second",
        r"0\.0.*where PyTorch has \[nan",
        "the second derivative of a norm at the origin: 0 here, nan there",
    ),
)


def reason(name: str, stage: str, message: str) -> str | None:
    """Why a difference is expected, or None where it is not."""
    for operator, stages, pattern, words in EXPECTED:
        if (
            re.fullmatch(operator, name)
            and re.fullmatch(stages, stage)
            and re.search(pattern, message, re.DOTALL)
        ):
            return words
    return None


class Tally:
    """What was found: counts by stage and outcome, and what nobody expects."""

    def __init__(self) -> None:
        self.counts: collections.Counter[tuple[str, str]] = collections.Counter()
        self.reached: dict[str, set[str]] = collections.defaultdict(set)
        self.reasons: collections.Counter[str] = collections.Counter()
        self.news: list[str] = []

    def agreed(self, stage: str, name: str) -> None:
        """A sample came to the same."""
        self.counts[stage, "agree"] += 1
        self.reached[stage].add(name)

    def left_out(self, stage: str, why: str) -> None:
        """A sample cannot be asked."""
        self.counts[stage, "left out"] += 1
        self.reasons[why] += 1

    def differed(self, stage: str, name: str, sample: str, message: str) -> None:
        """A sample came to something else, or to an error."""
        words = reason(name, stage, message)
        if words is None:
            self.counts[stage, "UNEXPECTED"] += 1
            self.news.append(f"{name}, {stage}: {message[:300]}\n    {sample[:300]}")
            print(self.news[-1], flush=True)
        else:
            self.counts[stage, "expected"] += 1
            self.reasons[words] += 1

    def __str__(self) -> str:
        lines = []
        for stage in TOLERANCES:
            parts = [f"{n} {what}" for (s, what), n in sorted(self.counts.items()) if s == stage]
            lines.append(
                f"{stage:<9} {', '.join(parts) or 'nothing'} ({len(self.reached[stage])} operators)"
            )
        lines += [f"{n:6d}  {why}" for why, n in self.reasons.most_common()]
        return "\n".join(lines)


# --- from there to here ---------------------------------------------------------------------------


class Sample:
    """One call of an operator: PyTorch's, and ours as a function of the arrays it may vary.

    Attributes
    ----------
    leaves : list of numpy.ndarray
        The floats among the arguments, in order.
    """

    def __init__(self, torch: Any, given: Any) -> None:
        self.torch = torch
        self.tensors: list[Any] = []

        def fresh(tensor: Any) -> Any:
            """A leaf of its own where a gradient is asked for; the samples' may be views."""
            tensor = tensor.detach().clone().requires_grad_(tensor.requires_grad)
            if tensor.requires_grad:
                self.tensors.append(tensor)
            return tensor

        self.given = self._visit((given.input, given.args, given.kwargs), fresh)
        self.leaves = [t.detach().numpy().copy() for t in self.tensors]

    def _visit(self, tree: Any, change: Callable[[Any], Any]) -> Any:
        """The arguments with every tensor changed."""
        if isinstance(tree, self.torch.Tensor):
            return change(tree)
        if isinstance(tree, (tuple, list)):
            parts = [self._visit(part, change) for part in tree]
            return parts if isinstance(tree, list) else tuple(parts)
        if isinstance(tree, dict):
            return {key: self._visit(part, change) for key, part in tree.items()}
        return tree

    def _arrays(self, tree: Any) -> Any:
        """What is no tensor any more, as the engine takes it."""
        torch = self.torch
        if isinstance(tree, (tuple, list)):
            parts = [self._arrays(part) for part in tree]
            return parts if isinstance(tree, list) else tuple(parts)
        if isinstance(tree, dict):
            return {key: self._arrays(part) for key, part in tree.items()}
        if isinstance(tree, torch.dtype):
            if tree == torch.bfloat16:
                raise Unsupported("bfloat16")
            return np.dtype(str(tree).removeprefix("torch."))
        if isinstance(tree, complex) or (callable(tree) and not isinstance(tree, ag.Tensor)):
            raise Unsupported(f"an argument of type {type(tree).__name__}")
        return tree

    def ours(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The operator as a function of the leaves; gives a tuple of the floats in its result."""

        def of_leaves(*leaves: Any) -> tuple[Any, ...]:
            following = iter(leaves)

            def here(tensor: Any) -> Any:
                if tensor.requires_grad:
                    return next(following)
                if tensor.is_complex() or tensor.dtype == self.torch.bfloat16:
                    raise Unsupported("complex numbers")
                return tensor.numpy().copy()

            first, others, named = self._arrays(self._visit(self.given, here))
            return tuple(flat(function(first, *others, **named)))

        return of_leaves

    def __str__(self) -> str:
        def shown(tensor: Any) -> Shape:
            return Shape(f"{str(tensor.dtype).removeprefix('torch.')}{list(tensor.shape)}")

        first, rest, named = self._visit(self.given, shown)
        options = "".join(f", {key}={value!r}" for key, value in named.items())
        return f"({', '.join(map(repr, (first, *rest)))}{options})".replace("\n", " ")


class Shape(str):
    """Shown without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def flat(result: Any) -> Iterator[Any]:
    """The arrays in a result, in order."""
    if isinstance(result, (tuple, list)):
        for part in result:
            yield from flat(part)
    else:
        yield result


def floats(result: tuple[Any, ...]) -> list[Any]:
    """Those through which a gradient can flow."""
    return [y for y in result if isinstance(y, ag.Tensor) and y.dtype.kind == "f"]


def distance(a: Any, b: Any, tolerance: float) -> str | None:
    """What is wrong with one array beside another, or None."""
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape:
        return f"shape {a.shape}, where PyTorch has {b.shape}"
    a, b = a.astype(float), b.astype(float)
    scale = max(1.0, float(np.max(np.abs(b[np.isfinite(b)]), initial=0.0)))
    if np.allclose(a, b, rtol=tolerance, atol=tolerance * scale, equal_nan=True):
        return None
    bad = ~np.isclose(a, b, rtol=tolerance, atol=tolerance * scale, equal_nan=True)
    return f"{a[bad].reshape(-1)[:3].tolist()}, where PyTorch has {b[bad].reshape(-1)[:3].tolist()}"


def values(results: Any) -> list[Any]:
    """Arrays of numbers of what came back from either engine."""
    found = []
    for y in flat(results):
        if isinstance(y, ag.Tensor):
            y = y.detach().numpy()
        elif hasattr(y, "detach"):
            y = y.detach().numpy(force=True)
        found.append(np.asarray(y))
    return found


# --- the comparison -------------------------------------------------------------------------------


class Comparison:
    """One sample through all stages."""

    def __init__(self, torch: Any, info: Any, name: str, tally: Tally) -> None:
        self.torch, self.info, self.name, self.tally = torch, info, name, tally
        self.rng = np.random.default_rng(0)

    def __call__(self, torchs: Any, compiled: bool) -> None:
        """Compare; what is found goes into the tally."""
        tally, name = self.tally, self.name
        stage = "value"
        sample = None
        try:
            sample = Sample(self.torch, torchs)
            function = sample.ours(OPERATORS[name])
            first, others, named = sample.given
            theirs = self._theirs(first, others, named)
            with np.errstate(all="ignore"):
                for stage in self._stages(sample, function, theirs, compiled):
                    tally.agreed(stage, name)
        except Unsupported as unsupported:
            tally.left_out(stage, f"left out: {unsupported}")
        except _Different as different:
            tally.differed(different.stage, name, str(sample), str(different))
        except (
            AutogradError,
            ArithmeticError,
            LookupError,
            TypeError,
            ValueError,
            AttributeError,
        ) as error:
            at = getattr(self, "stage", stage)
            tally.differed(at, name, str(sample), f"{type(error).__name__}: {error}")

    def _theirs(self, first: Any, rest: Any, named: Any) -> list[Any]:
        try:
            result = self.info(first, *rest, **named)
        except (RuntimeError, ValueError) as error:
            raise Unsupported(f"PyTorch itself: {type(error).__name__}") from error
        return [y for y in flat(result) if isinstance(y, self.torch.Tensor)]

    def _stages(
        self, sample: Sample, function: Callable[..., Any], theirs: list[Any], compiled: bool
    ) -> Iterator[str]:
        """Yield the name of each stage that agrees; raise at the first that does not."""
        torch = self.torch
        self.stage = "value"
        if any(t.is_complex() for t in theirs):
            raise Unsupported("a complex result")
        ours = function(*map(ag.tensor, sample.leaves)) if sample.leaves else function()
        theirs = self._invariant(theirs)
        self._compare("value", values(ours), values(theirs))
        yield "value"
        if compiled and sample.leaves:
            self.stage = "compiled"
            self._compare("compiled", values(ag.jit(function)(*sample.leaves)), values(ours))
            yield "compiled"
        self.stage = "first"
        flowing = [t for t in theirs if t.requires_grad and t.dtype == torch.float64]
        if not flowing or not sample.leaves:
            return
        cotangents = [self.rng.standard_normal(tuple(t.shape)) for t in flowing]
        loss = self._weighed(function, flowing, cotangents)
        total = sum((t * torch.tensor(c)).sum() for t, c in zip(flowing, cotangents, strict=True))
        expected = self._slopes(total, sample.tensors, create_graph=True)
        places = tuple(range(len(sample.leaves)))
        slope = ag.grad(loss, argnums=places, unreachable="zero")
        self._compare("first", values(slope(*sample.leaves)), values(expected))
        yield "first"
        if compiled:
            self.stage = "compiled"
            self._compare(
                "compiled", values(ag.jit(slope)(*sample.leaves)), values(slope(*sample.leaves))
            )
        self.stage = "second"
        if not self.info.supports_gradgrad or not any(g.requires_grad for g in expected):
            return
        directions = [self.rng.standard_normal(a.shape) for a in sample.leaves]
        along = sum(
            (g * torch.tensor(d)).sum()
            for g, d in zip(expected, directions, strict=True)
            if g.requires_grad
        )
        second = self._slopes(along, sample.tensors)
        kept = [bool(g.requires_grad) for g in expected]

        def turned(*leaves: Any) -> Any:
            slopes = slope(*leaves)
            return sum(
                (ag.sum(g * d) for g, d, k in zip(slopes, directions, kept, strict=True) if k),
                start=ag.tensor(0.0),
            )

        slopes = ag.grad(turned, argnums=places, unreachable="zero")(*sample.leaves)
        self._compare("second", values(slopes), values(second))
        yield "second"

    def _slopes(self, value: Any, tensors: list[Any], **options: Any) -> list[Any]:
        torch = self.torch
        try:
            found = torch.autograd.grad(value, tensors, allow_unused=True, **options)
        except RuntimeError as error:  # a derivative that PyTorch has not
            raise Unsupported(f"PyTorch itself has no such derivative ({self.stage})") from error
        return [
            torch.zeros_like(t) if g is None else g for g, t in zip(found, tensors, strict=True)
        ]

    def _invariant(self, theirs: list[Any]) -> list[Any]:
        """What does not depend on the signs of singular vectors and eigenvectors, as ours."""
        if self.name == "linalg.eigh":
            return [theirs[0], theirs[1].abs()]
        if self.name in ("linalg.svd", "svd"):
            u, s, v = theirs
            k = s.shape[-1]
            v = v if self.name == "linalg.svd" else v.mH
            return [u[..., :k].abs(), s, v[..., :k, :].abs()]
        return theirs

    def _weighed(
        self, function: Callable[..., Any], flowing: list[Any], cotangents: list[Any]
    ) -> Callable[..., Any]:
        def loss(*leaves: Any) -> Any:
            parts = floats(function(*leaves))
            if len(parts) != len(flowing):
                raise TypeError(
                    f"{len(parts)} differentiable results, where PyTorch has {len(flowing)}"
                )
            return sum(
                (ag.sum(y * c) for y, c in zip(parts, cotangents, strict=True)),
                start=ag.tensor(0.0),
            )

        return loss

    def _compare(self, stage: str, ours: list[Any], theirs: list[Any]) -> None:
        if len(ours) != len(theirs):
            raise _Different(stage, f"{len(ours)} results, where there should be {len(theirs)}")
        for a, b in zip(ours, theirs, strict=True):
            found = distance(a, b, TOLERANCES[stage])
            if found is not None:
                raise _Different(stage, found)


class _Different(Exception):  # noqa: N818 - an answer
    def __init__(self, stage: str, message: str) -> None:
        super().__init__(message)
        self.stage = stage


def spread(samples: list[Any], most: int) -> list[Any]:
    """At most so many, evenly chosen from first to last."""
    if len(samples) <= most:
        return samples
    return [samples[round(i * (len(samples) - 1) / max(most - 1, 1))] for i in range(most)]


def main(arguments: list[str]) -> int:
    """Compare all that is asked for, and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--samples", type=int, default=40)
    parser.add_argument("--compiled", type=int, default=2)
    parser.add_argument("--part", default="0/1")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    import torch
    from torch.testing._internal.common_methods_invocations import op_db

    torch.manual_seed(0)
    torch.set_num_threads(1)
    first, of = map(int, options.part.split("/"))
    tally = Tally()
    chosen = []
    for info in op_db:
        name = f"{info.name} {info.variant_test_name}".strip()
        if name in (options.names or OPERATORS) and torch.float64 in info.dtypes:
            chosen.append((name, info))
    for name, info in chosen[first::of]:
        compare = Comparison(torch, info, name, tally)
        samples = list(
            info.sample_inputs("cpu", torch.float64, requires_grad=info.supports_autograd)
        )
        for n, torchs in enumerate(spread(samples, options.samples)):
            compare(torchs, compiled=n < options.compiled)
    print(f"{len(chosen[first::of])} operators of {len(op_db)}, {len(OPERATORS)} mapped")
    print(tally)
    return 1 if tally.news else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
