"""fit: the training loop."""

from __future__ import annotations

import contextlib
import functools
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core.context import CONTEXT
from autograd_core.errors import AnomalyError, ConfigError

from ..optimizer import Optimizer
from .batches import Examples, LastBatch, batch_bounds
from .callbacks import Callback, Run
from .checkpoint import Checkpoint
from .evaluation import Criterion, Means, chosen_metrics, evaluate, mode_kept
from .history import History
from .interrupts import Interrupts
from .metrics import Metric
from .model import Model
from .samplers import Sampler, permutation

__all__ = ["fit"]


def fit(
    model: Model,
    criterion: Criterion,
    optimizer: Optimizer,
    train: Any,
    *,
    validation: Any = None,
    epochs: int,
    batch_size: int,
    rng: np.random.Generator,
    regularizer: Callable[[Any], ag.Tensor] | None = None,
    callbacks: Sequence[Callback] = (),
    metrics: Mapping[str, Metric] | None = None,
    sampler: Sampler = permutation,
    last_batch: LastBatch = "merge",
    progress: bool | None = None,
    checkpoint: Checkpoint | str | os.PathLike[str] | None = None,
    resume: str | os.PathLike[str] | None = None,
    jit: bool = False,
) -> History:
    """Train a model on mini-batches, in a new random order every epoch.

    For every batch: W ← W − (optimizer's step along) ∇_W [ mean Div(Y_t, d_t) + R(W) ].

    Parameters
    ----------
    model : Model
        Anything with the six methods of `Model`; every `nn.Module` has them.
    criterion : callable
        ``criterion(outputs, targets)``: the divergence, a mean over the batch, of one element.
    optimizer : Optimizer
        Over parameters of the model.
    train : (array_like, array_like)
        Inputs and targets, one example per row.
    validation : (array_like, array_like), optional
        Held-out examples, evaluated after every epoch.
    epochs : int, ≥ 0
        Passes through the training data.
    batch_size : int, ≥ 1
        The slides' b.
    rng : numpy.random.Generator
        Orders the examples, one draw of a permutation per epoch.
    regularizer : callable, optional
        ``regularizer(model)``: a penalty R(W) of one element, added to each batch's loss.
    callbacks : sequence of Callback
        Called in order; checkpoints after all others.
    metrics : mapping of str to Metric, optional
        ``metric(outputs, targets)``, a mean over the batch. Default: ``{"error": error_rate}``
        where targets are class numbers, else none.
    sampler : callable
        ``sampler(count, rng)``: the order of the examples; `permutation`, `in_order` or your own.
    last_batch : {"merge", "keep", "drop"}
        What becomes of a short last batch: see `batch_bounds`. By default it is kept, but a single
        example joins the batch before it, since batch norm refuses a batch of one.
    progress : bool, optional
        Whether to show a progress bar on standard error. Default: if that is a terminal.
    checkpoint : Checkpoint or path, optional
        Save the run after every epoch, or as the Checkpoint says.
    resume : path, optional
        Go on from this checkpoint, which must be there.
    jit : bool
        Whether to compile the step from batch to update with `ag.jit`, once for each size of a
        batch. The same to rounding; after each update ``.grad`` is consumed.

    Returns
    -------
    History
        Columns ``loss`` (mean over the epoch's examples, each measured before its update and in
        training mode, without penalty), ``penalty`` (with a regularizer: mean over the updates),
        metrics likewise; ``val_loss`` and ``val_<metric>`` (after the epoch, in evaluation mode);
        ``seconds``. Its ``stopped_by`` says how the run ended.

    Raises
    ------
    AnomalyError
        If a loss or a validation mean is not finite; says epoch, batch and remedy. The parameters
        are those before that batch.
    ConfigError, DataError
        If an argument is outside its range, the optimizer has none of the model's parameters, or
        the data are not two arrays of equal length and finite values.
    CheckpointError, StateError
        If a checkpoint cannot be written or read, or does not fit.

    Notes
    -----
    * Ctrl-C ends the run after the present batch, and ``fit`` returns what there is; a second
      Ctrl-C interrupts at once. The unfinished epoch has no row in the history, and a resumed run
      repeats it.
    * The model is put into training mode for each epoch, and afterwards back into the mode that it
      was in.
    * Loss and batch loss are means over B, as on [Mini Batches]; [Incremental Update: Mini-batch
      update] prints the sum, which is the same at an η smaller by the factor B (erratum X28).

    References
    ----------
    [Incremental Update: Stochastic Gradient Descent], [Incremental Update: Mini-batch update],
    [Regularizing the weights], [Setting up a problem].

    Examples
    --------
    >>> import numpy as np, autograd_core as ag, nn, optim
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(64, 2))
    >>> model = nn.Linear(2, 1, rng=rng, dtype=np.float64)
    >>> optimizer = optim.SGD(model.parameters(), lr=0.1)
    >>> data = x, x @ np.array([[2.0], [-1.0]]) + 0.5
    >>> history = optim.fit(model, nn.MSELoss(), optimizer, data, epochs=40, batch_size=16, rng=rng)
    >>> history["loss"][-1] < 1e-3, history.stopped_by
    (True, 'epochs')
    """
    examples = Examples.of("fit", "train", train)
    held_out = None if validation is None else Examples.of("fit", "validation", validation)
    if isinstance(epochs, bool) or not isinstance(epochs, int | np.integer) or epochs < 0:
        raise ConfigError(f"fit: epochs: expected an integer of 0 or more; received {epochs!r}.")
    if not isinstance(rng, np.random.Generator):
        raise ConfigError(
            f"fit: rng: expected a numpy Generator; received {type(rng).__name__}. Pass "
            "np.random.default_rng(seed)."
        )
    cuts = batch_bounds(len(examples.inputs), batch_size, last_batch)
    _check_parameters(model, optimizer)
    measured = chosen_metrics("fit", metrics, examples.targets)
    named = ["loss", *(["penalty"] if regularizer is not None else []), *measured]
    if held_out is not None:
        named += [f"val_{name}" for name in ("loss", *measured)]
    own, after = _sorted_callbacks(callbacks, checkpoint)
    run = Run(
        model,
        optimizer,
        rng,
        int(epochs),
        len(cuts),
        named,
        {
            "examples": len(examples.inputs),
            "batch_size": int(batch_size),
            "last_batch": last_batch,
            "sampler": getattr(sampler, "__name__", type(sampler).__name__),
        },
        own,
    )
    sources = [Checkpoint(resume)] if resume is not None else [c for c in after if c.found]
    shown = _progress_bars(progress)
    everyone = [*own, *after, *shown]
    step = _Step(run, criterion, regularizer, jit)
    with mode_kept(model), Interrupts() as interrupts, _ended(run) as begun:
        for callback in everyone:
            begun.append(callback)
            callback.on_fit_begin(run)
        for source in sources[:1]:
            source.restore(run)
        while run.epoch < run.epochs:
            run.epoch += 1
            for callback in everyone:
                callback.on_epoch_begin(run)
            if run.stopped_by is not None:  # a run that had ended was resumed
                run.epoch -= 1
                break
            started = time.perf_counter()
            model.train()
            means = Means(measured)
            order = sampler(len(examples.inputs), rng)
            for run.batch, (start, stop) in enumerate(cuts, 1):
                batch = examples.take(order[start:stop])
                outputs, run.logs = step(batch)
                means.add(stop - start, run.logs, outputs, batch.targets)
                for callback in everyone:
                    callback.on_batch_end(run)
                interrupts.heed()
            run.logs = means.values()
            if held_out is not None:
                run.logs |= _validated(run, criterion, held_out, batch_size, measured)
            run.logs["seconds"] = time.perf_counter() - started
            try:
                for callback in own:
                    callback.on_epoch_end(run)
            finally:  # the epoch is complete, whatever a callback does
                run.history.append(run.logs)
            for callback in [*after, *shown]:
                callback.on_epoch_end(run)
            interrupts.heed()
            if run.stopped_by is not None:
                break
        run.stop("epochs")
    return run.history


