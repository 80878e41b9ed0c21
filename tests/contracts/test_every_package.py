"""What a person sees of each package: completion lists what is public, and all of it is there."""

from __future__ import annotations

import importlib
import pydoc
import re
import subprocess
import sys

import pytest

PACKAGES = [
    "analysis", "gradproof", "nn", "nn.data", "nn.functional", "nn.initializers", "optim", "optim.training", "viz",
]  # fmt: skip


@pytest.mark.parametrize("name", PACKAGES)
def test_dir_is_what_is_public(name):
    package = importlib.import_module(name)
    assert dir(package) == sorted(package.__all__)
    for public in package.__all__:
        assert getattr(package, public) is not None
        assert public == "__version__" or not public.startswith("_")


@pytest.mark.parametrize("name", PACKAGES)
def test_what_is_offered_can_be_starred_and_documented(name):
    code = (
        f"from {name} import *; import {name} as p, pydoc; pydoc.render_doc(p); print(len(dir(p)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) >= 1


@pytest.mark.parametrize("name", PACKAGES)
def test_another_name_is_an_attribute_error(name):
    with pytest.raises(AttributeError):
        importlib.import_module(name).no_such_name  # noqa: B018


@pytest.mark.parametrize("name", ["nn", "optim"])
def test_what_others_call_otherwise_is_told(name):
    package = importlib.import_module(name)
    for typed, written in package._ELSEWHERE.items():
        assert typed not in package.__all__, "it is here now: strike it from the table"
        with pytest.raises(
            AttributeError, match=rf"{name}\.{typed}: there is no such name here\. Use "
        ):
            getattr(package, typed)
        # What is advised exists.
        for root, path in re.findall(r"\b(nn|optim)\.((?:\w+\.)*\w+)", written):
            assert pydoc.locate(f"{root}.{path}") is not None
