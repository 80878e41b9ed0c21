"""Stands for a plugin that the suite imports and does not use here."""
