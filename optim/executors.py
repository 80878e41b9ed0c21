"""Who runs trials and ranks: this process, several on this machine, or a dask cluster."""

from __future__ import annotations

import concurrent.futures
import contextlib
import os
import pickle
import signal
import socket
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from typing import Any, Protocol, runtime_checkable

from autograd_core.errors import ConfigError, MissingDependencyError, WorkerError
from autograd_core.options import COUNT, POSITIVE

__all__ = ["Dask", "Executor", "Processes"]

_THREADS = ("OMP", "OPENBLAS", "MKL", "BLIS", "VECLIB_MAXIMUM", "NUMEXPR")
_WIDTH = 64  # trials that are handed at once to an executor that does not say how many it runs
_FAREWELL = 20.0  # seconds for workers to end
_ASKED = 5.0  # seconds between two times that a scheduler is asked how it is
_ANSWER = 5.0  # seconds for a scheduler to say how it is


@runtime_checkable
class Executor(Protocol):
    """What a search asks of those who run its trials.

    Every executor of `concurrent.futures` is one. A future has ``add_done_callback(function)``,
    ``result(timeout=...)`` and ``cancel()``.
    """

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Any:
        """Begin ``function(*arguments)`` somewhere, and give a future of it."""


class Workers:
    """An executor as the search uses it: how many trials it is given at once, and how it is.

    Attributes
    ----------
    width : int
        Trials that are handed over before one is finished.
    packs : bool
        Whether trials go to other processes.
    """

    width = _WIDTH
    packs = True

    def __init__(self, executor: Executor | None = None) -> None:
        self._executor = executor
        if isinstance(executor, concurrent.futures.ThreadPoolExecutor):
            self.packs = False

    def begin(self) -> None:
        """Before the first trial."""

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Any:
        """Begin a trial."""
        if self._executor is None:
            raise NotImplementedError
        return self._executor.submit(function, *arguments)

    def cancel(self, future: Any) -> None:
        """Leave out a trial that has not begun, if that is possible."""
        future.cancel()

    def trouble(self) -> str | None:
        """Why no result will come, if that is known."""
        return None

    def seen_from_workers(self) -> str:
        """The address under which workers reach this process."""
        return "127.0.0.1"

    def end(self, at_once: bool) -> None:
        """After the last trial; ``at_once`` where some still run, and are not wanted."""


class Here(Workers):
    """Nobody but this process: one trial after the other."""

    width = 1
    packs = False

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Any:
        """Run a trial."""
        future: concurrent.futures.Future[Any] = concurrent.futures.Future()
        future.set_result(function(*arguments))
        return future


class Processes(Workers):
    """Processes on this machine, by joblib's loky.

    Lambdas and local functions are trials, too. Each process computes with one thread, so that they do not
    wait for one another's, and a trial's numbers do not depend on how many there are.

    Parameters
    ----------
    workers : int, ≥ 1, optional
        Default: one for each processor that this process may use.
    threads : int, ≥ 1
        Of BLAS in each of them.

    Raises
    ------
    MissingDependencyError
        If joblib is not installed.

    Examples
    --------
    >>> Processes(2)
    Processes(2)
    """

    def __init__(self, workers: int | None = None, threads: int = 1) -> None:
        super().__init__()
        self.workers = None if workers is None else COUNT.check("Processes: workers", workers)
        self.threads = COUNT.check("Processes: threads", threads)

    def begin(self) -> None:
        """Start them."""
        try:
            from joblib import cpu_count
            from joblib.externals.loky import ProcessPoolExecutor
        except ImportError as error:
            raise MissingDependencyError(
                "Processes",
                'joblib is not installed. Expected the extra "sweep". Run: pip install "gradproof[sweep]".',
            ) from error
        count = self.workers or cpu_count()
        self.width = count + 1
        self._pool = ProcessPoolExecutor(
            count,
            initializer=settle,
            initargs=(os.getpid(),),
            env={f"{library}_NUM_THREADS": str(self.threads) for library in _THREADS},
        )

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Any:
        """Begin a trial in one of them."""
        with _without_interrupts():
            return self._pool.submit(function, *arguments)

    def end(self, at_once: bool) -> None:
        """Stop them, and wait until they are gone, for some time."""
        pool = self._pool
        processes = list((getattr(pool, "_processes", None) or {}).values())
        ending = threading.Thread(
            target=pool.shutdown, kwargs={"wait": True, "kill_workers": at_once}, daemon=True
        )
        ending.start()
        ending.join(_FAREWELL)
        if ending.is_alive():  # a trial has left something running in them, such as a thread
            for process in processes:
                with contextlib.suppress(OSError, ValueError):  # gone meanwhile
                    process.terminate()
            ending.join(_FAREWELL)

    def __repr__(self) -> str:
        threads = f", threads={self.threads}" if self.threads != 1 else ""
        return f"Processes({'' if self.workers is None else self.workers}{threads})"


