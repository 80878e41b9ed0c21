"""Training in several processes: each computes a part of every batch, and all make the same update.

`Parallel` is what `fit` asks; by itself it is one process, which has all of each batch. `Ranks` is several
that run the same program, over two exchanges that a subclass gives: the sum of an array, and the bytes of
the first. `MPI`, in `mpi.py`, is one.
"""

from __future__ import annotations

import contextlib
import hashlib
import pickle
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core.aliases import Array
from autograd_core.errors import ConfigError, StateError, WorkerError
from autograd_core.tensors import leaf

from .batches import Examples
from .callbacks import Callback, Run
from .evaluation import Tally
from .interrupts import Interrupts

__all__ = ["Parallel"]


class Parallel:
    """One process that has all of each batch; what is derived from it shares batches out.

    Attributes
    ----------
    rank, size : int
        Which process this is, from 0, and how many there are. The first one writes files and shows
        progress.
    """

    rank = 0
    size = 1

    def session(self, run: Run, interrupts: Interrupts) -> contextlib.AbstractContextManager[Any]:
        """Context of a run: an error in one process is one in all, and so is Ctrl-C."""
        return contextlib.nullcontext()

    def source(
        self, generator: np.random.Generator, seed: int | None
    ) -> tuple[np.random.Generator, int | None]:
        """What orders the examples, alike in all processes."""
        return generator, seed

    def calls(self, callback: Callback) -> bool:
        """Whether this process calls it."""
        return self.rank == 0 or not callback.first_only

    def interrupted(self, interrupts: Interrupts) -> bool:
        """Whether Ctrl-C was pressed: now is a good moment to ask."""
        return interrupts.requested

    def same(self, value: Any) -> Any:
        """``value`` of the first process, in all."""
        return value

    def begin(self, run: Run) -> None:
        """Give all processes the state of the first."""

    def part(self, batch: Examples) -> tuple[Examples, float]:
        """What this process computes of a batch, and which share of the examples' weight that is."""
        return batch, 1.0

    def total(
        self,
        params: Sequence[ag.Tensor],
        gradients: Sequence[ag.Tensor | None],
        values: Sequence[float],
    ) -> list[float]:
        """Leave the sums of all processes' gradients in ``params``, and give those of ``values``."""
        raise NotImplementedError

    def means(self, tally: Tally) -> dict[str, float]:
        """Means over the examples of all processes."""
        return tally.means()

    def merge(self, run: Run) -> None:
        """At the end of an epoch: give all processes one state."""


