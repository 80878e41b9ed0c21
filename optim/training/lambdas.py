"""Plain functions as callbacks."""

from __future__ import annotations

from collections.abc import Callable

from autograd_core.errors import ConfigError

from .callbacks import Callback, Run

__all__ = ["Lambda"]

_Hook = Callable[[Run], None]
_HOOKS = ("on_fit_begin", "on_epoch_begin", "on_batch_end", "on_epoch_end", "on_fit_end")


class Lambda(Callback):
    """A callback made of functions of the run.

    Parameters
    ----------
    on_fit_begin, on_epoch_begin, on_batch_end, on_epoch_end, on_fit_end : callable, optional
        What is called there.

    Raises
    ------
    ConfigError
        If one is no function, or none is given.

    Examples
    --------
    >>> seen = []
    >>> Lambda(on_epoch_end=lambda run: seen.append(run.logs["loss"]))
    Lambda(on_epoch_end)
    """

    def __init__(
        self,
        *,
        on_fit_begin: _Hook | None = None,
        on_epoch_begin: _Hook | None = None,
        on_batch_end: _Hook | None = None,
        on_epoch_end: _Hook | None = None,
        on_fit_end: _Hook | None = None,
    ) -> None:
        given = (on_fit_begin, on_epoch_begin, on_batch_end, on_epoch_end, on_fit_end)
        self._hooks = {n: f for n, f in zip(_HOOKS, given, strict=True) if f is not None}
        for name, hook in self._hooks.items():
            if not callable(hook):
                raise ConfigError(
                    "Lambda", f"{name}: expected a function of the run; received {hook!r}."
                )
        if not self._hooks:
            raise ConfigError(
                "Lambda", f"expected a function for one of {', '.join(_HOOKS)}; received none."
            )
        self.every_batch = on_batch_end is not None

    def _call(self, name: str, run: Run) -> None:
        if name in self._hooks:
            self._hooks[name](run)

    def on_fit_begin(self, run: Run) -> None:
        """Call the function, if there is one."""
        self._call("on_fit_begin", run)

    def on_epoch_begin(self, run: Run) -> None:
        """Call the function, if there is one."""
        self._call("on_epoch_begin", run)

    def on_batch_end(self, run: Run) -> None:
        """Call the function, if there is one."""
        self._call("on_batch_end", run)

    def on_epoch_end(self, run: Run) -> None:
        """Call the function, if there is one."""
        self._call("on_epoch_end", run)

    def on_fit_end(self, run: Run) -> None:
        """Call the function, if there is one."""
        self._call("on_fit_end", run)

    def __repr__(self) -> str:
        return f"Lambda({', '.join(self._hooks)})"
