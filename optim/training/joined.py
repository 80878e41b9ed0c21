"""on_ranks: a program in several processes that train together, on the workers of any executor.

mpiexec starts ranks by itself, and MPI joins them. Workers of joblib or dask know nothing of each other: here
they are joined by connections to the process that started them, which adds up what they send.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import pickle
import secrets
import socket
import struct
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core.aliases import Array
from autograd_core.errors import ConfigError, WorkerError
from autograd_core.options import COUNT, POSITIVE

from ..executors import (
    Executor,
    Here,
    Processes,
    Workers,
    leave_interrupts_to_the_parent,
    packed,
    workers_of,
)
from .interrupts import Interrupts
from .parallel import Parallel, Ranks

__all__ = ["on_ranks"]

_POLL = 0.1  # seconds between two looks at the ranks
_NONCE = 32  # bytes
_GO = b"go"
_GREETING = 10.0  # seconds for a connection to say who it is
_TOGETHER = 5.0  # seconds in which other ranks tell what is wrong, when one has told


def on_ranks(
    program: Callable[[Parallel], Any],
    ranks: int,
    executor: Executor | Workers | int | None = None,
    *,
    host: str | None = None,
    timeout: float = 600.0,
) -> list[Any]:
    """Run ``program(parallel)`` in several workers at once, which share the batches of `fit` out.

    Parameters
    ----------
    program : callable
        Makes data and model, calls ``fit(..., parallel=parallel)``, and returns what is wanted of it, such as
        ``model.state_dict()``. Each rank runs it, with a ``parallel`` of its own.
    ranks : int, ≥ 1
        How many.
    executor : optional
        Whose workers: see `grid_search`. It has to run that many at once. Default: so many processes here.
    host : str, optional
        The address under which workers reach this process. Default: where they are started from here, 127.0.0.1;
        for a dask cluster, the one by which this process reaches its scheduler.
    timeout : float, > 0
        Seconds until all ranks are there, and that a rank waits for the others in one exchange.

    Returns
    -------
    list
        What each rank returned, rank 0 first.

    Raises
    ------
    ConfigError
        If ``program`` cannot be sent, or the executor is none.
    WorkerError
        If a rank fails, dies or does not come; says which, and why.

    Notes
    -----
    As with `MPI`, a run is that of one process to rounding, and an error in one rank is one in all. Gradients travel
    by way of this process, one flat buffer an update: for large models or many ranks MPI is faster. Connections are
    open to those only that know the key of this call.

    Examples
    --------
    >>> import nn, optim
    >>> def program(parallel):
    ...     x = np.linspace(-1, 1, 32)[:, None]
    ...     model = nn.Linear(1, 1, rng=0, dtype=np.float64)
    ...     optimizer = optim.SGD(model.parameters(), lr=0.5)
    ...     optim.fit(
    ...         model,
    ...         nn.MSELoss(),
    ...         optimizer,
    ...         (x, 2 * x),
    ...         epochs=20,
    ...         batch_size=8,
    ...         rng=0,
    ...         parallel=parallel,
    ...     )
    ...     return model.weight.item()
    >>> first, second = on_ranks(program, 2)  # doctest: +SKIP
    >>> first == second  # doctest: +SKIP
    True
    """
    count = COUNT.check("on_ranks: ranks", ranks)
    timeout = POSITIVE.check("on_ranks: timeout", timeout)
    if not callable(program):
        raise ConfigError(
            "on_ranks", f"program: expected a function (parallel); received {program!r:.60}."
        )
    workers = Processes(count) if executor is None else workers_of("on_ranks", executor)
    if isinstance(workers, Here):
        raise ConfigError("on_ranks", "executor: expected one with several workers.")
    if isinstance(workers, Processes) and (workers.workers or count) < count:
        raise ConfigError(
            "on_ranks", f"executor: expected at least {count} processes; received {workers!r}."
        )
    sent = packed("on_ranks", "program", program) if workers.packs else program
    workers.begin()
    address = host or workers.seen_from_workers()
    done = False
    with Interrupts() as interrupts, contextlib.closing(_Hub(address, count, timeout)) as hub:
        try:
            futures = [
                workers.submit(_rank, sent, rank, count, hub.address, hub.key, timeout)
                for rank in range(count)
            ]
            results = _collected(futures, workers, hub, interrupts)
            done = True
        finally:
            hub.close()
            workers.end(at_once=not done)
    return results


def _collected(
    futures: list[Any], workers: Workers, hub: _Hub, interrupts: Interrupts
) -> list[Any]:
    """What all ranks returned; or the error of the first that failed by itself."""
    told: dict[int, tuple[str, Any]] = {}
    trouble: str | None = None
    until: float | None = None
    while len(told) < len(futures) and (until is None or time.monotonic() < until):
        for rank, future in enumerate(futures):
            if rank not in told and future.done():
                try:
                    told[rank] = future.result(timeout=_GREETING)
                except Exception as error:  # noqa: BLE001 - whatever an executor says
                    words = " ".join(str(error).split())[:300]
                    told[rank] = "died", f"{type(error).__name__}: {words}"
        trouble = trouble or hub.trouble or workers.trouble()
        if until is None and (trouble or any(kind != "value" for kind, _ in told.values())):
            until = time.monotonic() + _TOGETHER
            hub.close()
        if interrupts.requested:
            raise KeyboardInterrupt
        time.sleep(_POLL)
    wrong = {rank: found for rank, found in told.items() if found[0] != "value"}
    if not wrong and not trouble:
        return [told[rank][1] for rank in range(len(futures))]
    # A rank that only heard of it comes last.
    kinds = ["error", "died", "heard"]
    rank = min(wrong, key=lambda r: (kinds.index(wrong[r][0]), r), default=-1)
    why = f"rank {rank} of {len(futures)}: {wrong[rank][1]}" if rank >= 0 else ""
    if trouble and (rank < 0 or wrong[rank][0] == "heard"):
        why = trouble
    raise WorkerError(
        "on_ranks",
        f"{why}. Expected all ranks to come to the end together. Mend that, and begin again; with a checkpoint, from "
        "where it was.",
    )


# --- in a rank --------------------------------------------------------------------------------------------


def _rank(
    program: Any, rank: int, size: int, address: tuple[str, int], key: bytes, timeout: float
) -> tuple[str, Any]:
    """Run the program in a worker: what it returned, or what went wrong, in words."""
    leave_interrupts_to_the_parent()
    try:
        function = pickle.loads(program) if isinstance(program, bytes) else program  # noqa: S301 - of the caller
        with contextlib.closing(_Joined(rank, size, address, key, timeout)) as parallel:
            return "value", function(parallel)
    except WorkerError as error:
        return "heard", error.reason.rstrip(".")
    except (Exception, SystemExit) as error:  # noqa: BLE001 - told to the one who asked
        last = traceback.extract_tb(error.__traceback__)[-1]
        return "error", f"{type(error).__name__}: {error} ({last.filename}, line {last.lineno})"


class _Joined(Ranks):
    """A rank with a connection to the hub."""

    def __init__(
        self, rank: int, size: int, address: tuple[str, int], key: bytes, timeout: float
    ) -> None:
        super().__init__()
        self.rank, self.size = rank, size
        try:
            self._line = _Line(socket.create_connection(address, _GREETING), timeout)
            mine = secrets.token_bytes(_NONCE)
            self._line.send(mine)
            theirs = self._line.receive(_NONCE + 32)
            if not hmac.compare_digest(
                theirs[_NONCE:], _sealed(key, b"hub", mine, theirs[:_NONCE])
            ):
                raise OSError("it does not know the key")
            number = struct.pack(">I", rank)
            self._line.send(number + _sealed(key, number, theirs[:_NONCE], mine))
            self._line.receive(len(_GO), timeout + 2 * _GREETING)  # all are there
        except OSError as error:
            if hasattr(self, "_line"):
                self._line.close()
            raise WorkerError(
                "on_ranks",
                f"rank {rank} cannot reach {address[0]}:{address[1]}, where ranks are joined: {error}. Expected the process "
                "that started it. Pass host=, an address of that machine; a rank that was started again comes too late",
            ) from error

    def sum(self, array: Array) -> None:
        """There and back."""
        answer = self._asked(b"s" + array.dtype.char.encode() + array.tobytes())
        array[...] = np.frombuffer(answer, array.dtype).reshape(array.shape)

    def broadcast(self, data: bytes, root: int) -> bytes:
        """What ``root`` sent."""
        answer = self._asked(b"b" + struct.pack(">I", root) + (data if self.rank == root else b""))
        return data if self.rank == root else answer

    def _asked(self, message: bytes) -> bytes:
        try:
            self._line.send(message)
            return self._line.receive()
        except TimeoutError as error:
            raise WorkerError(
                "on_ranks",
                f"rank {self.rank} of {self.size} waited {self._line.timeout:g} seconds for the others. Expected all of them",
            ) from error
        except OSError as error:
            raise WorkerError(
                "on_ranks",
                f"rank {self.rank} of {self.size} lost the others: {error or 'the connection was closed'}",
            ) from error

    def close(self) -> None:
        """Leave."""
        self._line.close()


class _Line:
    """A connection on which messages go as a whole."""

    def __init__(self, connection: socket.socket, timeout: float) -> None:
        self.timeout, self._socket = timeout, connection
        connection.settimeout(timeout)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, message: bytes) -> None:
        self._socket.sendall(struct.pack(">Q", len(message)) + message)

    def receive(self, most: int | None = None, seconds: float | None = None) -> bytes:
        if seconds is not None:
            self._socket.settimeout(seconds)
        try:
            return self._received(most)
        finally:
            if seconds is not None:
                self._socket.settimeout(self.timeout)

    def _received(self, most: int | None) -> bytes:
        (length,) = struct.unpack(">Q", self._exactly(8))
        if most is not None and length > most:
            raise OSError("a message that is too long")
        return self._exactly(length)

    def _exactly(self, count: int) -> bytes:
        buffer = bytearray(count)
        view, got = memoryview(buffer), 0
        while got < count:
            read = self._socket.recv_into(view[got:])
            if not read:
                raise ConnectionResetError("the connection was closed")
            got += read
        return bytes(buffer)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def _sealed(key: bytes, *parts: bytes) -> bytes:
    return hmac.new(key, b"".join(parts), hashlib.sha256).digest()


# --- where they are joined ----------------------------------------------------------------------------------


class _Hub:
    """Adds up what ranks send, and hands on what one has for all.

    Attributes
    ----------
    address : (str, int)
    key : bytes
        What a connection has to know, before anything of it is read.
    trouble : str or None
        What is wrong.
    """

    def __init__(self, host: str, count: int, timeout: float) -> None:
        self.key = secrets.token_bytes(32)
        self.trouble: str | None = None
        self._count, self._timeout = count, timeout
        self._lines: dict[int, _Line] = {}
        self._closed = False
        self._listener = socket.create_server((host if host == "127.0.0.1" else "", 0))
        self._listener.settimeout(_POLL)
        self.address = (host, self._listener.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True, name="joined-ranks").start()

    def _serve(self) -> None:
        try:
            self._gather()
            order = [self._lines[rank] for rank in range(self._count)]
            for line in order:
                line.send(_GO)
            while not self._closed:
                messages = [line.receive() for line in order]
                answers = _answers(messages)
                for line, answer in zip(order, answers, strict=True):
                    line.send(answer)
        except (OSError, ValueError, KeyError):
            pass  # a rank has left, in good order or not: its future says which
        finally:
            for line in self._lines.values():
                line.close()

    def _gather(self) -> None:
        until = time.monotonic() + self._timeout
        while len(self._lines) < self._count:
            if self._closed:
                raise ConnectionAbortedError
            if time.monotonic() > until:
                self.trouble = (
                    f"{len(self._lines)} of {self._count} ranks were there after {self._timeout:g} seconds; does the "
                    "executor run that many at once?"
                )
                raise ConnectionAbortedError(self.trouble)
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                continue
            line = _Line(connection, _GREETING)
            try:
                rank = self._greeted(line)
            except OSError:
                line.close()
                continue
            connection.settimeout(
                None
            )  # ranks wait for one another, and each says so when it was too long
            self._lines[rank] = line

    def _greeted(self, line: _Line) -> int:
        theirs = line.receive(_NONCE)
        mine = secrets.token_bytes(_NONCE)
        line.send(mine + _sealed(self.key, b"hub", theirs, mine))
        answer = line.receive(4 + 32)
        (rank,) = struct.unpack(">I", answer[:4])
        if not hmac.compare_digest(answer[4:], _sealed(self.key, answer[:4], mine, theirs)):
            raise ConnectionRefusedError
        if rank >= self._count or rank in self._lines:
            raise ConnectionRefusedError
        return int(rank)

    def close(self) -> None:
        """Let nobody in, and everybody go."""
        self._closed = True
        self._listener.close()
        for line in list(self._lines.values()):
            line.close()


def _answers(messages: list[bytes]) -> list[bytes]:
    """What each rank gets for what all have sent."""
    if len({message[:1] for message in messages}) != 1:
        raise ValueError("ranks are at different places")
    if messages[0][:1] == b"s":
        dtype = np.dtype(messages[0][1:2].decode())
        total = np.frombuffer(messages[0][2:], dtype).copy()
        for message in messages[1:]:  # in the order of ranks: the same sum in every run
            total += np.frombuffer(message[2:], dtype)
        return [total.tobytes()] * len(messages)
    (root,) = struct.unpack(">I", messages[0][1:5])
    data = messages[root][5:]
    return [b"" if rank == root else data for rank in range(len(messages))]
