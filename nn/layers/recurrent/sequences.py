"""What all recurrent layers share: their parameters, and how a sequence is run through."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

import autograd_core as ag
from autograd_core.aliases import ArrayLike, RandomSource
from autograd_core.errors import ConfigError, ShapeError
from autograd_core.options import COUNT, FLOATS, PROBABILITY, SWITCH
from autograd_core.randomness import source_of

from ... import initializers
from ...contract import Example
from ...functional.recurrent import driven, recurrence
from ...initializers.initializer import Initializer, parameter_from
from ...inputs import as_features, as_numbers, as_whole
from ...module import Module
from ..noise.dropout import Dropout

__all__: list[str] = []

ORTHOGONAL = initializers.orthogonal()


class Recurrent(Module):
    """Parameters of one cell after the other, and their steps; what a kind of cell adds is at the top.

    Attributes
    ----------
    gates : int
        Blocks of rows of a weight.
    states : tuple of str
        Names of the parts of a state.
    """

    gates: ClassVar[int]
    states: ClassVar[tuple[str, ...]] = ("h",)

    def _step(self, state: Any, z: Any, weight: Any, bias: Any) -> Any:
        """The next state; ``z`` is what the input gives."""
        raise NotImplementedError

    # Whether the bias of the state is no part of the sum that is the same for all steps.
    apart: ClassVar[bool] = False

    def _set_up(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool,
        rng: RandomSource,
        dtype: npt.DTypeLike,
        weight_init: Initializer,
        recurrent_init: Initializer,
        bias_init: Initializer,
    ) -> tuple[Callable[[str, int], None], np.random.Generator]:
        """Check the options that all have; give what makes the parameters of one cell."""
        name = type(self).__name__
        self.input_size = COUNT.check(f"{name}: input_size", input_size)
        self.hidden_size = size = COUNT.check(f"{name}: hidden_size", hidden_size)
        self.bias = SWITCH.check(f"{name}: bias", bias)
        self.dtype = FLOATS.check(f"{name}: dtype", dtype)
        source = source_of(rng, name)
        self.seed = source.seed

        def stacked(init: Initializer, option: str, *shape: int) -> ag.Tensor:
            # Each gate's block is drawn by itself, so that fans are those of a gate.
            parts = [
                parameter_from(init, f"{name}: {option}", shape, source.generator, self.dtype)
                for _ in range(self.gates)
            ]
            return ag.tensor(
                np.concatenate([p.detach().numpy().T for p in parts]), requires_grad=True
            )

        def make(ending: str, inputs: int) -> None:
            setattr(self, f"weight_ih{ending}", stacked(weight_init, "weight_init", inputs, size))
            setattr(
                self, f"weight_hh{ending}", stacked(recurrent_init, "recurrent_init", size, size)
            )
            for which in ("bias_ih", "bias_hh"):
                made = stacked(bias_init, "bias_init", size) if self.bias else None
                setattr(self, which + ending, made)

        return make, source.generator

    def _parameters_of(self, ending: str) -> tuple[Any, ...]:
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        return tuple(getattr(self, name + ending) for name in names)

    def _cell(self, x: Any, ending: str) -> tuple[Any, Any]:
        """What the inputs give, of one moment or of all; and the step that takes it."""
        weight_ih, weight_hh, bias_ih, bias_hh = self._parameters_of(ending)
        # All moments of all sequences as rows of one matrix: one product there, and one back.
        rows = x if x.ndim < 3 else ag.reshape(x, (x.shape[0] * x.shape[1], x.shape[2]))
        z = driven(rows, weight_ih, bias_ih, None if self.apart else bias_hh)
        z = z if x.ndim < 3 else ag.reshape(z, (*x.shape[:2], z.shape[-1]))
        weight = ag.matrix_transpose(weight_hh)
        return z, lambda state, moment: self._step(state, moment, weight, bias_hh)

    def _state(self, state: Any, shape: tuple[Any, ...], written: str) -> tuple[Any, ...]:
        """The parts of a first state, zeros if there is none.

        Raises
        ------
        ShapeError
            If there are more or fewer parts, or one has another shape.
        """
        if state is None:
            zero = ag.zeros(shape, self.dtype)
            return (zero,) * len(self.states)
        parts = state if len(self.states) > 1 else (state,)
        if not isinstance(parts, (tuple, list)) or len(parts) != len(self.states):
            raise ShapeError(
                self._titled(),
                f"the state is no pair. Expected ({', '.join(self.states)}), each of shape {written}; "
                f"received {type(state).__name__}.",
            )
        found = []
        for name, part in zip(self.states, parts, strict=True):
            part = as_features(part, self.hidden_size, self.dtype, f"{self._titled()}: {name}")
            if part.shape != shape:
                raise ShapeError(
                    self._titled(),
                    f"the state {name} does not fit the input. Expected shape {written} = {shape}; "
                    f"received {part.shape}.",
                )
            found.append(part)
        return tuple(found)

    def _given(self, parts: tuple[Any, ...]) -> Any:
        """A state as it is handed over: a tuple only where it has several parts."""
        return parts if len(self.states) > 1 else parts[0]

    def _titled(self) -> str:
        """For messages: without its children."""
        return f"{type(self).__name__}({self.extra_repr()})"

    def _options(self) -> list[str]:
        """What else is not the default, for the repr."""
        return []

    def _described(self) -> list[str]:
        options = [str(self.input_size), str(self.hidden_size)]
        options += [] if self.bias else ["bias=False"]
        return options + self._options()

    def _written(self, options: list[str]) -> str:
        options += [] if self.dtype == np.float32 else [f"dtype={self.dtype}"]
        options += [] if self.seed is None else [f"rng={self.seed}"]
        return ", ".join(options)


class Cell(Recurrent):
    """One step."""

    weight_ih: ag.Tensor
    weight_hh: ag.Tensor
    bias_ih: ag.Tensor | None
    bias_hh: ag.Tensor | None

    def forward(self, x: ArrayLike, state: Any = None, zoneout: Any = None) -> Any:
        """Take one step.

        Parameters
        ----------
        x : array_like, shape (batch, input_size) or (input_size,)
        state : array_like, shape (batch, hidden_size), or a tuple of them; optional
            Default: zeros.
        zoneout : nn.Zoneout, optional
            What it says is kept of the state; it passes itself.

        Returns
        -------
        Tensor or tuple of Tensor, as ``state``
            The next state.
        """
        x = as_features(x, self.input_size, self.dtype, self._titled())
        if x.ndim > 2:
            raise ShapeError(
                self._titled(),
                f"expected one moment, of shape (batch, {self.input_size}); received {x.shape}. "
                "For sequences there are nn.RNN, nn.GRU and nn.LSTM.",
            )
        shape = (*x.shape[:-1], self.hidden_size)
        first = self._given(self._state(state, shape, "(batch, hidden_size)"))
        z, step = self._cell(x, "")
        if zoneout is not None:
            step, z = zoneout.around(step, z, first, ())
        return step(first, z)

    def extra_repr(self) -> str:
        """Give the sizes, and what is not the default."""
        return self._written(self._described())


class Layer(Recurrent):
    """Whole sequences, in one or both directions, in one or several layers."""

    def _build(
        self,
        num_layers: int,
        batch_first: bool,
        dropout: float,
        bidirectional: bool,
        make: Callable[[str, int], None],
        rng: np.random.Generator,
    ) -> None:
        """The cells, one for each layer and direction, and the dropout between layers."""
        name = type(self).__name__
        self.num_layers = COUNT.check(f"{name}: num_layers", num_layers)
        self.batch_first = SWITCH.check(f"{name}: batch_first", batch_first)
        self.bidirectional = SWITCH.check(f"{name}: bidirectional", bidirectional)
        rate = PROBABILITY.check(f"{name}: dropout", dropout)
        if rate and self.num_layers == 1:
            raise ConfigError(
                f"{name}: dropout",
                "it stands between layers, and there is one. Expected num_layers from 2, or dropout=0; "
                f"received dropout={rate:g}. Put nn.Dropout behind the layer.",
            )
        self._endings = ("", "_reverse") if self.bidirectional else ("",)
        for k in range(self.num_layers):
            width = self.hidden_size * len(self._endings) if k else self.input_size
            for ending in self._endings:
                make(f"_l{k}{ending}", width)
        self.dropout = Dropout(rate, rng=rng) if rate else None

    def forward(
        self,
        x: ArrayLike,
        state: Any = None,
        lengths: ArrayLike | None = None,
        zoneout: Any = None,
    ) -> Any:
        """Run through sequences.

        Parameters
        ----------
        x : array_like, shape (time, batch, input_size)
            Or (batch, time, input_size) with ``batch_first``; or one sequence, (time, input_size).
        state : array_like, shape (layers, batch, hidden_size), or a tuple of them; optional
            The first state of each layer, and of each direction of it: the forward one first. Without
            the batch where the input has none. Default: zeros.
        lengths : array_like of int, shape (batch,), optional
            How long each sequence is, from 0 to time; what stands behind its end is not read. There
            the output is 0, and the state stays that of the last moment. The reverse direction begins
            at the end of each sequence.
        zoneout : nn.Zoneout, optional
            What it says is kept of a state at each step; it passes itself.

        Returns
        -------
        output : Tensor, shape (time, batch, directions · hidden_size)
            Of the last layer, at each moment; axes in the order of ``x``.
        state : as ``state``
            The last one of each layer and direction.

        Raises
        ------
        ShapeError
            If the input has no such shape, or state or lengths do not fit it.
        DTypeError, DataError
            If lengths are no integers, or out of range.
        """
        x = as_features(x, self.input_size, self.dtype, self._titled())
        if x.ndim not in (2, 3):
            order = "(batch, time, " if self.batch_first else "(time, batch, "
            raise ShapeError(
                self._titled(),
                f"the input is no sequence. Expected shape {order}{self.input_size}) or (time, "
                f"{self.input_size}); received {x.shape}.",
            )
        single = x.ndim == 2
        axis = 0 if self.batch_first and not single else 1
        x = ag.expand_dims(x, 1) if single else x
        x = ag.swapaxes(x, 0, 1) if axis == 0 else x
        time, batch = x.shape[:2]
        rows = self.num_layers * len(self._endings)
        first = self._first(state, rows, batch, single)
        present = self._present(lengths, time, batch)
        if present is not None:
            x = ag.where(
                ag.expand_dims(present, -1), x, 0
            )  # so that not even a nan behind the end is read
        lasts: list[tuple[Any, ...]] = []
        for k in range(self.num_layers):
            if k and self.dropout is not None:
                x = self.dropout(x)
            outputs = []
            for n, ending in enumerate(self._endings):
                row = k * len(self._endings) + n
                z, step = self._cell(x, f"_l{k}{ending}")
                start = self._given(tuple(part[row] for part in first))
                given: Any = z
                if zoneout is not None:
                    step, given = zoneout.around(step, z, start, (time,))
                y, last = recurrence(step, given, start, present, reverse=bool(n))
                outputs.append(y)
                lasts.append(last if isinstance(last, tuple) else (last,))
            x = ag.concatenate(outputs, axis=-1) if len(outputs) > 1 else outputs[0]
        final = tuple(ag.stack(parts) for parts in zip(*lasts, strict=True))
        if single:
            return x[:, 0], self._given(tuple(part[:, 0] for part in final))
        return (ag.swapaxes(x, 0, 1) if axis == 0 else x), self._given(final)

    def _first(self, state: Any, rows: int, batch: Any, single: bool) -> tuple[Any, ...]:
        if single and state is not None:
            parts = self._state(state, (rows, self.hidden_size), "(layers, hidden_size)")
            return tuple(ag.expand_dims(part, 1) for part in parts)
        return self._state(state, (rows, batch, self.hidden_size), "(layers, batch, hidden_size)")

    def _present(self, lengths: ArrayLike | None, time: Any, batch: Any) -> Any:
        """Where there is anything to be read: (time, batch)."""
        if lengths is None:
            return None
        name = f"{type(self).__name__}: lengths"
        lengths = as_numbers(lengths)
        if lengths.shape != (batch,):
            raise ShapeError(
                name,
                f"expected a length for each sequence, shape ({batch},); received {lengths.shape}.",
            )
        lengths = as_whole(
            lengths,
            time + 1,
            name,
            "a length",
            "No sequence is longer than the input's axis of time.",
        )
        return ag.less(ag.expand_dims(ag.arange(time), 1), lengths)

    def extra_repr(self) -> str:
        """Give the sizes, and what is not the default."""
        options = self._described()
        options += [f"num_layers={self.num_layers}"] if self.num_layers > 1 else []
        options += ["batch_first=True"] if self.batch_first else []
        options += ["bidirectional=True"] if self.bidirectional else []
        return self._written(options)


def example_of_layer(kind: type[Layer], own: Mapping[str, Any], undecided: bool = False) -> Example:
    """How a layer of this kind is made and called; ``own`` are options that it alone has."""
    first: Any = [(1, 3, 2)] * len(kind.states)
    return Example(
        kind,
        (3, 2),
        calls=[
            [(2, 3, 3)],
            [(2, 3, 3), first if len(kind.states) > 1 else first[0], np.array([2, 0, 1])],
        ],
        variants=[
            ({**own, "bias": False, "batch_first": True, "bidirectional": True}, [(3, 2, 3)]),
            {"num_layers": 2, "dropout": 0.5},
            {
                "weight_init": initializers.he_normal,
                "recurrent_init": initializers.he_uniform,
                "bias_init": initializers.ones,
            },
        ],
        batch=lambda options: 0 if options.get("batch_first") else 1,
        undecided=lambda options: (
            _LONG if undecided or {"num_layers", "bidirectional"} & options.keys() else ""
        ),
    )


_LONG = (
    "written out, its steps are too long for the normal forms of sums over axes; its cell is proved"
)
