"""Deprecated there."""

from .internal import placeholder

quick_grad_check = placeholder("quick_grad_check")
