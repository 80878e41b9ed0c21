"""Figures of numbers: one file each, a function that takes a result and draws it."""
