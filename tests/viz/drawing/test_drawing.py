import json
import os
import shutil
import stat
import subprocess
import sys

import pytest

from autograd_core.errors import ConfigError, MissingDependencyError
from viz.drawing import renderers
from viz.drawing.drawing import Drawing
from viz.drawing.picture import Cluster, Edge, Node, Picture

PICTURE = Picture(
    "a picture",
    (Node("input", "x", ("(2,)",)), Node("operation", "×", ("(2,)",), 0, (("scope", "0:Mul"),))),
    (Edge(0, 1, 0), Edge(0, 1, 1)),
    (Cluster("0 · Mul"),),
)
needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")


@pytest.fixture
def no_dot(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))


@pytest.fixture
def bad_dot(monkeypatch, tmp_path):
    """A dot that says its version and then hangs."""
    program = tmp_path / "dot"
    sleep = shutil.which("sleep")
    program.write_text(
        f'#!/bin/sh\nif [ "$1" = "-V" ]; then echo "graphviz version 1.2" >&2; exit 0; fi\n{sleep} 60\n'
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path))
    renderers._known_dot.cache_clear()


@needs_dot
def test_dot_draws_where_it_is_present():
    drawing = Drawing(PICTURE)
    assert drawing.engine.startswith("dot ")
    assert f"Drawn by {drawing.engine}." in drawing.to_svg()
    assert f"<!-- gradproof: drawn by {drawing.engine} -->" in drawing.to_svg()
    assert renderers.svg_is_sound(drawing.to_svg())


def test_without_dot_our_layout_draws(no_dot):
    drawing = Drawing(PICTURE)
    assert drawing.engine == "gradproof layered layout"
    assert "Drawn by gradproof layered layout." in drawing.to_svg()


def test_a_hanging_dot_is_replaced_and_the_picture_says_so(bad_dot):
    drawing = Drawing(PICTURE, timeout=0.3)
    assert drawing.engine == "gradproof layered layout (dot gave no answer within 0.3 s)"
    assert "no answer within 0.3 s" in drawing.to_svg()


def test_asking_for_dot_without_one_says_so(no_dot):
    assert "no working dot was found" in Drawing(PICTURE, engine="dot").engine


def test_asking_for_our_layout_never_runs_dot(bad_dot):
    assert Drawing(PICTURE, engine="layered").engine == "gradproof layered layout"


@needs_dot
def test_large_graphs_are_not_given_to_dot(picture):
    count = 400
    edges = [(k, k + 1) for k in range(count - 1)] + [(k, count - 1) for k in range(0, count, 20)]
    drawing = Drawing(picture(count, edges))
    assert drawing.engine == "gradproof layered layout (the graph is large for dot)"


def test_the_source_is_dot_and_names_no_engine():
    assert Drawing(PICTURE).source.startswith("// a picture: drawn by gradproof")
    assert "Drawn by" not in Drawing(PICTURE).source


@pytest.mark.parametrize("form", ["svg", "dot", "json", "html"])
def test_text_files_need_nothing(no_dot, tmp_path, form, monkeypatch):
    for module in ("matplotlib", "resvg_py", "graphviz", "networkx"):
        monkeypatch.setitem(sys.modules, module, None)
    path = Drawing(PICTURE).save(tmp_path / f"graph.{form.upper()}")
    assert path.read_text().strip()
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize(("form", "head"), [("png", b"\x89PNG"), ("pdf", b"%PDF-")])
def test_pictures_are_made_with_and_without_dot(tmp_path, form, head, monkeypatch):
    pytest.importorskip("matplotlib")
    assert Drawing(PICTURE).save(tmp_path / f"a.{form}").read_bytes().startswith(head)
    monkeypatch.setenv("PATH", "")
    assert Drawing(PICTURE).save(tmp_path / f"b.{form}").read_bytes().startswith(head)


def test_png_goes_through_matplotlib_where_resvg_is_missing(no_dot, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    assert Drawing(PICTURE).save(tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_png_with_no_renderer_names_the_remedies(no_dot, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingDependencyError, match=r"gradproof\[png\]"):
        Drawing(PICTURE).save(tmp_path / "a.png")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["graph", "graph.jpg", "graph.svg.gz", ".svg"])
def test_other_endings_are_refused_with_the_list(tmp_path, name):
    with pytest.raises(ConfigError, match=r"\.svg, \.dot, \.png, \.pdf, \.json, \.html"):
        Drawing(PICTURE).save(tmp_path / name)


def test_a_failed_write_leaves_the_old_file(no_dot, tmp_path, monkeypatch):
    path = tmp_path / "graph.svg"
    path.write_text("old")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space"):
        Drawing(PICTURE).save(path)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["graph.svg"]


def test_html_is_one_page_that_fetches_and_runs_nothing(no_dot):
    page = Drawing(PICTURE).to_html()
    assert "default-src 'none'" in page
    assert "<script" not in page
    assert page.count("http") == page.count("http://www.w3.org/2000/svg") + page.count("http-equiv")
    assert "<svg" in page


def test_json_holds_nodes_edges_and_places():
    content = json.loads(Drawing(PICTURE).to_json())
    assert [node["title"] for node in content["nodes"]] == ["x", "×"]
    assert [(e["source"], e["target"], e["operand"]) for e in content["edges"]] == [
        ("n0", "n1", 0),
        ("n0", "n1", 1),
    ]
    assert content["nodes"][1]["cluster"] == 0
    assert content["nodes"][0]["place"][1] < content["nodes"][1]["place"][1]


def test_networkx_keeps_operands_apart():
    graph = Drawing(PICTURE).to_networkx()
    assert graph.number_of_edges("n0", "n1") == 2
    assert graph.nodes["n1"]["clusters"] == ("0 · Mul",)
    assert graph.nodes["n1"]["details"] == {"scope": "0:Mul"}


def test_the_graphviz_package_gets_the_same_text():
    graphviz = pytest.importorskip("graphviz")
    drawing = Drawing(PICTURE)
    source = drawing.to_graphviz()
    assert isinstance(source, graphviz.Source)
    assert source.source == drawing.source


def test_notebooks_show_the_picture():
    drawing = Drawing(PICTURE, engine="layered")
    bundle = drawing._repr_mimebundle_()
    assert bundle == {"image/svg+xml": drawing.to_svg(), "text/plain": repr(drawing)}
    assert list(drawing._repr_mimebundle_(include={"text/plain"})) == ["text/plain"]
    assert list(drawing._repr_mimebundle_(exclude={"text/plain"})) == ["image/svg+xml"]
    assert repr(drawing) == "<Drawing of a picture: 2 nodes, 2 edges>"


@pytest.mark.parametrize(
    ("options", "message"),
    [({"engine": "neato"}, "engine: expected one of"), ({"timeout": 0}, "timeout in seconds")],
)
def test_options_are_checked(options, message):
    with pytest.raises(ConfigError, match=message):
        Drawing(PICTURE, **options)


def test_importing_viz_loads_no_drawing_library():
    code = (
        "import sys, viz; "
        "print(sorted({'matplotlib', 'graphviz', 'networkx', 'resvg_py', 'PIL', 'sympy'} "
        "& set(sys.modules)))"
    )
    child = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert child.stdout.strip() == "[]"
