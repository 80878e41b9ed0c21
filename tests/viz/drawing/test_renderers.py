import importlib.util
import os
import shutil
import stat
import sys
import time
from pathlib import Path

import pytest

from autograd_core.errors import MissingDependencyError
from viz.drawing import renderers
from viz.drawing.layout import lay_out
from viz.drawing.picture import Edge, Node, Picture
from viz.drawing.shapes import compose
from viz.drawing.svg import to_svg

PICTURE = Picture("p", (Node("input", "x ± 1"), Node("operation", "tanh")), (Edge(0, 1),))
ANSWER = 'if [ "$1" = "-V" ]; then echo "dot - graphviz version 9.9.9 (0)" >&2; exit 0; fi\n'


@pytest.fixture
def fake_dot(tmp_path, monkeypatch):
    """Put a shell script called dot on the PATH."""

    def make(script):
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        program = folder / "dot"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        # The scripts need sleep and cat, but no other dot may be found.
        tools = tmp_path / "tools"
        tools.mkdir(exist_ok=True)
        for tool in ("sleep", "cat", "yes", "head"):
            found = shutil.which(tool)
            if found and not (tools / tool).exists():
                (tools / tool).symlink_to(found)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{tools}")
        renderers._known_dot.cache_clear()
        return program

    yield make
    renderers._known_dot.cache_clear()


def render(form="svg", timeout=1.0):
    dot = renderers.find_dot()
    assert dot is not None
    return dot.render("digraph {}", form, timeout)


def test_no_dot_on_the_path_is_none(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert renderers.find_dot() is None


def test_the_version_is_asked_for(fake_dot):
    fake_dot(ANSWER)
    assert renderers.find_dot().name == "dot 9.9"


@pytest.mark.parametrize(
    "script", ["exit 1", "echo hello", "kill -SEGV $$", "exec /nowhere/at/all"]
)
def test_a_dot_that_does_not_say_its_version_is_none(fake_dot, script):
    fake_dot(script)
    assert renderers.find_dot() is None


def test_a_file_that_cannot_be_run_is_none(fake_dot):
    fake_dot("").write_bytes(b"\x00\x01 no program")
    assert renderers.find_dot() is None


def test_a_dot_that_hangs_on_its_version_is_given_up(fake_dot, monkeypatch):
    monkeypatch.setattr(renderers, "_ANSWER", 0.3)
    fake_dot("sleep 60")
    begun = time.monotonic()
    assert renderers.find_dot() is None
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("exit 3", "exit status 3"),
        ("kill -SEGV $$", "exit status -11"),
        ("sleep 60", "no answer within 1 s"),
        ("trap '' TERM INT; sleep 60", "no answer within 1 s"),
        ("echo garbage", "no sound SVG"),
        ("echo '<svg><script>alert(1)</script></svg>'", "no sound SVG"),
        ("echo '<svg><a href=\"http://x\"/></svg>'", "no sound SVG"),
        ("echo '<svg><g'", "no sound SVG"),
        ("printf '\\377\\376'", "no sound SVG"),
        ("exit 0", "no sound SVG"),
    ],
)
def test_whatever_dot_does_there_is_a_reason(fake_dot, script, reason):
    fake_dot(ANSWER + script)
    data, why = render()
    assert data is None
    assert reason in why


@pytest.mark.parametrize("form", ["png", "pdf"])
def test_dot_must_write_what_was_asked_for(fake_dot, form):
    fake_dot(ANSWER + "echo something else")
    data, why = render(form)
    assert data is None
    assert form.upper() in why


@pytest.mark.skipif(not os.path.isdir("/proc"), reason="looks at processes in /proc")
def test_no_process_is_left_behind(fake_dot, tmp_path):
    note = tmp_path / "pid"
    fake_dot(ANSWER + f"sleep 300 & echo $! > {note}; wait")
    data, why = render(timeout=0.5)
    assert data is None
    assert "no answer" in why
    pid = note.read_text().strip()
    for _ in range(50):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except FileNotFoundError:
            return
        if state == "Z":
            return
        time.sleep(0.1)
    pytest.fail("the child of dot is still running")


def test_a_grandchild_that_keeps_the_output_open_does_not_keep_us(fake_dot):
    fake_dot(ANSWER + "sleep 30 &\necho '<svg></svg>'")
    begun = time.monotonic()
    data, _ = render(timeout=10)
    assert data == b"<svg></svg>\n"
    assert time.monotonic() - begun < 5


