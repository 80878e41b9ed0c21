"""grid_search and random_search: every configuration, or some drawn at random, judged by held-out data."""

from __future__ import annotations

import os
import queue
import time
from collections.abc import Callable, Mapping
from typing import Any, Literal

from autograd_core.aliases import RandomSource
from autograd_core.errors import ConfigError, StateError, WorkerError
from autograd_core.options import COUNT, POSITIVE, SWITCH, Choice
from autograd_core.randomness import source_of

from ..executors import Executor, Workers, packed, workers_of
from ..training.interrupts import Interrupts
from ..training.monitoring import checked_name
from .display import Display, display_of
from .space import Configuration, Job, Space, jobs
from .store import Store
from .trial import Trial, checked, run, run_packed
from .trials import Trials

__all__ = ["grid_search", "random_search"]

_POLL = 0.25  # seconds between two looks at Ctrl-C and at how the workers are
_SAID = 300  # characters of an executor's error
_RESULT = 60.0  # seconds for a result that is there to be handed over


def grid_search(
    trial: Trial,
    space: Mapping[str, Any],
    *,
    repeats: int = 1,
    rng: RandomSource = None,
    monitor: str | None = None,
    mode: Literal["auto", "min", "max"] = "auto",
    store: str | os.PathLike[str] | None = None,
    retry: bool = False,
    executor: Executor | Workers | int | None = None,
    timeout: float = 86_400.0,
    callback: Callable[[dict[str, Any]], Any] | None = None,
    verbose: int | None = None,
    name: str | None = None,
) -> Trials:
    """Try every combination of the values of ``space``.

    Parameters
    ----------
    trial : callable
        ``trial(config, seed)``: a number, or a dict of named numbers, such as the loss on held-out data. With a
        third argument, ``trial(config, seed, report)``, it may tell how far it is: ``report(epoch=3, loss=0.2)``.
        What it draws should come from ``seed``. `HeldOut` makes one of a model.
    space : mapping
        Hyperparameter to a list of values, or to a dict of named values: ``{"unit": {"relu": nn.ReLU}}``.
    repeats : int, ≥ 1
        How often each is tried, each time with another seed.
    rng : numpy.random.Generator or int, optional
        What the trials' seeds come from. Left out, the file's, or a fresh one, which the table tells.
    monitor, mode
        Which of the numbers counts, and whether small ("min") or large ("max") is good: for ``trials.best``. Left
        out, the only number, or "val_loss", or "loss"; the direction shows in names like these.
    store : path-like, optional
        A file for a row of each finished trial, written at once. If it is there, the search goes on: start the same
        program again after a kill. Values may be added to the space, none taken away.
    retry : bool
        Try those again that failed when the file was written.
    executor : optional
        Who runs the trials. None: this process, one by one. A number: so many processes
        (`optim.Processes`). `optim.Dask`, or a client of dask; any executor of concurrent.futures.
    timeout : float, > 0
        Seconds without any finished trial after which the search gives up; of other processes, since in this one
        nothing can be given up. A day.
    callback : callable, optional
        Called with each new row, when it is stored.
    verbose : {None, 0, 1, 2}
        As in `fit`: 1 a bar on a terminal, 2 a line a trial. Default: the bar where somebody looks.
    name : str, optional
        What the file says that it is of. Default: the trial's name.

    Returns
    -------
    Trials
        A table, a dict of columns. A trial that raises is a row with its error.

    Raises
    ------
    ConfigError
        If the space, the trial or an option cannot be used; nothing was run.
    CheckpointError, StateError
        If the file cannot be used, or is of another search.
    WorkerError
        If a worker dies, the scheduler is gone, or no trial is finished for ``timeout`` seconds. Finished trials
        are in the file, and in the error's ``trials``.

    Notes
    -----
    * Ctrl-C: trials that run come to their end, no other begins, and the table of what there is is returned; a second
      one drops those that run.
    * A trial's seed depends on ``rng``, its configuration and its repetition alone.

    Examples
    --------
    >>> def trial(config, seed):
    ...     return (config["lr"] - 0.1) ** 2 + config["width"] / 1000
    >>> trials = grid_search(trial, {"lr": [0.01, 0.1, 1.0], "width": [8, 16]}, rng=0)
    >>> trials.best
    {'lr': 0.1, 'width': 8, 'value': 0.008}
    >>> trials["width"]
    [8, 16, 8, 16, 8, 16]
    """
    return _search(
        "grid_search", trial, Space("grid_search", space), None, repeats, rng, monitor, mode, store, retry,
        executor, timeout, callback, verbose, name,
    )  # fmt: skip