class Ranks(Parallel):
    """Processes that run one program, each with the same data, model and arguments of `fit`."""

    def __init__(self) -> None:
        self._interrupts: Interrupts | None = None
        self._keys: dict[str, Array] = {}
        self._agreed = False

    # --- what a subclass gives --------------------------------------------------------------------

    def sum(self, array: Array) -> None:
        """Replace ``array``, of float64 or float32, by its sum over all processes."""
        raise NotImplementedError

    def broadcast(self, data: bytes, root: int) -> bytes:
        """``data`` of the process ``root``, in all."""
        raise NotImplementedError

    # --- how they are ------------------------------------------------------------------------------

    @contextlib.contextmanager
    def session(self, run: Run, interrupts: Interrupts) -> Iterator[None]:
        """Context of a run.

        Before each exchange all say how they are. One that fails, wherever it does, says so in place of
        the next exchange, for which the others wait.
        """
        self._interrupts, self._agreed = interrupts, False
        try:
            yield
            self._how()  # none leaves before all are done
        except BaseException as error:
            if not self._agreed:
                self._agreed = True
                with contextlib.suppress(WorkerError):
                    self._tell(f"{type(error).__name__}: {error}")
            raise
        finally:
            self._set(run, self._keys)  # those of the first rank: the model is the same everywhere
            self._keys, self._interrupts = {}, None

    def _how(self) -> None:
        """Ask how all are.

        Raises
        ------
        KeyboardInterrupt
            If Ctrl-C was pressed in any.
        WorkerError
            If one has failed; says why.
        """
        status = np.zeros(self.size + 1)
        status[-1] = self._interrupts is not None and self._interrupts.requested
        self.sum(status)
        if status[:-1].any():
            self._agreed = True
            failed = np.flatnonzero(status[:-1]).tolist()
            told = {rank: self.broadcast(b"", rank).decode() for rank in failed}
            raise WorkerError(
                "fit",
                "; ".join(
                    f"rank {rank} of {self.size} failed with {why}" for rank, why in told.items()
                )
                + ". Expected all ranks to go on together. Mend that, and begin again, with resume= "
                "if there is a checkpoint.",
            )
        if status[-1]:
            self._agreed = True
            raise KeyboardInterrupt

    def _tell(self, why: str) -> None:
        """Say that this rank has failed."""
        status = np.zeros(self.size + 1)
        status[self.rank] = 1.0
        self.sum(status)
        for rank in np.flatnonzero(status[:-1]).tolist():
            self.broadcast(why.encode() if rank == self.rank else b"", rank)

    def interrupted(self, interrupts: Interrupts) -> bool:
        """Never: all have to stop at the same exchange."""
        return False

    # --- exchanges ---------------------------------------------------------------------------------

    def same(self, value: Any) -> Any:
        """``value`` of the first rank; any object that can be pickled."""
        self._how()
        received = self.broadcast(pickle.dumps(value) if self.rank == 0 else b"", 0)
        return value if self.rank == 0 else pickle.loads(received)  # noqa: S301 - of our own rank 0

    def source(
        self, generator: np.random.Generator, seed: int | None
    ) -> tuple[np.random.Generator, int | None]:
        """The first rank's state and seed, in the generator of each."""
        generator.bit_generator.state, seed = self.same((generator.bit_generator.state, seed))
        return generator, seed

    def part(self, batch: Examples) -> tuple[Examples, float]:
        """The rank's rows: as many as others have, or one more where they do not divide evenly."""
        count = len(batch.inputs)
        each, more = divmod(count, self.size)
        start = self.rank * each + min(self.rank, more)
        stop = start + each + (self.rank < more)
        part = batch.part(start, stop)
        return part, part.weight / (batch.weight or 1.0)

    def total(
        self,
        params: Sequence[ag.Tensor],
        gradients: Sequence[ag.Tensor | None],
        values: Sequence[float],
    ) -> list[float]:
        """One flat buffer: every gradient, then which there are, then the values; summed once."""
        self._how()
        dtype = np.result_type(np.float32, *(t.dtype for t in params))
        ends = np.cumsum([t.size for t in params]).tolist()
        buffer = np.zeros(ends[-1] + len(params) + len(values), dtype)
        for g, t, end, there in zip(
            gradients, params, ends, range(ends[-1], buffer.size), strict=False
        ):
            if g is not None:
                buffer[end - t.size : end] = g.numpy().reshape(-1)
                buffer[there] = 1
        buffer[buffer.size - len(values) :] = values
        self.sum(buffer)
        for t, end, there in zip(params, ends, range(ends[-1], buffer.size), strict=False):
            summed = buffer[end - t.size : end].reshape(t.shape).astype(t.dtype, copy=False)
            t.grad = leaf(summed) if buffer[there] else None
        return [float(v) for v in buffer[buffer.size - len(values) :]]

    def means(self, tally: Tally) -> dict[str, float]:
        """Sums and counts of all ranks, so that shards of different sizes weigh what they hold."""
        tally.shapes = self.same(tally.shapes)  # the first rank has rows of each batch
        totals = tally.totals()
        self._how()
        self.sum(totals)
        tally.take(totals)
        return tally.means()

    # --- state -------------------------------------------------------------------------------------

    def begin(self, run: Run) -> None:
        """All of the run as the first rank has it; then each rank draws masks of its own."""
        callbacks = [callback.state_dict() for callback in run.callbacks]
        state = (
            dict(run.model.state_dict()),
            run.optimizer.state_dict(),
            run.rng.bit_generator.state,
            run.epoch,
            run.history,
            vars(run.history),
            callbacks,
            run.settings,
            run.unfinished,
            run.feed.state_dict(),
        )
        model, optimizer, rng, epoch, rows, of_history, remembered, settings, unfinished, feed = (
            self.same(state)
        )
        differing = [name for name in settings if settings[name] != run.settings.get(name)]
        if differing or len(remembered) != len(run.callbacks):
            raise ConfigError(
                "fit",
                f"rank {self.rank} was given other arguments than rank 0: "
                f"{', '.join(differing) or 'callbacks'}. Expected the same call of fit in every rank.",
            )
        if self.rank:
            run.model.load_state_dict(model)
            run.optimizer.load_state_dict(optimizer)
            run.rng.bit_generator.state = rng
            run.epoch, run.unfinished = epoch, unfinished
            if feed is not None:
                run.feed.load_state_dict(feed)
            run.history.update(rows)
            vars(run.history).update(of_history)
            for callback, state in zip(run.callbacks, remembered, strict=True):
                callback.load_state_dict(state)
        # Buffers called "key" say which sequence of masks or noise is drawn: one sequence a rank.
        self._keys = {
            name: array
            for name, array in model.items()
            if name.rpartition(".")[2] == "key" and array.dtype == np.uint64
        }
        self._set(run, {name: key + np.uint64(self.rank) for name, key in self._keys.items()})

    def _set(self, run: Run, changed: dict[str, Array]) -> None:
        if changed:
            run.model.load_state_dict({**run.model.state_dict(), **changed})

    def merge(self, run: Run) -> None:
        """Mean over the ranks of each buffer of floats, such as running statistics.

        Counters are those of the first rank. Parameters have to be the same already.

        Raises
        ------
        StateError
            If parameters differ.
        """
        self._how()
        digest = hashlib.sha256()
        for t in run.optimizer.params:
            digest.update(t.numpy().tobytes())
        first = self.broadcast(digest.digest(), 0)
        differing = np.array([float(first != digest.digest())])
        self.sum(differing)
        if differing[0]:
            self._agreed = True
            raise StateError(
                "fit",
                f"after epoch {run.epoch} the parameters of {int(differing[0])} of {self.size} ranks are not "
                "those of rank 0. Expected the same update in every rank. Let callbacks, constraints and "
                "hyperparameters depend on nothing that differs between ranks, such as clocks and files.",
            )
        state = {n: np.asarray(a) for n, a in run.model.state_dict().items() if n not in self._keys}
        floats = {name: array for name, array in state.items() if array.dtype.kind == "f"}
        flat = np.concatenate([np.zeros(0), *(array.reshape(-1) for array in floats.values())])
        received = np.frombuffer(self.broadcast(flat.tobytes(), 0))
        differing = (~((flat == received) | (np.isnan(flat) & np.isnan(received)))).astype(
            np.float64
        )
        total = flat.copy()
        self.sum(differing)
        self.sum(total)
        # What is the same everywhere stays as it is, to the last bit: so parameters do.
        merged = np.where(differing > 0, total / self.size, flat)
        parts = np.split(merged, np.cumsum([array.size for array in floats.values()]))
        changed = {
            name: part.reshape(array.shape).astype(array.dtype)
            for (name, array), part in zip(floats.items(), parts, strict=False)
        }
        others = {name: array for name, array in state.items() if name not in floats}
        changed |= pickle.loads(self.broadcast(pickle.dumps(others), 0))  # noqa: S301 - of our own rank 0
        self._set(run, changed)
