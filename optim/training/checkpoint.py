"""Checkpoint: a run in a file, from which it goes on bit for bit as if it had never stopped."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from autograd_core import storage
from autograd_core.aliases import Array
from autograd_core.errors import AutogradError, CheckpointError, StateError
from autograd_core.files import checked_path
from autograd_core.options import COUNT

from ..optimizer import State
from .callbacks import Callback, Run, Unfinished

__all__ = ["Checkpoint"]

_KIND = "gradproof training run, version 1"


class Checkpoint(Callback):
    """Save the whole run every so many epochs, and after the last.

    The file holds the model's parameters and buffers (running statistics, keys and counters of
    dropout), the optimizer's slots, step counts and hyperparameters, the state of the generator
    that orders the examples and of a sampler or loader that has one, the history, and what callbacks
    remember (early stopping's best weights). It is replaced at once: a run that is killed at any moment
    leaves the old file or the new one. A run that ends in the middle of an epoch in good order (Ctrl-C, a
    time limit) is saved where it is, and goes on with the next batch.

    Parameters
    ----------
    path : path-like
        The file.
    every : int, ≥ 1
        Save after each ``every``-th epoch.
    resume : bool
        Go on from the file if it is there, and begin anew if it is not: the same program can then
        be started again and again. (``fit(..., resume=path)`` demands that it is there.)

    Raises
    ------
    ConfigError
        If ``every`` is not a positive integer.
    CheckpointError
        If the file cannot be written, or is damaged.
    StateError
        If the file does not fit the run; lists every fault.

    Notes
    -----
    Bit-identical are parameters, buffers, slots, the order of examples and the history but for its
    seconds, given the same data, batch size, number of BLAS threads and machine.

    Peers differ: Keras's ModelCheckpoint does not save the state of other callbacks.

    Examples
    --------
    >>> Checkpoint("run.safetensors", every=5)
    Checkpoint('run.safetensors', every=5, resume=False)
    """

    first_only = True

    def __init__(self, path: str | os.PathLike[str], every: int = 1, resume: bool = False) -> None:
        self.path = checked_path("Checkpoint", path)
        self.every = COUNT.check("Checkpoint: every", every)
        self.resume = bool(resume)

    @property
    def found(self) -> bool:
        """Whether there is a run to go on from, and it is wanted."""
        return self.resume and os.path.exists(self.path)

    records = True

    def on_epoch_end(self, run: Run) -> None:
        """Save, if it is time or the last epoch."""
        if run.epoch % self.every == 0 or run.epoch == run.epochs or run.stopped_by is not None:
            self.save(run)

    def save(self, run: Run) -> None:
        """Write the run as it is: at an epoch's end, or where it is in one."""
        arrays: dict[str, Any] = {}
        optimizer = run.optimizer.state_dict()
        callbacks = _remembering(run)
        unfinished = run.unfinished
        feed = run.feed.state_dict() if unfinished is None else unfinished.feed
        parts = {
            "model": run.model.state_dict(),
            "optimizer": optimizer["arrays"],
            **{f"callback{i}": state["arrays"] for i, (_, state) in enumerate(callbacks)},
            "history": {name: np.array(column) for name, column in run.history.items()},
        }
        metadata = {
            "kind": _KIND,
            "epoch": run.epoch - (unfinished is not None),
            "settings": run.settings,
            "rng": _plain(run.rng.bit_generator.state),
            "seed": run.history.seed,
            "optimizer": optimizer["scalars"],
            "callbacks": [
                {"class": type(callback).__name__, "scalars": state["scalars"]}
                for callback, state in callbacks
            ],
        }
        if feed is not None:
            parts["feed"], metadata["feed"] = feed["arrays"], feed["scalars"]
        if unfinished is not None:
            parts["tally"] = unfinished.tally["arrays"]
            metadata["unfinished"] = {
                "batches": unfinished.batches,
                "began": _plain(unfinished.began),
                "tally": unfinished.tally["scalars"],
                "seconds": unfinished.seconds,
            }
        for part, entries in parts.items():
            arrays.update({f"{part}.{_escaped(name)}": array for name, array in entries.items()})
        storage.save(self.path, arrays, metadata)

    def restore(self, run: Run) -> None:
        """Put a run that is about to begin where the file's run was.

        Raises
        ------
        CheckpointError
            If the file is missing, damaged, or holds no run.
        StateError
            If model, optimizer, callbacks or settings are others; lists every fault. Model and
            optimizer are then as they were.
        """
        arrays, metadata = storage.load(self.path)
        if metadata.get("kind") != _KIND:
            raise CheckpointError(
                "resume",
                f"{self.path}: holds no training run that this version reads. Expected a file "
                "written by optim.Checkpoint.",
            )
        faults = _faults(run, arrays, metadata)
        before = {name: np.array(values) for name, values in run.model.state_dict().items()}
        optimizer_before = run.optimizer.state_dict()
        try:
            run.model.load_state_dict(_part(arrays, "model"))
        except AutogradError as error:
            faults += _told("model", error)
        try:
            state = {"arrays": _part(arrays, "optimizer"), "scalars": metadata["optimizer"]}
            run.optimizer.load_state_dict(state)
        except StateError as error:
            faults += _told("optimizer", error)
        if faults:
            run.model.load_state_dict(before)
            run.optimizer.load_state_dict(optimizer_before)
            raise StateError.listing(
                "resume",
                f"{self.path} does not fit this run; nothing was changed.",
                [fault.replace("\n", "\n  ") for fault in faults],
                "Build model, optimizer, data and callbacks as they were, or begin without resume.",
            )
        for (callback, _), (i, entry) in zip(
            _remembering(run), _written(arrays, metadata), strict=True
        ):
            callback.load_state_dict(
                {"arrays": _part(arrays, f"callback{i}"), "scalars": entry["scalars"]}
            )
        columns = {name: column.tolist() for name, column in _part(arrays, "history").items()}
        for row in zip(*columns.values(), strict=True):
            run.history.append(dict(zip(columns, row, strict=True)))
        run.rng.bit_generator.state = _restored(metadata["rng"])
        run.history.seed = metadata.get("seed")  # files of before seeds were noted have none
        run.epoch = metadata["epoch"]
        feed: State | None = None
        if "feed" in metadata:
            feed = {"arrays": _part(arrays, "feed"), "scalars": metadata["feed"]}
            run.feed.load_state_dict(feed)
        if where := metadata.get("unfinished"):
            tally: State = {"arrays": _part(arrays, "tally"), "scalars": where["tally"]}
            began = _restored(where["began"])
            run.unfinished = Unfinished(where["batches"], began, feed, tally, where["seconds"])

    def __repr__(self) -> str:
        return f"Checkpoint({self.path!r}, every={self.every}, resume={self.resume})"


def _remembering(run: Run) -> list[tuple[Callback, State]]:
    """The callbacks that remember something, each with its state: what a resumed run must have, too."""
    states = [(callback, callback.state_dict()) for callback in run.callbacks]
    return [(c, state) for c, state in states if state["arrays"] or state["scalars"]]


def _written(
    arrays: Mapping[str, Array], metadata: Mapping[str, Any]
) -> list[tuple[int, Mapping[str, Any]]]:
    """A file's entries for callbacks that remember something, numbered as their arrays are."""
    return [
        (i, entry)
        for i, entry in enumerate(metadata["callbacks"])
        if entry["scalars"] or _part(arrays, f"callback{i}")
    ]


def _faults(run: Run, arrays: Mapping[str, Array], metadata: dict[str, Any]) -> list[str]:
    """What in a file's metadata differs from the run."""
    saved, seed = metadata["settings"], metadata.get("seed") or "the generator of that run"
    faults = [
        f"{name}: the file has {saved.get(name)!r}, this run {run.settings.get(name)!r}"
        + (f". Pass the same rng, {seed}" if name == "validation_split" else "")
        for name in dict.fromkeys([*run.settings, *saved])
        if saved.get(name) != run.settings.get(name)
    ]
    expected = [type(callback).__name__ for callback, _ in _remembering(run)]
    written = [entry["class"] for _, entry in _written(arrays, metadata)]
    if (run.feed.state_dict() is None) == ("feed" in metadata):
        there, here = ("a", "no") if "feed" in metadata else ("no", "a")
        faults.append(
            f"train: the file has {there} state of a sampler or loader, this run {here} such"
        )
    if expected != written:
        faults.append(f"callbacks: the file has {written}, this run {expected}")
    generator = type(run.rng.bit_generator).__name__
    if metadata["rng"]["bit_generator"] != generator:
        faults.append(f"rng: the file has {metadata['rng']['bit_generator']}, this run {generator}")
    if metadata["epoch"] > run.epochs:
        faults.append(
            f"epochs: the file has {metadata['epoch']}, this run is to end after {run.epochs}"
        )
    return faults


def _told(part: str, error: AutogradError) -> list[str]:
    """The faults of a state, without the advice for those who load it by itself."""
    found = getattr(error, "faults", ())
    return [f"{part}: {fault}" for fault in found] or [str(error)]


def _part(arrays: Mapping[str, Array], part: str) -> dict[str, Array]:
    prefix = part + "."
    found = {name[len(prefix) :]: a for name, a in arrays.items() if name.startswith(prefix)}
    return {name.replace("%2F", "/").replace("%25", "%"): a for name, a in found.items()}


def _escaped(name: str) -> str:
    """A column's or metric's name as one of an array, which has no slash."""
    return name.replace("%", "%25").replace("/", "%2F")


def _plain(value: Any) -> Any:
    """The state of a bit generator as JSON: arrays of unsigned integers occur in some."""
    if isinstance(value, dict):
        return {name: _plain(entry) for name, entry in value.items()}
    if isinstance(value, np.ndarray):
        return {"dtype": str(value.dtype), "values": value.tolist()}
    return value.item() if isinstance(value, np.generic) else value


def _restored(value: Any) -> Any:
    if isinstance(value, dict):
        if value.keys() == {"dtype", "values"}:
            return np.array(value["values"], value["dtype"])
        return {name: _restored(entry) for name, entry in value.items()}
    return value
