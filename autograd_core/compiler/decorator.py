"""The decorator `jit`, with `jit.check` and `jit.explain`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, overload

from ..errors import ConfigError
from .backends import check_backend
from .comparison import Comparison
from .explanation import Explanation
from .steps import KEPT, Step

__all__ = ["jit"]


class _Jit:
    """Compile a function: `jit`."""

    @overload
    def __call__(
        self,
        function: Callable[..., Any],
        *,
        backend: str | None = ...,
        keep_grads: bool = ...,
        threads: int = ...,
        captures: int = ...,
    ) -> Step: ...

    @overload
    def __call__(
        self,
        function: None = ...,
        *,
        backend: str | None = ...,
        keep_grads: bool = ...,
        threads: int = ...,
        captures: int = ...,
    ) -> Callable[[Callable[..., Any]], Step]: ...

    def __call__(
        self,
        function: Callable[..., Any] | None = None,
        *,
        backend: str | None = None,
        keep_grads: bool = False,
        threads: int = 1,
        captures: int = KEPT,
    ) -> Any:
        """Compile a function: a training step, a model, a derivative.

        The first call runs the function once on arrays without values and writes down what it does:
        that Program is run from then on, whenever the function is called with arguments of the same
        shapes. What else it depends on is guarded; a change makes the next call capture it anew.

        Parameters
        ----------
        function : callable
            Of arrays, Tensors, numbers and nested lists, tuples and dicts of them, to the same. It may
            take gradients, call modules, `Optimizer.zero_grad` and `Optimizer.step`, and ``assign`` to
            tensors that it closes over.
        backend : {"native", "numpy"}, optional
            Default: native code where llvmlite is installed (the extra ``jit``), else NumPy.
        keep_grads : bool
            Whether ``.grad`` holds the gradient after a step. By default it is used up within the step,
            and reading it says so.
        threads : int
            How many threads large operations may use.
        captures : int
            How many captures are kept, for different shapes and values; of more, what was not used for
            the longest time is let go.

        Returns
        -------
        Step
            Called like the function. Where the function's own result would require a gradient, so does
            the step's: see the notes. ``step.many(xs, ts)`` makes many steps in one call;
            ``step.function`` is the function.

        Raises
        ------
        CaptureError
            At a call, if the function asks an array for its values (``if x > 0``, ``float(x)``), assigns
            to an argument, or depends on what cannot be watched (see the notes).
        MissingDependencyError
            At a call, if ``backend="native"`` and llvmlite is not installed.
        ConfigError
            If an option is none.

        Warns
        -----
        RecompileWarning
            Once, where it is compiled again and again: for each value of an ``int`` argument, for a tensor
            that is made anew, for more shapes than captures are kept.
        CompileWarning
            Once, where it cannot be compiled: it asks for the ``.grad`` of an argument that requires one.

        Notes
        -----
        * In a graph outside, a call is one operation. Gradients of any order go through it to arguments
          that require one, and to whatever the function closes over: parameters, tensors that were
          computed before, what an outer `grad` differentiates by. Its pullback is compiled, too, from the
          second time on that one is asked for. Under `no_grad` nothing is recorded.
        * A step that took gradients itself (``backward``, ``Optimizer.step``) or wrote what is trained has
          used its graph up: a gradient that is asked of its results is an error that says so.
        * Arrays become inputs, Python floats number inputs; ints, bools, strings and other objects are
          part of what was captured.
        * What a compiled function depends on is an argument, is watched, or is refused by name; it is
          never stale. The function is followed while it is captured, instruction by instruction: the
          globals, closure cells, attributes, entries and containers that it and what it calls read,
          whatever the way, are watched (numbers and strings by value, containers by what they hold, all
          else by identity), as are shapes and dtypes, arguments that are no arrays, modules and
          their modes, the rule of an optimizer and ``requires_grad``. A change captures it anew.
          Learning rate, momentum and the like are read at every run. The code of this library and of
          NumPy is taken as it is.
        * Refused with a CaptureError is what cannot be watched: clocks, files, random numbers, iterators
          that were made outside, functions in C that are not known. Pass what they give as an argument,
          or declare it fixed with `static`.
        * Arrays that the function closes over are read at every run, where they are operands. Those
          whose values NumPy or Python looks at (as an index, a mask, a count, ``a.max()``) are compared
          with a copy at every call. (A new array in the place of an old one is captured anew, which takes
          milliseconds: pass batches as arguments.) One that lies in the memory of a tensor which the
          step writes is refused; an argument that does is what it was at the call.
        * However arrays lie in memory (order of bytes, strides, alignment) they are read as numbers;
          results have this machine's order of bytes and memory of their own.
        * Other effects of Python (``print``, appending to a list) happen when it is captured, and not
          again; where the function reads what they changed, it is captured at each call.
        * Floating-point warnings of NumPy are not given.
        * In a capture, a trace, `vmap` or `scan`, for arrays without values, and under `detect_anomaly`
          the function itself is called.
        * One step runs at a time: threads wait for one another.

        Examples
        --------
        >>> import numpy as np, autograd_core as ag
        >>> w = ag.tensor([1.0, 2.0], requires_grad=True)
        >>> @ag.jit
        ... def descend(x):
        ...     loss = (w * x).sum()
        ...     loss.backward()
        ...     with ag.no_grad():
        ...         w.assign(w - 0.5 * w.grad)
        ...     w.grad = None
        ...     return loss
        >>> descend(np.array([1.0, 1.0])).item(), w.tolist()
        (3.0, [0.5, 1.5])
        """
        check_backend(backend, threads, captures)
        if function is None:
            return functools.partial(
                self, backend=backend, keep_grads=keep_grads, threads=threads, captures=captures
            )
        if not callable(function):
            raise ConfigError(
                "jit",
                f"expected a function; received {type(function).__name__}. Write @ag.jit above it.",
            )
        return Step(function, backend, keep_grads, threads, captures)

    def check(self, step: Step, *args: Any, **kwargs: Any) -> Comparison:
        """Compare one compiled step with the same step without compiling; nothing is changed.

        Parameters
        ----------
        step : Step
        *args, **kwargs
            As the step takes them.

        Returns
        -------
        Comparison
            Prints a row for each output and each written tensor; ``.ok`` says whether all errors are
            within their tolerances. An error is the largest difference over the largest element, of a
            written tensor over the largest change, so that a lost update shows at every learning rate;
            of integers and booleans it is the share of elements that differ, where no rounding decides.

        Notes
        -----
        The tolerance is 1e-9 in float64 and 1e-4 in float32. Where that is exceeded, the step is also
        run without compiling on arguments and leaves moved by a rounding, and what that changes may
        change here by 8 times as much. (The bias before a batch norm has gradient 0: what comes out is
        rounding, and Adam, which divides a gradient by its own size, makes a step of it. A unit may
        stand at relu's kink up to rounding.)

        Examples
        --------
        >>> import numpy as np, autograd_core as ag
        >>> print(ag.jit.check(ag.jit(ag.exp, backend="numpy"), np.zeros(3)))
        exp: compiled and not compiled give the same
          output  float64[3]        error 0.0e+00 of 1.0e-09
        """
        return _step("check", step).check(*args, **kwargs)

    def explain(self, step: Step) -> Explanation:
        """What a step was compiled to: program, passes, kernels, memory, cost, guards, time.

        Returns
        -------
        Explanation
            Printed it is a page of text, in a notebook a table; ``.kernels``, ``.passes``, ``.memory``,
            ``.flops``, ``.bytes`` and so on are what is printed, as data.

        Raises
        ------
        ConfigError
            If it has not run yet.
        """
        return _step("explain", step).explain()


def _step(operation: str, step: Any) -> Step:
    if not isinstance(step, Step):
        raise ConfigError(
            f"jit.{operation}",
            f"expected what ag.jit gave; received {type(step).__name__}. Decorate the "
            "function with @ag.jit.",
        )
    return step


jit = _Jit()
