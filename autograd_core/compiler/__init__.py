"""Captured steps, and the code that they become."""
