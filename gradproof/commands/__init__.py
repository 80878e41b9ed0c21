"""The commands of ``gradproof``: each module here is one, found by its being here.

A module ``name.py`` has a docstring, which is what ``gradproof name --help`` says, and a function
``run``, whose annotated parameters are the options; or ``app``, where it has commands of its own.
"""
