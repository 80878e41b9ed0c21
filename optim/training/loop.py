"""fit: the training loop.

In order of reading: `fit` checks what it was given (arguments.py) and runs the epochs; an `Update` (update.py)
takes one batch to the weights; `_ending` is what happens however a run ends. optim/README.md follows a batch
from here to the weight.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from autograd_core.aliases import RandomSource
from autograd_core.errors import AnomalyError, ConfigError
from autograd_core.modes import mode
from autograd_core.options import Whole
from autograd_core.randomness import source_of

from ..optimizer import Optimizer
from .arguments import (
    check_parameters,
    checked_team,
    checked_verbose,
    of_the_model,
    sorted_callbacks,
)
from .batches import Examples, LastBatch, batch_bounds, held_out_of
from .callbacks import Callback, Run
from .checkpoint import Checkpoint
from .evaluation import (
    Criterion,
    Means,
    checked_criterion,
    chosen_metrics,
    evaluate,
)
from .history import History
from .interrupts import Interrupts
from .metrics import Metric
from .model import Model
from .parallel import Parallel
from .progress import progress_of
from .samplers import Sampler, permutation
from .update import Constraint, Penalty, Update

__all__ = ["fit"]


def fit(
    model: Model,
    criterion: Criterion,
    optimizer: Optimizer,
    train: Any,
    *,
    validation: Any = None,
    validation_split: float | None = None,
    epochs: int,
    batch_size: int,
    rng: RandomSource = None,
    regularizer: Penalty | Sequence[Penalty] | None = None,
    constraint: Constraint | Sequence[Constraint] | None = None,
    callbacks: Callback | Sequence[Callback] = (),
    metrics: Mapping[str, Metric] | None = None,
    sampler: Sampler = permutation,
    last_batch: LastBatch = "merge",
    verbose: int | bool | None = None,
    checkpoint: Checkpoint | str | os.PathLike[str] | None = None,
    resume: str | os.PathLike[str] | None = None,
    jit: bool = False,
    parallel: Parallel | None = None,
    progress: bool | None = None,
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
    validation_split : float, in (0, 1), optional
        Instead of ``validation``: this fraction of the examples, drawn at random by ``rng``, is held
        out. (Keras takes the last ones, which are of one class where the data are sorted.)
    epochs : int, ≥ 0
        Passes through the training data.
    batch_size : int, ≥ 1
        The slides' b.
    rng : numpy.random.Generator or int, optional
        Orders the examples, one draw of a permutation per epoch: a generator, or a seed. Left out, a
        fresh seed is drawn, which the history shows.
    regularizer : callable or sequence of callables, optional
        ``regularizer(model)``: a penalty R(W) of one element, added to each batch's loss; of several
        the sum.
    constraint : callable or sequence of callables, optional
        ``constraint(model)``, called after each update: puts the weights back where they are to be,
        such as the projection of ``nn.MaxNorm(3.0)``. Several are called in their order.
    callbacks : Callback or sequence of Callback
        Called in order; checkpoints after all others.
    metrics : mapping of str to Metric, optional
        ``metric(outputs, targets)``, a mean over the batch. Default: ``{"error": error_rate}``
        where targets are class numbers, else none.
    sampler : callable
        ``sampler(count, rng)``: the order of the examples; `permutation`, `in_order` or your own.
    last_batch : {"merge", "keep", "drop"}
        What becomes of a short last batch: see `batch_bounds`. By default it is kept, but a single
        example joins the batch before it, since batch norm refuses a batch of one.
    verbose : {None, 0, 1, 2}
        What is shown. 1: a bar with the time left, on a terminal (standard error) or in a notebook,
        else a line an epoch. 2: a line an epoch anywhere. 0: nothing. Default: 1 on a terminal and
        in a notebook, else 0.
    checkpoint : Checkpoint or path, optional
        Save the run after every epoch, or as the Checkpoint says.
    resume : path, optional
        Go on from this checkpoint, which must be there.
    jit : bool
        Whether to compile the step from batch to update with `ag.jit`, once for each size of a
        batch. The same to rounding; after each update ``.grad`` is consumed.
    parallel : Parallel, optional
        Processes that share each batch out, such as `optim.MPI()`.
    progress : bool, optional
        An older name of ``verbose``.

    Returns
    -------
    History
        Columns ``loss`` (mean over the epoch's examples, each measured before its update and in
        training mode, without penalty), ``penalty`` (with a regularizer: mean over the updates),
        metrics likewise; ``val_loss`` and ``val_<metric>`` (after the epoch, in evaluation mode);
        ``seconds``. Its ``stopped_by`` says how the run ended, its ``seed`` how to repeat it.

    Raises
    ------
    AnomalyError
        If a loss or a validation mean is not finite; says epoch, batch and remedy. The parameters
        are those before that batch.
    ConfigError, DataError
        If an argument is outside its range, the optimizer has none of the model's parameters, the
        criterion or a regularizer gives no Tensor or one that depends on no parameter, or the data
        are not two arrays of equal length and finite values.
    ShapeError
        If the criterion or a regularizer gives more than one element.
    CheckpointError, StateError
        If a checkpoint cannot be written or read, or does not fit.
    WorkerError
        If another one of several processes fails, dies or does not answer.

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
    criterion = checked_criterion("fit", criterion)
    examples = Examples.of("fit", "train", train)
    held_out = None if validation is None else Examples.of("fit", "validation", validation)
    epochs = Whole().check("fit: epochs", epochs)
    if not callable(sampler):
        raise ConfigError(
            "fit",
            f"sampler: expected a function (count, rng) -> indices; received {sampler!r}. Pass "
            "optim.permutation, or optim.in_order.",
        )
    team = checked_team(parallel)
    generator, seed = team.source(*source_of(rng, "fit"))
    split: dict[str, Any] = {}  # which examples are held out, for a run that is resumed
    if validation_split is not None:
        if validation is not None:
            raise ConfigError(
                "fit",
                "validation and validation_split are one choice. Expected one of them; received both.",
            )
        examples, held_out, split = held_out_of(examples, validation_split, generator)
    penalties = of_the_model("regularizer", regularizer, "nn.L2(1e-4)")
    constraints = of_the_model("constraint", constraint, "nn.MaxNorm(3.0)")
    verbose = checked_verbose(progress if verbose is None else verbose)
    bounds = batch_bounds(len(examples.inputs), batch_size, last_batch)
    check_parameters(model, optimizer)
    chosen = chosen_metrics("fit", metrics, examples.targets)
    columns = ["loss", *(["penalty"] if penalties else []), *chosen]
    if held_out is not None:
        columns += [f"val_{name}" for name in ("loss", *chosen)]
    users, checkpoints = sorted_callbacks(callbacks, checkpoint)
    run = Run(
        model,
        optimizer,
        generator,
        int(epochs),
        len(bounds),
        columns,
        {
            "examples": len(examples.inputs),
            "batch_size": int(batch_size),
            "last_batch": last_batch,
            "sampler": getattr(sampler, "__name__", type(sampler).__name__),
            **split,
        },
        users,
        seed,
    )
    sources = [Checkpoint(resume)] if resume is not None else [c for c in checkpoints if c.found]
    displays = progress_of(verbose)
    users, after = (
        [c for c in part if team.calls(c)] for part in (users, [*checkpoints, *displays])
    )
    everyone = [*users, *after]
    update = Update(run, criterion, penalties, constraints, jit, team)
    with (
        mode(model),
        Interrupts() as interrupts,
        _ending(run) as begun,
        team.session(run, interrupts),
    ):
        for callback in everyone:
            begun.append(callback)
            callback.on_fit_begin(run)
        for source in sources[:1] if team.rank == 0 else ():
            source.restore(run)
        team.begin(run)
        while run.epoch < run.epochs:
            run.epoch += 1
            for callback in everyone:
                callback.on_epoch_begin(run)
            if run.stopped_by is not None:  # a run that had ended was resumed
                run.epoch -= 1
                break
            started = time.perf_counter()
            model.train()
            means = Means(chosen)
            order = team.same(sampler(len(examples.inputs), generator))
            for run.batch, (start, stop) in enumerate(bounds, 1):
                batch, share = team.part(examples.take(order[start:stop]))
                outputs, run.logs = update(batch, share)
                if share:
                    means.add(len(batch.inputs), run.logs, outputs, batch.targets)
                for callback in everyone:
                    callback.on_batch_end(run)
                team.heed(interrupts)
            run.logs = team.means(means, [*update.names, *chosen])
            team.merge(run)
            if held_out is not None:
                run.logs |= _validated(run, criterion, held_out, batch_size, chosen)
            run.logs["seconds"] = time.perf_counter() - started
            run.logs = team.same(run.logs)
            try:
                for callback in users:
                    callback.on_epoch_end(run)
            finally:  # the epoch is complete, whatever a callback does
                run.history.append(run.logs)
            run.stopped_by = team.same(run.stopped_by)
            for callback in after:
                callback.on_epoch_end(run)
            team.heed(interrupts)
            if run.stopped_by is not None:
                break
        run.stop("epochs")
    return run.history


def _validated(
    run: Run,
    criterion: Criterion,
    held_out: Examples,
    batch_size: int,
    metrics: Mapping[str, Metric],
) -> dict[str, float]:
    size = max(batch_size, 256)  # without a graph to keep, there is room for more
    try:
        means = evaluate(run.model, criterion, held_out, batch_size=size, metrics=metrics)
    except AnomalyError as error:
        raise AnomalyError("fit", f"on the validation data of epoch {run.epoch}: {error}") from None
    return {f"val_{name}": value for name, value in means.items()}


@contextlib.contextmanager
def _ending(run: Run) -> Iterator[list[Callback]]:
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
