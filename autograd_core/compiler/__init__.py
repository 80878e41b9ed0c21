"""Captured steps, and the code that they become."""

from .known import static as static
from .steps import Step as Step, jit as jit
