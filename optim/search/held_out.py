"""HeldOut: a trial of a model, which is trained on one part of the data and judged on another."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from autograd_core.errors import ConfigError

from ..training.callbacks import Callback, Run
from ..training.evaluation import evaluate
from ..training.loop import fit

__all__ = ["HeldOut"]


class HeldOut:
    """Trains a model of each configuration, and scores it on data that it was not trained on.

    Parameters
    ----------
    build : callable
        ``build(config, rng)`` gives ``(model, optimizer)``, or ``(model, optimizer, options)`` with options of `fit`
        that depend on the configuration: ``{"batch_size": config["b"], "regularizer": nn.L2(config["lambda"])}``.
        Everything random comes from ``rng``, a Generator of the trial's seed.
    criterion : callable
        See `fit`.
    train : (array_like, array_like), or callable
        Examples; or a function without arguments that gives ``(train, validation)``, which is called once in each
        process: large data then need not be sent to workers.
    validation : (array_like, array_like), optional
        Held-out examples, where ``train`` is no function.
    epochs, batch_size, **options
        See `fit`.

    Raises
    ------
    ConfigError
        If there are no held-out data, or ``build`` gives something else.

    Notes
    -----
    A trial gives ``val_loss`` and ``val_<metric>``, of the weights that `fit` leaves (with `EarlyStopping` the best
    ones), ``loss`` of the last epoch, and ``epochs``. Its reports are the rows of the history.

    Examples
    --------
    >>> import nn, optim
    >>> x = np.linspace(-1, 1, 40)[:, None]
    >>> part = x[::2], 3 * x[::2]
    >>> def build(config, rng):
    ...     model = nn.Linear(1, 1, rng=rng, dtype=np.float64)
    ...     return model, optim.SGD(model.parameters(), lr=config["lr"])
    >>> trial = HeldOut(build, nn.MSELoss(), part, (x[1::2], 3 * x[1::2]), epochs=5, batch_size=5)
    >>> optim.grid_search(trial, {"lr": [0.001, 0.1]}, rng=0).best["lr"]
    0.1
    """

    def __init__(
        self,
        build: Callable[..., Any],
        criterion: Callable[[Any, Any], Any],
        train: Any,
        validation: Any = None,
        *,
        epochs: int | None = None,
        batch_size: int | None = None,
        **options: Any,
    ) -> None:
        if not callable(build):
            raise ConfigError(
                "HeldOut",
                f"build: expected a function (config, rng) -> (model, optimizer); received {build!r:.60}.",
            )
        if callable(train) != (validation is None):
            raise ConfigError(
                "HeldOut",
                "expected train and validation, or a function that gives both; received "
                + ("both ways." if callable(train) else "no held-out data. Pass validation=."),
            )
        self.build, self.criterion, self.train, self.validation = (
            build,
            criterion,
            train,
            validation,
        )
        given = {"epochs": epochs, "batch_size": batch_size}
        self.options = {
            "verbose": 0,
            **{k: v for k, v in given.items() if v is not None},
            **options,
        }
        self._loaded: tuple[Any, Any] | None = None

    def __call__(
        self, config: Mapping[str, Any], seed: int, report: Callable[..., None]
    ) -> dict[str, float]:
        """Train and judge."""
        rng = np.random.default_rng(seed)
        built = self.build(dict(config), rng)
        if not isinstance(built, tuple) or len(built) not in (2, 3):
            raise ConfigError(
                "HeldOut",
                "build: expected (model, optimizer), or (model, optimizer, options of fit); received "
                f"{type(built).__name__}{f' of {len(built)}' if isinstance(built, tuple) else ''}.",
            )
        model, optimizer, *more = built
        train, validation = self._data()
        options = {**copy.deepcopy(self.options), **(more[0] if more else {})}
        callbacks = options.pop("callbacks", ())
        listed = list(callbacks) if isinstance(callbacks, list | tuple) else [callbacks]
        history = fit(
            model, self.criterion, optimizer, train, validation=validation, rng=rng,
            callbacks=[*listed, _Reports(report)], **options,
        )  # fmt: skip
        if history.stopped_by == "Ctrl-C":  # fit returns as if all were well
            raise KeyboardInterrupt
        found = evaluate(model, self.criterion, validation, metrics=options.get("metrics"))
        values = {f"val_{name}": value for name, value in found.items()}
        if history.epochs:
            values["loss"] = history["loss"][-1]
        return {**values, "epochs": float(history.epochs)}

    def _data(self) -> tuple[Any, Any]:
        if not callable(self.train):
            return self.train, self.validation
        if self._loaded is None:
            loaded = self.train()
            if not isinstance(loaded, tuple | list) or len(loaded) < 2:
                raise ConfigError(
                    "HeldOut",
                    f"train: expected a function that gives (train, validation); it gave {type(loaded).__name__}.",
                )
            self._loaded = loaded[0], loaded[1]
        return self._loaded

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_loaded": None}


class _Reports(Callback):
    """Hands the rows of the history on."""

    def __init__(self, report: Callable[..., None]) -> None:
        self._report = report

    def on_epoch_end(self, run: Run) -> None:
        self._report(epoch=run.epoch, **run.logs)
