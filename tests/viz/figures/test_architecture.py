"""The map of the house: what is read from source, what is drawn of it; and that this house has no circle."""

import pytest

from viz.figures import architecture, draw_architecture, read_house
from viz.figures.architecture import House, Room


def house(tmp_path, files):
    """A house of the packages and files that are given, with their source."""
    for name, source in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    return read_house({name: tmp_path / name for name in sorted({f.split("/")[0] for f in files})})


def arrows(found):
    name = [
        f"{r.package}.{r.kind}" if r.kind != "room" else f"{r.package}.{r.name}"
        for r in found.rooms
    ]
    return {(name[a], name[b]): count for (a, b), count in found.imports.items()}


def test_imports_are_found_wherever_and_however_they_are_written(tmp_path):
    found = house(tmp_path, {
        "nn/__init__.py": "from .layers import *\n",
        "nn/module.py": "import os, numpy as np\n",
        "nn/layers/__init__.py": "from . import linear\n",
        "nn/layers/linear.py": "from .. import module\nfrom ..module import Module, Other\n",
        "optim/__init__.py": "from . import sgd\n",
        "optim/sgd.py": (
            "def f():\n"
            "    import nn.layers.linear as l, nn\n"
            "    for a in l:\n        pass\n    else:\n        from nn import layers\n"
            "    match a:\n        case 1:\n            from nn.layers import linear\n"
            "    try:\n        import nnx\n    except ImportError:\n        import nn.module\n"
            "    finally:\n        import nn.module\n"
        ),
    })  # fmt: skip
    assert arrows(found) == {
        ("nn.face", "nn.layers/"): 1,
        ("nn.layers/", "nn.files"): 3,
        ("optim.face", "optim.files"): 1,
        ("optim.files", "nn.layers/"): 3,
        ("optim.files", "nn.files"): 2,
        ("optim.files", "nn.face"): 1,
    }
    assert [(r.files, r.lines) for r in found.rooms if r.kind == "room"] == [
        (("layers/linear.py", "layers/__init__.py"), 3)
    ]


def test_files_stand_together_by_the_folders_that_they_need(tmp_path):
    found = house(tmp_path, {
        "nn/__init__.py": "",
        "nn/ground.py": "",
        "nn/ops/add.py": "from .. import ground\n",
        "nn/program.py": "from . import ops\nfrom .ops import add\n",
        "nn/traced.py": "from . import program\n",
        "nn/found.py": "import nn\n",
    })  # fmt: skip
    groups = {r.files for r in found.rooms if r.kind == "files"}
    assert groups == {("ground.py",), ("program.py", "traced.py"), ("found.py",)}


ROOMS = tuple(Room("nn", f"{letter}/", "room", (f"{letter}/x.py",), 10) for letter in "abcd")


def test_an_arrow_that_follows_from_others_is_left_out():
    drawing = draw_architecture(House(ROOMS, {(0, 1): 2, (1, 2): 1, (0, 2): 5}))
    assert {(e.source, e.target) for e in drawing.picture.edges} == {(0, 1), (1, 2)}
    assert drawing.picture.edges[0].hover == "a/ → b/: 2 imports"
    assert "1 that follow from others are left out" in drawing.picture.notes[0]
    assert "a/ → b/: 2 imports" in drawing.to_svg()


def test_a_circle_is_drawn_whole_and_shown():
    imports = dict.fromkeys([(0, 1), (1, 2), (2, 0), (2, 1), (2, 3)], 1)
    drawing = draw_architecture(House(ROOMS, imports))
    edges = {(e.source, e.target): e.backward for e in drawing.picture.edges}
    assert edges == {(0, 1): True, (1, 2): True, (2, 0): True, (2, 1): True, (2, 3): False}
    assert "Arrows in a circle: 4." in drawing.picture.notes[0]
    assert not architecture.holds(drawing)


def test_this_house_has_no_circle_and_no_arrow_that_leads_up():
    found = read_house()
    _, circular = architecture._essential(found)
    named = [f"{room.package}/{room.name}" for room in found.rooms]
    assert [f"{named[a]} imports {named[b]}" for a, b in sorted(circular)] == []
    floor = {name: k for k, names in enumerate(architecture.FLOORS) for name in names}
    up = [
        f"{named[a]} imports {named[b]}"
        for a, b in found.imports
        if found.rooms[a].package != found.rooms[b].package
        if floor[found.rooms[a].package] <= floor[found.rooms[b].package]
    ]
    assert up == []


def test_a_package_that_is_missing_is_named(monkeypatch):
    from autograd_core.errors import ConfigError

    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(
        ConfigError, match="architecture: the package 'autograd_core' is not installed"
    ):
        read_house()
