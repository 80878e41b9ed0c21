"""Captured steps, and the code that they become."""

from .decorator import jit as jit
from .known import static as static
from .steps import Step as Step