class _Step:
    """One update from one batch."""

    def __init__(
        self,
        run: Run,
        criterion: Criterion,
        regularizer: Callable[[Any], ag.Tensor] | None,
        jit: bool,
    ) -> None:
        self._run = run
        model, optimizer, checked = run.model, run.optimizer, self._check_finite

        def update(inputs: Any, targets: Any) -> tuple[Any, dict[str, ag.Tensor]]:
            optimizer.zero_grad()
            outputs = model(inputs)
            objective = loss = criterion(outputs, targets)
            values = {"loss": loss}
            if regularizer is not None:
                values["penalty"] = regularizer(model)
                objective = loss + values["penalty"]
            for name, value in values.items():
                checked(name, value)
            objective.backward()
            optimizer.step()
            return outputs, values

        self._update = ag.jit(update) if jit else update

    def __call__(self, batch: Examples) -> tuple[Any, dict[str, float]]:
        """Outputs and values of the batch, before the update."""
        run = self._run
        try:
            outputs, values = self._update(batch.inputs, batch.targets)
        except AnomalyError as error:
            if not str(error).startswith("fit: "):
                error.add_note(f"In fit, epoch {run.epoch}, batch {run.batch} of {run.batches}.")
            raise
        return outputs, {name: float(value.item()) for name, value in values.items()}

    def _check_finite(self, name: str, value: ag.Tensor) -> None:
        capture = CONTEXT.get().capture
        if capture is not None:  # checked at every run, before anything is written
            finite = ag.equal(ag.sum(value * 0), 0)
            capture.check(finite, functools.partial(self._not_finite, name), (value,))
        elif not math.isfinite(float(value.item())):
            raise self._not_finite(name, value.item())

    def _not_finite(self, name: str, value: Any) -> AnomalyError:
        run = self._run
        return AnomalyError(
            f"fit: the {name} is {float(value)} in epoch {run.epoch}, batch {run.batch} of "
            f"{run.batches}. Expected a finite number. The parameters are those before this "
            "batch. Lower the learning rate, scale the inputs, or find the operation with "
            "`with ag.detect_anomaly(): optim.fit(...)`."
        )


