"""History: what a training run measured, epoch by epoch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

__all__ = ["History"]


class History(dict[str, list[float]]):
    """A table of a training run: ``history["val_loss"]`` is a column, one number per epoch.

    A dict of columns, so that ``pandas.DataFrame(history)`` and ``json.dumps(history)`` take it.

    Attributes
    ----------
    stopped_by : str or None
        Why the run ended: ``"epochs"``, ``"early stopping"``, ``"Ctrl-C"``, what another callback
        said, or the name of an exception. None while it runs.
    seed : int or None
        What the order of the examples was drawn with: ``fit(..., rng=history.seed)`` repeats it. None
        if a generator was passed.
    monitor, mode : str
        By which column, and in which direction ("min", "max"), `best_epoch` judges.

    Examples
    --------
    >>> history = History()
    >>> history.append({"loss": 0.5, "seconds": 1.0})
    >>> history.append({"loss": 0.25, "seconds": 1.5})
    >>> history["loss"], history.epochs, history.best_epoch, history.seconds
    ([0.5, 0.25], 2, 2, 2.5)
    """

    def __init__(self, seed: int | None = None) -> None:
        super().__init__()
        self.seed = seed
        self.epochs = 0
        self.stopped_by: str | None = None
        self.monitor: str | None = None
        self.mode = "min"

    def append(self, row: Mapping[str, float]) -> None:
        """Add an epoch; what it lacks, or earlier epochs lack, becomes nan."""
        for name in row:
            self.setdefault(name, [math.nan] * self.epochs)
        for name, column in self.items():
            column.append(float(row.get(name, math.nan)))
        self.epochs += 1

    @property
    def seconds(self) -> float:
        """Time of all epochs together, validation included."""
        return math.fsum(self.get("seconds", []))

    @property
    def best_epoch(self) -> int | None:
        """The epoch, counted from 1, with the best monitored value; the first of equals.

        Early stopping says what is monitored; otherwise it is ``val_loss`` if there is one, else
        ``loss``. None before the first epoch.
        """
        name = self._judged
        sign = -1.0 if self.mode == "max" else 1.0
        column = [sign * v for v in self.get(name, [])]
        finite = [v for v in column if math.isfinite(v)]
        return column.index(min(finite)) + 1 if finite else None

    @property
    def _judged(self) -> str:
        return self.monitor or ("val_loss" if "val_loss" in self else "loss")

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain lists, strings and numbers, for JSON."""
        return {
            "columns": {name: list(column) for name, column in self.items()},
            "epochs": self.epochs,
            "best_epoch": self.best_epoch,
            "seconds": self.seconds,
            "stopped_by": self.stopped_by,
            "seed": self.seed,
        }

    def __repr__(self) -> str:
        title = (
            f"History: {self.epochs} epoch{'' if self.epochs == 1 else 's'} in {self.seconds:.1f} s"
        )
        if self.stopped_by:
            title += f", stopped by {self.stopped_by}"
        if self.seed is not None:
            title += f", rng={self.seed}"
        best = self.best_epoch
        if best is not None:
            title += f", best {self._judged} {self[self._judged][best - 1]:.4g} in epoch {best}"
        shown = [n for n in range(1, self.epochs + 1) if n in (1, best) or n > self.epochs - 3]
        cells = [["epoch", *self]]
        for before, n in zip([0, *shown], shown, strict=False):
            if n > before + 1:
                cells.append(["…"] * len(cells[0]))
            cells.append([str(n), *(f"{column[n - 1]:.4g}" for column in self.values())])
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        rows = ["  ".join(c.rjust(w) for c, w in zip(row, widths, strict=True)) for row in cells]
        return "\n".join([title, *rows] if self.epochs else [title])
