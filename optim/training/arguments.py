"""What `fit` is given: the checks of it, each with a message that names the remedy."""

from __future__ import annotations

import contextlib
import numbers
import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from autograd_core.errors import ConfigError
from autograd_core.options import POSITIVE

from ..optimizer import Optimizer
from ..transforms.clip_by_norm import ClipByNorm
from ..transforms.transform import Transform
from .batches import Examples, held_out_of
from .callbacks import Callback, lacking
from .checkpoint import Checkpoint
from .feeding import Feed, Rows, Stream, streams
from .model import Model
from .parallel import Parallel
from .samplers import permutation

__all__ = [
    "check_parameters",
    "checked_verbose",
    "clipped",
    "clipping_of",
    "feed_of",
    "of_the_model",
    "sorted_callbacks",
]


def check_parameters(model: Model, optimizer: Optimizer) -> None:
    """Whether the model has what the loop asks of it, and the optimizer parameters of it."""
    if not isinstance(model, Model):
        methods = ("__call__", "parameters", "train", "eval", "state_dict", "load_state_dict")
        lacking = [name for name in methods if not hasattr(model, name)]
        raise ConfigError(
            "fit",
            f"model: {type(model).__name__} has no {', '.join(lacking)}. Derive it from nn.Module.",
        )
    if not isinstance(optimizer, Optimizer):
        raise ConfigError(
            "fit",
            f"optimizer: expected an Optimizer; received {type(optimizer).__name__}. Pass "
            "optim.Adam(model.parameters()).",
        )
    trained = {id(t) for t in optimizer.params}
    if not any(id(t) in trained for t in model.parameters()):
        raise ConfigError(
            "fit",
            "the optimizer has none of this model's parameters. Expected one made with "
            "model.parameters() of the same model. Make the optimizer after the model.",
        )


def sorted_callbacks(
    callbacks: Any, checkpoint: Checkpoint | str | os.PathLike[str] | None
) -> tuple[list[Callback], list[Callback]]:
    """The user's callbacks; and those that must see what the others did, checkpoints the last of them."""
    listed: list[Any] = list(callbacks) if isinstance(callbacks, list | tuple) else [callbacks]
    listed = [] if callbacks is None else listed
    for place, callback in enumerate(listed):
        if missing := lacking(callback):
            what = (
                f"the class {callback.__name__}" if isinstance(callback, type) else repr(callback)
            )
            remedy = "optim.Lambda(on_epoch_end=...) makes one of a function"
            if isinstance(callback, type):
                remedy = f"Make one: {callback.__name__}(...)"
            elif len(missing) < 8:
                remedy = f"It lacks {', '.join(missing)}: derive it from optim.Callback"
            raise ConfigError(
                "fit",
                "callbacks: expected objects derived from optim.Callback, or with its methods; received "
                f"{what}. {remedy}.",
            )
        if any(callback is other for other in listed[:place]):
            raise ConfigError(
                "fit",
                f"callbacks: {callback!r} is given twice, so that it would see each epoch twice. Give it once, or make "
                "another.",
            )
    if checkpoint is not None:
        listed.append(checkpoint if isinstance(checkpoint, Checkpoint) else Checkpoint(checkpoint))
    checkpoints = [c for c in listed if isinstance(c, Checkpoint)]
    records = [c for c in listed if c.records and c not in checkpoints]
    return [c for c in listed if not c.records], [*records, *checkpoints]