def _validated(
    run: Run,
    criterion: Criterion,
    held_out: Examples,
    batch_size: int,
    metrics: Mapping[str, Metric],
) -> dict[str, float]:
    size = max(batch_size, 256)  # without a graph to keep, there is room for more
    try:
        found = evaluate(run.model, criterion, held_out, batch_size=size, metrics=metrics)
    except AnomalyError as error:
        raise AnomalyError(f"fit: on the validation data of epoch {run.epoch}: {error}") from None
    return {f"val_{name}": value for name, value in found.items()}


@contextlib.contextmanager
def _ended(run: Run) -> Iterator[list[Callback]]:
    """Call `on_fit_end` of the callbacks that began, however the block ends; Ctrl-C is an end too."""
    begun: list[Callback] = []
    failure: BaseException | None = None
    try:
        yield begun
    except KeyboardInterrupt:
        run.stopped_by = "Ctrl-C"
    except BaseException as error:  # noqa: BLE001 - raised again below
        run.stopped_by = type(error).__name__
        failure = error
    run.history.stopped_by = run.stopped_by
    for callback in begun:
        try:
            callback.on_fit_end(run)
        except Exception as error:  # noqa: BLE001 - the others still have their turn
            if failure is None:
                failure = error
            else:
                failure.add_note(
                    f"and at the end of the run, in {type(callback).__name__}: {error}"
                )
    if failure is not None:
        raise failure


def _check_parameters(model: Model, optimizer: Optimizer) -> None:
    if not isinstance(model, Model):
        methods = ("__call__", "parameters", "train", "eval", "state_dict", "load_state_dict")
        lacking = [name for name in methods if not hasattr(model, name)]
        raise ConfigError(
            f"fit: model: {type(model).__name__} has no {', '.join(lacking)}. Derive it from nn.Module."
        )
    if not isinstance(optimizer, Optimizer):
        raise ConfigError(
            f"fit: optimizer: expected an Optimizer; received {type(optimizer).__name__}. Pass "
            "optim.Adam(model.parameters())."
        )
    trained = {id(t) for t in optimizer.params}
    if not any(id(t) in trained for t in model.parameters()):
        raise ConfigError(
            "fit: the optimizer has none of this model's parameters. Expected one made with "
            "model.parameters() of the same model. Make the optimizer after the model."
        )


def _sorted_callbacks(
    callbacks: Sequence[Callback], checkpoint: Checkpoint | str | os.PathLike[str] | None
) -> tuple[list[Callback], list[Checkpoint]]:
    """The user's callbacks, and the checkpoints, which must see what the others did."""
    for callback in callbacks:
        if not isinstance(callback, Callback):
            what = (
                f"the class {callback.__name__}" if isinstance(callback, type) else repr(callback)
            )
            raise ConfigError(
                f"fit: callbacks: expected objects derived from optim.Callback; received {what}."
            )
    checkpoints = [c for c in callbacks if isinstance(c, Checkpoint)]
    if checkpoint is not None:
        checkpoints.append(
            checkpoint if isinstance(checkpoint, Checkpoint) else Checkpoint(checkpoint)
        )
    return [c for c in callbacks if not isinstance(c, Checkpoint)], checkpoints


def _progress_bars(progress: bool | None) -> list[Callback]:
    if progress is False:
        return []
    # Loaded here, since importing rich takes longer than importing all of optim.
    from .progress import ProgressBar

    bar = ProgressBar()
    return [bar] if progress or bar.visible else []