def test_dot_gets_the_text_and_gives_svg_without_document_type(fake_dot):
    fake_dot(
        ANSWER + 'echo \'<?xml version="1.0"?><!DOCTYPE svg PUBLIC "x" "http://x">'
        "<!-- made --><svg><g id=\"a\"><title>'; cat; echo '</title></g></svg>'"
    )
    data, why = render()
    assert not why
    assert data == b"<svg><g><title>\ndigraph {}</title></g></svg>\n"


@pytest.mark.parametrize(
    "text",
    [
        "<svg><script/></svg>",
        "<svg onload='x()'/>",
        "<svg><foreignObject/></svg>",
        "<svg><image href='http://x'/></svg>",
        "<svg><style>@import 'http://x'</style></svg>",
        "<svg><rect fill='url(http://x)'/></svg>",
        "<svg><a href='javascript:x'/></svg>",
        "<!DOCTYPE svg [<!ENTITY a 'b'>]><svg/>",
        "<?xml-stylesheet href='x'?><svg/>",
        "<html/>",
        "<svg>",
        "",
    ],
)
def test_svg_with_more_than_shapes_is_not_sound(text):
    assert not renderers.svg_is_sound(text)


def test_plain_svg_is_sound():
    assert renderers.svg_is_sound('<svg><g><path d="M0 0"/><text>a &lt; b</text></g></svg>')


def test_png_through_resvg_has_letters():
    pytest.importorskip("resvg_py")
    with_text = renderers.png_from_svg(to_svg(PICTURE, "test"))
    assert with_text.startswith(b"\x89PNG")
    bare = Picture("p", (Node("input", ""), Node("operation", "")), (Edge(0, 1),))
    assert len(with_text) > len(renderers.png_from_svg(to_svg(bare, "test")))


def test_png_without_resvg_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(MissingDependencyError, match=r"apt-get install graphviz.*gradproof\[png\]"):
        renderers.png_from_svg("<svg/>")


def test_png_without_any_font_is_refused_rather_than_without_text(monkeypatch):
    pytest.importorskip("resvg_py")
    monkeypatch.setattr(renderers, "_draws_text", lambda folders: False)
    with pytest.raises(MissingDependencyError, match=r"no font was found.*fonts-dejavu-core"):
        renderers.png_from_svg("<svg/>")


def test_fonts_of_matplotlib_serve_where_the_system_has_none():
    if importlib.util.find_spec("matplotlib") is None:
        pytest.skip("matplotlib is not installed")
    (folder,) = renderers._font_folders()
    assert any(name.startswith("DejaVuSans") for name in os.listdir(folder))


@pytest.mark.parametrize(("form", "head"), [("pdf", b"%PDF-"), ("png", b"\x89PNG")])
def test_matplotlib_draws_the_same_shapes(form, head):
    pytest.importorskip("matplotlib")
    sheet = compose(PICTURE, lay_out(PICTURE), "test")
    data = renderers.sheet_through_matplotlib(sheet, "$math^", form)
    assert data.startswith(head)
    assert data == renderers.sheet_through_matplotlib(sheet, "$math^", form)


def test_a_picture_beyond_all_measure_is_made_smaller(monkeypatch):
    """At twice its size it would have 32 thousand million pixels: the renderer ended the process."""
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(renderers, "_PIXELS", 100_000)
    made = "<svg {} xmlns='http://www.w3.org/2000/svg'><rect width='9' height='9'/></svg>"
    for width, height in ((4_000_000, 2_000), (100, 100)):
        svg = made.format(f'xmlns:a="b" width="{width}" height="{height}"')
        scale = renderers._within(width, height, 2.0)
        assert width * height * scale**2 <= renderers._PIXELS * (1 + 1e-9)
        assert renderers.png_from_svg(svg).startswith(b"\x89PNG")
    assert scale == 2.0


def test_pdf_without_matplotlib_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    sheet = compose(PICTURE, lay_out(PICTURE), "test")
    with pytest.raises(MissingDependencyError, match=r"a PDF needs a renderer.*gradproof\[plots\]"):
        renderers.sheet_through_matplotlib(sheet, "p", "pdf")
