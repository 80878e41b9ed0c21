"""Captured steps, and the code that they become."""

from .steps import Step as Step, jit as jit