def feed_of(
    train: Any,
    epochs: int,
    batch_size: Any,
    sampler: Any,
    last_batch: Any,
    validation: Any,
    validation_split: float | None,
    rng: np.random.Generator,
) -> tuple[Feed, Any, Any, dict[str, Any]]:
    """Where batches come from, what is held out, targets that metrics may be chosen by, further settings."""
    held_out: Any = validation
    if validation is not None:
        if not streams(validation):
            held_out = Examples.of("fit", "validation", validation, weights=True)
        elif isinstance(validation, Iterator) and epochs > 1:
            raise ConfigError(
                "fit",
                f"validation: a {type(validation).__name__} is used up after one epoch, and epochs is {epochs}. "
                "Expected what can be begun anew. Pass a list, a loader, or a function that makes one.",
            )
    known = held_out.targets if isinstance(held_out, Examples) else None
    if streams(train):
        for name, given, default in (
            ("batch_size", batch_size, None),
            ("sampler", sampler, permutation),
            ("last_batch", last_batch, "merge"),
            ("validation_split", validation_split, None),
        ):
            if given is not default and given != default:
                raise ConfigError(
                    "fit",
                    f"{name}: train gives batches that are made already, of which {name} says nothing. Leave it "
                    "out, or pass arrays (inputs, targets).",
                )
        return Stream(train, epochs), held_out, known, {}
    examples = Examples.of("fit", "train", train, weights=True)
    if not callable(sampler) or isinstance(sampler, type):
        raise ConfigError(
            "fit",
            f"sampler: expected a function (count, rng) -> indices; received {sampler!r}. Pass "
            "optim.permutation, or optim.in_order.",
        )
    split: dict[str, Any] = {}  # which examples are held out, for a run that is resumed
    if validation_split is not None:
        if validation is not None:
            raise ConfigError(
                "fit",
                "validation and validation_split are one choice. Expected one of them; received both.",
            )
        examples, held_out, split = held_out_of(examples, validation_split, rng)
    return Rows(examples, sampler, batch_size, last_batch), held_out, examples.targets, split


def of_the_model(name: str, given: Any, example: str) -> list[Any]:
    """Functions of the model that were given: one, several or None."""
    found = [f for f in (given if isinstance(given, list | tuple) else [given]) if f is not None]
    for function in found:
        if not callable(function) or isinstance(function, type):
            raise ConfigError(
                "fit",
                f"{name}: expected a function of the model, or a list of them; received "
                f"{function!r}. Pass {example}, or lambda model: ...",
            )
    return found


def clipping_of(clip: Any) -> tuple[Transform, ...]:
    """What `fit` is to clip by, as transforms."""
    if isinstance(clip, numbers.Real) and not isinstance(clip, bool):
        return (ClipByNorm(POSITIVE.check("fit: clip", clip)),)
    given = () if clip is None else tuple(clip) if isinstance(clip, list | tuple) else (clip,)
    for transform in given:
        if not isinstance(transform, Transform):
            raise ConfigError(
                "fit",
                "clip: expected a number, the largest norm of all gradients together, or a transform such as "
                f"optim.ClipByValue(5.0), or a list of these; received {transform!r:.60}.",
            )
    return given


@contextlib.contextmanager
def clipped(optimizer: Optimizer, clipping: tuple[Transform, ...]) -> Iterator[None]:
    """Transforms around those of an optimizer, for as long as the block lasts."""
    before = [group.transforms for group in optimizer.param_groups]
    try:
        if clipping:
            for group in optimizer.param_groups:
                group.transforms = (*clipping, *group.transforms)
        yield
    finally:
        if clipping:
            for group, transforms in zip(optimizer.param_groups, before, strict=True):
                group.transforms = transforms


def refuse_a_sum(criterion: Any) -> None:
    """Where a batch is put together of parts, by their mean: a criterion that says that it adds up examples.

    Raises
    ------
    ConfigError
        Since the gradient would be that of the batch over the number of its parts.
    """
    if getattr(criterion, "reduction", None) == "sum":
        raise ConfigError(
            "fit",
            f"criterion: with accumulate, and on several processes, a batch is the mean of its parts. Expected a mean "
            f'over examples; received {criterion!r:.80}, which adds them up. Pass reduction="mean", and a learning '
            "rate as many times larger as a batch has examples.",
        )


def checked_team(parallel: Any) -> Parallel:
    """``parallel``, or one process."""
    if parallel is None:
        return Parallel()
    if not isinstance(parallel, Parallel):
        raise ConfigError("fit", f"parallel: expected optim.MPI(), or None; received {parallel!r}.")
    return parallel


def checked_verbose(verbose: Any) -> int | None:
    """``verbose``, if it is one of the numbers that mean something."""
    if verbose is None or verbose in (0, 1, 2):
        return verbose
    raise ConfigError(
        "fit",
        f"verbose: expected 0 (nothing), 1 (a bar), 2 (a line an epoch) or None; received {verbose!r}.",
    )