@contextlib.contextmanager
def _without_interrupts() -> Iterator[None]:
    """Context in which Ctrl-C waits, here and for ever in what is started: it would end a worker that begins."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Dask(Workers):
    """A dask cluster: workers on any number of machines, on each of which gradproof is installed.

    Trials of a worker that dies are run by others; one that ends several workers is a failed trial.

    Parameters
    ----------
    client : distributed.Client or str
        A client, or the address of a scheduler.
    patience : float, > 0
        Seconds without a scheduler, or without any worker, after which the search gives up.

    Raises
    ------
    MissingDependencyError
        If dask is not installed.
    ConfigError
        If ``client`` is neither.

    Notes
    -----
    Trials are sent to workers, and the trial function with them: let it read large data itself, once a
    process (`HeldOut` takes a function for that). How many threads BLAS has there is the workers' business:
    dask's nannies set one.
    """

    def __init__(self, client: Any, patience: float = 60.0) -> None:
        super().__init__()
        self.patience = POSITIVE.check("Dask: patience", patience)
        try:
            import distributed
        except ImportError as error:
            raise MissingDependencyError(
                "Dask",
                'distributed, of dask, is not installed. Expected the extra "sweep". '
                'Run: pip install "gradproof[sweep]".',
            ) from error
        self._distributed: Any = distributed  # without types
        if not isinstance(client, distributed.Client | str):
            raise ConfigError(
                "Dask",
                f"client: expected a distributed.Client or an address; received {client!r:.60}.",
            )
        self._given = client
        self._well = self._next = time.monotonic()

    def begin(self) -> None:
        """Connect."""
        if isinstance(self._given, str):
            try:
                self._client = self._distributed.Client(
                    self._given, timeout=self.patience, set_as_default=False
                )
            except (OSError, ValueError) as error:
                raise WorkerError(
                    "Dask",
                    f"no scheduler answers at {self._given}: {error}. Expected one. Start it, or mend the address.",
                ) from error
        else:
            self._client = self._given
        self._well = self._next = time.monotonic()
        self.trouble()

    def _running(self) -> int:
        """How many trials the cluster runs at once."""
        client = self._client
        told = client.sync(client.scheduler.identity, callback_timeout=_ANSWER)
        return sum(worker.get("nthreads", 1) for worker in told["workers"].values())

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Any:
        """Begin a trial on the cluster; each is run, however alike another is."""
        if self._client.status == "running":
            self._well = time.monotonic()
        return self._client.submit(function, *arguments, pure=False)

    def cancel(self, future: Any) -> None:
        """Say that it is not wanted; to wait until all is cancelled would be to wait for the scheduler."""
        future.release()

    def trouble(self) -> str | None:
        """Whether scheduler and workers have been away for too long."""
        connected = self._client.status == "running"
        if connected and time.monotonic() >= self._next:
            self._next = time.monotonic() + min(_ASKED, self.patience / 4)
            with contextlib.suppress(Exception):  # what cannot be asked is not there
                running = self._running()
                if running:
                    self._well, self.width = time.monotonic(), 2 * running + 2
        away = time.monotonic() - self._well
        if away < self.patience:
            return None
        what = "the cluster has no workers" if connected else "the scheduler does not answer"
        return f"{what}, for {away:.0f} seconds"

    def seen_from_workers(self) -> str:
        """Of this machine's addresses the one by which it reaches the scheduler."""
        place = urllib.parse.urlsplit(self._client.scheduler.address)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:  # nothing is sent
            probe.connect((place.hostname or "127.0.0.1", place.port or 9))
            return str(probe.getsockname()[0])

    def end(self, at_once: bool) -> None:
        """Close a client of our own."""
        if isinstance(self._given, str):
            with contextlib.suppress(Exception):
                self._client.close(timeout=_FAREWELL)


def workers_of(operation: str, executor: Any) -> Workers:
    """What ``executor`` means.

    Parameters
    ----------
    executor : Workers, Executor, distributed.Client, int or None
        An int is that many processes, None this one.
    """
    if executor is None:
        return Here()
    if isinstance(executor, Workers):
        return executor
    if isinstance(executor, int) and not isinstance(executor, bool):
        return Processes(executor)
    if type(executor).__module__.partition(".")[0] == "distributed" and hasattr(
        executor, "scheduler_info"
    ):
        return Dask(executor)
    if isinstance(executor, Executor) and not isinstance(executor, type):
        return Workers(executor)
    raise ConfigError(
        operation,
        "executor: expected a number of processes, optim.Processes(), optim.Dask(client), an executor of "
        f"concurrent.futures, or None; received {executor!r:.60}.",
    )


# --- to a worker, and in it -----------------------------------------------------------------------------


def packed(operation: str, what: str, value: Any) -> bytes:
    """What is to be unpickled in another process.

    Raises
    ------
    ConfigError
        If it cannot be pickled; says what.
    MissingDependencyError
        If it could be, were cloudpickle there.
    """
    try:
        import cloudpickle
    except ImportError:
        cloudpickle = None
    try:
        # Functions of a program's own file, lambdas and local ones go by value: workers have not run that file.
        return bytes((cloudpickle or pickle).dumps(value))
    except Exception as error:
        if cloudpickle is None:
            raise MissingDependencyError(
                operation,
                f"{what} cannot be sent to another process by pickle ({error}), and cloudpickle is not installed. "
                'Expected the extra "sweep". Run: pip install "gradproof[sweep]".',
            ) from error
        raise ConfigError(
            operation,
            f"{what} cannot be sent to another process: {type(error).__name__}: {error}. Expected what can be "
            "pickled. Open files, locks and connections inside of the trial; or leave executor out.",
        ) from error


def leave_interrupts_to_the_parent() -> None:
    """A terminal sends Ctrl-C to all processes: the one that runs the search decides."""
    import multiprocessing

    child = multiprocessing.parent_process() is not None
    if child and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def settle(parent: int) -> None:
    """A worker of our own, when it begins: it ends when the process ends that began it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    if os.name == "posix":
        threading.Thread(target=watch, daemon=True, name="parent-watch").start()