def random_search(
    trial: Trial,
    space: Mapping[str, Any],
    n: int,
    *,
    repeats: int = 1,
    rng: RandomSource = None,
    monitor: str | None = None,
    mode: Literal["auto", "min", "max"] = "auto",
    store: str | os.PathLike[str] | None = None,
    retry: bool = False,
    executor: Executor | Workers | int | None = None,
    timeout: float = 86_400.0,
    callback: Callable[[dict[str, Any]], Any] | None = None,
    verbose: int | None = None,
    name: str | None = None,
) -> Trials:
    """Try ``n`` configurations that are drawn at random.

    Parameters
    ----------
    trial, repeats, rng, monitor, mode, store, retry, executor, timeout, callback, verbose, name
        See `grid_search`.
    space : mapping
        Hyperparameter to a distribution (`optim.search.Uniform`, `LogUniform`, `Integers`), a list of values, or a
        dict of named values.
    n : int, ≥ 1
        How many; all are different. A larger ``n`` begins with the same ones, so a search goes on with more.

    Returns
    -------
    Trials

    Raises
    ------
    ConfigError, CheckpointError, StateError, WorkerError
        See `grid_search`; also if there are fewer configurations than ``n``.

    Examples
    --------
    >>> from optim.search import LogUniform
    >>> trials = random_search(
    ...     lambda config, seed: config["lr"], {"lr": LogUniform(1e-4, 1.0)}, 5, rng=0
    ... )
    >>> len(trials["lr"]), trials.best["value"] == min(trials["lr"])
    (5, True)

    References
    ----------
    Bergstra and Bengio (2012), Random search for hyper-parameter optimization.
    """
    n = COUNT.check("random_search: n", n)
    return _search(
        "random_search", trial, Space("random_search", space), n, repeats, rng, monitor, mode, store, retry,
        executor, timeout, callback, verbose, name,
    )  # fmt: skip


def _search(
    operation: str,
    trial: Trial,
    space: Space,
    n: int | None,
    repeats: int,
    rng: RandomSource,
    monitor: str | None,
    mode: str,
    store: str | os.PathLike[str] | None,
    retry: bool,
    executor: Any,
    timeout: float,
    callback: Callable[[dict[str, Any]], Any] | None,
    verbose: int | None,
    name: str | None,
) -> Trials:
    function = checked(operation, trial)
    COUNT.check(f"{operation}: repeats", repeats)
    Choice(("auto", "min", "max")).check(f"{operation}: mode", mode)
    if monitor is not None:  # before any trial, not when the table is made
        checked_name(operation, monitor)
    SWITCH.check(f"{operation}: retry", retry)
    timeout = POSITIVE.check(f"{operation}: timeout", timeout)
    if callback is not None and not callable(callback):
        raise ConfigError(
            operation, f"callback: expected a function (row); received {callback!r:.60}."
        )
    if verbose not in (None, 0, 1, 2):
        raise ConfigError(operation, f"verbose: expected 0, 1, 2 or None; received {verbose!r}.")
    if n is None:
        space.grid()  # refused before anything is opened
    workers = workers_of(operation, executor)
    source = source_of(rng, operation)
    root, seed = int(source.generator.integers(2**32)), source.seed
    rows: dict[str, dict[str, Any]] = {}
    file = None
    if store is not None:
        search = {
            "search": operation,
            "name": getattr(trial, "__qualname__", type(trial).__qualname__)
            if name is None
            else name,
            "space": space.describe(),
            "seed": seed,
            "root": root,
        }
        file = Store(operation, store, search, ("seed", "root") if rng is None else ("seed",))
        root, seed = file.search["root"], file.search["seed"]
    try:
        plan = list(jobs(space.grid() if n is None else space.random(n, root), repeats, root))
        if file is not None:
            rows = _found(operation, file, plan, retry)
        search_ = _Search(operation, function, plan, rows, file, workers, timeout, callback)
        return search_.go(display_of(verbose), seed, monitor, None if mode == "auto" else mode)
    finally:
        if file is not None:
            file.close()


