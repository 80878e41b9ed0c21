"""What folders export and READMEs list is up to date; and a file that is dropped in is found."""

import importlib.util
import subprocess
import sys

import docs
import pytest

README = (
    "# page\n\n<!-- table: box/things -->\n| thing | what |\n| --- | --- |\n<!-- end -->\nend\n"
)


@pytest.fixture
def house(tmp_path):
    """A folder with one file, its page, and what makes both."""

    def write(path, text):
        path = tmp_path / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def renew():
        found = docs.due(tmp_path, {"box/things": "box/README.md"})
        for path, text in found.items():
            path.write_text(text)
        return sorted(path.relative_to(tmp_path).as_posix() for path in found)

    write("box/__init__.py", "from .things import *\nfrom .things import __all__\n")
    write("box/things/__init__.py", '"""Things."""\n')
    write("box/things/one.py", '__all__ = ["One"]\n\n\nclass One:\n    """The first | of all."""\n')
    write("box/README.md", README)
    return write, renew, tmp_path


def test_nothing_in_this_repository_is_out_of_date():
    late = [str(path.relative_to(docs.ROOT)) for path in docs.due()]
    assert not late, f"{', '.join(late)}: out of date. Run make docs."


def test_a_file_that_is_dropped_in_is_exported_and_listed(house):
    write, renew, root = house
    renew()
    assert renew() == []
    write(
        "box/things/two.py", '__all__ = ["LONG", "two"]\nLONG = 1\n\n\ndef two():\n    """2."""\n'
    )
    write("box/things/_private.py", '__all__ = ["hidden"]\nhidden = 1\n')
    write("box/things/helper.py", "helps = 1\n")
    assert renew() == ["box/README.md", "box/things/__init__.py"]
    assert (root / "box/things/__init__.py").read_text() == (
        f'"""Things."""\n\n{docs.MARK}\nfrom .one import One\nfrom .two import LONG, two\n\n'
        '__all__ = ["LONG", "One", "two"]\n\n\n'
        'def __dir__() -> list[str]:\n    """The public names, for completion."""\n'
        "    return list(__all__)\n"
    )
    page = (root / "box/README.md").read_text().splitlines()
    assert page[2:8] == [
        "<!-- table: box/things -->",
        "| thing | what |",
        "| --- | --- |",
        r"| [`One`](things/one.py) | The first \| of all. |",
        "| [`two`](things/two.py) | 2. |",
        "<!-- end -->",
    ]
    script = "import box; print(dir(box.things), box.two.__module__)"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout == "['LONG', 'One', 'two'] box.things.two\n"


def test_a_file_that_is_gone_is_forgotten(house):
    write, renew, root = house
    before = renew()
    write("box/things/two.py", '__all__ = ["two"]\n\n\ndef two():\n    """2."""\n')
    assert renew()
    (root / "box/things/two.py").unlink()
    assert renew() == before
    (root / "box/things/one.py").unlink()
    renew()
    assert (root / "box/things/__init__.py").read_text().count("__all__: list[str] = []\n")


def test_a_folder_within_is_exported_and_listed_with_it(house):
    write, renew, root = house
    write("box/things/more/__init__.py", '"""More."""\n')
    write("box/things/more/three.py", '__all__ = ["Three"]\n\n\nclass Three:\n    """3."""\n')
    renew()
    assert "from .more import Three\n" in (root / "box/things/__init__.py").read_text()
    assert "from .three import Three\n" in (root / "box/things/more/__init__.py").read_text()
    assert "| [`Three`](things/more/three.py) | 3. |" in (root / "box/README.md").read_text()


def test_what_is_registered_is_listed_and_its_helpers_are_exported_alone(house, monkeypatch):
    write, renew, root = house
    monkeypatch.setattr(docs, "REGISTERED", {"box/things": "thing"})
    write(
        "box/things/one.py",
        '__all__ = ["Help", "a", "b"]\n\n\nclass Help:\n    """Helps."""\n\n\n'
        '@other\n@thing("a", 1)\ndef a():\n    """One."""\n\n\n@other("thing")\ndef b():\n    """2."""\n',
    )
    renew()
    assert "from .one import Help, a, b\n" in (root / "box/things/__init__.py").read_text()
    rows = [r for r in (root / "box/README.md").read_text().splitlines() if r.startswith("| [")]
    assert rows == ["| [`a`](things/one.py) | One. |"]


@pytest.mark.parametrize(
    ("path", "text", "message"),
    [
        ("box/things/__init__.py", "x = 1\n", "expected a docstring"),
        ("box/things/two.py", '__all__ = ["One"]\n', "One is exported by one in"),
        ("box/things/two.py", "__all__ = [*names]\n", "a list of strings, written out"),
        ("box/README.md", "# nothing\n", "expected a table of box/things"),
    ],
)
def test_what_cannot_be_listed_is_said(house, path, text, message):
    write, renew, _ = house
    write(path, text)
    with pytest.raises(docs.DocsError, match=message):
        renew()


@pytest.mark.skipif(importlib.util.find_spec("ruff") is None, reason="ruff is not installed")
def test_what_is_made_is_as_ruff_would_have_it(house):
    write, renew, root = house
    names = ["L1", "L2", "ElasticNet", "B10", "B9", "zeros", "aaa", "CONSTANT", "Conv2d", "Conv10d"]
    names += ["SiLU", "Sigmoid", "LeakyReLU", "SELU"]  # imports and __all__ differ in these
    names += [f"Quite{k}LongName" for k in range(8)]
    write("box/things/many.py", f"__all__ = {names}\n")
    write("box/things/zebra.py", f"__all__ = {[f'Zebra{k}' for k in range(4)]}\n")
    renew()
    made = root / "box/things/__init__.py"
    for arguments in (["format", "--check"], ["check", "--select", "I,RUF022"]):
        config = ["--config", str(docs.ROOT / "pyproject.toml")]
        done = subprocess.run(
            [sys.executable, "-m", "ruff", arguments[0], *config, *arguments[1:], str(made)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
