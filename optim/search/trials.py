"""Trials: the table of what a search found."""

from __future__ import annotations

import csv
import io
import json
import math
import os
from collections.abc import Mapping, Sequence
from typing import Any

from autograd_core import files
from autograd_core.errors import CheckpointError, ConfigError

from ..training.monitoring import direction
from .space import Job

__all__ = ["Trials"]


class Trials(dict[str, list[Any]]):
    """A table of trials: ``trials["lr"]`` and ``trials["loss"]`` are columns, one entry a finished trial.

    A dict of columns, so that ``pandas.DataFrame(trials)`` takes it. Rows stand in the order of the grid, or of the
    draws, whoever was finished first. Columns are the hyperparameters, ``repeat`` where there are several,
    ``seed``, what trials gave, ``seconds`` and ``error``; what a trial did not give is nan.

    Attributes
    ----------
    planned : int
        How many trials there are to be.
    stopped_by : str or None
        ``"done"``, ``"Ctrl-C"``, or the name of an exception.
    seed : int or None
        ``rng=trials.seed`` repeats the search; None if a generator was passed.
    monitor, mode : str or None
        By which column, and in which direction ("min", "max"), `best` judges.
    rows : list of dict
        All that is known of each trial: ``config``, ``repeat``, ``seed``, ``values``, ``error``, ``traceback`` where there
        is one, ``seconds``, ``worker``, ``reports``.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        rows: Mapping[str, dict[str, Any]],
        seed: int | None,
        monitor: str | None,
        mode: str | None,
    ) -> None:
        super().__init__()
        self.planned, self.seed, self.stopped_by = len(jobs), seed, "done"
        finished = [job for job in jobs if job.key in rows]
        self.rows = [rows[job.key] for job in finished]
        self._jobs = finished
        self.monitor, self.mode = monitor, mode
        if monitor is None:
            self.monitor = _monitored(self.rows)
        if self.mode is None and self.monitor is not None:
            self.mode = direction(self.monitor) or ("min" if self.monitor == "value" else None)
        names = list(jobs[0].configuration.labels) if jobs else []
        values = list(dict.fromkeys(name for row in self.rows for name in row["values"]))
        for name in names:
            self[name] = [row["config"][name] for row in self.rows]
        if any(job.repeat for job in jobs):
            self["repeat"] = [row["repeat"] for row in self.rows]
        self["seed"] = [row["seed"] for row in self.rows]
        for name in values:
            self[name] = [row["values"].get(name, math.nan) for row in self.rows]
        self["seconds"] = [row["seconds"] for row in self.rows]
        self["error"] = [row["error"] for row in self.rows]

    @property
    def failed(self) -> list[dict[str, Any]]:
        """Rows of the trials that ended with an error."""
        return [row for row in self.rows if row["error"] is not None]

    @property
    def best(self) -> dict[str, Any]:
        """Hyperparameters and numbers of the best configuration, as the table has them.

        Of several repetitions the means count, and only where none of them failed; of equals the first.

        Raises
        ------
        ConfigError
            If no trial gave a finite number, or which number counts is not known.
        """
        job, values = self._best()
        return {**job.configuration.labels, **values}

    @property
    def best_config(self) -> dict[str, Any]:
        """What the best trial was called with."""
        return dict(self._best()[0].configuration.values)

    def _best(self) -> tuple[Job, dict[str, float]]:
        if self.monitor is None:
            names = list(dict.fromkeys(name for row in self.rows for name in row["values"]))
            raise ConfigError(
                "Trials.best",
                f"which of {', '.join(map(repr, names)) or 'no numbers'} counts is not known. Expected monitor=. "
                "Set trials.monitor and trials.mode, or pass them to the search."
                if names
                else "no trial gave a number. Expected at least one. Look at trials['error'].",
            )
        if self.mode not in ("min", "max"):
            raise ConfigError(
                "Trials.best",
                f"whether {self.monitor!r} is to be small or large does not show in its name. Expected "
                'mode="min" or mode="max". Set trials.mode, or pass it to the search.',
            )
        together: dict[str, list[tuple[Job, dict[str, Any]]]] = {}
        for job, row in zip(self._jobs, self.rows, strict=True):
            together.setdefault(job.configuration.key, []).append((job, row))
        most = max((len(group) for group in together.values()), default=0)
        sign, found = (1.0 if self.mode == "min" else -1.0), None
        for group in together.values():
            rows = [row["values"] for _, row in group]
            if len(group) < most or not all(self.monitor in row for row in rows):
                continue
            values = {
                name: rows[0][name]
                if len(rows) == 1
                else math.fsum(row[name] for row in rows) / len(rows)
                for name in rows[0]
                if all(name in row for row in rows)
            }
            score = sign * values[self.monitor]
            if math.isfinite(score) and (found is None or score < found[0]):
                found = score, group[0][0], values
        if found is None:
            names = list(dict.fromkeys(name for row in self.rows for name in row["values"]))
            raise ConfigError(
                "Trials.best",
                f"no configuration has a finite {self.monitor!r}. Expected at least one; there are "
                f"{', '.join(names) or 'no numbers'}. Look at trials['error'], or set trials.monitor.",
            )
        return found[1], found[2]

    def to_csv(self, path: str | os.PathLike[str] | None = None) -> str:
        """The table as comma-separated values; written to ``path`` if one is given.

        Lists are JSON in their field.
        """
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self)
        for row in zip(*self.values(), strict=True):
            writer.writerow([json.dumps(v) if isinstance(v, list) else v for v in row])
        return self._written(path, text.getvalue())

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str:
        """The table as a JSON object of columns; written to ``path`` if one is given.

        What is not finite is null there: JSON has no word for it.
        """
        columns = {
            name: [None if isinstance(v, float) and not math.isfinite(v) else v for v in column]
            for name, column in self.items()
        }
        return self._written(path, json.dumps(columns, indent=1, allow_nan=False) + "\n")

    def _written(self, path: str | os.PathLike[str] | None, text: str) -> str:
        if path is not None:
            try:
                files.write(path, text)
            except OSError as error:
                raise CheckpointError(
                    "Trials",
                    f"{os.fspath(path)} cannot be written: {error.strerror or error}. Expected a path that can be. "
                    "Check it.",
                ) from error
        return text

    def __repr__(self) -> str:
        failed = f", {len(self.failed)} failed" if self.failed else ""
        seed = "" if self.seed is None else f", rng={self.seed}"
        return f"<Trials: {len(self.rows)} of {self.planned}{failed}, stopped by {self.stopped_by}{seed}>"


def _monitored(rows: Sequence[dict[str, Any]]) -> str | None:
    """The number that counts, where nobody said which: the only one, or the held-out loss, or the loss."""
    names = list(dict.fromkeys(name for row in rows for name in row["values"]))
    if len(names) == 1:
        return str(names[0])
    return next((name for name in ("val_loss", "loss", "value") if name in names), None)
