"""Backends: what runs a captured step. Native code where it can be had, else NumPy."""

from __future__ import annotations

import functools
import importlib
import importlib.util
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from ..aliases import Array
from ..errors import CompileWarning, MissingDependencyError
from ..frames import warn
from ..options import COUNT, Choice
from ..program import Program
from .captured import Captured, whole
from .locks import Locked

__all__ = ["BACKENDS", "Compiled", "Runner", "check_backend", "compiled_by", "prepared"]

BACKENDS = ("native", "numpy")


class Runner(Protocol):
    """A captured step that is ready to run, again and again."""

    def run(self, arguments: Sequence[Array], scalars: Sequence[float]) -> list[Any]:
        """One step: writes are in place, outputs (but for the checks) in memory of their own.

        Raises
        ------
        CheckFailed
            What ``captured.checks`` gives for the first check that is False; nothing was written.
        """

    def many(
        self, count: int, arguments: Sequence[Array], scalars: Sequence[float]
    ) -> tuple[int, list[Any], Exception | None]:
        """Steps over the first axis of the arguments.

        Returns
        -------
        done : int
            Steps that were made.
        outputs : list of arrays
            Stacked; of the steps that were made.
        error : Exception or None
            Why it ended early.
        """

    def explain(self) -> dict[str, Any]:
        """Of the fields of `Explanation` those that are the backend's to say."""


_TOLD: set[str] = set()


def _broken() -> str | None:
    """Why llvmlite cannot be imported, though it is there; None if it can."""
    try:
        importlib.import_module("llvmlite.binding")
    except Exception as error:  # noqa: BLE001 - an ImportError inside of it, an OSError of its library
        return f"{type(error).__name__}: {error}"
    return None


def prepared(captured: Captured, backend: str | None, threads: int) -> tuple[str, Runner]:
    """The name of a backend, and its runner of a captured step.

    Parameters
    ----------
    backend : {"native", "numpy"}, optional
        Default: native where llvmlite is installed.

    Raises
    ------
    MissingDependencyError
        If native is asked for, and llvmlite is not installed, or cannot be imported.

    Warns
    -----
    CompileWarning
        If the default is NumPy, since llvmlite is installed and cannot be imported.
    """
    broken = None
    if backend != "numpy":
        installed = importlib.util.find_spec("llvmlite") is not None
        broken = _broken() if installed else None
        if backend is None:
            backend = "native" if installed and broken is None else "numpy"
        elif not installed:
            raise MissingDependencyError(
                "jit",
                'backend="native" needs llvmlite, which is not installed. Install the extra jit '
                '(pip install "gradproof[jit]"), or use backend="numpy".',
            )
        elif broken is not None:
            raise MissingDependencyError(
                "jit",
                f'backend="native" needs llvmlite, which is installed but cannot be imported ({broken}). '
                'Install it anew (pip install --force-reinstall llvmlite), or use backend="numpy".',
            )
    if broken is not None and broken not in _TOLD:
        _TOLD.add(broken)
        warn(
            f"jit: llvmlite is installed but cannot be imported ({broken}), so steps are run by NumPy. Install "
            'it anew (pip install --force-reinstall llvmlite), or say backend="numpy".',
            CompileWarning,
        )
    name = "native.runner" if backend == "native" else "straight_line"
    prepare: Callable[..., Runner] = importlib.import_module(f".{name}", __package__).prepare
    return backend, prepare(captured, threads=threads)


class Compiled:
    """What runs a Program without captures: by code that a backend has made of it, kept beside it.

    One for each backend and number of threads, from `compiled_by`: it is looked up at every run.

    Attributes
    ----------
    backend : str
    threads : int
    """

    def __init__(self, backend: str, threads: int) -> None:
        self.backend = backend
        self.threads = threads

    def __call__(self, body: Program[Any], operands: Sequence[Any]) -> list[Any]:
        """The outputs for arrays (and numbers for weak inputs), in memory of their own."""
        held = body.memo.get(self)
        if held is None:
            captured, arrays, scalars = whole(body)
            _, runner = prepared(captured, self.backend, self.threads)
            held = body.memo.setdefault(self, _Held(runner, arrays, scalars))
        found: list[Any] = held.run(body, operands)
        return found


class _Held(Locked):
    """A runner of a Program without captures."""

    def __init__(self, runner: Runner, arrays: list[int], scalars: list[int]) -> None:
        super().__init__()
        self._runner, self._arrays, self._scalars = runner, arrays, scalars

    def run(self, body: Program[Any], operands: Sequence[Any]) -> list[Any]:
        given = operands
        if self._scalars:
            given = [operands[k] for k in self._arrays]
        arrays = [
            a if type(a) is np.ndarray and a.dtype.isnative else np.asarray(a, body.inputs[k].dtype)
            for k, a in zip(self._arrays, given, strict=True)
        ]
        scalars = [float(operands[k]) for k in self._scalars]
        with self._lock:
            return self._runner.run(arrays, scalars)


@functools.cache
def compiled_by(backend: str, threads: int) -> Compiled:
    """The one of these."""
    return Compiled(backend, threads)


def check_backend(backend: Any, threads: Any, captures: Any) -> None:
    """Raise ConfigError for options that are none."""
    Choice((None, *BACKENDS)).check("jit: backend", backend)
    COUNT.check("jit: threads", threads)
    COUNT.check("jit: captures", captures)