def _found(operation: str, file: Store, plan: list[Job], retry: bool) -> dict[str, dict[str, Any]]:
    """The file's rows by job, if each is one of the plan's."""
    planned = {job.key: job for job in plan}
    keyed = {_key(row): row for row in file.rows}
    others = [row for key, row in keyed.items() if key not in planned]
    if others:
        raise StateError(
            operation,
            f"{file.path} holds {len(others)} of {len(keyed)} rows that are not of this search, the first of "
            f"{others[0]['config']}, repetition {others[0]['repeat']}; nothing was changed. Expected a space, n and repeats "
            "that hold all that was tried: values may be added, and none taken away. Add them, or choose another file.",
        )
    if retry and any(row["error"] is not None for row in keyed.values()):
        keyed = {key: row for key, row in keyed.items() if row["error"] is None}
        file.keep(list(keyed.values()))
    return keyed


def _key(row: Mapping[str, Any]) -> str:
    return Job(Configuration({}, row["config"]), row["repeat"], 0).key


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split()).rstrip(".")
    return text if len(text) <= _SAID else text[: _SAID - 1] + "…"


class _Search:
    """One search, from its first trial to its last."""

    def __init__(
        self,
        operation: str,
        function: Trial,
        plan: list[Job],
        rows: dict[str, dict[str, Any]],
        file: Store | None,
        workers: Workers,
        timeout: float,
        callback: Callable[[dict[str, Any]], Any] | None,
    ) -> None:
        self._operation, self._function, self._plan, self._rows = operation, function, plan, rows
        self._file, self._workers, self._timeout, self._callback = file, workers, timeout, callback
        self._waiting: dict[str, tuple[Any, Job]] = {}
        self._finished: queue.SimpleQueue[str] = queue.SimpleQueue()

    def go(
        self, display: Display, seed: int | None, monitor: str | None, mode: str | None
    ) -> Trials:
        """Run what is not there yet."""

        def table(stopped_by: str) -> Trials:
            trials = Trials(self._plan, self._rows, seed, monitor, mode)
            trials.stopped_by = stopped_by
            return trials

        todo = [job for job in self._plan if job.key not in self._rows]
        if not todo:
            return table("done")
        packed_trial = (
            packed(self._operation, "trial", self._function) if self._workers.packs else b""
        )
        self._workers.begin()
        stopped_by, ended = "done", ""
        display.begin(len(self._rows), len(self._plan))
        with Interrupts() as interrupts:
            try:
                self._run(todo, packed_trial, display, interrupts)
                if interrupts.requested and len(self._rows) < len(self._plan):
                    stopped_by = "Ctrl-C"
            except KeyboardInterrupt:
                stopped_by = "Ctrl-C"
            except Exception as error:
                stopped_by = type(error).__name__
                error.trials = table(stopped_by)  # type: ignore[attr-defined]
                where = f", and in {self._file.path}" if self._file else ""
                error.add_note(
                    f"{len(self._rows)} finished trials are in this error's .trials{where}."
                )
                raise
            finally:
                if stopped_by != "done":
                    ended = f"Stopped by {stopped_by}: {len(self._rows)} of {len(self._plan)} trials are finished."
                display.end(ended)
                for future, _ in self._waiting.values():
                    self._workers.cancel(future)
                self._workers.end(at_once=stopped_by != "done")
        return table(stopped_by)

    def _run(
        self, todo: list[Job], packed_trial: bytes, display: Display, interrupts: Interrupts
    ) -> None:
        ahead, last = iter(todo), time.monotonic()
        more = True
        while more or self._waiting:
            while more and len(self._waiting) < self._workers.width and not interrupts.requested:
                job = next(ahead, None)
                if job is None:
                    more = False
                else:
                    self._submit(job, packed_trial)
            if interrupts.requested and more:
                more = False
                self._leave_out()
            if not self._waiting:
                continue
            try:
                key = self._finished.get(timeout=_POLL)
            except queue.Empty:
                self._look(last)
                continue
            last = time.monotonic()
            future, job = self._waiting.pop(key)
            outcome = self._outcome(future, job, interrupts)
            if outcome is not None:
                self._keep(job, outcome, display)

    def _submit(self, job: Job, packed_trial: bytes) -> None:
        values, seed = job.configuration.values, job.seed
        try:
            if self._workers.packs:
                config = packed(
                    self._operation, f"the configuration {job.configuration.labels}", values
                )
                future = self._workers.submit(run_packed, packed_trial, config, seed)
            else:
                future = self._workers.submit(run, self._function, values, seed)
        except ConfigError:
            raise
        except Exception as error:
            raise self._lost(
                f"a trial cannot be handed over: {type(error).__name__}: {error}"
            ) from error
        self._waiting[job.key] = future, job
        future.add_done_callback(lambda _: self._finished.put(job.key))

    def _outcome(self, future: Any, job: Job, interrupts: Interrupts) -> dict[str, Any] | None:
        """What a trial gave; None if it does not count."""
        try:
            outcome: dict[str, Any] = future.result(timeout=_RESULT)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # whatever an executor says
            kind = type(error).__name__
            if interrupts.requested:  # cancelled, or a worker that Ctrl-C reached as well
                return None
            if kind == "KilledWorker":  # dask: of this trial alone, after it ended several workers
                return {
                    "values": {}, "error": f"{kind}: {error}", "seconds": float("nan"), "worker": "", "reports": []
                }  # fmt: skip
            raise self._lost(
                f"a worker died, or the scheduler is gone: {kind}: {_one_line(error)}", job
            ) from error
        # A trial that was interrupted may have ended as if it were done: `fit` does.
        return None if interrupts.insisted else outcome

    def _keep(self, job: Job, outcome: dict[str, Any], display: Display) -> None:
        row = {
            "config": job.configuration.labels,
            "repeat": job.repeat,
            "seed": job.seed,
            **outcome,
        }
        if self._file is not None:
            self._file.add(row)
        self._rows[job.key] = row
        display.trial(row)
        if self._callback is not None:
            self._callback(row)

    def _leave_out(self) -> None:
        for future, _ in self._waiting.values():
            self._workers.cancel(future)

    def _look(self, last: float) -> None:
        trouble = self._workers.trouble()
        if trouble is not None:
            raise self._lost(trouble)
        if time.monotonic() - last > self._timeout:
            raise self._lost(f"no trial was finished for {self._timeout:g} seconds (timeout=)")

    def _lost(self, why: str, job: Job | None = None) -> WorkerError:
        out = [j for _, j in self._waiting.values()] + ([job] if job else [])
        shown = ", ".join(str(j.configuration.labels) for j in out[:4])
        return WorkerError(
            self._operation,
            f"{why}. Expected workers that finish what they begin. {len(self._rows)} of {len(self._plan)} trials are "
            f"finished and kept; not finished are {shown or 'none'}{', …' if len(out) > 4 else ''}. "
            + (
                "Start the same search again to go on."
                if self._file
                else "With store= a search goes on where it was."
            ),
        )
