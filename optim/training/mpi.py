"""MPI: ranks that mpiexec started, for `fit(parallel=...)`."""

from __future__ import annotations

import atexit
import sys
import time
from typing import Any

import numpy as np

from autograd_core.aliases import Array
from autograd_core.errors import MissingDependencyError, WorkerError
from autograd_core.options import POSITIVE

from .parallel import Ranks

__all__ = ["MPI"]

_SPINS = 200  # looks at an exchange before others are given the processor between looks
_PAUSE = 5e-5  # seconds between looks from then on
_FAREWELL = 2.0  # seconds in which the others have to come to an end, too, where an exchange failed


class MPI(Ranks):
    """Data-parallel training: each rank computes a part of every batch, and one sum makes it whole.

    ``mpiexec -n 4 python train.py``, in which ``fit(..., parallel=optim.MPI())`` is called with the same
    arguments in every rank. Model, optimizer, order of examples and checkpoint are those of rank 0, which
    also writes files and shows progress. Without mpiexec there is one rank, and nothing to exchange.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm, optional
        Default: all ranks that were started.
    timeout : float, > 0
        Seconds that a rank waits for the others in one exchange; longer than the slowest part of a run.

    Attributes
    ----------
    rank, size : int

    Raises
    ------
    MissingDependencyError
        If mpi4py, or an MPI library, is not installed.

    Notes
    -----
    * The gradients of all parameters lie in one flat buffer, which is summed by Allreduce after each part
      was weighted by its share of the batch's examples: a mean over examples, not over shards. So a run is
      that of one process, to rounding, whatever the number of ranks and whether they divide a batch.
    * Two kinds of layers differ. Batch norm normalizes by the rank's own part of a batch; at the end of
      each epoch running statistics become their mean over the ranks. Dropout and other noise is drawn
      from a sequence of its own in each rank.
    * Each rank holds all of the data. Held-out examples are evaluated by every rank, and rank 0's numbers
      count: callbacks decide alike.
    * An error in one rank is one in all, which name it; a rank that is killed ends all (mpiexec sees to
      that), and so does an exception that nobody catches, wherever it is raised (`sys.excepthook` is told
      to, as by ``python -m mpi4py``); one that does not answer is an error after ``timeout``.

    Examples
    --------
    >>> parallel = MPI()
    >>> parallel.rank, parallel.size
    (0, 1)
    """

    def __init__(self, comm: Any = None, timeout: float = 600.0) -> None:
        super().__init__()
        self.timeout = POSITIVE.check("MPI: timeout", timeout)
        try:
            from mpi4py import MPI as mpi
        except (ImportError, RuntimeError) as error:  # the latter where there is no library of MPI
            raise MissingDependencyError(
                "MPI",
                f"mpi4py, or the MPI library that it calls, is not installed ({error}). Expected the extra "
                '"mpi". Run: pip install "gradproof[mpi]".',
            ) from error
        self._mpi = mpi
        world = mpi.COMM_WORLD if comm is None else comm
        self._comm, self._farewell = world.Dup(), world.Dup()
        self.rank, self.size = self._comm.Get_rank(), self._comm.Get_size()
        self._broken = False
        if self.size > 1:
            _end_all_on_an_error(self._farewell)

    def sum(self, array: Array) -> None:
        """Allreduce, in place."""
        self._wait(self._comm.Iallreduce(self._mpi.IN_PLACE, array), "a sum")

    def broadcast(self, data: bytes, root: int) -> bytes:
        """First how many bytes, then they."""
        length = np.array([len(data)], np.int64)
        self._wait(self._comm.Ibcast(length, root), "a length")
        buffer = (
            np.frombuffer(data, np.uint8) if self.rank == root else np.empty(length[0], np.uint8)
        )
        self._wait(self._comm.Ibcast([buffer, self._mpi.BYTE], root), "a broadcast")
        return data if self.rank == root else buffer.tobytes()

    def _wait(self, request: Any, what: str) -> None:
        if self._broken:
            raise WorkerError(
                "MPI", "an earlier exchange failed. Expected no further one. Begin again."
            )
        looks, until = 0, time.monotonic() + self.timeout
        try:
            while not request.Test():
                looks += 1
                if looks > _SPINS:
                    time.sleep(_PAUSE)
                    if time.monotonic() > until:
                        self._break()
                        raise WorkerError(
                            "MPI",
                            f"rank {self.rank} of {self.size} waited {self.timeout:g} seconds for {what} with the "
                            "others. Expected all of them. One has died, hangs, or left fit: look at its "
                            "output; or raise timeout=, if an epoch's end takes longer.",
                        )
        except self._mpi.Exception as error:
            self._break()
            raise WorkerError(
                "MPI",
                f"rank {self.rank} of {self.size} failed in {what}: {error}. Expected all ranks to be there. "
                "One has died: look at its output.",
            ) from error

    def _break(self) -> None:
        """Note that the ranks are apart: at exit MPI would wait for the others forever."""
        if not self._broken:
            self._broken = True
            atexit.register(self._leave)

    def _leave(self) -> None:
        until = time.monotonic() + _FAREWELL
        try:
            request = self._farewell.Ibarrier()
            while time.monotonic() < until:
                if request.Test():
                    return
                time.sleep(_PAUSE)
        except self._mpi.Exception:
            pass
        self._farewell.Abort(1)


_ENDING: list[Any] = []  # once a process


def _end_all_on_an_error(comm: Any) -> None:
    """Have an exception that ends this process end the others, which would wait for it."""
    if _ENDING:
        return
    _ENDING.append(comm)
    before = sys.excepthook

    def told(*error: Any) -> None:
        before(*error)
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        comm.Abort(1)

    sys.excepthook = told
