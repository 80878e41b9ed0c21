"""fit: the training loop.

In order of reading: `fit` checks what it was given (arguments.py) and runs the epochs; an `Update` (update.py)
takes one batch to the weights; `_ending` is what happens however a run ends. optim/README.md follows a batch
from here to the weight.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import Any, Literal

from autograd_core.aliases import RandomSource
from autograd_core.errors import AnomalyError
from autograd_core.modes import mode
from autograd_core.options import COUNT, Whole
from autograd_core.randomness import source_of

from ..optimizer import Optimizer
from ..transforms.transform import Transform
from .arguments import (
    check_parameters,
    checked_team,
    checked_verbose,
    clipped,
    clipping_of,
    feed_of,
    of_the_model,
    refuse_a_sum,
    sorted_callbacks,
)
from .batches import LastBatch
from .callbacks import Callback, Run, Unfinished, watches_batches
from .checkpoint import Checkpoint
from .evaluation import (
    Criterion,
    Tally,
    checked_criterion,
    evaluate,
)
from .feeding import Window
from .history import History
from .interrupts import Interrupts
from .metrics import Metric
from .model import Model
from .naming import chosen_metrics
from .parallel import Parallel
from .prefetch import ahead_of
from .progress import progress_of
from .samplers import Sampler, permutation
from .update import Constraint, Made, Penalty, Update

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
    batch_size: int | Literal["full"] | None = None,
    rng: RandomSource = None,
    regularizer: Penalty | Sequence[Penalty] | None = None,
    constraint: Constraint | Sequence[Constraint] | None = None,
    clip: float | Transform | Sequence[Transform] | None = None,
    callbacks: Callback | Sequence[Callback] = (),
    metrics: Mapping[str, Metric] | Sequence[Any] | str | None = None,
    sampler: Sampler = permutation,
    last_batch: LastBatch = "merge",
    accumulate: int = 1,
    prefetch: int = 0,
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
        Over parameters of the model. One of second order (`optim.LBFGS`) evaluates each batch as often as it
        takes: give it all examples in one batch, or large ones.
    train : (array_like, array_like), (array_like, array_like, array_like), or iterable of such
        Inputs and targets, one example per row; and a weight for each example, if they count differently:
        the criterion then gives a loss for each, ``reduction="none"``, and means are Σ w Div / Σ w. Or
        batches of these: a list of tuples, a loader, any iterable, which is begun anew in each epoch; or a
        function that makes one, ``lambda: batches()``. An iterator, such as a generator, gives one epoch.
    validation : as ``train``, optional
        Held-out examples, evaluated after every epoch.
    validation_split : float, in (0, 1), optional
        Instead of ``validation``: this fraction of the examples, drawn at random by ``rng``, is held
        out. (Keras takes the last ones, which are of one class where the data are sorted.)
    epochs : int, ≥ 0
        Passes through the training data.
    batch_size : int, ≥ 1, or "full"
        The slides' b; 1 is stochastic descent, "full" (or as many as there are, or more) batch descent. Needed
        for arrays; batches have their own.
    rng : numpy.random.Generator or int, optional
        Orders the examples, one draw of a permutation per epoch: a generator, or a seed. Left out, a
        fresh seed is drawn, which the history shows.
    regularizer : callable or sequence of callables, optional
        ``regularizer(model)``: a penalty R(W) of one element, added to each batch's loss; of several
        the sum.
    constraint : callable or sequence of callables, optional
        ``constraint(model)``, called after each update: puts the weights back where they are to be,
        such as the projection of ``nn.MaxNorm(3.0)``. Several are called in their order.
    clip : float, > 0, or Transform, or sequence of Transform, optional
        Bounds the gradients, for as long as it runs: a number is the largest norm of all gradients
        of a group together, `ClipByNorm`; others are `ClipByValue` (the slides'),
        `ClipParameterByNorm`, `ClipAdaptively`. They stand around the optimizer's own transforms.
    callbacks : Callback or sequence of Callback
        Called in order; checkpoints after all others.
    metrics : mapping, sequence or str, optional
        Names, as in ``["accuracy", "f1"]``, and functions ``metric(outputs, targets)``: means over the batch,
        or `Summed`, numbers of all examples together. A dict gives them names of your own. Default:
        ``{"error": error_rate}`` where targets are class numbers, else none.
    sampler : callable
        ``sampler(count, rng)``: the order of the examples; `permutation`, `in_order`, `with_replacement`,
        `one_sample` or your own.
    last_batch : {"merge", "keep", "drop", "pad"}
        What becomes of a short last batch: see `batch_bounds`. By default it is kept, but a single
        example joins the batch before it, since batch norm refuses a batch of one.
    accumulate : int, ≥ 1
        From how many batches an update is made, by the gradient of the mean over all their examples: that of
        one batch so many times as large, in the memory of one. The last update of an epoch has what is left.
    prefetch : int, ≥ 0
        How many batches are made ahead, in a thread of their own. Changes neither order nor values.
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
        batch. The same to rounding; after each update ``.grad`` is consumed. Where no callback watches
        batches, many updates are made in one call, in 10 ms at most, with the same bits.
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
        ``skipped`` (with an optimizer that has ``nonfinite="skip"``: updates that were not made,
        whose examples are in no mean); ``seconds``. Its ``stopped_by`` says how the run ended, its ``seed`` how to repeat it.

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
      Ctrl-C interrupts at once. The unfinished epoch has no row in the history; a checkpoint holds where
      it was, and a resumed run finishes it. (One that is killed goes on from its last checkpoint.)
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
    epochs = Whole().check("fit: epochs", epochs)
    accumulate = COUNT.check("fit: accumulate", accumulate)
    prefetch = Whole().check("fit: prefetch", prefetch)
    team = checked_team(parallel)
    if accumulate > 1 or team.size > 1:
        refuse_a_sum(criterion)
    generator, seed = team.source(*source_of(rng, "fit"))
    feed, held_out, targets, settings = feed_of(
        train, epochs, batch_size, sampler, last_batch, validation, validation_split, generator
    )
    feed.same = team.same
    penalties = of_the_model("regularizer", regularizer, "nn.L2(1e-4)")
    constraints = of_the_model("constraint", constraint, "nn.MaxNorm(3.0)")
    verbose = checked_verbose(progress if verbose is None else verbose)
    check_parameters(model, optimizer)
    chosen = chosen_metrics("fit", metrics, targets)
    clipping = clipping_of(clip)
    columns = ["loss", *(["penalty"] if penalties else []), *chosen]
    skips = optimizer.nonfinite == "skip"
    if skips:
        columns.append("skipped")
    if held_out is not None:
        columns += [f"val_{name}" for name in ("loss", *chosen)]
    users, recorders = sorted_callbacks(callbacks, checkpoint)
    settings = {**feed.settings, **settings}
    if accumulate > 1:
        settings["accumulate"] = accumulate
    run = Run(model, optimizer, generator, epochs, feed, columns, settings, users, seed)
    if held_out is not None:
        size = batch_size if isinstance(batch_size, int) else 0
        # Without a graph to keep, there is room for more.
        run.validate = _validation(run, criterion, held_out, max(size, 256), chosen)
    checkpoints = [c for c in recorders if isinstance(c, Checkpoint)]
    sources = [Checkpoint(resume)] if resume is not None else [c for c in checkpoints if c.found]
    users, after = (
        [c for c in part if team.calls(c)] for part in (users, [*recorders, *progress_of(verbose)])
    )
    everyone = [*users, *after]
    watching = [c for c in everyone if watches_batches(c)]
    with (
        mode(model),
        clipped(optimizer, clipping),
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
        alone = team.size > 1 or accumulate > 1 or any(c.every_batch for c in watching)
        alone = alone or skips  # what was skipped is told update by update
        update = Update(run, criterion, penalties, constraints, jit, not alone, team)
        while run.epoch < run.epochs:
            run.epoch += 1
            for callback in everyone:
                callback.on_epoch_begin(run)
            if run.stopped_by is not None:  # a run that had ended was resumed
                run.epoch -= 1
                break
            model.train()
            epoch = _Epoch(run, Tally(chosen, skips))
            with contextlib.closing(epoch.windows(accumulate, update.wanted, prefetch)) as windows:
                for window in windows:
                    epoch.take(update(window), update.skipped)
                    for callback in watching:
                        callback.on_batch_end(run)
                    if team.interrupted(interrupts):
                        run.stop("Ctrl-C", now=True)
                    if run.ends_now and team.size == 1:
                        break
            if run.ends_now and team.size == 1:  # several end together, at an epoch's end
                run.unfinished = epoch.unfinished()
                for each in checkpoints:
                    each.save(run)
                break
            run.batches = run.feed.batches  # a stream knows it now
            run.logs = team.means(epoch.tally)
            team.merge(run)
            if run.validate is not None:
                run.logs |= run.validate()
            run.logs["seconds"] = epoch.seconds
            run.logs = team.same(run.logs)
            try:
                for callback in users:
                    callback.on_epoch_end(run)
            finally:  # the epoch is complete, whatever a callback does
                run.history.append(run.logs)
            if team.interrupted(interrupts):
                run.stop("Ctrl-C")
            run.stopped_by = team.same(run.stopped_by)
            for callback in after:
                callback.on_epoch_end(run)
            if run.stopped_by is not None:
                break
        run.stop("epochs")
    return run.history


class _Epoch:
    """A pass over the training data: from its beginning, or from where a resumed run was in it."""

    def __init__(self, run: Run, tally: Tally) -> None:
        self._run, self.tally = run, tally
        self._started = time.perf_counter()
        found, run.unfinished = run.unfinished, None
        if found is None:
            began = run.rng.bit_generator.state
            found = Unfinished(0, began, run.feed.state_dict(), tally.state_dict(), 0.0)
            self._now = None
        else:
            self._now = run.rng.bit_generator.state
            run.rng.bit_generator.state = found.began
            if found.feed is not None:
                run.feed.load_state_dict(found.feed)
            tally.load_state_dict(found.tally)
        self._before = found

    def windows(
        self, accumulate: int, wanted: Callable[[], int], prefetch: int
    ) -> Generator[Window, None, None]:
        """What is left of it."""
        run = self._run
        windows = run.feed.epoch(run.rng, self._before.batches, accumulate, wanted)
        if self._now is not None:
            run.rng.bit_generator.state = self._now
        run.batch, run.batches = self._before.batches, run.feed.batches
        return ahead_of(windows, prefetch) if prefetch else windows

    def take(self, made: Made, skipped: bool) -> None:
        """Note what was seen on the way to updates; of one that was skipped, that it was."""
        if skipped:
            self.tally.skip()
        else:
            made.tell(self.tally)
        self._run.batch += made.batches
        self._run.logs = {"loss": made.loss, **made.values[-1]}

    @property
    def seconds(self) -> float:
        """For how long it has been running."""
        return self._before.seconds + time.perf_counter() - self._started

    def unfinished(self) -> Unfinished:
        """Where it is, for a run that goes on from there."""
        return self._before._replace(
            batches=self._run.batch, tally=self.tally.state_dict(), seconds=self.seconds
        )


def _validation(
    run: Run, criterion: Criterion, held_out: Any, size: int, metrics: Mapping[str, Metric]
) -> Callable[[], dict[str, float]]:
    def validate() -> dict[str, float]:
        try:
            means = evaluate(run.model, criterion, held_out, batch_size=size, metrics=metrics)
        except AnomalyError as error:
            where = f"on the validation data of epoch {run.epoch}"
            raise AnomalyError("fit", f"{where}: {error}") from None
        return {f"val_{name}": value for name, value in means.items()}

    return validate


@contextlib.contextmanager
def _ending(run: Run) -> Iterator[list[Callback]]:
    """Call `on_fit_end` of the callbacks that began, however the block ends; Ctrl-C is an end too."""
    begun: list[Callback] = []
    failure: BaseException | None = None
    try:
        yield begun
    except KeyboardInterrupt:
        run.stopped_by = "Ctrl-C"
    except AnomalyError as error:
        if [c for c in begun if c.on_anomaly(run, error)]:
            run.stop(type(error).__name__)
        else:
            run.stopped_by, failure = type(error).__name__, error
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
