"""The NumPy backend: a captured step as a straight line of calls."""

from . import contractions, elementwise, reductions, views  # register their rules
from .runner import NumPyRunner as NumPyRunner, prepare as prepare

__all__ = ["NumPyRunner", "prepare"]
