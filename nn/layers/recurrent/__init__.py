"""Recurrent layers: one step (a cell) and whole sequences, a kind a file."""

# The rest is made by `make docs`, of the `__all__` of each file.
from .gru import GRU, GRUCell
from .lstm import LSTM, LSTMCell
from .rnn import RNN, RNNCell
from .zoneout import Zoneout

__all__ = ["GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNCell", "Zoneout"]


def __dir__() -> list[str]:
    """The public names, for completion."""
    return list(__all__)
